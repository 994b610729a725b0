"""Quotients by squares that overflow."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access
from symbp.ir.functions import first, times_logarithm
from symbp.passes.simplify.squares import RULE, apart
from symbp.passes.simplify.zero_factors import grows

b, r, v, w = (Access(name) for name in "brvw")
x, y = sp.symbols("x y", real=True)
e = sp.exp

HELD = {"r": 1 / (1 + e(b)), "w": -((1 + e(b)) ** -2), "q": v * r**2}


def after(*factors):
    return sp.Mul(*apart(list(factors), lambda a: HELD.get(a.name), grows))


def test_a_square_below_is_divided_by_twice():
    assert after(v, (1 + e(b)) ** -2) == first(v / (1 + e(b))) / (1 + e(b))
    assert after(2, v, (1 + e(b)) ** -3) == first(first(2 * v / (1 + e(b))) / (1 + e(b))) / (1 + e(b))


def test_entries_are_seen_through():
    assert after(v, r**2) == first(r * v) * r
    assert after(v, w) == first(-v / (1 + e(b))) / (1 + e(b))
    assert after(b, Access("q")) == first(b * r * v) * r


def test_products_that_are_0_where_a_factor_is():
    assert after(v, times_logarithm(r**2, e(b))) == v * times_logarithm(r, times_logarithm(r, e(b)))
    guarded = after(times_logarithm(v, sp.Mul(e(b), r**2)))
    assert guarded == times_logarithm(v, first(r * e(b)) * r)
    held = after(times_logarithm(Access("q"), e(b)))
    assert held == times_logarithm(r, times_logarithm(r, times_logarithm(v, e(b))))


@pytest.mark.parametrize(
    "factors",
    [(v, (1 + b**2) ** -2), (2, (1 + e(b)) ** -2), (v, (1 + e(b)) ** -9), (v, 1 / (1 + e(b))), (v, b**2)],
    ids=str,
)
def test_others_stay(factors):
    assert after(*factors) == sp.Mul(*factors)


CASES = [
    (1 / (1 + x**y), (1e20, 10.0), (-10 * 1e-220, -1e-200 * np.log(1e20))),
    (y / ((1 + e(x * y)) * (2 + sp.sin(x))), (210.0, 2.0), None),
    (
        2 * y / ((e(2 * x) * e(2 * x * y) + 1) * (sp.Abs(x + e(x * y)) + 1)),
        (60.0, 2.0),
        (-1.1061109e-207, -2.4818363e-206),
    ),
]


@pytest.mark.parametrize(("body", "at", "slopes"), CASES, ids=str)
def test_compiled_derivatives_are_no_wrong_zeros(body, at, slopes):
    f = sb.compile(body, wrt=[x, y], cache=False)
    if slopes is None:
        slopes = [
            float(body.diff(s).subs(dict(zip((x, y), map(sp.Rational, at), strict=True))).evalf(30))
            for s in (x, y)
        ]
    np.testing.assert_allclose(f.value_and_grad(*at)[1], slopes, rtol=1e-6)


def test_the_ledger_tells():
    f = sb.compile(1 / (1 + x**y), wrt=[x, y], cache=False)
    assert any(step.rule == RULE for step in f.derivation.ledger)
