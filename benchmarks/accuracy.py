"""Accuracy of compiled functions and derivatives against 50-digit arithmetic, in units in the last place.

    python benchmarks/accuracy.py [--points N]

Every function is compiled from the spellings people use for it. The points are dense over all numbers of the
format: all magnitudes down to the subnormal ones, uniform around 0, and around every threshold where a
function saturates, overflows or underflows. The exit code is 1 where an error is above 4 units.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from mpmath import mpf
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import symbp as sb

LIMIT = 4.0
DIGITS = 50
POINTS = 100_000

x = sp.Symbol("x", real=True)
e, log = sp.exp, sp.log


def _bounded(v: mpf) -> mpf:
    """Arguments beyond which exponentials are 0 or infinite in float64 already."""
    return max(min(v, mpf(1500)), mpf(-1500))


def _sigmoid(v: mpf) -> mpf:
    t = mpmath.exp(-abs(_bounded(v)))
    return t / (1 + t) if v < 0 else 1 / (1 + t)


def _softplus(v: mpf) -> mpf:
    return max(v, mpf(0)) + mpmath.log1p(mpmath.exp(-abs(_bounded(v))))


def _erfc(v: mpf) -> mpf:
    # Beyond the range of floats in mpmath's own algorithms as well.
    return mpmath.erfc(max(min(v, mpf(60)), mpf(-60)))


def _bell(v: mpf) -> mpf:
    return 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-min(v * v, mpf(1500)))


@dataclass(frozen=True)
class Case:
    """A function, its derivative, the spellings it is compiled from, and where it is defined."""

    name: str
    value: Callable[[mpf], mpf]
    slope: Callable[[mpf], mpf]
    spellings: tuple[sp.Expr, ...]
    low: float = -np.inf


CASES = (
    Case("exp", lambda v: mpmath.exp(_bounded(v)), lambda v: mpmath.exp(_bounded(v)), (e(x), 1 / e(-x))),
    Case("log", mpmath.log, lambda v: 1 / v, (log(x), -log(1 / x)), 0.0),
    Case("log1p", mpmath.log1p, lambda v: 1 / (1 + v), (log(1 + x), log(1.0 + x)), -1.0),
    Case(
        "expm1",
        lambda v: mpmath.expm1(_bounded(v)),
        lambda v: mpmath.exp(_bounded(v)),
        (e(x) - 1, -(1 - e(x)), e(x) - 1.0),
    ),
    Case(
        "tanh",
        lambda v: mpmath.tanh(_bounded(v)),
        lambda v: mpmath.sech(_bounded(v)) ** 2,
        (
            sp.tanh(x),
            (e(x) - e(-x)) / (e(x) + e(-x)),
            sp.sinh(x) / sp.cosh(x),
            (e(2 * x) - 1) / (e(2 * x) + 1),
            (1 - e(-2 * x)) / (1 + e(-2 * x)),
            2 / (1 + e(-2 * x)) - 1,
        ),
    ),
    Case(
        "sigmoid",
        _sigmoid,
        lambda v: _sigmoid(v) * _sigmoid(-v),
        (
            1 / (1 + e(-x)),
            1.0 / (1.0 + e(-x)),
            e(x) / (1 + e(x)),
            1 - 1 / (1 + e(x)),
            (1 + sp.tanh(x / 2)) / 2,
        ),
    ),
    Case(
        "softplus",
        _softplus,
        _sigmoid,
        (log(1 + e(x)), x + log(1 + e(-x)), -log(1 - 1 / (1 + e(-x))), -log(1 / (1 + e(x)))),
    ),
    Case(
        "log-sigmoid",
        lambda v: -_softplus(-v),
        lambda v: _sigmoid(-v),
        (
            -log(1 + e(-x)),
            log(1 / (1 + e(-x))),
            x - log(1 + e(x)),
            log(e(x) / (1 + e(x))),
            log(1 - 1 / (1 + e(x))),
        ),
    ),
    Case("erf", lambda v: mpmath.erf(max(min(v, mpf(60)), mpf(-60))), _bell, (sp.erf(x), 1 - sp.erfc(x))),
    Case("erfc", _erfc, lambda v: -_bell(v), (sp.erfc(x), 1 - sp.erf(x), 1.0 - sp.erf(x))),
)

THRESHOLDS = (0.0, 0.35, 0.47, 0.6931, 1.0, 5.86, 9.0, 10.05, 16.6, 18.7, 26.55, 27.23, 36.7, 52.0, 87.34)
THRESHOLDS = (*THRESHOLDS, 88.72, 103.3, 104.0, 354.9, 372.6, 708.4, 709.78, 744.4, 745.13, 1000.0)


def points(count: int, dtype: Any, low: float = -np.inf, seed: int = 0) -> np.ndarray:
    """About `count` numbers of the format above `low`, in order."""
    random = np.random.default_rng(seed)
    info = np.finfo(dtype)

    def magnitudes(least: float, greatest: float, share: float) -> np.ndarray:
        exponents = random.uniform(np.log2(least), np.log2(greatest), int(share * count))
        return np.exp2(exponents) * random.choice([-1.0, 1.0], len(exponents))

    near = np.array(THRESHOLDS)[random.integers(0, len(THRESHOLDS), int(0.15 * count))]
    near = near + random.normal(size=len(near)) * np.maximum(near, 0.1) * 10.0 ** random.uniform(
        -16, -2, len(near)
    )
    parts = [
        magnitudes(float(info.smallest_subnormal), float(info.max), 0.15),
        magnitudes(1e-20, 2000.0, 0.25),
        random.uniform(-3, 3, int(0.2 * count)),
        random.uniform(-40, 40, int(0.15 * count)),
        random.uniform(-1000, 1000, int(0.1 * count)),
        near * random.choice([-1.0, 1.0], len(near)),
        [0.0, 1000.0, -1000.0, float(info.max), -float(info.max), float(info.smallest_subnormal)],
    ]
    with np.errstate(over="ignore"):
        found = np.unique(np.concatenate(parts).astype(dtype))
    if np.isfinite(low):  # as many where the function is defined: mirrored around its end
        found = np.unique(np.concatenate([found, low + np.abs(found - low)]).astype(dtype))
    return found[np.isfinite(found) & (found > low)]


@dataclass(frozen=True)
class Truth:
    """Exact values as the nearest number of the format, the rest in units in the last place, and the unit."""

    nearest: np.ndarray
    rest: np.ndarray
    unit: np.ndarray

    def errors(self, got: np.ndarray) -> np.ndarray:
        """The errors of results, in units in the last place of the exact value."""
        with np.errstate(all="ignore"):
            off = (np.asarray(got, float) - self.nearest) / self.unit - self.rest
            off = np.where(got == self.nearest, self.rest, off)
        return np.where(np.isnan(off), np.inf, np.abs(off))


def truth(function: Callable[[mpf], mpf], at: np.ndarray) -> Truth:
    """The function at numbers of a format. What rounds to infinity is infinity."""
    info = np.finfo(at.dtype)
    nearest, rest, unit = np.empty(len(at)), np.empty(len(at)), np.empty(len(at))
    with mpmath.workdps(DIGITS):
        end = mpf(2) ** int(info.maxexp) * (1 - mpf(2) ** (-info.nmant - 2))
        for k, point in enumerate(at.tolist()):
            exact = function(mpf(point))
            exponent = max(mpmath.frexp(exact)[1] - 1, info.minexp) - info.nmant if exact else info.minexp
            if abs(exact) >= end:
                nearest[k], rest[k], unit[k] = np.inf if exact > 0 else -np.inf, 0, 1
                continue
            whole = mpmath.nint(mpmath.ldexp(exact, -exponent))
            nearest[k] = float(mpmath.ldexp(whole, exponent))
            rest[k] = float(mpmath.ldexp(exact, -exponent) - whole)
            unit[k] = float(mpmath.ldexp(mpf(1), exponent))
    return Truth(nearest, rest, unit)


@dataclass(frozen=True)
class Row:
    """One line of the table: the largest error of one compiled function."""

    name: str
    spelling: str
    dtype: str
    what: str
    error: float
    at: float

    @property
    def passed(self) -> bool:
        return self.error <= LIMIT


def measure(case: Case, dtype: str, count: int, spellings: Iterable[sp.Expr] | None = None) -> list[Row]:
    """Compile the spellings of a function and compare value and derivative at `count` points."""
    at = points(count, np.dtype(dtype), case.low)
    value, slope = truth(case.value, at), truth(case.slope, at)
    rows = []
    for expression in case.spellings if spellings is None else spellings:
        f = sb.compile(expression, dtype=dtype, cache=False)
        both, (derivative,) = f.value_and_grad(at)
        found = {
            "value": np.maximum(value.errors(f(at)), value.errors(both)),
            "derivative": slope.errors(derivative),
        }
        for what, errors in found.items():
            worst = int(np.argmax(errors))
            rows.append(Row(case.name, str(expression), dtype, what, float(errors[worst]), float(at[worst])))
    return rows


def show(rows: list[Row], console: Console) -> None:
    table = Table(title=f"largest errors in units in the last place; up to {LIMIT:g} are allowed")
    for heading in ("function", "written", "dtype", "of", "error", "at x", ""):
        table.add_column(heading, justify="right" if heading in ("error", "at x") else "left", no_wrap=True)
    for row in rows:
        mark = "[green]pass" if row.passed else "[red]FAIL"
        table.add_row(row.name, row.spelling, row.dtype, row.what, f"{row.error:.2f}", f"{row.at!r}", mark)
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=POINTS, help=f"per function (default {POINTS:,})")
    parser.add_argument("--function", action="append", choices=[c.name for c in CASES], help="only this one")
    parser.add_argument("--dtype", choices=("float64", "float32"), help="only this one")
    options = parser.parse_args(arguments)
    console = Console()
    cases = [c for c in CASES if not options.function or c.name in options.function]
    dtypes = [options.dtype] if options.dtype else ["float64", "float32"]
    rows: list[Row] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=len(cases) * len(dtypes))
        for case in cases:
            for dtype in dtypes:
                progress.update(task, description=f"{case.name} in {dtype}")
                rows += measure(case, dtype, options.points)
                progress.advance(task)
    show(rows, console)
    failed = sum(not row.passed for row in rows)
    console.print(
        f"{len(rows) - failed} of {len(rows)} within {LIMIT:g} units, {options.points:,} points each"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
