import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.errors import DataError
from symbp.network import Network
from symbp.runtime.parameters import Layout, initial

LAYOUT = Layout.of([("W", (2, 3)), ("b", (2,)), ("s", ())])


def test_views_share_memory():
    theta = np.arange(9.0)
    views = LAYOUT.views(theta)
    assert {n: v.shape for n, v in views.items()} == {"W": (2, 3), "b": (2,), "s": ()}
    views["W"][1, 0] = 100
    views["s"][...] = 7
    assert theta[3] == 100
    assert theta[8] == 7


def test_pack_is_the_inverse():
    theta = np.arange(9.0)
    assert np.array_equal(LAYOUT.pack(LAYOUT.views(theta)), theta)


class Refuses:
    def __array__(self, *_, **__):
        raise RuntimeError("no array")


@pytest.mark.parametrize(
    "value", [Refuses(), np.ma.array([1.0, 2.0], mask=[True, False]), [10**400, 1], [1j, 2]]
)
def test_pack_lets_in_what_calls_do(value):
    with pytest.raises(DataError, match="'b'"):
        LAYOUT.pack({"W": np.ones((2, 3)), "b": value, "s": 1.0})


def test_entries_have_names():
    assert [LAYOUT.entry(k) for k in (0, 5, 6, 8)] == ["W[0, 0]", "W[1, 2]", "b[0]", "s"]


@pytest.mark.parametrize(
    "values",
    [
        {"W": np.ones((2, 3)), "b": np.ones(2)},
        {"W": np.ones((2, 3)), "b": np.ones(2), "s": 1, "t": 2},
        {"W": np.ones((3, 2)), "b": np.ones(2), "s": 1},
        {"W": np.ones((2, 3)), "b": [[1], [1, 2]], "s": 1},
        {"W": np.ones((2, 3)), "b": np.ones(2), "s": 1j},
        {"W": np.ones((2, 3)), "b": None, "s": 1},
        None,
    ],
)
def test_pack_refuses(values):
    with pytest.raises(DataError):
        LAYOUT.pack(values)


@pytest.mark.parametrize("theta", [None, [1.0] * 9, np.ones(8), np.ones((9, 1))])
def test_views_refuse(theta):
    with pytest.raises(DataError):
        LAYOUT.views(theta)


def network(activation, n=400, m=300):
    x, W, b, V = nn.vector("x", n), nn.matrix("W", m, n), nn.vector("b", m), nn.matrix("V", m, m)
    z, a, c, E = nn.vector("z", m), nn.vector("a", m), nn.vector("c", m), sp.Symbol("E")
    equations = [
        sp.Eq(z, W * x + b),
        sp.Eq(a, activation(z)),
        sp.Eq(c, V * a),
        sp.Eq(E, nn.total(c) if hasattr(nn, "total") else (c.T * c)[0, 0]),
    ]
    return Network(equations, inputs=[x], parameters=[W, b, V], loss=E), Layout.of(
        [("W", (m, n)), ("b", (m,)), ("V", (m, m))]
    )


def test_he_before_relu_glorot_else():
    net, layout = network(nn.relu)
    views = layout.views(initial(net, layout, 0))
    assert views["W"].std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert np.abs(views["V"]).max() <= np.sqrt(6 / 600)
    assert not views["b"].any()
    net, layout = network(nn.sigmoid)
    views = layout.views(initial(net, layout, 0))
    assert np.abs(views["W"]).max() <= np.sqrt(6 / 700)


def test_equal_seeds_equal_values():
    net, layout = network(nn.tanh, 5, 4)
    assert np.array_equal(initial(net, layout, 3), initial(net, layout, 3))
    assert not np.array_equal(initial(net, layout, 3), initial(net, layout, 4))
    assert initial(net, layout, 3, "float32").dtype == np.float32


def test_scalars_of_a_scalar_model_are_random():
    w, b, x, E = sp.symbols("w b x E")
    net = Network([sp.Eq(E, w * x + b)], inputs=[x], parameters=[w, b], loss=E)
    assert np.all(initial(net, Layout.of([("w", ()), ("b", ())]), 0) != 0)
