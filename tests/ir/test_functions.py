import mpmath
import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.definition import known
from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.functions import (
    INTERNAL,
    compensated_exp,
    erfcx,
    expm1,
    finite,
    first,
    log1p,
    one_plus_erf,
    times_logarithm,
)

x, y = Access("x"), Access("y")
FORMULAS = {
    expm1(x): sp.exp(x) - 1,
    log1p(x): sp.log(1 + x),
    compensated_exp(x * y): sp.exp(x * y),
    one_plus_erf(x): 1 + sp.erf(x),
    erfcx(x): sp.exp(x**2) * sp.erfc(x),
    times_logarithm(x, sp.log(y)): x * sp.log(y),
    first(x - y): x - y,
    finite(x - y): x - y,
}


def test_every_function_has_a_formula_here():
    assert {type(node) for node in FORMULAS} == set(INTERNAL)


@pytest.mark.parametrize("node", FORMULAS, ids=str)
def test_meaning(node):
    at = {x: mpmath.mpf("0.37"), y: mpmath.mpf("1.9")}
    assert abs(exact(node, at) - exact(FORMULAS[node], at)) < 1e-45
    values = {a.name: np.array(float(v)) for a, v in at.items()}
    assert evaluate_body(node, values) == pytest.approx(float(exact(node, at)), rel=1e-14)
    assert known(node)


@pytest.mark.parametrize("node", FORMULAS, ids=str)
def test_derivatives(node):
    v = [sp.Symbol(f"v{k}", positive=True) for k in range(len(node.args))]
    call = node.func(*v)
    formula = {times_logarithm: v[0] * v[-1], compensated_exp: sp.exp(v[0]), first: v[0], finite: v[0]}.get(
        node.func, FORMULAS[node].xreplace({node.args[0]: v[0]})
    )
    for k, symbol in enumerate(v):
        at = {s: sp.Rational(3 + n, 7) for n, s in enumerate(v)}
        assert abs(float((call.fdiff(k + 1) - formula.diff(symbol)).xreplace(at).evalf())) < 1e-14


def test_one_plus_erf_keeps_its_sign():
    assert one_plus_erf(-x) != 2 - sp.erfc(x)
    assert exact(one_plus_erf(x), {x: -30}) > 0
    assert evaluate_body(one_plus_erf(x), {"x": np.array(-10.0)}) == pytest.approx(
        2.088487583762545e-45, rel=1e-12
    )


def test_zero_times_infinity_and_nan():
    u, v = np.array([0.0, 0, 0, 2]), np.array([-np.inf, np.inf, np.nan, -np.inf])
    with np.errstate(all="ignore"):
        got = evaluate_body(times_logarithm(x, y), {"x": u, "y": v})
    np.testing.assert_array_equal(got, [0, 0, np.nan, -np.inf])


def test_complex_steps():
    for node in (one_plus_erf(x), compensated_exp(x), expm1(x), log1p(x)):
        got = evaluate_body(node, {"x": np.array(0.3 + 1e-30j)}, np.complex128)
        slope = float(node.fdiff(1).xreplace({x: sp.Rational(3, 10)}).evalf(20))
        assert got.imag / 1e-30 == pytest.approx(slope, rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_finite_is_the_largest_number_where_its_operand_is_infinite(dtype):
    largest = np.finfo(dtype).max
    got = evaluate_body(finite(x), {"x": np.array([np.inf, -np.inf, np.nan, 3, -1e30], dtype)}, dtype)
    np.testing.assert_array_equal(got, np.array([largest, -largest, np.nan, 3, -1e30], dtype))
