import pickle

import numpy as np
import pytest
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symbp import nn
from symbp.errors import UnsupportedError

POINTS = [0.3, 1.0, 2.5]
FUNCTIONS = [
    (nn.exp, np.exp),
    (nn.log, np.log),
    (nn.sqrt, np.sqrt),
    (nn.sin, np.sin),
    (nn.cos, np.cos),
    (nn.absolute, np.abs),
    (nn.square, np.square),
]


@pytest.mark.parametrize(("symbolic", "numeric"), FUNCTIONS)
def test_values(symbolic, numeric, value):
    x, W, s = nn.vector("x", 3), nn.matrix("W", 3, 3), nn.scalar("s")
    expected = numeric(np.array(POINTS)).reshape(3, 1)
    np.testing.assert_allclose(value(symbolic(x), {x: POINTS}), expected, rtol=1e-14)
    np.testing.assert_allclose(value(symbolic(W * x), {W: np.eye(3), x: POINTS}), expected, rtol=1e-14)
    np.testing.assert_allclose(value(symbolic(sp.Matrix(POINTS))), expected, rtol=1e-14)
    np.testing.assert_allclose(value(symbolic(POINTS)), expected, rtol=1e-14)
    assert value(symbolic(s), {s: 0.3}) == pytest.approx(expected[0, 0], rel=1e-14)


@pytest.mark.parametrize(("f", "at"), [(nn.absolute, -2), (nn.square, -2)])
def test_negative_values(f, at, value):
    x = nn.vector("x", 1)
    assert value(f(x), {x: [at]}).item() == {nn.absolute: 2, nn.square: 4}[f]


def test_shape_is_kept():
    W = nn.matrix("W", 2, sp.Symbol("n"))
    assert nn.exp(W).shape == W.shape


def test_the_node_and_its_bound_symbol():
    node = nn.exp(nn.vector("x", 3))
    assert isinstance(node, ElementwiseApplyFunction)
    assert node.function == sp.Lambda(sp.Symbol("t", real=True), sp.exp(sp.Symbol("t", real=True)))


ONE_BY_ONE = [
    (lambda t: 1 - t, -1.5),
    (lambda t: 1 / t, 0.4),
    (lambda t: t**2, 6.25),
    (lambda t: t / (1 + sp.exp(-t)), 2.5 / (1 + np.exp(-2.5))),
    (lambda t: 2 * t, 5),
]


@pytest.mark.parametrize(("f", "expected"), ONE_BY_ONE)
def test_one_by_one_is_like_any_other_shape(f, expected, value):
    q, w, x = nn.vector("q", 1), nn.matrix("w", 1, 2), nn.vector("x", 2)
    node = nn.elementwise(f, q)
    for form in (node, node.func(*node.args), node.doit(), node.T.T, node.xreplace({q: w * x})):
        assert isinstance(form, ElementwiseApplyFunction)
        assert form.shape == (1, 1)
    assert value(node, {q: [2.5]}).item() == pytest.approx(expected, rel=1e-14)
    assert value(nn.elementwise(f, w * x), {w: [1, 2], x: [0.5, 1]}).item() == pytest.approx(expected)


def test_nodes_print_and_pickle_like_the_one_of_sympy():
    x = nn.vector("x", 3)
    node = nn.exp(x)
    theirs = x.applyfunc(node.function)
    assert str(node) == str(theirs)
    assert sp.latex(node) == sp.latex(theirs)
    assert pickle.loads(pickle.dumps(node)) == node


def test_doit_keeps_the_bound_symbol(value):
    x = nn.vector("x", 2)
    node = nn.exp(nn.log(x))
    assert node.doit() == node
    assert node.doit(deep=False) == node
    np.testing.assert_allclose(value(node, {x: [2, 3]}), [[2], [3]], rtol=1e-14)


def test_equal_formulas_are_equal_expressions():
    x = nn.vector("x", 3)
    assert nn.sigmoid(x) == nn.elementwise(lambda u: 1 / (1 + sp.exp(-u)), x)
    assert nn.exp(x) != nn.log(x)


@pytest.mark.parametrize("t", [sp.Symbol("t", real=True), sp.Symbol("t")])
def test_a_symbol_of_the_user_is_not_captured(t, value):
    x = nn.vector("x", 2)
    scaled = nn.elementwise(lambda u: t * u, x)
    assert scaled.free_symbols == {x, t}
    np.testing.assert_allclose(value(scaled, {x: [2, 3], t: 10}), [[20], [30]])


def test_indexed_elements_are_scalars():
    v, i = nn.indexed("v", 4), nn.index("i", 4)
    assert nn.exp(v[i]) == sp.exp(v[i])


def test_result_must_be_a_scalar():
    x, W = nn.vector("x", 2), nn.matrix("W", 2, 2)
    with pytest.raises(UnsupportedError, match="must return a scalar"):
        nn.elementwise(lambda u: u * W, x)
    with pytest.raises(UnsupportedError):
        nn.elementwise(lambda u: u > 0, x)
    with pytest.raises(UnsupportedError):
        nn.exp("x")
