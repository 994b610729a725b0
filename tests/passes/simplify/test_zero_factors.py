"""Products of several variables, one 0 and one infinite: their value, and where nothing may be said of it."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access, Statement
from symbp.ir.functions import finite, times_logarithm
from symbp.passes.simplify.zero_factors import ZeroFactors, grows

x, m, s, w = (Access(n) for n in "xmsw")
X, Y, M, S = sp.symbols("x y m s", real=True)
e = sp.exp


def first(*factors, maxima=(), **definitions):
    statements = {name: Statement(name, (), body) for name, body in definitions.items()}
    return sp.Mul(*ZeroFactors(statements, maxima).first(factors))


def test_a_factor_that_may_be_0_comes_before_one_that_overflows():
    assert first(w, e(x)) == times_logarithm(w, e(x))
    assert first(sp.Integer(2), w, s, e(x)) == 2 * times_logarithm(w, times_logarithm(s, e(x)))
    assert first(w, sp.cosh(x)) == times_logarithm(w, sp.cosh(x))


def test_one_zero_of_a_power_is_enough_and_differences_have_one_sign():
    assert first((x - m) ** 3, e(s)) == -first(m - x, e(s)) * (x - m) ** 2
    assert first(x - m, e(s)) == -first(m - x, e(s))
    at = {x: 1.5, m: 4.0, s: 0.25}
    for power in (1, 2, 3, 4):
        for base in (x - m, m - x):
            found = sp.N(first(base**power, e(s)).xreplace(at))
            assert found == pytest.approx(float((base**power * e(s)).xreplace(at)))


def test_formulas_are_looked_up():
    a, u = Access("a"), Access("u")
    known = {"u": e(-2 * s), "a": e(-((x - m) ** 2) * u / 2 - s)}
    assert first(a, u, **known) == times_logarithm(a, u)
    # Of what vanishes more slowly than the other one grows, nothing is known.
    assert first(a, u, u=e(-2 * s), a=e(-((x - m) ** 2) / 2)) == a * u


def test_what_is_0_here_and_infinite_there_stands_between():
    a, b = e(-s * e(x)), e(x)  # where s < 0, a overflows
    found = times_logarithm(w, times_logarithm(a, b))
    assert first(w, a, b) == first(b, a, w) == found
    assert first(e(x - s), e(s), e(-x)) == e(-x) * e(s) * e(x - s)


def test_what_does_not_overflow_is_left_alone():
    for product in (
        (w, e(-(x**2))),
        (w, x),
        (w, 1 / x),
        (w, sp.log(1 + e(x))),
        (w, 1 / (1 + e(x))),
        (x, e(x)),
        (e(x), e(-s)),
    ):
        assert first(*product) == sp.Mul(*product)


def test_what_may_overflow():
    for body in (
        e(x),
        e(-(x**2) * s),
        sp.sinh(x),
        x**s,
        w * e(x) + 1,
        sp.sqrt(e(x)),
        sp.Max(e(x), 1),
        Access("g"),
    ):
        assert grows(body, {"g"})
    for body in (w, e(-(x**2) - sp.Abs(s)), 1 / (1 + e(x)), sp.log(e(x)), sp.tanh(e(x)), e(x - Access("k"))):
        assert not grows(body, {"g"}, {"k"})


def test_functions_without_long_doubles_are_left_alone():
    assert first(sp.erfc(x), e(s)) == sp.erfc(x) * e(s)


def test_shifted_exponentials_are_at_most_1():
    maximum = {"k": finite(sp.Max(x, s))}
    assert first(w, e(x - Access("k")), maxima=("k",), **maximum) == w * e(x - Access("k"))


def test_values():
    f = sb.compile(Y * e(X), cache=False)
    assert f.value_and_grad(1000.0, 0.0) == (0, (0, np.inf))
    assert f.value_and_grad(2.0, 0.0) == (0, (0, np.exp(2.0)))
    assert all(map(np.isnan, (f(np.nan, 0.0), f(0.0, np.nan))))
    scaled = sb.compile(-((X - M) ** 2) * e(-2 * S) / 2 - S, cache=False)
    assert scaled.value_and_grad(0.5, -400.0, 0.5) == (400, (0, -1, 0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_mixtures_with_narrow_components(dtype, count):
    """exp(-2 s) overflows long before what is made of it does."""
    names = {c: sp.symbols(f"{c}1:{count + 1}", real=True) for c in "wms"}
    terms = zip(*names.values(), strict=True)
    formula = sp.log(sp.Add(*(a * e(-((X - b) ** 2) * e(-2 * c) / 2 - c) for a, b, c in terms)))
    args = [X, *(n for group in names.values() for n in group)]
    f = sb.compile(formula, args=args, wrt=args, cache=False, dtype=dtype)
    exact = sp.lambdify(args, [formula, *(formula.diff(n) for n in args)], "mpmath")
    scales = (-40.0, -50.0) if dtype == "float32" else (-360.0, -709.0, -800.0)
    for scale in (0.5, *scales):
        for center in (0.5, 0.75):
            point = [0.5, *(0.25 + k / 4 for k in range(count))]
            point += [center, *(k / 2 for k in range(1, count)), scale, *(k / 4 for k in range(1, count))]
            with mpmath.workdps(60):
                right = [float(v) for v in exact(*map(mpmath.mpf, point))]
            if max(map(abs, right)) > np.finfo(dtype).max:
                continue  # one component alone, that is nowhere near
            value, slopes = f.value_and_grad(*point)
            rounding = 1e-12 if dtype == "float64" else 1e-4
            np.testing.assert_allclose(
                [value, *slopes], right, rtol=rounding, atol=1e-30, err_msg=f"{scale} {center}"
            )


def test_mixtures_in_index_notation():
    k = sp.Idx("k", 2)
    m, s, w = (sp.IndexedBase(n, shape=(2,)) for n in "msw")
    E = sp.Symbol("E")
    total = sp.Sum(w[k] * e(-((X - m[k]) ** 2) * e(-2 * s[k]) / 2 - s[k]), (k, 0, 1))
    net = sb.Network([sp.Eq(E, sp.log(total))], inputs=[X], parameters=[m, s, w], loss=E)
    model = sb.compile(net, cache=False)
    for center, slopes in ((0.75, [0, 0, 0, -1, 0, 2]), (0.5, [0, 0, -1, 0, 4, 0])):
        theta = np.array([center, 0.5, -800.0, 0, 0.25, 0.5])
        loss, gradient = model.value_and_grad(theta, x=np.array([0.5]))
        assert loss == pytest.approx(np.log(0.5) if center == 0.75 else np.log(0.25) + 800)
        np.testing.assert_allclose(gradient, slopes, atol=1e-300)


K = sp.Symbol("k", real=True)
CURVES = {
    "gompertz": (M * e(-S * e(-K * X)), {M: 2, S: 0.5, K: 1000, X: -1000}),
    "weibull": (K / M * (X / M) ** (K - 1) * e(-((X / M) ** K)), {K: 400, M: 2, X: 1000}),
    "damped": (M * e(-K * X) * sp.cos(S * X), {M: 0, K: -40, S: 2, X: 20}),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves(name):
    formula, at = CURVES[name]
    args = list(at)
    f = sb.compile(formula, args=args, wrt=args, cache=False)
    exact = sp.lambdify(args, [formula, *(formula.diff(n) for n in args)], "mpmath")
    with mpmath.workdps(60):
        value, *slopes = (float(v) for v in exact(*map(mpmath.mpf, at.values())))
    got, gradient = f.value_and_grad(*map(float, at.values()))
    np.testing.assert_allclose([got, *gradient], [value, *slopes], rtol=1e-12, atol=1e-300)
