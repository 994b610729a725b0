"""Hessians of expressions; those of models are in `test_hessian_products`."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as sb
from symbp.errors import DataError, NetworkError

x, y, z = sp.symbols("x y z", real=True)


def reference(expression, symbols, *points, digits=40):
    """The Hessians at some points."""
    formula = sp.lambdify(symbols, sp.hessian(expression, symbols), "mpmath")
    with mpmath.workdps(digits):
        found = [formula(*map(mpmath.mpf, point)).tolist() for point in zip(*points, strict=True)]
        return np.array([[[float(entry) for entry in row] for row in rows] for rows in found])


def test_numbers_and_arrays():
    f = sb.compile(x**2 * sp.sin(y) + sp.exp(x * z) * y, wrt=[x, y, z])
    points = np.random.default_rng(0).uniform(-2, 2, (3, 50))
    found = f.hessian(*points)
    assert found.shape == (50, 3, 3)
    np.testing.assert_allclose(found, reference(f.expression, [x, y, z], *points), rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(found, np.swapaxes(found, 1, 2))
    for _ in range(9):
        one = f.hessian(*map(float, points[:, 0]))
        np.testing.assert_allclose(one, found[0], rtol=1e-15)
    assert f.hessian(points[0].reshape(5, 10), 1.0, 2.0).shape == (5, 10, 3, 3)
    assert f.hessian(np.empty(0), 1.0, 2.0).shape == (0, 3, 3)


LEAVES = st.sampled_from([x, y, x / 3, 2 * y, sp.Integer(2)])
FUNCTIONS = st.sampled_from(
    [
        sp.exp, sp.sin, sp.tanh, sp.atan, sp.erf, lambda u: u**2, lambda u: 1 / (1 + sp.exp(-u)),
        lambda u: sp.log(1 + sp.exp(u)), lambda u: sp.sqrt(1 + u**2), lambda u: 1 / (2 + u**2),
    ]
)  # fmt: skip
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda f, u: f(u), FUNCTIONS, inner),
        st.builds(sp.Add, inner, inner),
        st.builds(sp.Mul, inner, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=25, deadline=None)
@given(FORMULAS)
def test_random_expressions(expression):
    f = sb.compile(expression, args=[x, y], wrt=[x, y], cache=False)
    points = np.random.default_rng(1).uniform(-1.5, 1.5, (2, 4))
    right = reference(expression, [x, y], *points)
    scale = np.abs(right).max(axis=(1, 2), keepdims=True)
    assert np.all(np.abs(f.hessian(*points) - right) <= 1e-11 * scale + 1e-13)


FAR = np.array([-1000.0, -745.0, -40.0, -1e-310, 0.0, 1e-310, 1.0, 40.0, 710.0, 1000.0])


@pytest.mark.parametrize(
    "expression",
    [
        sp.log(1 + sp.exp(x)),
        1 / (1 + sp.exp(-x)),
        sp.tanh(x),
        sp.exp(-(x**2)),
        x / (1 + sp.exp(-x)),
        sp.erf(x),
        sp.exp(-sp.exp(-x)),
        1 / sp.cosh(x),
        sp.log(sp.cosh(x)),
        sp.Piecewise((x**2, x > 0), (sp.exp(x) - 1, True)),
    ],
)
def test_far_from_zero(expression):
    found = sb.compile(expression, wrt=[x]).hessian(FAR)
    right = reference(expression, [x], FAR, digits=1000)
    np.testing.assert_allclose(found, right, rtol=1e-13, atol=1e-300)


def test_log_sum_exp_and_mixtures_far_out():
    f = sb.compile(sp.log(sp.exp(x) + sp.exp(y) + sp.exp(z)), wrt=[x, y, z])
    found = f.hessian(1000.0, 1000.0, 0.0)
    np.testing.assert_allclose(found, [[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]], atol=1e-300)
    m, s = sp.symbols("m s")
    density = sum(sp.exp(-((x - k) ** 2) * sp.exp(-2 * s) / 2 - s) / sp.sqrt(2 * sp.pi) for k in (m, -m))
    g = sb.compile(sp.log(density), wrt=[m, s], args=[x, m, s])
    for at in (3.0, 30.0, 100.0):
        (right,) = reference(sp.log(density).subs(x, sp.Float(at, 400)), [m, s], [1.5], [-0.25], digits=400)
        np.testing.assert_allclose(g.hessian(at, 1.5, -0.25), right, rtol=1e-10)


def test_kinks_and_jumps_have_none():
    f = sb.compile(sp.Max(x, 0) + sp.Abs(y) * x + sp.floor(y), wrt=[x, y])
    np.testing.assert_array_equal(f.hessian(1.5, -2.5), [[0, -1], [-1, 0]])


def test_vectors_and_sums():
    v, A = sb.vector("v", 4), sb.matrix("A", 4, 4)
    a, at = (np.random.default_rng(2).normal(size=n) for n in ((4, 4), (7, 4)))
    f = sb.compile(v.T * A * v, wrt=[v])
    np.testing.assert_allclose(f.hessian(at, a), np.broadcast_to(a + a.T, (7, 4, 4)), rtol=1e-13)
    w, i = sp.IndexedBase("w", shape=(5,)), sp.Symbol("i", integer=True)
    g = sb.compile(sp.log(sp.Sum(sp.exp(w[i]), (i, 0, 4))) * x, wrt=[w, x], args=[x, w])
    point = np.array([1000.0, 999.0, -5.0, 1000.0, 998.0])
    p = np.exp(point - 1000)
    p /= p.sum()
    right = np.zeros((6, 6))
    right[:5, :5] = 2 * (np.diag(p) - np.outer(p, p))
    right[:5, 5] = right[5, :5] = p
    np.testing.assert_allclose(g.hessian(2.0, point), right, rtol=1e-12, atol=1e-300)
    position, speed = y2 = sb.vector("y2", 2)
    h = sb.compile(position**2 * speed**3, wrt=[y2])
    np.testing.assert_allclose(h.hessian(np.array([2.0, 3.0])), [[54, 108], [108, 72]], rtol=1e-15)


def test_nothing_to_differentiate():
    assert sb.compile(x * y, wrt=[]).hessian(1.0, 2.0).shape == (0, 0)
    assert sb.compile(x * y, wrt=[]).hessian(np.ones(3), 2.0).shape == (3, 0, 0)
    np.testing.assert_array_equal(sb.compile(3 * x, wrt=[x]).hessian(2.0), [[0.0]])
    np.testing.assert_array_equal(sb.compile(sp.S(2), wrt=[x]).hessian(2.0), [[0.0]])
    assert sb.compile(x + y, wrt=[x, y]).hessian(np.ones(2), 1.0).shape == (2, 2, 2)


def test_float32_and_compiled_callers():
    f = sb.compile(sp.sin(x) * y, wrt=[x, y], dtype="float32")
    found = f.hessian(0.5, 2.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(f.expression, [x, y], [0.5], [2.0])[0], rtol=1e-6)
    (inside,) = f.kernel.hessian(np.float32(0.5), np.float32(2.0))
    np.testing.assert_array_equal(inside, found)


def test_bound_to_arrays():
    for f in (sb.compile(sp.sin(x) * y**2, wrt=[x, y]), sb.compile(sb.vector("x", 2).T * sb.vector("x", 2))):
        given = [np.full(s.shape, 0.5) for s in f._slots]
        out = np.empty((2, 2))
        call = f.bind("hessian", given, [out])
        for value in (0.5, 0.75):
            for a in given:
                a[...] = value
            call()
            np.testing.assert_allclose(out, f.hessian(*given), rtol=1e-15)


def test_open_dimensions():
    n = sp.Symbol("n", integer=True)
    v = sp.MatrixSymbol("v", n, 1)
    f = sb.compile((v.T * v) * (v.T * v), wrt=[v])
    np.testing.assert_allclose(f.hessian(np.array([1.0, 2.0])), [[28, 16], [16, 52]])


def test_errors():
    with pytest.raises(NetworkError, match="several values"):
        sb.compile([x, y]).hessian(1.0, 2.0)
    f = sb.compile(x * y)
    for args in ((1.0,), (1.0, 2.0, 3.0), (1j, 2.0), ("a", 2.0)):
        with pytest.raises(DataError):
            f.hessian(*args)
