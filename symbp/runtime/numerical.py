"""Numerical differentiation along entries or directions, and how closely a gradient must agree with it.

An error is |analytic - numeric| / max(|analytic|, |numeric|, floor), where the floor
is 1e-3 of the largest entry and a share of |L|: rounding errors of an entry
are of the size of the terms that cancelled in it, not of the entry.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symbp.runtime.gradient_report import Comparison

ENTRIES = 2000
"""Up to so many variables each entry is checked, unless told otherwise; beyond, `DIRECTIONS` directions."""
DIRECTIONS = 16
SECONDS = 20.0
"""Time for the complex step over all entries; where it would take longer, directions are checked."""

# Relative: float64 complex step is good to rounding; central differences to eps**(2/3), with a margin.
TOLERANCE = {
    ("complex step", "float64"): 1e-10,
    ("central differences", "float64"): 1e-6,
    ("complex step", "float32"): 2e-4,
    ("central differences", "float32"): 5e-2,
}
_FLOOR = {"float64": 1e-3, "float32": 1e-1}  # share of the largest entry of the gradient
_SHARE = {  # share of |L|, by method
    ("complex step", "float64"): 1e-4,
    ("central differences", "float64"): 1e-3,
    ("complex step", "float32"): 1e-2,
    ("central differences", "float32"): 1e-1,
}


@dataclass(frozen=True)
class Problem:
    """What is compared, and how closely.

    Attributes:
        at: the variables as one float64 vector.
        gradient: the analytic gradient there.
        loss: the value there.
        entry: the name of an entry.
        dtype: of the model.
        directions: random directions to look along in place of every entry; None decides by the size.
        seed: of the directions.
        tolerance: relative error that passes; None takes `TOLERANCE`.
    """

    at: np.ndarray
    gradient: np.ndarray
    loss: float
    entry: Callable[[int], str]
    dtype: str
    directions: int | None = None
    seed: int = 0
    tolerance: float | None = None

    def allowed(self, method: str) -> float:
        """The relative error that passes; central differences resolve no less than `TOLERANCE`."""
        own = TOLERANCE[method, self.dtype]
        if self.tolerance is None:
            return own
        return max(self.tolerance, own) if method == "central differences" else self.tolerance


def complex_step(problem: Problem, value: Callable) -> Comparison:
    h = 1e-30
    started = time.perf_counter()
    value(problem.at.astype(complex))
    slow = (time.perf_counter() - started) * problem.at.size > SECONDS

    def slope(direction: np.ndarray) -> float:
        return value(problem.at + 1j * h * direction).imag / h

    def sides(direction: np.ndarray) -> tuple[float, float]:
        return _one_sided(lambda v: value(v).real, problem.at, direction, 1e-7)

    return _compare("complex step", problem, slope, sides, entries=not slow)


def central_differences(problem: Problem, value: Callable) -> Comparison:
    step = float(np.finfo(problem.dtype).eps) ** (1 / 3)

    def scaled(direction: np.ndarray) -> float:
        return step * max(
            1.0, float(np.max(np.abs(problem.at * (direction != 0)))) / max(np.max(np.abs(direction)), 1)
        )

    def slope(direction: np.ndarray) -> float:
        up, down = (_moved(problem, direction, sign * scaled(direction)) for sign in (1, -1))
        # The step that was taken, after rounding to the model's dtype.
        k = int(np.argmax(np.abs(direction)))
        return (value(up) - value(down)) / ((up[k] - down[k]) / direction[k])

    def sides(direction: np.ndarray) -> tuple[float, float]:
        return _one_sided(value, problem.at, direction, scaled(direction))

    return _compare("central differences", problem, slope, sides)


def _moved(problem: Problem, direction: np.ndarray, by: float) -> np.ndarray:
    return (problem.at + by * direction).astype(problem.dtype).astype(np.float64)


def _one_sided(value: Callable, at: np.ndarray, direction: np.ndarray, h: float) -> tuple[float, float]:
    middle = value(at)
    return (value(at + h * direction) - middle) / h, (middle - value(at - h * direction)) / h


def _compare(
    method: str, problem: Problem, slope: Callable, sides: Callable, *, entries: bool = True
) -> Comparison:
    """The analytic gradient against `slope`, entry by entry or along random directions."""
    size = problem.at.size
    tolerance = problem.allowed(method)
    finite = np.abs(problem.gradient[np.isfinite(problem.gradient)])
    largest = float(finite.max()) if finite.size else 0.0
    loss = abs(problem.loss) if np.isfinite(problem.loss) else 0.0
    floor = max(_FLOOR[problem.dtype] * largest, _SHARE[method, problem.dtype] * loss, 1e-300)
    by_entry = entries and size <= ENTRIES and problem.directions is None
    random = np.random.Generator(np.random.PCG64([1, problem.seed]))
    checked = skipped = 0
    worst = ("", 0.0, 0.0, 0.0)
    for k in range(size if by_entry else problem.directions or DIRECTIONS):
        if by_entry:
            direction = np.zeros(size)
            direction[k] = 1.0
            analytic = float(problem.gradient[k])
        else:
            direction = random.standard_normal(size) / np.sqrt(size)
            analytic = float(problem.gradient @ direction)
        numeric = float(slope(direction))
        if not np.isfinite(analytic) and not np.isfinite(numeric):
            skipped += 1
            continue
        error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)
        error = error if np.isfinite(error) else np.inf
        if error > tolerance and np.isfinite(analytic) and _kink(sides(direction), floor, tolerance):
            skipped += 1
            continue
        checked += 1
        if error >= worst[3]:
            worst = (problem.entry(k) if by_entry else f"direction {k}", analytic, numeric, error)
    return Comparison(method, checked, skipped, *worst, tolerance)


def _kink(slopes: tuple[float, float], floor: float, tolerance: float) -> bool:
    """Whether the slopes on the two sides differ by more than curvature explains."""
    right, left = slopes
    return bool(abs(right - left) > max(1e-3, 10 * tolerance) * max(abs(right), abs(left), floor))
