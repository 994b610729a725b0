"""Values and Jacobians of expressions, computed together."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import sympy as sp

from symbp.errors import DataError, NetworkError
from symbp.runtime import cache, threads
from symbp.runtime.expression import Function

x, y, z = sp.symbols("x y z")
EXPRESSIONS = [x * sp.exp(-y * z), sp.sin(x) / (1 + y**2), 3 * z + 1, sp.tanh(x * y) ** 2 + sp.log(1 + z**2)]


@pytest.fixture(scope="module")
def f():
    return Function(EXPRESSIONS, wrt=[x, y, z], cache=False)


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).uniform(0.1, 2, (3, 37))


def reference(points):
    """Values and Jacobian by complex steps of the expressions themselves."""
    plain = sp.lambdify((x, y, z), EXPRESSIONS, "numpy")
    count = points.shape[1]
    values = np.stack([np.broadcast_to(v, count) for v in plain(*points)], -1)
    columns = []
    for k in range(3):
        moved = points.astype(complex)
        moved[k] += 1e-200j
        columns.append(np.stack([np.broadcast_to(np.imag(v), count) / 1e-200 for v in plain(*moved)], -1))
    return values, np.stack(columns, -1)


def test_against_complex_steps(f, points):
    value, jacobian = f.value_and_jacobian(*points)
    right, slopes = reference(points)
    np.testing.assert_allclose(value, right, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(jacobian, slopes, rtol=1e-12, atol=1e-14)
    assert (value.shape, jacobian.shape) == ((37, 4), (37, 4, 3))
    np.testing.assert_allclose(f(*points), value, rtol=4e-16)
    np.testing.assert_array_equal(f.jacobian(*points), jacobian)
    assert value.flags.c_contiguous
    assert jacobian.flags.c_contiguous


def test_rows_are_gradients(f, points):
    jacobian = f.jacobian(*points)
    for k, expression in enumerate(EXPRESSIONS):
        alone = Function(expression, wrt=[x, y, z], args=[x, y, z], cache=False)
        value, gradient = alone.value_and_grad(*points)
        np.testing.assert_allclose(np.stack(gradient, -1), jacobian[:, k], rtol=1e-13, atol=1e-15)
        both = alone.value_and_jacobian(*points)
        np.testing.assert_array_equal(both[0], value)
        np.testing.assert_array_equal(both[1], np.stack(gradient, -1)[:, None])
        assert alone.value_and_jacobian(1.0, 2.0, 3.0)[1].shape == (1, 3)


def test_every_way_to_give_a_sample_gives_the_same_bits(f, points):
    value, jacobian = f.value_and_jacobian(*points)
    for k in (0, 5, 36):
        numbers = points[:, k].tolist()
        for given in (numbers, points[:, k], [np.array(v) for v in numbers]):
            one, slopes = f.value_and_jacobian(*given)
            assert (one.shape, slopes.shape) == ((4,), (4, 3))
            np.testing.assert_array_equal(one, value[k])
            np.testing.assert_array_equal(slopes, jacobian[k])
        one, slopes = f.value_and_jacobian(*points[:, k : k + 1])
        np.testing.assert_array_equal(slopes, jacobian[k : k + 1])


def test_shapes_broadcast(f, points):
    a, b = points[0][:5, None], points[1][:7]
    value, jacobian = f.value_and_jacobian(a, b, 0.5)
    assert (value.shape, jacobian.shape) == ((5, 7, 4), (5, 7, 4, 3))
    spread = [np.ravel(v) for v in np.broadcast_arrays(a, b, 0.5)]
    np.testing.assert_array_equal(jacobian.reshape(35, 4, 3), f.jacobian(*spread))
    np.testing.assert_array_equal(f(points[0], 0.5, points[2]), f(points[0], np.full(37, 0.5), points[2]))
    np.testing.assert_array_equal(
        f(points[0], points[1][:1], 2), f(points[0], points[1][0], np.full(37, 2.0))
    )


def test_arrays_of_all_kinds(f, points):
    right = f.jacobian(*points)
    strided = np.repeat(points, 2, axis=1)[:, ::2]
    locked = points.copy()
    locked.flags.writeable = False
    backwards = [p[::-1].copy()[::-1] for p in points]
    for given in (strided, locked, backwards, points.tolist(), points.astype(">f8")):
        np.testing.assert_array_equal(f.jacobian(*given), right)
    np.testing.assert_array_equal(f.jacobian(1, 2, 3), f.jacobian(1.0, 2.0, 3.0))
    whole = np.arange(1, 4)
    np.testing.assert_array_equal(f.jacobian(whole, whole, whole), f.jacobian(*3 * [whole.astype(float)]))
    np.testing.assert_array_equal(f.jacobian(True, 2, 3), f.jacobian(1.0, 2.0, 3.0))


def test_no_samples(f):
    none = np.ones(0)
    value, jacobian = f.value_and_jacobian(none, none, none)
    assert (value.shape, jacobian.shape) == ((0, 4), (0, 4, 3))
    assert f.jacobian(np.ones((3, 0)), 1.0, none).shape == (3, 0, 4, 3)
    with pytest.raises(DataError, match="broadcast"):
        f.jacobian(none, np.ones(2), 1.0)


def test_refusals(f):
    for call in (f, f.jacobian, f.value_and_jacobian):
        with pytest.raises(DataError, match="3 arguments"):
            call(1.0, 2.0)
        with pytest.raises(DataError, match="broadcast"):
            call(np.ones(2), np.ones(3), 1.0)
        with pytest.raises(DataError, match="real"):
            call(1j, 2.0, 3.0)
        with pytest.raises(DataError):
            call("1", 2.0, 3.0)
    with pytest.raises(NetworkError, match="value_and_jacobian"):
        f.value_and_grad(1.0, 2.0, 3.0)


def test_single_precision(points):
    g = Function(EXPRESSIONS, wrt=[x, y, z], dtype="float32", cache=False)
    value, jacobian = g.value_and_jacobian(*points)
    assert value.dtype == jacobian.dtype == np.float32
    np.testing.assert_allclose(jacobian, reference(points)[1], rtol=1e-5, atol=1e-6)
    one = g.value_and_jacobian(*points[:, 0].tolist())
    np.testing.assert_array_equal(one[1], jacobian[0])
    given = points.astype(np.float32)
    np.testing.assert_array_equal(g.jacobian(*given), g.jacobian(*given.astype(float)))


def test_single_precision_of_one_number():
    g = Function(x * sp.exp(y), dtype="float32", cache=False)
    assert g(2.0, 3.0) == np.float32(np.float32(2) * np.exp(np.float32(3)))
    assert g(np.float32(2.0), 3.0) == g(2.0, 3.0)


def test_extreme_values(f):
    with np.errstate(all="ignore"):
        for given in ((np.nan, 1.0, 1.0), (np.inf, 1.0, 1.0), (1e308, 1e-308, 1e308), (0.0, -0.0, 5e-324)):
            got = f.value_and_jacobian(*given)
            alike = f.value_and_jacobian(*np.repeat(np.array(given)[:, None], 9, axis=1))
            for a, b in zip(got, alike, strict=True):
                np.testing.assert_array_equal(b, np.broadcast_to(a, b.shape))
    assert np.isnan(f(np.nan, 1.0, 1.0)[0])
    assert f(np.nan, 1.0, 1.0)[2] == 4.0
    # A sigmoid's tails are right relative to themselves.
    g = Function([1 / (1 + sp.exp(-x)), x], cache=False)
    np.testing.assert_allclose(g.jacobian(np.array([-300.0, 300.0]))[:, 0, 0], np.exp(-300), rtol=1e-12)


def test_vectors_by_entry():
    v = sp.MatrixSymbol("v", 3, 1)
    g = Function([v[0, 0] * v[2, 0], v[1, 0] ** 2 * x, sp.Integer(2)], wrt=[v, x], cache=False)
    assert g.derivation.jacobian
    a = np.arange(12.0).reshape(4, 3)
    value, jacobian = g.value_and_jacobian(a, 2.0)
    np.testing.assert_array_equal(value, np.stack([a[:, 0] * a[:, 2], 2 * a[:, 1] ** 2, np.full(4, 2.0)], -1))
    assert jacobian.shape == (4, 3, 4)
    np.testing.assert_array_equal(jacobian[1], [[5, 0, 3, 0], [0, 16, 0, 16], [0, 0, 0, 0]])
    np.testing.assert_array_equal(g.jacobian(a[1], 2), jacobian[1])


def test_matrices_of_expressions():
    g = Function(sp.Matrix([[x, x * y], [y**2, 1]]), wrt=[y], cache=False)
    value, jacobian = g.value_and_jacobian(3.0, 2.0)
    assert value.tolist() == [[2.0, 6.0], [9.0, 1.0]]
    assert jacobian.tolist() == [[0.0], [2.0], [6.0], [0.0]]
    assert g(np.ones(5), 2.0).shape == (5, 2, 2)


def test_expressions_with_loops():
    W, v = sp.MatrixSymbol("W", 2, 3), sp.MatrixSymbol("v", 3, 1)
    g = Function(W * v, wrt=[v], args=[W, v], cache=False)
    a = np.arange(6.0).reshape(2, 3)
    value, jacobian = g.value_and_jacobian(a, np.ones((5, 3)))
    np.testing.assert_allclose(value, np.tile(a.sum(1), (5, 1)))
    np.testing.assert_allclose(jacobian, np.tile(a, (5, 1, 1)))


def test_nothing_to_differentiate_for():
    g = Function([x, 2 * x], wrt=[], cache=False)
    value, jacobian = g.value_and_jacobian(np.ones(3))
    assert (value.shape, jacobian.shape) == ((3, 2), (3, 2, 0))
    assert Function(2 * x, wrt=[], cache=False).jacobian(1.0).shape == (1, 0)
    h = Function([sp.Integer(1), sp.Integer(2)], cache=False)
    assert h.jacobian().shape == (2, 0)
    assert h().tolist() == [1.0, 2.0]


def test_check_source_kernel_and_derivation(f):
    assert f.check().passed
    assert "def value_and_jacobian_into" in f.source
    value, jacobian = f.kernel.value_and_jacobian(1.0, 2.0, 3.0)
    np.testing.assert_array_equal(jacobian, f.jacobian(1.0, 2.0, 3.0))
    np.testing.assert_allclose(value, f(1.0, 2.0, 3.0), rtol=4e-16)
    assert "Jacobian" in str(f.derivation)
    assert "dvalue1/dx" in str(f.derivation)


def test_the_kernel_on_disk_is_found_again(cache_dir, points, monkeypatch):
    first = Function(EXPRESSIONS, wrt=[x, y, z]).value_and_jacobian(*points)
    cache.clear_memory()
    monkeypatch.setattr("symbp.rows.derive_jacobian", None)  # must not be derived again
    again = Function(EXPRESSIONS, wrt=[x, y, z]).value_and_jacobian(*points)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("expression", [EXPRESSIONS, EXPRESSIONS[0] + EXPRESSIONS[3]])
def test_threads_change_no_bit(monkeypatch, expression):
    monkeypatch.setattr(threads, "WORTH", 0)
    monkeypatch.setattr(threads, "SHARED", 1)
    shared = []
    run = threads.Together.run
    monkeypatch.setattr(threads.Together, "run", lambda *a: (shared.append(1), run(*a))[1])
    points = np.random.default_rng(1).uniform(0.1, 2, (3, 10_037))
    alone = Function(expression, wrt=[x, y, z], threads=1, cache=False).value_and_jacobian(*points)
    assert not shared
    pair = Function(expression, wrt=[x, y, z], threads=2, cache=False)
    for _ in range(3):
        for a, b in zip(alone, pair.value_and_jacobian(*points), strict=True):
            np.testing.assert_array_equal(a, b)
    assert shared


def test_many_python_threads_at_once(f, points):
    right = f.value_and_jacobian(*points)
    wrong = []

    def work():
        for _ in range(200):
            got = f.value_and_jacobian(*points)
            if not all(np.array_equal(a, b) for a, b in zip(got, right, strict=True)):
                wrong.append(got)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong
