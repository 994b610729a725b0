"""Verify: whether two bodies are equal, and what accuracy one of them loses in float64.

A rewrite is accepted only where the difference vanishes as a rational function, or where both sides
agree to 40 digits at several points. Points at which a side is not a real number do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.forms import form_of
from symbp.ir.nodes import Access, Index
from symbp.ir.walk import accesses, index_symbols, is_large, substitute
from symbp.passes.simplify.rational import rational, vanishes

DIGITS = 50
SMALL = 200
"""Nodes up to which a difference is simplified as a rational function."""
FULL = 360
"""Digits of the truth where accuracy is measured: no cancellation in float64's range is left open."""
REMEMBERED = 4096
ENOUGH = 3
"""Points that must count."""

_POINTS = [n / 128 for n in (47, 245, -106, -295, 474, 19, -61, 133, 88, -201, 311, -12, 73)]
_TRIES = 9

EXTREMES = (-1000.0, -300.0, -30.0, -5.0, -0.7, -1e-9, 0.0, 1e-9, 0.7, 5.0, 30.0, 300.0, 1000.0)
"""Arguments at which the accuracy of a form in one variable is measured."""
LARGE = (*EXTREMES, 1e17, -1e17)
"""Those, and some next to which 1 is nothing."""
NEAR = (-11.0, 7.0, -6.0, 9.0, -2.5, 4.0, 12.0, -8.0)
"""Those that several variables take as well: the products of the others are about 0 or very large."""
BESIDE, STEP = (1.3, 57.0, 1000.0), 1e-5
"""Where several variables are nearly equal, and how nearly: of (x - y)^2 multiplied out no digit is left."""
APART, NEXT = 5, -1
"""How far apart in it two variables are."""
FAR = (*EXTREMES, 1e-160, -1e-160, 1e160, -1e160)
"""Those, and some where squares underflow or overflow."""

Definitions = Mapping[Access, sp.Expr]
"""What an access holds, as a body over other accesses."""


def verified(before: sp.Expr, after: sp.Expr, definitions: Definitions | None = None) -> str | None:
    """How it is known that two bodies are equal ("symbolically", "at 9 points to 40 digits"), or None.

    It is found out once for pairs that differ in names of the same order, as the terms of a long sum do.
    """
    known = dict(definitions or {})
    left, right = (substitute(e, known) for e in (before, after))
    if left == right:
        return "symbolically"
    form = form_of(sp.Tuple(left, right), SMALL, ordered=True)
    if form is None:
        return _verified(left, right)
    if form not in _VERIFIED:
        if len(_VERIFIED) >= REMEMBERED:
            _VERIFIED.clear()
        _VERIFIED[form] = _verified(left, right)
    return _VERIFIED[form]


_VERIFIED: dict[tuple, str | None] = {}


def _verified(left: sp.Expr, right: sp.Expr) -> str | None:
    return "symbolically" if _cancels(left, right) else _at_points(left, right)


def losses(
    form: sp.Expr, truth: sp.Expr, definitions: Definitions, extremes: tuple[float, ...] = EXTREMES
) -> tuple[float, float]:
    """The largest errors of `form` in float64 at `extremes`, in units of the last place: of the value it
    should have there, and of the largest value of all.

    Every variable takes every extreme, each variable in another order. Where `form` answers with nan and
    the truth is a number, both errors are infinite.
    """
    whole = substitute(truth, dict(definitions))
    points = _points(whole, definitions, extremes)
    exact_values = _at_extremes(whole, tuple(points), extremes)
    counted = [k for k, value in enumerate(exact_values) if value is not None]
    if not counted:
        return np.inf, np.inf
    target = np.array([float(exact_values[k]) for k in counted])
    got, blind = _in_float64(form, {a: v[counted] for a, v in points.items()}, definitions)
    with np.errstate(all="ignore"):
        error = np.where((got == target) | blind, 0, np.abs(got - target))
        tiny = np.finfo(float).tiny
        last_place = np.spacing(np.maximum(np.abs(target), tiny))
        of_largest = np.spacing(np.max(np.abs(target[np.isfinite(target)]), initial=tiny))
        relative, absolute = (
            np.where(error == 0, 0, np.where(np.isnan(error), np.inf, error / unit))
            for unit in (last_place, of_largest)
        )
    return float(np.max(relative)), float(np.max(absolute))


