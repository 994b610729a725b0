import pytest
import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.removable import near_zero
from tests.passes.simplify.judge import X, worst

e, log = sp.exp, sp.log

FORMULAS = [
    sp.sin(X) / X,
    sp.cos(X) / X - sp.sin(X) / X**2,
    (e(X) - 1) / X,
    e(X) / X - (e(X) - 1) / X**2,
    X / (e(X) - 1),
    log(1 + X) / X,
    (1 - sp.cos(X)) / X**2,
    1 / sp.tanh(X) - 1 / X,
    sp.sin(X) ** 2 / X,
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_a_polynomial_with_all_digits(formula):
    polynomial, radius = near_zero(formula)
    at = [sign * radius * t for t in (1e-30, 1e-9, 0.01, 0.4, 0.8, 0.9999) for sign in (1, -1)]
    assert worst(polynomial, formula, tuple(at)) <= 8
    assert not polynomial.has(sp.sin, sp.exp, sp.log)


@pytest.mark.parametrize(
    "formula", [1 / X, e(X) / X, sp.Abs(X) / X, sp.sin(X), e(X) - 1, Access("y") / X], ids=str
)
def test_what_is_left_alone(formula):
    assert near_zero(formula) is None
