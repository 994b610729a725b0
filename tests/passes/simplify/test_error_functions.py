import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access
from symbp.ir.functions import erfcx, one_plus_erf
from symbp.passes.simplify.error_functions import logarithm_of_complement, product_with_complement
from symbp.passes.simplify.stable import stable_body
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import X, worst

e, log, erf, erfc, sqrt = sp.exp, sp.log, sp.erf, sp.erfc, sp.sqrt
AT = (-1000.0, -30.0, -3.0, -0.4, -1e-9, 0.0, 1e-9, 0.4, 3.0, 20.0, 30.0, 1000.0, 1e4)

FORMULAS = {
    "log(erfc)": log(erfc(X)),
    "log(1 - erf)": log(1 - erf(X)),
    "log of the normal distribution": log((1 + erf(X / sqrt(2))) / 2),
    "log(3 erfc)": log(3 * erfc(X)),
    "erfcx": e(X**2) * erfc(X),
    "its inverse": e(-(X**2)) / erfc(X),
    "Mills": e(-(X**2) / 2) / (1 - erf(X / sqrt(2))),
    "written with a plus": e(-(X**2)) / (1 + erf(X)),
    "squared": e(2 * X**2) * erfc(X) ** 2,
    "a line is left": e(X**2 - 2 * X) * erfc(X),
    "another square": e(X**2) * erfc(X + 1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_digits_are_kept_far_out(name):
    body = FORMULAS[name]
    stable = stable_body(body)
    assert stable.has(erfcx)
    assert worst(stable, body, AT) <= 2000  # the rounding of squares in exponentials
    assert verified(body, stable)


LEFT = [e(X) * erfc(X), e(-(X**2)) * erfc(X), e(X**2) * erf(X), X * erfc(X), e(X**2) * erfc(Access("y"))]


@pytest.mark.parametrize("body", LEFT, ids=str)
def test_products_that_are_left_alone(body):
    assert product_with_complement(body) is None


def test_logarithms_that_are_left_alone():
    for body in (log(X * erfc(X)), log(-erfc(X)), log(1 + erfc(X)), erfc(X), log(erf(X))):
        assert logarithm_of_complement(body) is None
    assert logarithm_of_complement(log(one_plus_erf(X))) is not None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled(dtype):
    x = sp.Symbol("x", real=True)
    f = sb.compile(log((1 + erf(x / sqrt(2))) / 2), cache=False, dtype=dtype)
    for at in (-1000.0, -20.0, -1.0, 0.0, 5.0):
        value, (slope,) = f.value_and_grad(at)
        with mpmath.workdps(300):
            right = mpmath.log(mpmath.erfc(-at / mpmath.sqrt(2)) / 2)
            by_x = mpmath.npdf(at) / (mpmath.erfc(-at / mpmath.sqrt(2)) / 2)
        rounding = 1e-13 if dtype == "float64" else 1e-5
        np.testing.assert_allclose([value, slope], [float(right), float(by_x)], rtol=rounding)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_complement_that_value_and_derivative_share(dtype):
    """1 + erf(x) is evaluated once and read by both: 0 from -6 on, which neither of them is."""
    x = sp.Symbol("x", real=True)
    f = sb.compile(log(1 + erf(x)), cache=False, dtype=dtype)
    ratio = sb.compile(e(-(x**2)) / (1 + erf(x)), cache=False, dtype=dtype)
    rounding = 1e-13 if dtype == "float64" else 1e-5
    for at in (-1000.0, -40.0, -2.0, 0.0, 3.0):
        with mpmath.workdps(50):
            u = mpmath.mpf(-at)
            if u < 50:
                scaled = mpmath.exp(u**2) * mpmath.erfc(u)
            else:
                scaled = (1 - 1 / (2 * u**2) + 3 / (4 * u**4)) / (u * mpmath.sqrt(mpmath.pi))
            right = mpmath.log(scaled) - u**2
            by_x = 2 / scaled / mpmath.sqrt(mpmath.pi)
        value, (slope,) = f.value_and_grad(at)
        got = [value, slope, ratio.value_and_grad(at)[0]]
        expected = [float(right), float(by_x), float(1 / scaled)]
        np.testing.assert_allclose(got, expected, rtol=rounding, err_msg=str(at))