def answers_nan(form: sp.Expr, definitions: Definitions) -> bool:
    """Whether a body is nan at one of the `EXTREMES` where the definitions are not, as inf/inf is."""
    return bool(_nans(form, definitions, _points(substitute(form, dict(definitions)), definitions)).any())


def adds_nan(form: sp.Expr, body: sp.Expr, definitions: Definitions) -> bool:
    """Whether a form is nan at one of the `EXTREMES` where the body that it stands for is not."""
    # Far apart, as elsewhere, and close together: there w z overflows.
    whole = substitute(body, dict(definitions))
    for step in (APART, NEXT):
        points = _points(whole, definitions, step=step)
        if (_nans(form, definitions, points) & ~_nans(body, definitions, points)).any():
            return True
    return False


def _nans(form: sp.Expr, definitions: Definitions, points: Mapping[Access, np.ndarray]) -> np.ndarray:
    """At which points a form is nan and the definitions are not."""
    got, blind = _in_float64(form, points, definitions)
    return np.isnan(got) & ~blind


def _points(
    whole: sp.Expr,
    definitions: Definitions,
    extremes: tuple[float, ...] = EXTREMES,
    step: int = APART,
) -> dict[Access, np.ndarray]:
    leaves = {*accesses(whole), *(a for f in definitions.values() for a in accesses(f))} - set(definitions)
    return _spread(tuple(sorted(leaves, key=str)), extremes, step)


def _spread(
    leaves: tuple[Access, ...], extremes: tuple[float, ...], step: int = APART
) -> dict[Access, np.ndarray]:
    near, beside = (NEAR, BESIDE) if len(leaves) > 1 else ((), ())
    return {
        a: np.concatenate(
            [
                np.roll(extremes, step * k),
                np.roll(near, step * k),
                np.multiply(beside, 1 + STEP * k * (k + 1)),
            ]
        )
        for k, a in enumerate(leaves)
    }


@lru_cache(maxsize=64)
def _at_extremes(whole: sp.Expr, leaves: tuple[Access, ...], extremes: tuple[float, ...]) -> list:
    """The truth at every point; many forms of one body are compared with it."""
    points = _spread(leaves, extremes)
    count = len(next(iter(points.values()), extremes))
    return [_exact(whole, {a: v[k] for a, v in points.items()}, FULL) for k in range(count)]


def _in_float64(form: sp.Expr, points: Mapping, definitions: Definitions) -> tuple[np.ndarray, np.ndarray]:
    """The values of a body, and where a definition that it reads is nan, for which it is not to blame."""
    read = set(accesses(form))
    for access in reversed(list(definitions)):
        if access in read:
            read.update(accesses(definitions[access]))
    values = {a.name: v for a, v in points.items()}
    blind = np.zeros(np.shape(next(iter(points.values()), 0.0)), dtype=bool)
    with np.errstate(all="ignore"):
        for access in (a for a in definitions if a in read):
            values[access.name] = evaluate_body(definitions[access], values)
            blind = blind | np.isnan(values[access.name])
        got = evaluate_body(form, values)
    return np.broadcast_to(got, blind.shape), blind


def _exact(body: sp.Expr, values: Mapping, digits: int) -> Any:
    try:
        return exact(body, values, digits)
    except NotImplementedError:
        return None


def _cancels(left: sp.Expr, right: sp.Expr) -> bool:
    if is_large(left, SMALL) or is_large(right, SMALL):
        return False
    return vanishes(sp.Add(*rational([left, -right]).bodies))


def _at_points(left: sp.Expr, right: sp.Expr) -> str | None:
    found: set[Access | Index] = {*accesses(left), *accesses(right)}
    found |= {*index_symbols(left), *index_symbols(right)}
    leaves = sorted(found, key=lambda leaf: (leaf.name, str(leaf)))
    counted = 0
    for k in range(_TRIES):
        at = {leaf: _POINTS[(k + 5 * m) % len(_POINTS)] for m, leaf in enumerate(leaves)}
        a, b = (_exact(e, at, DIGITS) for e in (left, right))
        if a is None or b is None:
            continue
        if abs(a - b) > mpmath.mpf("1e-40") * (1 + abs(a)):
            return None
        counted += 1
    return f"at {counted} points to 40 digits" if counted >= ENOUGH else None
