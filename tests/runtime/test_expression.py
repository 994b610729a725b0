import copy
import pickle

import numpy as np
import pytest
import sympy as sp

from symbp import pipeline
from symbp.errors import CacheWarning, DataError, NetworkError, ShapeError
from symbp.runtime import cache
from symbp.runtime.expression import Function
from symbp.runtime.often import OFTEN

x, y, z = sp.symbols("x y z")


@pytest.fixture(scope="module")
def f():
    return Function((x + y) * z, wrt=[x, y, z], cache=False)


def test_numbers(f):
    assert f(-2.0, 5.0, -4.0) == -12.0
    assert f.value_and_grad(-2.0, 5.0, -4.0) == (-12.0, (-4.0, -4.0, 3.0))
    assert f.gradient(-2, 5, -4) == (-4.0, -4.0, 3.0)
    assert all(type(v) is float for v in (f(-2, 5, -4), f(-2.0, 5.0, -4.0), *f.gradient(-2, 5, -4)))


def test_arrays_broadcast(f):
    a, b = np.arange(3.0)[:, None], np.arange(4.0)
    assert np.array_equal(f(a, b, 2), (a + b) * 2)
    value, (ga, _, gc) = f.value_and_grad(a, b, 2)
    assert value.shape == ga.shape == gc.shape == (3, 4)
    assert np.array_equal(gc, a + b)
    assert f(np.empty((0, 4)), b, 1.0).shape == (0, 4)
    assert f.jacobian(a, b, 2).shape == (3, 4, 1, 3)
    assert f([1, 2], 0, 1).tolist() == [1.0, 2.0]


def test_arguments():
    assert Function(x * y + z, cache=False).arguments == (x, y, z)
    g = Function(x * y + z, wrt=[y], cache=False)
    assert g.arguments == (y, x, z)
    assert g.value_and_grad(2.0, 3.0, 4.0) == (10.0, (3.0,))
    g = Function(x * y + z, wrt=[y], args=[z, y, x], cache=False)
    assert g.value_and_grad(4.0, 2.0, 3.0) == (10.0, (3.0,))
    for bad in (
        {"args": [x]},
        {"wrt": [x, x]},
        {"wrt": [x + y]},
        {"wrt": [sp.Symbol("q")], "args": [x, y, z]},
    ):
        with pytest.raises(NetworkError):
            Function(x * y + z, **bad)


def test_refusals(f):
    for bad in ((1.0, 2.0), (1.0, 2.0, None), (1.0, 2.0, 1j), ([1, 2], [1, 2, 3], 1.0), ("a", 1.0, 2.0)):
        with pytest.raises(DataError):
            f(*bad)
    for bad in ("x*y", None, object(), [], [None]):
        with pytest.raises(NetworkError):
            Function(bad)
    with pytest.raises(NetworkError, match="jacobian"):
        Function([x, y], cache=False).value_and_grad(1.0, 2.0)


def test_matrix_symbols_take_arrays():
    v = sp.MatrixSymbol("v", 3, 1)
    g = Function((v.T * v)[0, 0], cache=False)
    assert g([1, 2, 3]) == 14.0
    value, (gradient,) = g.value_and_grad(np.ones((2, 3)))
    assert value.tolist() == [3, 3]
    assert np.array_equal(gradient, np.full((2, 3), 2.0))
    with pytest.raises(DataError, match=r"\(\.\.\., 3\)"):
        g([1, 2])


def test_jacobian_of_a_list():
    g = Function([x * y, sp.sin(x) + z], wrt=[x, y], cache=False)
    assert np.allclose(g(1, 2, 3), [2, np.sin(1) + 3])
    assert np.allclose(g.jacobian(1, 2, 3), [[2, 1], [np.cos(1), 0]])
    many = g.jacobian(np.arange(4.0), 2, 3)
    assert many.shape == (4, 2, 2)
    assert np.allclose(many[3], [[2, 3], [np.cos(3), 0]])
    assert g.check().passed


def test_jacobian_of_a_matrix_expression():
    W, v = sp.MatrixSymbol("W", 2, 3), sp.MatrixSymbol("v", 3, 1)
    g = Function(W * v, wrt=[v], args=[W, v], cache=False)
    a = np.arange(6.0).reshape(2, 3)
    assert np.allclose(g(a, [1, 2, 3]), a @ [1, 2, 3])
    assert np.allclose(g.jacobian(a, [1, 2, 3]), a)


