import mpmath
import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.exact import FUNCTIONS, exact
from symbp.ir.functions import times_logarithm

x, y = Access("x"), Access("y")


def test_fifty_digits():
    value = exact(sp.exp(x) / sp.pi, {x: 1})
    with mpmath.workdps(60):
        assert abs(value - mpmath.e / mpmath.pi) < mpmath.mpf("1e-49")


def test_a_cancellation_costs_no_more_than_its_digits():
    assert exact(1 + sp.erf(x), {x: -300}, 50) == 0
    assert 0 < exact(1 + sp.erf(x), {x: -30}, 500) < mpmath.mpf("1e-390")


@pytest.mark.parametrize(
    ("body", "value"),
    [(1 / x, 0), (sp.log(x), -1), (sp.sqrt(x), -1), (sp.gamma(x), -2), (x ** sp.Rational(-1, 3), 0)],
    ids=str,
)
def test_what_is_no_real_number_is_none(body, value):
    assert exact(body, {x: value}) is None


def test_only_the_branch_that_is_taken_counts():
    body = sp.Piecewise((sp.log(x), x > 0), (y, True))
    assert exact(body, {x: -1, y: 3}) == 3
    assert exact(sp.Piecewise((y, x > 0)), {x: -1, y: 3}) is None


@pytest.mark.parametrize(
    "kind", [k for k in FUNCTIONS if issubclass(k, sp.Function)], ids=lambda k: k.__name__
)
def test_functions_agree_with_sympy(kind):
    at = sp.Rational(7, 10) if kind is not sp.acosh else sp.Rational(17, 10)
    count = {sp.atan2: 2, sp.polygamma: 2, sp.Max: 2, sp.Min: 2, times_logarithm: 2}.get(kind, 1)
    numbers = [sp.Integer(2), at][-count:]
    expected = kind(*numbers).evalf(40)
    operands = [Access("v") if n is at else n for n in numbers]
    got = exact(kind(*operands), {Access("v"): mpmath.mpf(at.p) / at.q})
    assert abs(float(got - mpmath.mpf(str(expected)))) < 1e-14


def test_an_unknown_function_is_said():
    with pytest.raises(NotImplementedError, match="besselj"):
        exact(sp.besselj(0, x), {x: 1})


def test_exponentials_of_exponentials_come_back():
    tower = sp.exp(sp.exp(x))
    assert exact(tower, {x: 1e10}) is None
    assert exact(sp.sin(tower), {x: 100}) is None
    assert exact(sp.exp(-sp.exp(x)), {x: 1e10}) == 0
    assert exact(sp.log(sp.exp(x)), {x: 1e300}) == pytest.approx(1e300, rel=1e-15)
    assert 0 < exact(sp.exp(-sp.exp(x)), {x: 100}) < mpmath.mpf(10) ** -(10**43)


def test_an_infinite_branch_is_no_value_and_less_than_all():
    masked = sp.Piecewise((x, x > 0), (-sp.oo, True))
    assert exact(sp.Max(masked, 2, evaluate=False), {x: -1.0}) == 2
    assert exact(sp.exp(masked), {x: -1.0}) == 0
    assert exact(masked, {x: -1.0}) is None


def test_hyperbolic_tangents_of_huge_numbers_are_one():
    for size in (1e17, 1e19, 1e300):
        assert exact(sp.tanh(sp.exp(x)), {x: size}) in (1, None)
        assert exact(sp.tanh(x), {x: -size}) == -1
    assert exact(sp.tanh(sp.exp(x)), {x: 1e17}) == 1
