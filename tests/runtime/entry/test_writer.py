"""Machine code checks, makes and gives objects; references are counted, and memory is let go."""

from __future__ import annotations

import gc
import sys
import threading
import time

import numpy as np
import pytest

from symbp.runtime.entry.writer import LONG, Array, Entry
from tests.machine.texts import machine

REAL = np.dtype(np.float64)


TEXT = """
@njit(nogil=True)
def run(x, out):
    if x[0] < 0:
        raise ValueError("negative")
    for k in range(x.shape[0]):
        out[k] = 2*x[k]
"""


def double_into():
    """Twice each entry; refuses what begins with a negative number."""
    return machine(TEXT)


def doubled(write_result, operations=1):
    """A function of one array, whose result is given by write_result(entry, new array, its entries)."""
    entry = Entry("double", double_into())
    (given,) = entry.arguments(1)
    x = entry.array(given, REAL, (None,))
    made, entries = entry.new_array(REAL, x.shape)
    entry.run([x, entries], operations)
    entry.give(write_result(entry, made, entries))
    return entry.finished()


def in_a_tuple(entry, made, entries):
    return entry.new_tuple([entry.new_float(entries, REAL), made])


FORMS = {
    "array": lambda entry, made, entries: made,
    "tuple": in_a_tuple,
    "dict": lambda entry, made, entries: entry.new_dict(["twice"], [made]),
}


def array_of(result):
    return result["twice"] if isinstance(result, dict) else result[1] if isinstance(result, tuple) else result


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operations", [1, LONG])
def test_results_and_references(form, operations):
    call = doubled(FORMS[form], operations)
    x, negative, wrong = np.arange(3.0), -np.ones(3), np.arange(3)
    array = array_of(call(x))
    assert array.tolist() == [0.0, 2.0, 4.0]
    assert array.flags.owndata
    assert array.flags.carray
    assert sys.getrefcount(array) == 2
    watched = (x, negative, wrong, REAL, "twice", np.ndarray)
    before = [sys.getrefcount(w) for w in watched]
    for _ in range(1000):
        call(x)
        assert call(negative) is None  # the kernel refuses it
        assert call(wrong) is None
        assert call(x, x) is None
    gc.collect()
    for was, thing in zip(before, watched, strict=True):
        assert abs(sys.getrefcount(thing) - was) < 100


def test_memory_is_let_go():
    resource = pytest.importorskip("resource")
    x, calls = np.ones(1 << 20), [doubled(form) for form in FORMS.values()]
    negative = -x
    for call in calls:
        call(x)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100):
        for call in calls:
            call(x)
            call(negative)
    # 600 results of 8 MiB each.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200_000


def test_too_little_memory_is_left_to_python():
    entry = Entry("large", double_into())
    (given,) = entry.arguments(1)
    x = entry.array(given, REAL, (None,))
    small, _ = entry.new_array(REAL, x.shape)
    entry.new_array(REAL, (1 << 30, 1 << 30))
    entry.give(small)
    call = entry.finished()
    assert call(np.ones(3)) is None
    assert call(np.ones(3)) is None  # and no error is left behind


class Unlike(np.ndarray):
    """Not NumPy's own array."""


@pytest.mark.parametrize(
    "given",
    [
        np.ones(4)[::2],
        np.ones((2, 2)),
        np.ones(2, np.float32),
        np.ones(2).byteswap().view(">f8"),
        np.ones(2).view(Unlike),
        np.frombuffer(b"\0" * 17, np.uint8)[1:].view(float),
        [1.0, 2.0],
        2.0,
        None,
        np.float64(1),
    ],
    ids=["steps", "axes", "dtype", "bytes", "subclass", "odd", "list", "float", "None", "number"],
)
def test_other_arrays_are_left_to_python(given):
    assert doubled(in_a_tuple)(given) is None


def test_dicts_have_the_names_and_no_others():
    entry = Entry("double", double_into())
    (mapping,) = entry.arguments(1)
    (given,) = entry.items(mapping, ["x"])
    x = entry.array(given, REAL, (3,))
    made, entries = entry.new_array(REAL, (3,))
    entry.run([x, entries], 1)
    entry.give(made)
    call, x = entry.finished(), np.ones(3)
    assert call({"x": x}).tolist() == [2.0] * 3
    for wrong in ({}, {"y": x}, {"x": x, "y": x}, {"x": np.ones(4)}, [x], None):
        assert call(wrong) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers(dtype):
    real = np.dtype(dtype)

    copy = machine("@njit\ndef run(x, out):\n    out[0] = x[0]\n", kinds=[(real.name, 1)] * 2)
    entry = Entry("copy", copy)
    (given,) = entry.arguments(1)
    out = entry.room(real)
    entry.run([entry.number(given, real), out], 1)
    entry.give(entry.new_float(out, real))
    call = entry.finished()
    for value in (0.0, -0.0, 1.1, 1e-320, np.float64(2.5), float("nan")):
        got = call(value)
        assert type(got) is float
        np.testing.assert_array_equal(got, float(real.type(value)))
    # What float32 does not hold is for Python to say.
    assert (call(1e300) is None) is (real.itemsize == 4)
    for wrong in (1, True, np.float32(1), "1", None, 1j):
        assert call(wrong) is None


def test_one_function_for_two_kinds_of_arguments():
    entry = Entry("double", double_into())
    (given,) = entry.arguments(1)
    with entry.where(entry.is_number(given)):
        x, out = entry.number(given, REAL), entry.room(REAL)
        entry.run([x, out], 1)
        entry.give(entry.new_float(out, REAL))
    x = entry.array(given, REAL, (None,))
    made, entries = entry.new_array(REAL, x.shape)
    entry.run([Array(x.address, x.shape), entries], 1)
    entry.give(made)
    call = entry.finished()
    assert call(3.0) == 6.0
    assert call(np.array([3.0, 4.0])).tolist() == [6.0, 8.0]
    assert call("3") is None


def test_other_threads_run_beside_a_long_kernel():
    text = """
@njit(nogil=True, error_model="numpy")
def run(x, out):
    out[0] = x[0]
    for k in range(30000000):
        out[0] = 1/(1 + out[0])
"""
    entry = Entry("slow", machine(text))
    (given,) = entry.arguments(1)
    x, out = entry.array(given, REAL, (1,)), entry.room(REAL)
    entry.run([x, out], LONG)
    entry.give(entry.new_float(out, REAL))
    call, seen, over = entry.finished(), [], threading.Event()

    def watch():
        while not over.wait(0.001):
            seen.append(time.perf_counter())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    call(np.ones(1))
    ended = time.perf_counter()
    over.set()
    watcher.join()
    quarter = (ended - began) / 4
    assert any(began + quarter < at < ended - quarter for at in seen)