def test_constants():
    assert Function(sp.Integer(3), cache=False)() == 3.0
    g = Function(sp.Integer(3), args=[x], cache=False)
    assert g(np.ones(2)).tolist() == [3.0, 3.0]
    _, (gradient,) = g.value_and_grad(np.ones(2))
    assert gradient.tolist() == [0.0, 0.0]


def test_names_do_not_collide():
    value, seed = sp.symbols("value seed")
    assert Function(value * seed, cache=False).value_and_grad(2.0, 3.0) == (6.0, (3.0, 2.0))


def test_check_source_and_kernel(f):
    assert f.check().passed
    assert f.check(1.0, 2.0, 3.0).passed
    assert "def value_and_grad" in f.source
    assert f.kernel.value_and_grad(-2.0, 5.0, -4.0) == (-12.0, -4.0, -4.0, 3.0)
    assert f.kernel.value(-2.0, 5.0, -4.0) == (-12.0,)
    with pytest.raises(AttributeError):
        f.kernel.nothing  # noqa: B018


LONG = sum((sp.sin(k * x) * sp.cos(y / k) for k in range(1, 30)), sp.S.Zero)


def test_kernels_of_numbers_are_compiled_when_they_are_asked_for():
    g = Function(LONG, cache=False)
    assert not g._found
    a = np.linspace(0, 1, 4)
    g.value_and_grad(a, a)
    (kernel,) = g._found.values()
    assert not kernel.loaded.module.value_and_grad.overloads
    assert g.value_and_grad(0.0, 0.0)[0] == 0.0
    assert [*g._found] == ["value_and_grad"]
    assert g.kernel.value_and_grad(a[1], a[1])[0] == g(a, a)[1]
    assert [*g._found] == ["value_and_grad", "value"]


def test_numbers_that_come_often_have_machine_code_of_their_own():
    f, g = Function(LONG / 7, cache=False), Function(LONG / 11, cache=False)
    a = np.linspace(0.1, 1, 4)
    for k in range(2 * OFTEN):
        found = f.value_and_grad(0.1 + k, 0.5)
        assert found == tuple(
            x.item() if isinstance(x, np.ndarray) else tuple(p.item() for p in x)
            for x in f.value_and_grad(np.array([0.1 + k]), np.array([0.5]))
        )
        g.value_and_grad(a, a)
    folders = [m for m in cache._loaded.values() if "value_and_grad_point_into" in m.meta.get("machine", {})]
    assert [m.source == f.source for m in folders].count(True) == 1
    assert not any(m.source == g.source for m in folders)


def test_a_second_process_derives_nothing(monkeypatch):
    a = np.linspace(0, 1, 4)
    first = Function(LONG / 3, wrt=[x])
    want = first.value_and_grad(a, a), first.kernel.value_and_grad(0.5, 0.25)
    cache.clear_memory()
    monkeypatch.setattr(pipeline, "derive", None)
    again = Function(LONG / 3, wrt=[x])
    got = again.value_and_grad(a, a), again.kernel.value_and_grad(0.5, 0.25)
    assert got[1] == want[1]
    np.testing.assert_array_equal(got[0][0], want[0][0])
    kernel = again._kernel("value_and_grad")
    assert kernel.loaded.from_disk
    assert kernel._other("later").from_disk


