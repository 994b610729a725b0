import numpy as np
import pytest
import scipy.special
import sympy as sp

from symbp import nn
from symbp.errors import ShapeError, UnsupportedError

POINTS = np.array([-3.0, -0.5, 0.0, 0.7, 4.0])
ALPHA, SCALE = 1.6732632423543772848, 1.0507009873554804934


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


FUNCTIONS = {
    nn.sigmoid: scipy.special.expit,
    nn.tanh: np.tanh,
    nn.relu: lambda x: np.where(x > 0, x, 0),
    nn.leaky_relu: lambda x: np.where(x > 0, x, 0.1 * x),
    nn.softplus: lambda x: np.logaddexp(0, x),
    nn.elu: elu,
    nn.selu: lambda x: SCALE * elu(x, ALPHA),
    nn.gelu: lambda x: x * scipy.special.ndtr(x),
    nn.silu: lambda x: x * scipy.special.expit(x),
    nn.softsign: lambda x: x / (1 + np.abs(x)),
}


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_values(f, value):
    x, s = nn.vector("x", 5), nn.scalar("s")
    expected = FUNCTIONS[f](POINTS)
    np.testing.assert_allclose(value(f(x), {x: POINTS}).ravel(), expected, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(value(f(sp.Matrix(POINTS.tolist()))).ravel(), expected, rtol=1e-14, atol=1e-16)
    q = nn.vector("q", 1)
    np.testing.assert_allclose(value(f(q), {q: POINTS[1]}).item(), expected[1], rtol=1e-14)
    scalars = [value(f(s), {s: point}) for point in POINTS]
    np.testing.assert_allclose(scalars, expected, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_accepts_every_notation(f):
    v, i, c = nn.indexed("v", 4), nn.index("i", 4), sp.Symbol("c")
    assert f(v[i]).free_symbols >= {v[i]}
    assert f(c).subs(c, v[i]) == f(v[i])
    assert f(nn.matrix("W", 2, 3) * nn.vector("x", 3)).shape == (2, 1)
    assert f([v[0], v[1]]) == sp.Matrix([f(v[0]), f(v[1])])


def test_slope_of_leaky_relu():
    x = nn.scalar("x")
    assert nn.leaky_relu(x) == sp.Piecewise((x, x > 0), (x / 10, True))
    assert nn.leaky_relu(x, 0.25) == sp.Piecewise((x, x > 0), (x / 4, True))
    for slope in (0, 1, -0.1, 2, sp.Integer(3)):
        with pytest.raises(UnsupportedError, match="slope must be between 0 and 1"):
            nn.leaky_relu(x, slope)


def test_alpha_of_elu(value):
    x = nn.scalar("x")
    assert value(nn.elu(x, 0.5), {x: -1}) == pytest.approx(0.5 * np.expm1(-1))
    with pytest.raises(UnsupportedError, match="alpha must be positive"):
        nn.elu(x, 0)


def test_alpha_may_be_a_parameter(value):
    x, alpha = nn.vector("x", 2), nn.scalar("alpha")
    np.testing.assert_allclose(value(nn.elu(x, alpha), {x: [-1, 2], alpha: 3}), [[3 * np.expm1(-1)], [2]])


def test_softmax_values(value):
    z = nn.vector("z", 5)
    expected = scipy.special.softmax(POINTS)
    np.testing.assert_allclose(value(nn.softmax(z), {z: POINTS}).ravel(), expected, rtol=1e-14)
    np.testing.assert_allclose(value(nn.softmax(list(POINTS))).ravel(), expected, rtol=1e-13)
    np.testing.assert_allclose(value(nn.log_softmax(z), {z: POINTS}).ravel(), np.log(expected), rtol=1e-13)
    np.testing.assert_allclose(value(nn.log_softmax(list(POINTS))).ravel(), np.log(expected), rtol=1e-13)


def test_softmax_of_one_entry(value):
    z = nn.vector("z", 1)
    assert value(nn.softmax(z), {z: [3]}).item() == 1
    assert value(nn.log_softmax(z), {z: [3]}).item() == pytest.approx(0, abs=1e-15)


def test_softmax_of_scalars():
    a, b = sp.symbols("a b", real=True)
    assert nn.softmax([a, b])[0] == sp.exp(a) / (sp.exp(a) + sp.exp(b))
    assert nn.log_softmax([a, b])[1] == b - sp.log(sp.exp(a) + sp.exp(b))


def test_softmax_is_the_plain_formula():
    z = nn.vector("z", 10)
    assert nn.softmax(z) == nn.exp(z) / nn.total(nn.exp(z))
    assert nn.log_softmax(z) == z - sp.log(nn.total(nn.exp(z))) * sp.OneMatrix(10, 1)


@pytest.mark.parametrize("f", [nn.softmax, nn.log_softmax])
def test_softmax_does_not_expand(f, size_of):
    def size(n):
        return size_of(f(nn.matrix("W", n, n) * nn.vector("x", n) + nn.vector("b", n)))

    assert size(10) == size(1000)
    assert f(nn.vector("z", sp.Symbol("n"))).shape == (sp.Symbol("n"), 1)


@pytest.mark.parametrize("f", [nn.softmax, nn.log_softmax])
def test_softmax_needs_a_column(f):
    for bad in (sp.Symbol("c"), nn.matrix("W", 2, 3), nn.matrix("r", 1, 3), nn.indexed("v", 3)[0]):
        with pytest.raises(ShapeError, match=f"{f.__name__} needs a column vector"):
            f(bad)
