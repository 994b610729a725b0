"""Calls with the same arrays each time give what the methods give."""

from __future__ import annotations

import gc
import inspect
import weakref
from functools import partial

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.runtime import threads

X, Y = sp.symbols("x y")
V = sb.vector("v", 3)
A = sb.matrix("A", 2, 3)

CASES = {
    "number": (X * sp.sin(Y), "value", [(), ()], [()]),
    "gradients": (X * sp.sin(Y), "value_and_grad", [(), ()], [(), (), ()]),
    "numbers": ([X * Y, sp.exp(X), X - Y], "value", [(), ()], [(3,)]),
    "jacobian": ([X * Y, sp.exp(X), X - Y], "value_and_jacobian", [(), ()], [(3,), (3, 2)]),
    "one row": (X * sp.sin(Y), "value_and_jacobian", [(), ()], [(), (1, 2)]),
    "vector": (sum(sp.exp(V[k, 0]) for k in range(3)), "value_and_grad", [(3,)], [(), (3,)]),
    "matrix": (sp.Matrix([[X * Y, X], [Y, sp.exp(X)]]), "value", [(), ()], [(2, 2)]),
    "product": (A * V, "value_and_jacobian", [(2, 3), (3,)], [(2,), (2, 9)]),
    "not read": (5 * sp.exp(Y), "value_and_grad", [(), ()], [(), (), ()]),
}


def flat(found):
    return [*found[:-1], *found[-1]] if isinstance(found, tuple) and isinstance(found[-1], tuple) else found


def wanted(f, what, given):
    found = f(*given) if what == "value" else getattr(f, what)(*given)
    return [found] if what == "value" else flat(found)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("lead", [(), (1,), (5,)])
@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_method_gives_for_what_the_arrays_hold(name, lead, dtype):
    expression, what, shapes, results = CASES[name]
    symbols = [A, V] if name == "product" else [V] if shapes == [(3,)] else [X, Y]
    f, random = sb.compile(expression, args=symbols, wrt=symbols, dtype=dtype), np.random.default_rng(0)
    given = [random.normal(size=lead + s).astype(dtype) for s in shapes]
    made = [np.full(lead + s, 7, dtype) for s in results]
    call = f.bind(what, given, made)
    for _ in range(3):
        for one, other in zip(made, wanted(f, what, given), strict=True):
            np.testing.assert_array_equal(one, other)
        for array in given:
            array[...] = random.normal(size=array.shape)
        assert call() is None


def test_machine_code_makes_it_where_nothing_is_converted():
    f, x = sb.compile([X * Y, X - Y]), np.array([0.5, 2.0])
    made = [np.zeros(2), np.zeros((2, 2))]
    assert inspect.isbuiltin(f.bind("value_and_jacobian", x, made))
    single = [made[0].astype("f"), made[1]]
    call = f.bind("value_and_jacobian", x, single)
    assert not inspect.isbuiltin(call)
    x[:] = 3.0, 4.0
    call()
    np.testing.assert_array_equal(single[0], [12.0, -1.0])


def test_one_array_holds_all_numbers():
    f, x, out = sb.compile(X * sp.exp(Y)), np.array([0.5, 2.0]), np.zeros(3)
    call = f.bind("value_and_grad", x, out)
    x[:] = 3.0, 0.0
    call()
    np.testing.assert_array_equal(out, [3.0, 1.0, 3.0])


def test_what_floating_point_loses_is_looked_at_again():
    f, x, out = sb.compile((sp.exp(X) - 1) * sp.exp(-X) * sp.exp(Y)), np.zeros(2), np.zeros(3)
    call = f.bind("value_and_grad", x, out)
    assert inspect.isbuiltin(call)
    x[:] = -900.0, -800.0
    call()
    np.testing.assert_allclose(out, [-np.exp(100.0), np.exp(100.0), -np.exp(100.0)], rtol=1e-9)


