"""The derivatives of a bare expression against numerical differentiation; see `check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbp.errors import GradientError
from symbp.ir.evaluate import evaluate
from symbp.network import symbol_name
from symbp.runtime.check import passed
from symbp.runtime.gradient_report import GradientReport
from symbp.runtime.numerical import Problem

SAMPLES = 16
RANGES = ((0.1, 0.9), (1.1, 3.0), (-0.9, -0.1), (-3.0, -1.1), (3.0, 50.0))
"""Where random arguments are drawn from, until the function has values there."""


def check_function(function: Any, args: Sequence[Any] = (), what: str = "gradient") -> GradientReport:
    """Check the sum of all values over the samples, weighted by fixed random numbers.

    Args:
        what: the derivatives are called.

    Raises:
        GradientError: a comparison fails, or no sample has a finite value.
        DataError: the arguments are not what the function takes.
    """
    random = np.random.Generator(np.random.PCG64(0))
    slots = function._slots
    count = 1 if function._shape is None else int(np.prod(function._shape))
    arrays, left_out = _with_values(function, args, count, random)
    wrt = [[symbol_name(s) for s in function.arguments].index(symbol_name(w)) for w in function.wrt]
    samples = arrays[0].shape[0] if arrays else 1
    weights = np.ones((samples, 1)) if function._shape is None else random.uniform(0.5, 1.5, (samples, count))
    first, again = function.jacobian(*arrays), function.jacobian(*arrays)
    rows = np.einsum("nk,nkp->np", weights, first.reshape(samples, count, -1))
    sizes = [int(np.prod(slots[k].shape)) for k in wrt]

    def split(v: np.ndarray) -> list[np.ndarray]:
        changed: list[np.ndarray] = list(arrays)
        parts = np.split(v.reshape(samples, -1), np.cumsum(sizes)[:-1], axis=1)
        for k, part in zip(wrt, parts, strict=True):
            changed[k] = part.reshape(arrays[k].shape)
        return changed

    def value(v: np.ndarray) -> float:
        out = np.asarray(function(*(a.astype(function.dtype) for a in split(v))))
        return float(np.sum(weights * out.reshape(samples, count)))

    derivation = function._kernels["value"].derivation
    program, names = derivation.forward_program, derivation.network.defined

    def interpreted(v: np.ndarray) -> complex:
        changed, total = split(v), 0.0
        for n in range(samples):
            memory = {s.name: a[n] for s, a in zip(slots, changed, strict=True)}
            found = evaluate(program, memory, v.dtype)
            total = total + weights[n] @ np.concatenate([np.ravel(found[name]) for name in names])
        return complex(total)

    def entry(position: int) -> str:
        sample, inside = divmod(position, sum(sizes))
        k = int(np.searchsorted(np.cumsum(sizes), inside, side="right"))
        return f"{slots[wrt[k]].name} of sample {sample}"

    at = np.concatenate(
        [np.zeros((samples, 0)), *(arrays[k].reshape(samples, -1) for k in wrt)], axis=1
    ).ravel()
    problem = Problem(
        at.astype(float), rows.ravel().astype(float), value(at) if at.size else 0.0, entry, function.dtype
    )
    notes = [f"{left_out} samples without a finite value were left out"] if left_out else []
    same = first.tobytes() == again.tobytes()
    return passed(problem, value, interpreted, same, "expression", what, notes)


def _with_values(
    function: Any, args: Sequence[Any], count: int, random: np.random.Generator
) -> tuple[list[np.ndarray], int]:
    """The arguments where all values are finite, and how many samples were left out.

    One sample without a value, outside of the domain of a logarithm for one, would hide all others.
    """
    ranges = RANGES if function._slots and not args else (None,)
    left_out = 0
    for ends in ranges:
        given = args if ends is None else [_random(s, ends, random) for s in function._slots]
        _, arrays = function._admit(given)
        arrays = [np.array(a[:SAMPLES]) for a in arrays]
        samples = arrays[0].shape[0] if arrays else 1
        values = np.reshape(function(*arrays), (samples, count))
        kept = np.isfinite(values).all(axis=1)
        if kept.any() or not samples:
            return [a[kept] for a in arrays], left_out + int((~kept).sum())
        left_out += samples
    raise GradientError(
        "nothing could be compared: the function has no finite value at these arguments",
        hint="give check arguments inside of the domain",
    )


def _random(slot: Any, ends: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    if slot.role == "label":
        return random.integers(0, slot.bound or 2, (3, *slot.shape))
    if slot.total is not None:
        return np.eye(slot.shape[0])[random.integers(0, slot.shape[0], 3)]
    return random.uniform(*ends, (3, *slot.shape))
