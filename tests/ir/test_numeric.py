"""Every rule of the interpreter: against NumPy and SciPy, and for complex arguments."""

import numpy as np
import pytest
import sympy as sp
from scipy import special

from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.numeric import has_rule

x, y = Access("x"), Access("y")


REFERENCE = {
    "exp": (sp.exp(x), np.exp),
    "power": (x**3 - x**-2, lambda v: v**3 - v**-2.0),
    "roots": (sp.sqrt(x) + 1 / sp.sqrt(x), lambda v: np.sqrt(v) + v**-0.5),
    "loggamma": (sp.loggamma(x), special.gammaln),
    "digamma": (sp.digamma(x), special.psi),
    "trigamma": (sp.polygamma(1, x), lambda v: special.polygamma(1, v)),
    "gamma": (sp.gamma(x), special.gamma),
    "erfc": (sp.erfc(x), special.erfc),
    "choice": (
        sp.Piecewise((x, x > 1), (-x, x > 0.4), (7, True)),
        lambda v: np.where(v > 1, v, np.where(v > 0.4, -v, 7)),
    ),
    "extremes": (sp.Max(x, 1) + sp.Min(x, 2, 3), lambda v: np.maximum(v, 1) + np.minimum(v, 2)),
    "steps": (
        sp.floor(x) + sp.ceiling(x) + sp.sign(x - 1),
        lambda v: np.floor(v) + np.ceil(v) + np.sign(v - 1),
    ),
    "logic": (
        sp.Piecewise((1, sp.Or(sp.And(x > 0.5, x < 1), sp.Not(x < 2))), (0, True)),
        lambda v: 1.0 * (((v > 0.5) & (v < 1)) | (v >= 2)),
    ),
    "long product": (
        sp.Mul(*(x + k for k in range(10)), evaluate=False),
        lambda v: np.prod([v + k for k in range(10)], axis=0),
    ),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_functions_agree_with_numpy_and_scipy(name):
    body, reference = REFERENCE[name]
    v = np.array([0.3, 0.7, 1.5, 2.5])
    np.testing.assert_allclose(evaluate_body(body, {"x": v}), reference(v), rtol=1e-14)


SMOOTH = [
    sp.exp(x), sp.log(x), sp.sin(x), sp.cos(x), sp.tan(x), sp.asin(x / 4), sp.acos(x / 4), sp.atan(x),
    sp.sinh(x), sp.cosh(x), sp.tanh(x), sp.asinh(x), sp.acosh(x + 1), sp.atanh(x / 4), sp.erf(x), sp.erfc(x),
    sp.gamma(x), sp.loggamma(x), sp.polygamma(0, x), sp.polygamma(2, x), sp.atan2(x, 2), sp.atan2(2, x), x**x,
    x**2.5, 2**x, sp.sqrt(x), sp.Abs(x - 1), sp.Max(x, 1), sp.Min(x, 1), sp.sec(x / 3), sp.acot(x),
]  # fmt: skip


@pytest.mark.parametrize("body", SMOOTH, ids=str)
def test_the_complex_step_is_the_derivative(body):
    v = np.array([0.3, 0.7, 1.5, 2.5])
    step = np.imag(evaluate_body(body, {"x": v + 1e-30j}, np.complex128)) / 1e-30
    t = sp.Symbol("t", positive=True)
    slope = sp.diff(body.xreplace({x: t}), t)
    right = [float(slope.subs(t, sp.Float(p, 30)).doit().evalf(25)) for p in v]
    np.testing.assert_allclose(step, right, rtol=1e-12)


def test_outside_of_the_real_domain_is_nan_with_and_without_an_imaginary_part():
    v = np.array([-2.0])
    for body in (sp.log(x), sp.sqrt(x), sp.asin(x), sp.acosh(x), x ** sp.Rational(1, 3)):
        with np.errstate(all="ignore"):
            assert np.isnan(evaluate_body(body, {"x": v})).all()
            assert np.isnan(evaluate_body(body, {"x": v + 1e-30j}, np.complex128).real).all()


def test_tanh_of_large_complex_values_is_finite():
    assert evaluate_body(sp.tanh(x), {"x": np.array([1000 + 1e-30j])}, np.complex128).real == 1


def test_a_step_at_nan_is_nan():
    values = {"x": np.array([np.nan, -0.5, 0.0, 2.0])}
    np.testing.assert_array_equal(evaluate_body(sp.Heaviside(x), values), [np.nan, 0, 0.5, 1])


def test_functions_of_others_have_no_rule():
    assert all(map(has_rule, (sp.sin(x), sp.Piecewise((x, x > 0), (0, True)))))
    assert not any(map(has_rule, (sp.zeta(x), sp.Function("f")(x))))
