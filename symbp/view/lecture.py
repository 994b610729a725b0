"""The networks of a first lecture on backpropagation, as a yardstick: what is usual of the ratio of costs."""

from __future__ import annotations

from functools import lru_cache

LECTURE = {
    "neuron 2-1": (2, 1),
    "XNOR 2-2-1": (2, 2, 1),
    "worked example 2-2-2": (2, 2, 2),
    "three layers 3-4-4-1": (3, 4, 4, 1),
}
"""Name -> layer sizes; all are of sigmoid units with the squared error."""


@lru_cache(maxsize=1)
def lecture_ratios() -> dict[str, float]:
    """Operations of the backward pass per operation of the forward pass, by network."""
    from symbp.compiler import mlp
    from symbp.pipeline import derive

    found = {}
    for name, sizes in LECTURE.items():
        cost = derive(mlp(sizes, activation="sigmoid", output="sigmoid")).cost
        assert cost.ratio is not None
        found[name] = cost.ratio
    return found
