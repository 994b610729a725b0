"""Jobs at a gate: who calls, who helps, and who comes late."""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import contextmanager

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from symbp.machine import gate as module
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.convention import LEFT_RANGE, NO_MEMORY, TAKEN
from symbp.machine.gate import (
    BUSY,
    DONE,
    FAILED,
    INSIDE,
    JOB,
    LISTENING,
    MOST_WORDS,
    NOTED,
    PLACES,
    SIZE,
    TICKETS,
    gate_functions,
)
from symbp.machine.shared import serve, share_address

JOB_TYPE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int64), *[ctypes.c_void_p] * 1, *[ctypes.c_int64] * 2
)
LONG = ir.IntType(64)


def new_gate():
    return np.zeros(SIZE, np.int64)


def share(gate, job, words=(), helpers=0):
    kinds = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    call = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(share_address())
    given = (ctypes.c_int64 * MOST_WORDS)(*words)
    return call(gate.ctypes.data, ctypes.cast(job, ctypes.c_void_p), given, len(words), helpers)


@contextmanager
def listeners(gate, count):
    """Threads that help at a gate, each for as long as there are jobs now and then."""
    over = threading.Event()

    def listen():
        seen = 0
        while not over.is_set():
            seen = serve(gate, seen)

    threads = [threading.Thread(target=listen) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(1e-4)


def test_the_caller_runs_the_job_with_the_first_ticket():
    gate, seen = new_gate(), []

    @JOB_TYPE
    def job(words, where, number, ticket):
        seen.append((words[:3], where, number, ticket, int(gate[TICKETS]), int(gate[DONE])))
        return 0

    for k in range(3):
        assert share(gate, job, [5, 6, 7 + k]) == 0
    numbers = [JOB * (2 * k + 1) for k in range(3)]
    at = gate.ctypes.data
    assert seen == [([5, 6, 7 + k], at, n, 0, n + 1, n) for k, n in enumerate(numbers)]
    assert gate[TICKETS] == 6 * JOB  # closed
    assert not gate[BUSY]


def test_who_comes_meanwhile_is_told_so():
    gate, inner = new_gate(), []

    @JOB_TYPE
    def job(words, where, number, ticket):
        inner.append(share(gate, job))
        return 0

    assert share(gate, job) == 0
    assert inner == [TAKEN]


def test_what_left_the_range_of_numbers_is_known_for_one_job():
    gate = new_gate()

    @JOB_TYPE
    def job(words, where, number, ticket):
        gate[NOTED] += words[0]
        return 0

    assert [share(gate, job, [k]) for k in (0, 2, 0)] == [0, LEFT_RANGE, 0]


def test_after_a_failure_there_is_nothing_more():
    gate = new_gate()

    @JOB_TYPE
    def job(words, where, number, ticket):
        return 3

    assert share(gate, job) == 3
    assert gate[FAILED] == 3
    assert share(gate, job) == TAKEN
    assert gate[TICKETS] & JOB == 0  # closed


def test_who_listens_helps_with_the_same_words():
    gate, done = new_gate(), []

    @JOB_TYPE
    def job(words, where, number, ticket):
        done.append((words[:2], number, ticket))
        wait_for(lambda: len(done) >= 2)
        return 0

    with listeners(gate, 1):
        assert share(gate, job, [8, 9], helpers=1) == 0
        assert sorted(done) == [([8, 9], JOB, 0), ([8, 9], JOB, 1)]
        done.clear()
        assert share(gate, job, [1, 2], helpers=1) == 0
        assert sorted(done) == [([1, 2], 3 * JOB, 0), ([1, 2], 3 * JOB, 1)]
    assert gate[LISTENING] == 0


def test_no_more_join_than_may():
    gate, done = new_gate(), []

    @JOB_TYPE
    def job(words, where, number, ticket):
        done.append(ticket)
        wait_for(lambda: gate[PLACES] < 0)  # all have asked
        return 0

    with listeners(gate, 2):
        assert share(gate, job, helpers=1) == 0
    assert sorted(done) == [0, 1]


def test_a_job_that_was_seen_or_is_over_is_not_done_again():
    gate, done = new_gate(), []

    @JOB_TYPE
    def job(words, where, number, ticket):
        done.append(ticket)
        return 0

    share(gate, job)
    for seen in (0, JOB, 2 * JOB):
        assert serve(gate, seen) == 2 * JOB
    assert done == [0]


@pytest.mark.parametrize("who", ["helper", "caller"])
def test_who_cannot_do_a_piece_ends_the_job_for_all(who):
    """Nobody waits for it, or draws another; what helpers write into is theirs until they have left."""
    gate, done = new_gate(), []

    @JOB_TYPE
    def job(words, where, number, ticket):
        wait_for(lambda: gate[INSIDE] == 1)
        if bool(ticket) is (who == "helper"):
            wait_for(lambda: "other" in done)
            return NO_MEMORY
        done.append("other")
        wait_for(lambda: gate[DONE] - number > 2**30 and gate[TICKETS] == number + JOB)
        time.sleep(0.05)
        done.append("left")
        return 0

    with listeners(gate, 1):
        assert share(gate, job, helpers=1) == NO_MEMORY
        assert done == ["other", "left"]
        assert gate[INSIDE] == 0
        assert share(gate, job) == TAKEN


@pytest.fixture(scope="module")
def draw():
    """(gate, number) -> ticket."""
    text = ir.Module()
    function = ir.Function(text, ir.FunctionType(LONG, [LONG.as_pointer(), LONG]), "draw_one")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(module.draw(builder, *function.args))
    code = Loaded(machine_code(llvm.parse_assembly(str(text))))
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)(code.address("draw_one"))
    return lambda gate, number, code=code: call(gate.ctypes.data, number)


@pytest.mark.parametrize("number", [JOB, 7 * JOB, -JOB, -(2**63) + JOB])
def test_tickets_of_one_job(draw, number):
    """Numbers go round, below 0 too."""
    gate = new_gate()
    gate[TICKETS] = number + 5
    assert [draw(gate, number) for _ in range(3)] == [5, 6, 7]
    for other in (number - JOB, number + JOB):
        before = gate[TICKETS]
        assert draw(gate, (other + 2**63) % 2**64 - 2**63) == JOB
        assert gate[TICKETS] == before


def test_every_ticket_is_drawn_once(draw):
    gate, drawn = new_gate(), []
    gate[TICKETS] = JOB

    def many():
        drawn.extend([draw(gate, JOB) for _ in range(20_000)])

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drawn) == list(range(80_000))


def test_what_threads_write_at_the_same_time_is_on_lines_of_its_own():
    lines = [entry * 8 // 64 for entry in (TICKETS, DONE, NOTED, LISTENING, BUSY)]
    assert len({*lines}) == len(lines)
    assert len(str(gate_functions()).split("define ")) == 3
