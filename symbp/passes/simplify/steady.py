"""Steady: whether a program, as it is evaluated, is as accurate far out as another that means the same.

A stable form is found where a formula is whole: log(u) and exp(-x^2/2)/u with u = 1 + erf(x) have none. So a
program is not taken for the operations it saves alone, but evaluated beside the other where numbers overflow,
vanish and cancel.
"""

from __future__ import annotations

import numpy as np

from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Program, Tensor
from symbp.passes.inline import inline
from symbp.passes.prune import prune
from symbp.passes.simplify.stable import stable_forms
from symbp.passes.simplify.verify import APART, EXTREMES

CLOSE = 1e-6
"""Differences that count as rounding."""
NEAR = 0.01
"""What extremes are multiplied by for arguments of usual size."""


def as_steady(program: Program, other: Program, lossy: bool) -> bool:
    """Whether the outputs of a program are those of the other one wherever that answers with a number.

    Args:
        lossy: whether outputs may lose relative accuracy where they are small. Far out, they only have to be
            numbers then.
    """
    first, second = (stable_forms(prune(inline(p)), relative=not lossy) for p in (program, other))
    given = [t for t in program.tensors.values() if t.role in ("input", "parameter", "label")]
    for start in range(len(EXTREMES)):
        for size in (1.0, NEAR):
            values = _values(given, start, size)
            close = CLOSE if size < 1 or not lossy else np.inf
            with np.errstate(all="ignore"):
                got, right = evaluate(first, values), evaluate(second, values)
                if not all(_agree(got[name], right[name], close, lossy) for name in program.outputs):
                    return False
    return True


def _values(tensors: list[Tensor], start: int, size: float) -> dict[str, np.ndarray]:
    """Every entry takes every extreme, each in another order."""
    values: dict[str, np.ndarray] = {}
    for t in tensors:
        count = int(np.prod(t.shape, dtype=int))
        order = (start + APART * (np.arange(count) + len(values))) % len(EXTREMES)
        if t.role == "label":
            values[t.name] = (order % (t.bound or 1)).reshape(t.shape)
        else:
            values[t.name] = size * np.asarray(EXTREMES)[order].reshape(t.shape)
    return values


def _agree(got: np.ndarray, right: np.ndarray, close: float, lossy: bool) -> bool:
    numbers = np.isfinite(right)
    largest = np.max(np.abs(right[numbers]), initial=0.0) if lossy else 0.0
    off = np.abs(got - right) / (np.maximum(np.abs(right), largest) + np.finfo(float).tiny)
    return bool(np.all(~numbers | (np.isfinite(got) & (off <= close))))
