import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.errors import ShapeError

M = np.array([[1.0, -2.0, 3.5], [4.0, 0.25, -6.0]])
N = np.array([[2.0, 5.0, -1.0], [0.5, 3.0, 1.5]])


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 3), (2, 3), (3, 3)])
def test_values(shape, value):
    u, v = nn.matrix("u", *shape), nn.matrix("v", *shape)
    rng = np.random.default_rng(0)
    U, V = rng.normal(size=shape), rng.normal(size=shape)
    assert value(nn.total(u), {u: U}) == pytest.approx(U.sum())
    assert value(nn.mean(u), {u: U}) == pytest.approx(U.mean())
    assert value(nn.dot(u, v), {u: U, v: V}) == pytest.approx((U * V).sum())
    assert value(nn.squared_norm(u), {u: U}) == pytest.approx((U**2).sum())
    np.testing.assert_allclose(value(nn.hadamard(u, v), {u: U, v: V}), U * V)


def test_explicit_matrices(value):
    u, v = sp.Matrix(M.tolist()), sp.Matrix(N.tolist())
    assert value(nn.total(u)) == pytest.approx(M.sum())
    assert value(nn.mean(u)) == pytest.approx(M.mean())
    assert value(nn.dot(u, v)) == pytest.approx((M * N).sum())
    np.testing.assert_allclose(value(nn.hadamard(u, v)), M * N)
    assert nn.total([1, 2, 3]) == 6


def test_explicit_with_symbolic(value):
    u, v = sp.Matrix(M.tolist()), nn.matrix("v", 2, 3)
    assert value(nn.dot(u, v), {v: N}) == pytest.approx((M * N).sum())
    np.testing.assert_allclose(value(nn.hadamard(v, u), {v: N}), M * N)


def test_scalars():
    a, b = sp.symbols("a b")
    assert nn.total(a) == nn.mean(a) == a
    assert nn.dot(a, b) == nn.hadamard(a, b) == a * b
    assert nn.squared_norm(a) == a**2


@pytest.mark.parametrize("shape", [(10, 1), (1, 10), (10, 10)])
def test_nothing_is_expanded(shape, size_of):
    def size(m, n):
        W, b = nn.matrix("W", m, m), nn.matrix("b", m, n)
        z = W * nn.matrix("x", m, n) + b
        whole = nn.total(nn.exp(z)) + nn.mean(z) + nn.dot(z, b) + nn.squared_norm(z)
        assert not whole.has(sp.matrices.expressions.matexpr.MatrixElement)
        return size_of(whole)

    assert size(*shape) == size(*(100 if n > 1 else 1 for n in shape))


def test_symbolic_dimension():
    n = sp.Symbol("n", integer=True, positive=True)
    v = nn.vector("v", n)
    assert nn.total(v) == sp.Trace(sp.OneMatrix(1, n) * v)
    assert nn.mean(v) == nn.total(v) / n


def test_a_total_is_a_scalar():
    v = nn.vector("v", 3)
    assert isinstance(nn.total(v), sp.Trace)
    assert isinstance(sp.log(nn.total(v)) * v, sp.MatMul)


def test_dot_does_not_distribute_the_transposition():
    W, x, b = nn.matrix("W", 3, 3), nn.vector("x", 3), nn.vector("b", 3)
    z = W * x + b
    assert nn.squared_norm(z) == sp.Trace(sp.MatMul(sp.Transpose(z), z))
    assert nn.squared_norm(z).count(b) == 2
    assert nn.squared_norm(W) == sp.Trace(W.T * W)


def test_shapes_must_agree():
    for f in (nn.dot, nn.hadamard):
        with pytest.raises(ShapeError, match=r"u is \(3, 1\), v is \(1, 3\)"):
            f(nn.vector("u", 3), nn.matrix("v", 1, 3))
