"""Constants are finite and real, expressions bounded."""

import math

import pytest
import sympy as sp

from symbp.spec.constants import ConstantError, Measure
from symbp.spec.limits import MAX_EXPONENT, MAX_SIZE
from tests.spec.reading import W, assert_refused, read, s, t


def unevaluated(function, *arguments):
    return function(*map(sp.sympify, arguments), evaluate=False)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (sp.Integer(3), 3.0),
        (sp.Rational(1, 3), 1 / 3),
        (sp.Float(0.1), 0.1),
        (sp.pi, math.pi),
        (unevaluated(sp.exp, 2), math.exp(2)),
        (unevaluated(sp.atan2, 1, -1), math.atan2(1, -1)),
        (unevaluated(sp.sign, -3), -1.0),
        (unevaluated(sp.sign, 0), 0.0),
        (unevaluated(sp.Max, 1, 3, 2), 3.0),
        (unevaluated(sp.loggamma, 5), math.log(24)),
        (sp.sqrt(2) + sp.sqrt(3) * sp.pi, math.sqrt(2) + math.sqrt(3) * math.pi),
        (s, None),
        (s + 1, None),
        (unevaluated(sp.exp, s), None),
        (W, None),
        (sp.Integer(10) ** 300, 1e300),
    ],
)
def test_values(expression, value):
    assert Measure().value(expression) == (None if value is None else pytest.approx(value, rel=1e-15))


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (sp.zoo, "infinite or undefined"),
        (sp.oo, "infinite or undefined"),
        (sp.nan, "infinite or undefined"),
        (s + sp.Function("f")(sp.oo), None),  # functions that have no value are not looked into
        (sp.exp(s) + sp.oo * sp.sin(t), "infinite or undefined"),
        (sp.I, "not a real number"),
        (sp.I * s, "not a real number"),
        (unevaluated(sp.log, -1), "not a finite real number"),
        (unevaluated(sp.log, 0), "not a finite real number"),
        (unevaluated(sp.exp, 1_000), "not a finite real number"),
        (unevaluated(sp.acos, 2), "not a finite real number"),
        (s * unevaluated(sp.log, -1), "not a finite real number"),
        (sp.Integer(10) ** 400, "beyond the range"),
        (sp.Integer(10) ** 5_000, "beyond the range"),
        (sp.Rational(1, 10**400), "too small"),
        (sp.Float("1e400"), "beyond the range"),
        (sp.Add(*(sp.sqrt(p) for p in sp.primerange(60))), "more than 30 parts"),
    ],
)
def test_what_is_no_constant(expression, problem):
    measure = Measure()
    if problem is None:
        measure.check(expression)
        return
    with pytest.raises(ConstantError, match=problem):
        measure.check(expression)


def test_size_counts_shared_parts_each_time():
    measure = Measure()
    assert [measure.size(e) for e in (s, W, sp.Rational(1, 3), s + t, sp.sin(s + t))] == [1, 1, 1, 3, 4]
    assert measure.size(sp.Add(sp.sin(s), sp.exp(sp.sin(s)))) == 6
    deep = s
    for _ in range(60):  # 2**60 nodes, 121 of them different
        deep = sp.Mul(unevaluated(sp.exp, deep), unevaluated(sp.sin, deep), evaluate=False)
        measure.size(deep)
    assert measure.size(deep) > 2**60
    with pytest.raises(ConstantError, match=f"{MAX_SIZE:,}"):
        measure.check(deep)


def test_the_largest_size():
    measure = Measure()
    symbols = sp.symbols(f"a:{MAX_SIZE}")
    measure.check(sp.Add(*symbols[: MAX_SIZE - 1]))
    with pytest.raises(ConstantError, match="grows beyond"):
        measure.check(sp.Add(*symbols))


@pytest.mark.parametrize(
    ("base", "exponent", "problem"),
    [
        (s, MAX_EXPONENT, None),
        (s, MAX_EXPONENT + 1, "exponent"),
        (s, -MAX_EXPONENT - 1, "exponent"),
        (s, sp.Rational(2 * MAX_EXPONENT + 1, 2), "exponent"),
        (s, t, None),
        (2, s, None),
        (0, 2, None),
        (0, -1, "divided by zero"),
        (0, sp.Rational(-1, 2), "divided by zero"),
    ],
)
def test_powers(base, exponent, problem):
    check = Measure().check_power
    if problem is None:
        check(sp.sympify(base), sp.sympify(exponent))
        return
    with pytest.raises(ConstantError, match=problem):
        check(sp.sympify(base), sp.sympify(exponent))


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("9**9**9", 4, "exponent"),
        ("s + log(-1)", 5, "not a real number"),
        ("s*1e999", 3, "range of float64"),
        ("x + x/(2 - 2)", 8, "division by zero"),
        ("(1/3)**1000", 1, "too small"),
        ("s + exp(exp(exp(3)))", 5, "not a finite real number"),
    ],
)
def test_the_constant_at_fault_is_pointed_at(text, column, problem):
    assert_refused(text, column, problem)


def test_growth_over_a_formula_is_bounded():
    read("silu(" * 10 + "s" + ")" * 10)
    assert_refused("silu(" * 40 + "s" + ")" * 40, 141, "the expression grows beyond 20,000 operations")
