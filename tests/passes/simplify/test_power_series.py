import mpmath
import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.exact import exact
from symbp.passes.simplify.power_series import NotAnalytic, series

X = Access("x")
e, log, sqrt = sp.exp, sp.log, sp.sqrt

FORMULAS = [
    e(2 * X - 1),
    log(3 + X) / X**2,
    sp.sin(X + 1) * sp.cos(X) ** 2,
    sp.tan(X) / X,
    sp.sinh(X) - X * sp.cosh(X),
    1 / sp.tanh(X) - 1 / X,
    sqrt(2 + X) * (1 + X) ** sp.Rational(-3, 2),
    sp.atan(X) + sp.erf(X - 2),
    X / (e(X) - 1),
    1 / (1 - sp.cos(X)) - 2 / X**2,
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_the_series_is_the_formula_near_0(formula):
    found = series(formula, X, 30)
    x = mpmath.mpf(1) / 64
    with mpmath.workdps(60):
        value = sum(c * x ** (found.start + k) for k, c in enumerate(found.c))
        truth = exact(formula, {X: x}, 60)
        assert abs(value - truth) < mpmath.mpf(10) ** -25 * abs(truth)


def test_what_cancels_is_0():
    assert series(sp.sin(X) ** 2 + sp.cos(X) ** 2 - 1, X, 20).c == ()
    assert series(sp.cos(X) - 1, X, 20).start == 2


NONE = [
    log(X),
    sqrt(X),
    sqrt(X - 1),
    sqrt(X**2 + X**4),
    sp.Abs(X),
    e(1 / X),
    sp.Max(0, X),
    Access("y") * X,
    1 / (X - X**1),
    log(X - 2),
]


@pytest.mark.parametrize("formula", NONE, ids=str)
def test_what_has_none(formula):
    with pytest.raises(NotAnalytic):
        series(formula, X, 20)
