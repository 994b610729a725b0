"""Machine code that calls kernels through a gate, as they have been granted."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from symbp.machine.gate import BUSY, FAILED, JOB, LISTENING, SIZE, TICKETS
from symbp.runtime.direct import direct_job
from symbp.runtime.entry.sharing import SharingEntry
from symbp.runtime.threads import COUNT, CREDITS, GATE, HELPERS, KEPT, OF_SAMPLES, WORDS
from symbp.runtime.threads import JOB as ADDRESS
from tests.machine.test_shared import given, shared_function
from tests.machine.texts import machine

ALONE = """
@njit(nogil=True)
def run(x, m, out):
    for k in range(x.size):
        out[k] = x[k]*x[k]
"""


def test_the_short_way_of_a_job():
    function = shared_function()
    call, gate, (x, m, out) = direct_job(function), np.zeros(SIZE, np.int64), given()
    assert call(gate, 0, x, m, out) is True
    np.testing.assert_array_equal(out, [5.0 + JOB, 6.0, 7.0])
    assert call(gate, 0, x + 100.0, m, out) is False  # as if an operation had left the range of numbers
    assert gate[TICKETS] == 4 * JOB
    for wrong in (x[::2], x.astype("f4"), [1.0]):
        assert call(gate, 0, wrong, m, out) is None
    assert call(gate[:-1], 0, x, m, out) is None
    gate[BUSY] = 1
    assert call(gate, 0, x, m, out) is None
    gate[BUSY] = 0
    assert call(gate, 0, np.ones(4), m, out) is None
    assert gate[FAILED]


@pytest.fixture
def granted():
    """(x, m, out) -> whether the call was made, the array of grants, the gate, what keeps buffers alive."""
    ready, gate, alive = np.zeros(8, np.int64), np.zeros(SIZE, np.int64), object()
    function = shared_function()
    kinds = [("float64", 1), ("float32", 2), ("float64", 1)]
    entry = SharingEntry("granted", machine(ALONE, kinds=kinds))
    x, m, out = (
        entry.array(a, dtype, (None,) * ndim)
        for a, (dtype, ndim) in zip(entry.arguments(3), function.kinds, strict=True)
    )
    words = np.zeros(2, np.int64)
    ready[OF_SAMPLES:] = 3, gate.ctypes.data, 0, function.address, id(alive), words.ctypes.data, 0
    assert [GATE, HELPERS, ADDRESS, KEPT, WORDS, COUNT] == [2, 3, 4, 5, 6, 7]
    entry.give(
        entry.new_tuple([entry.truth(entry.ran(entry.granted(ready, x.shape[0], [x, m, out], True)))], 1)
    )
    return entry.finished(), ready, gate, alive, (function, words)


def test_granted_calls_are_shared_while_one_listens(granted):
    call, ready, gate, alive, _ = granted
    x, m, out = given()
    assert call(x, m, out) == (False,)  # nothing has been granted
    ready[CREDITS] = 3
    assert call(x, m, out) == (False,)  # nobody listens
    gate[LISTENING] = 1
    before = sys.getrefcount(alive)
    assert call(x, m, out) == (True,)
    np.testing.assert_array_equal(out, [5.0 + JOB, 6.0, 7.0])
    assert ready[CREDITS] == 2
    assert sys.getrefcount(alive) == before
    assert call(np.ones(2), m, np.ones(2)) == (False,)  # not of so many samples
    gate[BUSY] = 1
    assert call(x, m, out) == (False,)
    assert ready[CREDITS] == 1


def test_granted_calls_run_alone(granted):
    call, ready, gate, *_ = granted
    x, m, out = given()
    ready[CREDITS] = -2
    for left in (-1, 0):
        assert call(x, m, out) == (True,)
        np.testing.assert_array_equal(out, x * x)
        assert ready[CREDITS] == left
    assert call(x, m, out) == (False,)
    assert not gate.any()


def test_what_leaves_the_range_of_numbers_alone_is_told(granted):
    call, ready, *_ = granted
    x, m, out = given()
    ready[CREDITS] = -9
    assert call(x, m, out) == (True,)
    assert call(x + 1e200, m, out) == (False,)
    assert call(x, m, out) == (True,)
