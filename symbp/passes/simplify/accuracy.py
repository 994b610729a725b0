"""Accuracy: the cheapest form of a function of one exponential that keeps its digits.

Forms are not chosen by name but measured: each is evaluated in float64 at arguments where sums of
exponentials overflow, underflow or cancel, and compared with its value in multiprecision arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.passes.cost import cost
from symbp.passes.simplify import exponential_forms, logarithmic_forms
from symbp.passes.simplify.exponential_forms import Form, X, quotient
from symbp.passes.simplify.logarithmic_forms import logarithms
from symbp.passes.simplify.verify import verified

ROUNDING = 16.0
"""Errors in units of the last place that count as rounding; a cancellation costs many more."""

VANISHING = 1e-290
"""Values below this may be any such value where only absolute accuracy is asked for, but not nan."""

OVERFLOWING = 1e300
"""Values above this may come out infinite: a factor 2 taken out of a sum is enough for it."""

_SIZES = (
    *(1e-300, 1e-17, 1e-9, 1e-4, 0.05, 0.3, 0.7, 1.1, 2.0, 5.0, 11.0, 18.5, 30.0, 36.5, 45.0, 100.0),
    *(300.0, 354.0, 360.0, 700.0, 709.9, 720.0, 740.0, 744.0, 800.0, 1000.0, 1e4, 1e6),
)
PROBES = (0.0, *_SIZES, *(-s for s in _SIZES))
DIGITS, MORE_DIGITS = 60, 400
FAR, VANISHED = 60.0, 1e-15
"""A large argument of exponentials, and what may be left there of what vanishes."""


@dataclass(frozen=True)
class Choice:
    """A form over X, the rule that gave it ("" for the body as it was) and how it was verified."""

    form: sp.Expr
    rule: str = ""
    verified: str = ""


@lru_cache(maxsize=4096)
def accurate(
    body: sp.Expr, relative: bool = True, positive: bool = False, read: sp.Expr | None = None
) -> Choice:
    """The cheapest accurate form of a body over `exponential_forms.X`.

    The body itself where it is accurate, where it is no rational function of one exponential or sum of
    logarithms of such, or where nothing better is known.

    Args:
        relative: whether also values close to 0 must be right relative to themselves.
        positive: whether X is never negative.
        read: the body as it is evaluated if it stays, where that is not as it is written.
    """
    # A single exponential has no better form: nothing cancels, and it overflows where its value does.
    found = [] if read is None and _is_single(body) else list(_forms(body))
    if not found:
        return Choice(body)
    probes = [x for x in PROBES if x >= 0 or not positive]
    digits = MORE_DIGITS if found[-1][0] == "logarithm near 1" else DIGITS
    truths = [exact(found[-1][1], {X: x}, digits) for x in probes]
    pairs = [(x, float(v)) for x, v in zip(probes, truths, strict=True) if v is not None]
    least = 0.0 if relative else VANISHING
    usual = error(body if read is None else read, pairs, least)
    if usual <= ROUNDING:
        return Choice(body)
    measured = sorted(
        ((max(error(form, pairs, least), ROUNDING), cost(form), k) for k, (_, form) in enumerate(found)),
    )
    for loss, _, k in measured:
        rule, form = found[k]
        how = verified(body, form) if loss < usual / 4 else None
        if how is not None:
            return Choice(form, rule, how)
    return Choice(body)


@lru_cache(maxsize=4096)
def answers_nan(body: sp.Expr) -> bool:
    """Whether a body over X is nan in float64 at one of the probes, as 0 times infinity is."""
    with np.errstate(all="ignore"):
        return bool(np.isnan(evaluate_body(body, {X.name: np.array(PROBES)})).any())


@lru_cache(maxsize=4096)
def vanishes(body: sp.Expr) -> bool:
    """Whether a body over X is 0 in the limit of a large X, or of a small one."""
    values = [exact(body, {X: x}, DIGITS) for x in (FAR, -FAR)]
    return any(v is not None and abs(v) < VANISHED for v in values)


@lru_cache(maxsize=4096)
def in_decaying_exponential(body: sp.Expr) -> Choice | None:
    """The form of a rational function of one exponential in exp(-|X|), or None."""
    q = quotient(body)
    if q is None:
        return None
    *_, (rule, form) = exponential_forms.forms(q)
    how = verified(body, form)
    return None if how is None else Choice(form, rule, how)


def _forms(body: sp.Expr) -> list[Form]:
    q = quotient(body)
    if q is not None:
        return list(exponential_forms.forms(q))
    logs = logarithms(body)
    if logs is None:
        return []
    near_one, inside = None, logs.inside()
    if inside is not None:
        (part,) = [n.args[0] for n in sp.Mul.make_args(body) if isinstance(n, sp.log)] or [None]
        near_one = None if part is None else accurate(sp.Add(part, -1)).form
    return list(logarithmic_forms.forms(logs, near_one))


def _is_single(body: sp.Expr) -> bool:
    """Whether it is c exp(k X) with numbers c and k."""
    call = body.as_coeff_Mul()[1]
    return isinstance(call, sp.exp) and call.args[0].as_coeff_Mul()[1] == X


def error(form: sp.Expr, pairs: list[tuple[float, float]], least: float = 0.0) -> float:
    """The largest error of a form at (argument, value) pairs in units of the last place of the value.

    Args:
        least: what is not larger is as good as 0.
    """
    points, values = (np.array(side) for side in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        got = np.broadcast_to(evaluate_body(form, {X.name: points}), points.shape)
        units = np.abs(got - values) / np.spacing(np.abs(values))
        right = (got == values) | ((np.abs(values) > OVERFLOWING) & (got == np.copysign(np.inf, values)))
        right |= (np.abs(values) <= least) & (np.abs(got) <= least)
        units = np.where(right, 0, units)
    return float(np.max(np.where(np.isnan(units), np.inf, units)))
