"""Networks: roles, names and symbolic dimensions."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.network import dimension, names_used, sizes, symbol_name, symbols_listed, symbols_used

x = sp.Symbol("x")


def test_names_used_leaves_bound_indices_out():
    k, i = sp.symbols("k i")
    W, b, z = sb.indexed("W", 3, 4), sb.indexed("b", 4), sb.indexed("z", 3)
    equation = sp.Eq(z[i], sp.Sum(W[i, k] * b[k], (k, 0, 3)))
    assert sorted(names_used(equation)) == ["W", "b"]


def test_symbols_used_is_linear_in_shared_expressions():
    e = x
    for _ in range(200):
        e = sp.Add(e, sp.Mul(e, e, evaluate=False), evaluate=False)
    assert symbols_used(e) == [x]


def test_symbol_name_of_every_kind():
    i = sb.index("i", 2)
    assert [symbol_name(s) for s in (x, sb.vector("v", 2), sb.indexed("A", 2), sb.indexed("A", 2)[i])] == [
        "x",
        "v",
        "A",
        "A",
    ]


def test_dimension_looks_symbols_up():
    n = sp.Symbol("n")
    assert dimension(2 * n, {"n": 3}, "W") == 6


def test_repr_shows_the_equations():
    net = sb.Network([sp.Eq(sp.Symbol("E"), x**2)], inputs=[x], name="square")
    assert "E = x**2" in repr(net)
    assert net.defined == ("E",)


def test_symbol_name_refuses_what_has_no_name():
    for thing in (3, None, x + 1, np.ones(2)):
        with pytest.raises(sb.NetworkError):
            symbol_name(thing)


def test_dimensions_have_a_value_in_equations():
    n, k, mean = sp.Symbol("n", integer=True), sp.Symbol("k", integer=True), sp.Symbol("mean")
    v = sp.IndexedBase("v", shape=(n,))
    net = sb.Network([sp.Eq(mean, sp.Sum(v[k], (k, 0, n - 1)) / n)], inputs=[v], loss=mean)
    model = sb.compile(net, dims={n: 4}, cache=False)
    assert model.forward(v=np.array([[1.0, 2, 3, 4]]))["mean"] == pytest.approx(2.5)


def test_sizes_take_symbols_and_names():
    assert sizes({sp.Symbol("n"): 3, "m": np.int64(4), "h": sp.Integer(5)}) == {"n": 3, "m": 4, "h": 5}
    assert sizes(None) == {}


def test_symbols_listed():
    assert symbols_listed(x, "wrt") == (x,)
    assert symbols_listed(["a", x], "wrt") == ("a", x)
    with pytest.raises(sb.NetworkError, match="twice"):
        symbols_listed([x, "x"], "wrt")


def test_two_dummies_of_one_name_are_refused():
    a, b = sp.Dummy("x"), sp.Dummy("x")
    with pytest.raises(sb.NetworkError, match="two different symbols"):
        sb.compile(a * b)
    assert sb.compile(a * a, cache=False)(3.0) == 9.0


def test_a_symbol_for_a_matrix_of_one_entry():
    """SymPy makes Eq(scalar, matrix) False; what the hint says to write instead is accepted."""
    x, E = sb.vector("x", 3), sp.Symbol("E")
    with pytest.raises(sb.NetworkError) as caught:
        sb.Network([sp.Eq(E, x.T * x)], inputs=[x], loss=E)
    assert "1 x 1" in caught.value.hint
    for equation in (sp.Eq(E, sp.Trace(x.T * x)), sp.Eq(E, x.T * x, evaluate=False)):
        derivation = sb.derive(sb.Network([equation], inputs=[x], loss=E), wrt=[x])
        assert [str(e.rhs) for e in derivation.backward] == ["2*x"]


def test_numbers_are_not_looked_up_for_symbols(monkeypatch):
    x, y = sp.symbols("x y")
    body = 1.5 * x * sp.exp(-0.25 / y) + 2.75
    hash(body)

    def hashed(_):
        raise AssertionError("SymPy computed the hash of a float")

    monkeypatch.setattr(sp.Float, "__hash__", hashed)
    assert set(symbols_used(body)) == {x, y}
