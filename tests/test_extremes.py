"""Compiled functions and networks at the ends of float64: the answers that JAX's own tests fix."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn

x, y, z = sp.symbols("x y z", real=True)
inf, nan = np.inf, np.nan
e, log = sp.exp, sp.log


def check(expression, cases):
    """Value and gradient at points in both formats, nan equal to nan; float32 at the points that it has."""
    for dtype, rounding in (("float64", 1e-13), ("float32", 1e-6)):
        f = sb.compile(expression, cache=False, dtype=dtype)
        counted = [case for case in cases if all(has(dtype, v) for v in (*case[0], case[1], *case[2]))]
        assert counted or dtype == "float32"
        for at, value, gradient in counted:
            got, slopes = f.value_and_grad(*at)
            where = f"at {at} in {dtype}"
            np.testing.assert_allclose(got, value, rtol=rounding, err_msg=f"value {where}")
            np.testing.assert_allclose(f(*at), value, rtol=rounding, err_msg=f"value {where}")
            np.testing.assert_allclose(
                slopes, gradient, rtol=rounding, atol=np.finfo(dtype).tiny, err_msg=f"gradient {where}"
            )


def has(dtype, number):
    """Whether a format has numbers close to this one."""
    limits = np.finfo(dtype)
    return not np.isfinite(number) or number == 0 or limits.tiny <= abs(number) <= limits.max


def test_softplus():
    cases = [
        ((inf,), inf, [1]),
        ((-inf,), 0, [0]),
        ((1000.0,), 1000, [1]),
        ((-1000.0,), 0, [0]),
        ((nan,), nan, [nan]),
    ]
    check(log(1 + e(x)), cases)


def test_sigmoid():
    for spelled in (1 / (1 + e(-x)), e(x) / (1 + e(x))):
        check(spelled, [((1000.0,), 1, [0]), ((-1000.0,), 0, [0]), ((inf,), 1, [0]), ((-inf,), 0, [0])])


def test_tanh():
    for spelled in (sp.tanh(x), (e(x) - e(-x)) / (e(x) + e(-x))):
        check(spelled, [((1000.0,), 1, [0]), ((-1000.0,), -1, [0]), ((0.0,), 0, [1]), ((nan,), nan, [nan])])


def test_relu6():
    cases = [((0.0,), 0, [0]), ((6.0,), 6, [0]), ((3.0,), 3, [1]), ((7.0,), 6, [0]), ((-1.0,), 0, [0])]
    check(sp.Min(sp.Max(x, 0), 6), cases)


def test_xlogy():
    cases = [
        ((0.0, 3.0), 0, [np.log(3), 0]),
        ((0.0, nan), nan, [nan, nan]),
        ((0.0, inf), 0, [inf, 0]),
        ((2.0, 3.0), 2 * np.log(3), [np.log(3), 2 / 3]),
    ]
    check(x * log(y), cases)
    assert sb.compile(x * log(y), cache=False)(0.0, 0.0) == 0


def test_entropy():
    check(-x * log(x), [((0.0,), 0, [inf]), ((1.0,), 0, [-1])])


def test_untaken_branches():
    check(sp.Piecewise((log(x), x > 0), (0, True)), [((0.0,), 0, [0]), ((-1.0,), 0, [0]), ((1.0,), 0, [1])])
    check(sp.sqrt(sp.Max(0, x)), [((-1.0,), 0, [0]), ((4.0,), 2, [0.25])])
    check(sp.Piecewise((sp.sqrt(x), x > 0), (0, True)) ** 3, [((-1.0,), 0, [0]), ((0.0,), 0, [0])])
    check(sp.Piecewise((1 / x, sp.Ne(x, 0)), (0, True)) * y, [((0.0, 2.0), 0, [0, 0])])


def test_roots_of_squares():
    X = sp.Symbol("x")
    check(sp.sqrt(X**2), [((-1e200,), 1e200, [-1]), ((1e-200,), 1e-200, [1]), ((0.0,), 0, [0])])
    check(sp.sqrt((X - y) ** 2), [((-1e200, 0.0), 1e200, [-1, 1]), ((3.0, 3.0), 0, [0, 0])])


def test_slopes_of_softsign():
    """1/(1 + |x|)^2 by itself, of which (1 - |a|)^2 keeps no digit where a is close to 1."""
    cases = [
        ((t,), t / (1 + abs(t)), [1 / (1 + abs(t)) ** 2]) for t in (-1e7, -30.0, 0.0, 1e-9, 1000.0, 1e12)
    ]
    check(x / (1 + sp.Abs(x)), cases)
    check(2 * x / (3 + 2 * sp.Abs(x)), [((3e9,), 6e9 / (3 + 6e9), [6 / (3 + 6e9) ** 2])])


def test_slopes_of_roots():
    """(1 + x^2)^(-3/2), of which 1/sqrt(1 + x^2) - x^2/(1 + x^2)^(3/2) keeps no digit."""
    for f in (
        x / sp.sqrt(1 + x**2),
        sp.sqrt(1 + x**2) - x,
        x / (1 + x**2),
        x / (y + x**2) ** sp.Rational(5, 2),
    ):
        names = [n for n in (x, y) if n in f.free_symbols]
        truth = sp.lambdify(names, [f, *(f.diff(n) for n in names)], "mpmath")
        cases = []
        for at in (-1e8, -1000.0, -0.3, 1e-9, 2.0, 1000.0, 1e8):
            point = (at, 2.0)[: len(names)]
            with mpmath.workdps(50):
                value, *slopes = (float(v) for v in truth(*map(mpmath.mpf, point)))
            cases.append((point, value, slopes))
        check(f, cases)


def test_gelu():
    cases = [
        ((-10.0,), -7.619853024160527e-23, [-7.618400096464892e-22]),
        ((10.0,), 10, [1]),
        ((-1000.0,), 0, [0]),
    ]
    half, normal = sp.Rational(1, 2), sp.erf(x / sp.sqrt(2))
    check(x / 2 * (1 + normal), cases)
    check(x * (half + normal / 2), cases)
    check(half * x + half * normal * x, cases)


def test_sums_of_exponentials():
    two = [
        ((1000.0, 1000.0), 1000 + np.log(2), [0.5, 0.5]),
        ((-1000.0, -1000.0), -1000 + np.log(2), [0.5, 0.5]),
        ((1000.0, -1000.0), 1000, [1, 0]),
        ((-inf, 0.0), 0, [0, 1]),
    ]
    check(log(e(x) + e(y)), two)
    check(log(e(x) + e(y) + e(z)), [((1e4, 1e4, -1e4), 1e4 + np.log(2), [0.5, 0.5, 0])])
    slope = 1 / (1 - np.exp(-1))
    check(log(e(x) - e(y)), [((1000.0, 999.0), 1000 + np.log(1 - np.exp(-1)), [slope, 1 - slope])])
    check(log(1 - e(x)), [((-1e-300,), np.log(1e-300), [-1e300]), ((-1000.0,), 0, [0])])


def test_softmax_of_scalars():
    total = e(x) + e(y) + e(z)
    f = sb.compile([e(v) / total for v in (x, y, z)], cache=False)
    np.testing.assert_allclose(f(1e4, 1e4, -1e4), [0.5, 0.5, 0])
    np.testing.assert_allclose(f.jacobian(1e4, 1e4, -1e4), [[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]])


v = nn.vector("v", 3)
MASKS = [[-inf, 0.0, 1.0], [-1e30, 0.0, 1.0], [-1e4, 0.0, 1.0]]
p = 1 / (1 + np.e)


def test_softmax():
    f = sb.compile(nn.softmax(v), cache=False)
    np.testing.assert_array_equal(f([1e4, 0, -1e4]), [1, 0, 0])
    assert np.isfinite(f.jacobian([1e4, 0, -1e4])).all()
    for masked in MASKS:
        np.testing.assert_allclose(f(masked), [0, p, 1 - p])
        jacobian = f.jacobian(masked)
        np.testing.assert_array_equal(jacobian[0], 0)
        np.testing.assert_array_equal(jacobian[:, 0], 0)
        np.testing.assert_allclose(jacobian[1, 1], p * (1 - p))


def test_log_softmax():
    f = sb.compile(nn.log_softmax(v), cache=False)
    np.testing.assert_array_equal(f([1e4, 0, -1e4]), [0, -1e4, -2e4])
    np.testing.assert_allclose(f([1e30, 1e30, 0.0]), [-np.log(2), -np.log(2), -1e30])
    for masked in MASKS:
        np.testing.assert_allclose(f(masked)[1:], [np.log(p), np.log(1 - p)])
        assert np.isfinite(f.jacobian(masked)).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_infinite_logits(dtype):
    """What jax.nn.logsumexp answers."""
    b, E = nn.vector("b", 3), nn.scalar("E")
    net = sb.Network([sp.Eq(E, log(nn.total(nn.exp(b))))], parameters=[b], loss=E, batch=False)
    model = sb.compile(net, cache=False, dtype=dtype)
    value, gradient = model.value_and_grad(np.array([-inf, 0, 1], dtype))
    assert value == pytest.approx(1 + np.log1p(np.exp(-1)), rel=1e-6)
    np.testing.assert_allclose(gradient, [0, p, 1 - p], rtol=1e-6)
    for logits, value in (([-inf, -inf, -inf], -inf), ([-inf, inf, 0], inf), ([nan, -inf, 0], nan)):
        np.testing.assert_equal(float(model.value_and_grad(np.array(logits, dtype))[0]), value)


@pytest.mark.parametrize("masked", MASKS, ids=str)
def test_masked_cross_entropy(masked):
    """The mask is data that is added to the logits; a masked class has target 0."""
    b, mask, t, E = nn.vector("b", 3), nn.vector("mask", 3), nn.vector("t", 3), nn.scalar("E")
    net = sb.Network(
        [sp.Eq(E, nn.softmax_cross_entropy(b + mask, t))], inputs=[mask, t], parameters=[b], loss=E
    )
    model = sb.compile(net, cache=False)
    loss, gradient = model.value_and_grad(np.zeros(3), mask=np.array([masked]), t=np.array([[0.0, 1.0, 0.0]]))
    assert loss == pytest.approx(-np.log(p))
    np.testing.assert_allclose(gradient, [0, p - 1, 1 - p], atol=1e-300)


def by_hand(activation, loss):
    """p = activation(z), E = loss(p, t) in two equations."""
    b, t, q, E = nn.vector("b", 3), nn.vector("t", 3), nn.vector("q", 3), nn.scalar("E")
    equations = [sp.Eq(q, activation(b)), sp.Eq(E, loss(q, t))]
    return sb.compile(sb.Network(equations, inputs=[t], parameters=[b], loss=E), cache=False)


def test_sigmoid_and_binary_cross_entropy_by_hand():
    model = by_hand(lambda b: b.applyfunc(sp.Lambda(x, 1 / (1 + e(-x)))), nn.binary_cross_entropy)
    logits, targets = np.array([1000.0, -1000.0, 0.0]), np.array([[0.0, 1.0, 1.0]])
    loss, gradient = model.value_and_grad(logits, t=targets)
    assert loss == pytest.approx(2000 + np.log(2), rel=1e-15)
    np.testing.assert_allclose(gradient, [1, -1, -0.5])
    loss, gradient = model.value_and_grad(logits, t=1 - targets)
    assert loss == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(gradient, [0, 0, 0.5])


def test_softmax_and_cross_entropy_by_hand():
    model = by_hand(nn.softmax, nn.cross_entropy)
    loss, gradient = model.value_and_grad(np.array([1000.0, -1000.0, 0.0]), t=np.array([[0.0, 1.0, 0.0]]))
    assert loss == pytest.approx(2000)
    np.testing.assert_allclose(gradient, [1, -1, 0])


def test_float32():
    f = sb.compile(log(1 + e(x)), cache=False, dtype="float32")
    value, (slope,) = f.value_and_grad(np.array([-100.0, 100.0, 1000.0], np.float32))
    small = np.float32(np.exp(-100.0))  # a subnormal number
    np.testing.assert_allclose(value, [small, 100, 1000], rtol=1e-6)
    np.testing.assert_allclose(slope, [small, 1, 1], rtol=1e-6)


UNITS = {
    "silu": lambda t: t / (1 + e(-t)),
    "silu, the other way": lambda t: t * e(t) / (1 + e(t)),
    "softplus": lambda t: log(1 + e(t)),
    "log-sigmoid": lambda t: -log(1 + e(-t)),
    "gelu": lambda t: t / 2 * (1 + sp.erf(t / sp.sqrt(2))),
    "mish": lambda t: t * sp.tanh(log(1 + e(t))),
    "square of a sigmoid": lambda t: e(2 * t) / (1 + e(t)) ** 2,
    "tanhshrink": lambda t: t - sp.tanh(t),
}
ENDS = (-1e17, -1000.3, -745.0, -300.0, -40.7, -10.0, -1e-9)
ENDS = (*ENDS, 0.0, 1e-9, 10.0, 33.0, 40.7, 300.0, 745.0, 1000.3, 1e17)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("unit", UNITS)
def test_units_of_networks(unit, dtype):
    """Value and derivative of a unit inside a network, where derivatives are written through values."""
    w, s, a, E = nn.scalar("w"), nn.scalar("s"), nn.scalar("a"), nn.scalar("E")
    equations = [sp.Eq(s, w * x), sp.Eq(a, UNITS[unit](s)), sp.Eq(E, 3 * a)]
    model = sb.compile(sb.Network(equations, inputs=[x], parameters=[w], loss=E), dtype=dtype, cache=False)
    f, slope = (sp.lambdify(s, g, "mpmath") for g in (UNITS[unit](s), sp.diff(UNITS[unit](s), s)))
    eps = float(np.finfo(dtype).eps)
    for at in ENDS:
        with mpmath.workdps(1000):
            v = mpmath.mpf(float(np.dtype(dtype).type(at)))
            right, right_slope = 3 * float(f(v)), 3 * float(slope(v))
        value, gradient = model.value_and_grad(np.array([at], dtype), x=np.ones(1, dtype))
        assert value == pytest.approx(right, rel=8 * eps, abs=8 * eps), at
        assert gradient[0] == pytest.approx(right_slope, rel=8 * eps, abs=8 * eps), at


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_masks_that_are_written_as_minus_infinity(dtype):
    i, k = sp.symbols("i k", integer=True)
    h, M, s, q = (nn.indexed(n, 3) for n in "hMsq")
    E = nn.scalar("E")
    net = sb.Network(
        [
            sp.Eq(s[i], sp.Piecewise((h[i], M[i] > 0), (-sp.oo, True))),
            sp.Eq(q[i], e(s[i]) / sp.Sum(e(s[k]), (k, 0, 2))),
            sp.Eq(E, -log(q[1])),
        ],
        inputs=[M],
        parameters=[h],
        loss=E,
    )
    model = sb.compile(net, cache=False, dtype=dtype)
    for masked in (0.0, 1000.0):
        theta = np.array([masked, 0, 1], dtype)
        loss, gradient = model.value_and_grad(theta, M=np.array([[0, 1, 1]], dtype))
        assert loss == pytest.approx(-np.log(p), rel=1e-6)
        np.testing.assert_allclose(gradient, [0, p - 1, 1 - p], rtol=1e-6)
    np.testing.assert_array_equal(model.forward(theta, M=np.zeros((1, 3), dtype))["q"], [[0, 0, 0]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "unit", [lambda t: t / (1 + e(-t)), lambda t: t * (1 + sp.erf(t / sp.sqrt(2))) / 2], ids=["silu", "gelu"]
)
def test_units_of_networks_at_infinity(unit, dtype):
    """Their limits, where infinity times 0 would be nan."""
    t, a, E = sb.vector("t", 3), sb.vector("a", 3), sp.Symbol("E")
    net = sb.Network(
        [sp.Eq(a, nn.elementwise(unit, t)), sp.Eq(E, sb.dot(a, a))], inputs=[], parameters=[t], loss=E
    )
    model = sb.compile(net, dtype=dtype, cache=False)
    loss, slopes = model.value_and_grad(np.array([-inf, 0.0, -1000.0], dtype))
    assert loss == 0
    np.testing.assert_array_equal(slopes, 0)
    assert model.value_and_grad(np.array([inf, 0.0, 0.0], dtype))[0] == inf


CLOSE = {
    "mixture": log(e(-((x - y) ** 2) * e(z) / 2 - z) + e(-((x - 1.5 * z) ** 2) / 2)),
    "differences": log(e(-((x - y) ** 2) / 2) + e(-((y - z) ** 2) / 2)),
    "squares below a line": sp.sqrt(sp.atan(x - y) ** 2 + 1) * e(-(log(z**2 + 1) ** 2) / 2),
    "choices in choices": log(e(-(log(e(-((x - y) ** 2)) + e(-(z**2))) ** 2) / 2) + e(-((y - x) ** 2) / 2)),
    "powers of choices": log(e(-(sp.tanh(x - y) ** 2) / 2) + e(-1 / (2 * (e(x - y) + 1) ** 2))) ** 2 * z,
    "choices in sizes": log(e(-(sp.tanh(z**2) ** 2) / 2) + e(-1 / (2 * (1 + e(-1 / (e(x - y) + 1))) ** 2))),
    "choices of choices": -z
    * sp.atan(log(e(-((sp.tanh(z) + e(-((x - y) ** 2))) ** 2) / 2) + e(-1 / (2 * (e(y - x) + 1) ** 2))))
    + e(-(sp.tanh(z * (x - y)) ** 2)),
    "sizes of sums": sp.atan(z * (sp.tanh(z) + e(-((x - y) ** 2)))),
}


@pytest.mark.parametrize("name", CLOSE)
def test_arguments_that_are_nearly_equal(name):
    """No square of a difference is multiplied out, nor a difference taken of products."""
    f, symbols = sb.compile(CLOSE[name], args=[x, y, z], cache=False), (x, y, z)
    exact = sp.lambdify(symbols, [CLOSE[name], *(CLOSE[name].diff(s) for s in symbols)], "mpmath")
    for size in (0.7, 57.3, 1000.1):
        at = [size, size * (1 + 3e-7), 2 / 3 * size * (1 + 1e-7) if name == "mixture" else size * (1 - 1e-6)]
        at[2] = at[2] if name == "differences" else 0.3
        value, gradient = f.value_and_grad(*at)
        with mpmath.workdps(60):
            right = [float(v) for v in exact(*map(mpmath.mpf, at))]
        np.testing.assert_allclose([value, *gradient], right, rtol=1e-12)