def test_it_keeps_its_arrays_alive():
    f, x, out = sb.compile(X * Y, cache=False), [np.array(2.0), np.array(3.0)], np.zeros(())
    call, watched = f.bind("value", x, [out]), [weakref.ref(a) for a in (*x, out)]
    # What Python would do keeps them, too: machine code must not rely on that.
    alive = call.__self__[2]
    assert all(any(thing is watch() for thing in alive) for watch in watched)
    del f, x, out, alive
    gc.collect()
    assert all(watch() is not None for watch in watched)
    del call
    gc.collect()
    assert not any(watch() is not None for watch in watched)


@pytest.mark.parametrize(
    ("what", "arguments", "results", "match"),
    [
        ("gradient", np.ones(2), np.ones(3), "write one of"),
        ("value_and_grad", np.ones(3), np.ones(3), "argument"),
        ("value_and_grad", np.ones(2), np.ones(2), "3 results, not 2"),
        ("value_and_grad", np.ones(2), [np.ones(1), np.ones(()), np.ones(())], "result 0 has shape"),
        ("value_and_grad", [1.0, 2.0], np.ones(3), "must be NumPy arrays"),
        ("value_and_grad", np.ones(2), 1.0, "must be NumPy arrays"),
        ("value_and_grad", np.ones(2), np.ones(3, int), "cannot take it"),
        ("value", [np.ones(2), np.ones(3)], [np.ones(2)], "broadcast"),
    ],
)
def test_what_does_not_fit_is_said(what, arguments, results, match):
    with pytest.raises(sb.DataError, match=match):
        sb.compile(X * Y).bind(what, arguments, results)


def test_arrays_must_not_overlap():
    f, room = sb.compile([X * Y, X - Y], wrt=[X]), np.ones(4)
    f.bind("value", room[:2], [room[2:]])
    with pytest.raises(sb.DataError, match="overlap"):
        f.bind("value", room[:2], [room[1:3]])
    with pytest.raises(sb.DataError, match="overlap"):
        f.bind("value_and_jacobian", np.ones(2), [room[:2], room[1:3].reshape(2, 1)])
    still = np.ones(2)
    still.flags.writeable = False
    with pytest.raises(sb.DataError, match="cannot take it"):
        f.bind("value", np.ones(2), [still])
    with pytest.raises(sb.NetworkError, match="several values"):
        f.bind("value_and_grad", np.ones(2), np.ones(2))


def test_dimensions_may_be_open():
    n = sp.Symbol("n", integer=True, positive=True)
    v = sb.vector("v", n)
    f = sb.compile((v.T * v)[0, 0], wrt=[v])
    x, out = np.arange(4.0), [np.zeros(()), np.zeros(4)]
    call = f.bind("value_and_grad", [x], out)
    x[:] = 1.0
    call()
    assert out[0] == 4.0
    np.testing.assert_array_equal(out[1], np.full(4, 2.0))


@pytest.mark.parametrize("name", ["gradients", "numbers", "jacobian", "vector"])
def test_many_samples_are_shared_among_threads(name, monkeypatch):
    monkeypatch.setattr(threads, "SHARED", 1000)
    monkeypatch.setattr(threads, "WORTH", 1)
    expression, what, shapes, results = CASES[name]
    symbols = [V] if shapes == [(3,)] else [X, Y]
    f, random = sb.compile(expression, args=symbols, wrt=symbols, threads=2), np.random.default_rng(0)
    given = [random.normal(size=(3000, *s)) for s in shapes]
    made = [np.full((3000, *s), 7.0) for s in results]
    call = f.bind(what, given, made)
    assert isinstance(call, partial)
    for k in range(8):
        for array in given:
            array[...] = random.normal(size=array.shape)
        if k == 5:
            given[-1][7] = 1000.0  # exp of it is beyond all numbers
        assert call() is None
        for one, other in zip(made, wanted(f, what, given), strict=True):
            np.testing.assert_array_equal(one, other)
