"""Functions of machine code that are called through a gate."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from symbp.machine import shared
from symbp.machine.build import build
from symbp.machine.compile import Loaded
from symbp.machine.gate import BUSY, FAILED, INSIDE, JOB, JOB_KINDS, LISTENING, NOTED, SIZE
from symbp.machine.shared import SharedFunction, serve, share_address
from tests.machine.texts import HEAD

TEXT = """
@njit(nogil=True)
def run(x, m, out, gate, number, ticket):
    if x.size != out.size:
        raise ValueError("sizes differ")
    for k in range(x.size):
        out[k] = x[k] + m[1, 2]
    if out[0] > 100.0:
        gate[16] = 1
    out[0] += number + ticket
"""
KINDS = [("float64", 1), ("float32", 2), ("float64", 1)]


def shared_function():
    code, messages = build(HEAD + TEXT, {"run": [*KINDS, *JOB_KINDS]}, shared=True)
    return SharedFunction(Loaded(code), "run", KINDS, messages)


def given(size=3):
    return np.arange(size, dtype=float), np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3)


def test_a_call_through_a_gate():
    gate, (x, m, out) = np.zeros(SIZE, np.int64), given()
    function = shared_function()
    assert function.words == 2 + 3 + 2
    assert function(gate, 0, x, m, out) is True
    np.testing.assert_array_equal(out, [5.0 + JOB, 6.0, 7.0])


def test_what_left_the_range_of_numbers():
    gate, (x, m, out) = np.zeros(SIZE, np.int64), given()
    assert NOTED == 16
    assert shared_function()(gate, 0, x + 100.0, m, out) is False


def test_a_gate_that_is_taken():
    gate, (x, m, out) = np.zeros(SIZE, np.int64), given()
    gate[BUSY] = 1
    assert shared_function()(gate, 0, x, m, out) is None
    np.testing.assert_array_equal(out, 0.0)


def test_errors():
    gate, (x, m, out) = np.zeros(SIZE, np.int64), given(4)
    function = shared_function()
    with pytest.raises(TypeError, match="run takes aligned arrays of float32"):
        function(gate, 0, x, m.astype(float), out)
    assert not gate[FAILED]
    with pytest.raises(ValueError, match="sizes differ"):
        function(gate, 0, x, m, out)
    assert gate[FAILED]


def test_many_threads_may_ask_for_the_code_at_once():
    gate = np.zeros(SIZE, np.int64)
    threads = [threading.Thread(target=serve, args=(gate, 0)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert gate[LISTENING] == 0


def test_a_child_that_is_forked_at_any_time_finds_no_lock_taken():
    """As a helper looks for the code each time it begins to listen."""
    share_address()
    with shared._making:
        thread = threading.Thread(target=share_address, daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()


LATE = """
@njit(nogil=True)
def run(x, m, out, gate, number, ticket):
    if ticket > 0:
        gate[INSIDE + 1] = 1
        while gate[INSIDE + 2] == 0:
            x[0] += 1.0
        out[1] = x[0] + m[0, 0]
"""


def test_code_stays_while_a_helper_is_late_in_it():
    (x, m, out), gate = given(), np.zeros(SIZE, np.int64)
    code, messages = build(
        HEAD + LATE.replace("INSIDE", str(INSIDE)), {"run": [*KINDS, *JOB_KINDS]}, shared=True
    )
    run, watch = [SharedFunction(Loaded(code), "run", KINDS, messages)], []
    watch.append(weakref.ref(run[0]._code))
    over = threading.Event()

    def listen():
        while not over.is_set():
            serve(gate, 0)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        end = time.monotonic() + 30
        while not gate[INSIDE + 1]:
            assert run[0](gate, 1, x, m, out)
            assert time.monotonic() < end
        run.clear()
        gc.collect()
        assert watch[0]() is not None
        gate[INSIDE + 2] = 1
        while gate[INSIDE]:
            assert time.monotonic() < end
        assert out[1] > 0
        shared_function()  # with the next one that goes
        gc.collect()
        assert watch[0]() is None
    finally:
        over.set()
        thread.join(30)
