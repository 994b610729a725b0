"""What is called often is called without a detour."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.runtime.often import OFTEN

X, Y = sp.symbols("x y")
METHODS = {"value_and_grad": sp.exp(X) * Y, "value_and_jacobian": [sp.exp(X) * Y, X / Y]}


def often(name):
    f = sb.compile(METHODS[name])
    for _ in range(OFTEN):
        getattr(f, name)(0.5, 2.0)
    return f


@pytest.mark.parametrize("name", METHODS)
def test_machine_code_stands_in_place_of_the_method(name):
    f = often(name)
    method, call = getattr(type(f), name), getattr(f, name)
    assert inspect.isbuiltin(call)
    assert (call.__name__, call.__doc__) == (name, method.__doc__)
    assert str(inspect.signature(call)) == "(*args)"


@pytest.mark.parametrize("name", METHODS)
def test_it_leaves_to_python_what_it_does_not_take(name):
    f, fresh = often(name), sb.compile(METHODS[name], cache=False)
    for given in ((0.5, 2.0), (1, 2), (np.arange(1.0, 4), 2.0), ([0.5], [2.0]), (np.float32(0.5), 2.0)):
        for one, other in zip(getattr(f, name)(*given), getattr(fresh, name)(*given), strict=True):
            np.testing.assert_array_equal(one, other, strict=not isinstance(one, tuple))
    for wrong in ((), (1.0,), (1.0, 2.0, 3.0), ("a", 1.0), (np.ones(2), np.ones(3))):
        with pytest.raises(sb.DataError):
            getattr(f, name)(*wrong)
    with pytest.raises(TypeError):
        getattr(f, name)(x=1.0)


def test_what_leaves_the_range_of_numbers_is_looked_at_again():
    f = sb.compile((sp.exp(X) - 1) * sp.exp(-X) * sp.exp(Y))
    for _ in range(2 * OFTEN):
        f.value_and_grad(1.0, 2.0)
    value, (slope, _) = f.value_and_grad(-900.0, -800.0)
    assert value == pytest.approx(-np.exp(100.0), rel=1e-9)
    assert slope == pytest.approx(np.exp(100.0), rel=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_was_written_anew_is_called(name):
    """By a subclass, or by who stands in front of it, as tests do."""
    calls = []

    def anew(f, *args):
        calls.append(args)
        return getattr(sb.runtime.expression.Function, name)(f, *args)

    f, own = often(name), type("Own", (sb.runtime.expression.Function,), {name: anew})(METHODS[name])
    stands = sb.compile(METHODS[name])
    setattr(stands, name, lambda *args: anew(stands, *args))
    for g in (own, stands):
        calls.clear()
        for _ in range(2 * OFTEN):
            np.testing.assert_array_equal(getattr(g, name)(0.5, 2.0)[1], getattr(f, name)(0.5, 2.0)[1])
        assert len(calls) == 2 * OFTEN


@pytest.mark.parametrize("name", METHODS)
def test_it_is_pickled_and_copied_as_the_method_is(name):
    f = often(name)
    call, want = getattr(f, name), getattr(f, name)(0.25, 3.0)
    for other in (pickle.loads(pickle.dumps(call)), copy.copy(call), copy.deepcopy(call)):
        np.testing.assert_array_equal(other(0.25, 3.0)[1], want[1])
    np.testing.assert_array_equal(getattr(copy.copy(f), name)(0.25, 3.0)[1], want[1])


def test_a_function_and_its_machine_code_go_together():
    f = often("value_and_grad")
    watch, call = weakref.ref(f), f.value_and_grad
    del f
    gc.collect()
    assert call(0.0, 2.0)[0] == 2.0
    assert watch() is not None
    del call
    gc.collect()
    assert watch() is None