def test_a_damaged_description_is_found_out_when_the_kernel_is_built(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMBP_CACHE_DIR", str(tmp_path))
    Function(LONG / 5).value_and_grad(1.0, 2.0)
    cache.clear_memory()
    for meta in tmp_path.glob("*/meta.json"):
        meta.write_text('{"interface": {"inputs": []}, "pointwise": false}')
    again = Function(LONG / 5)
    with pytest.warns(CacheWarning, match="damaged"):
        assert again.value_and_grad(1.0, 2.0)[0] == pytest.approx(float((LONG / 5).subs({x: 1, y: 2})))


def test_single_precision():
    g = Function(x * y, dtype="float32", cache=False)
    assert g(np.float32(2), 3.0) == 6.0
    assert g([1.0], 2).dtype == np.float32


n, m = sp.symbols("n m", integer=True, positive=True)
W, v = sp.MatrixSymbol("W", m, n), sp.MatrixSymbol("v", n, 1)


def test_constants_take_no_arguments():
    f = Function(sp.pi, cache=False)
    assert f() == np.pi
    for call in (f, f.value_and_grad, f.jacobian):
        with pytest.raises(DataError, match="0 arguments are needed, got 1"):
            call(800.0)


def test_symbolic_dimensions_come_from_the_arguments():
    g = Function((v.T * v)[0, 0] / n, cache=False)
    assert "open" in repr(g)
    assert g([1.0, 2.0, 3.0]) == pytest.approx(14 / 3)
    value, (gradient,) = g.value_and_grad(np.ones((4, 2)))
    assert value.tolist() == [1.0] * 4
    assert np.array_equal(gradient, np.ones((4, 2)))
    assert g.jacobian([1.0, 2.0]).tolist() == [[1.0, 2.0]]
    assert g.check([1.0, 2.0, 3.0]).passed
    with pytest.raises(DataError, match="1 argument is needed"):
        g()
    with pytest.raises(ShapeError, match="dims="):
        g.check()


def test_symbolic_matrix_expressions():
    g = Function(W * v, args=[W, v], wrt=[v], cache=False)
    a = np.arange(6.0).reshape(2, 3)
    assert np.allclose(g(a, [1, 2, 3]), a @ [1, 2, 3])
    assert np.allclose(g.jacobian(a, [1, 2, 3]), a)
    assert np.allclose(g(a.T, [1, 2]), a.T @ [1, 2])
    # A matrix with one column is a vector, whatever axes the array has in front.
    assert np.allclose(g(np.full((4, 2, 1), 3.0), [5.0]), np.full((4, 2), 15.0))
    with pytest.raises(DataError, match="dimension n"):
        g(a, [1, 2])


def test_symbolic_dimensions_may_be_given():
    g = Function(W * v, args=[W, v], dims={"n": 3, "m": 2}, cache=False)
    a = np.arange(6.0).reshape(2, 3)
    assert np.allclose(g(a, [1, 2, 3]), a @ [1, 2, 3])
    assert g.check().passed
    assert "def jacobian" in g.source
    with pytest.raises(DataError):
        g(a.T, [1, 2])


def test_single_columns_of_symbolic_matrices():
    g = Function(W.T * W, cache=False)
    assert g(np.full((5, 1), 2.0)).tolist() == [20.0]
    assert g(np.ones((2, 5, 3))).shape == (2, 3, 3)
    assert g.jacobian(np.full((5, 1), 2.0)).tolist() == [[4.0] * 5]


def test_labels_are_kept_inside_their_range():
    a, label, k = sp.MatrixSymbol("a", 3, 1), sp.Symbol("label", integer=True), sp.Symbol("k", integer=True)
    picked = sp.Sum(sp.KroneckerDelta(k, label) * a[k, 0], (k, 0, 2))
    g = Function(picked, args=[a, label], wrt=[a], cache=False)
    assert g([1, 2, 3], [0, 2]).tolist() == [1.0, 3.0]
    for wrong in (3, -1, [0, 10**9], 0.5, [np.nan], 2**70):
        with pytest.raises(DataError):
            g([1, 2, 3], wrong)
        with pytest.raises(DataError):
            g.value_and_grad([1, 2, 3], wrong)
        with pytest.raises(DataError):
            g.jacobian([1, 2, 3], wrong)
    assert g(np.ones((0, 3)), np.ones(0, int)).shape == (0,)


def test_broadcasting_beyond_memory_is_refused(f):
    a, b = np.ones(2**20), np.ones(2**21)
    with pytest.raises(DataError, match="memory"):  # 2**61 entries are more bytes than NumPy can count
        f(a[:, None, None], a[:, None], b)
    with pytest.raises(DataError, match="broadcast"):
        f(b[:, None, None], b[:, None], b)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_copies_and_pickles(again):
    f = Function(x * sp.exp(y), wrt=[y], args=[z, y, x], dtype="float32", cache=False)
    g = again(f)
    assert (g.arguments, g.wrt, g.dtype) == (f.arguments, f.wrt, "float32")
    assert g.value_and_grad(1.0, 2.0, 3.0) == f.value_and_grad(1.0, 2.0, 3.0)
