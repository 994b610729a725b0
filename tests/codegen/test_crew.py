"""Tickets and counters that threads share."""

from __future__ import annotations

import platform
import threading

import numpy as np
import pytest
from numba import njit

from symbp.machine.gate import DONE, JOB, NOTED, SIZE, TICKETS
from tests.codegen.under_numba import under_numba

crew = under_numba("symbp.codegen.crew")
count_of, count_up, wait_until = crew.count_of, crew.count_up, crew.wait_until
draw_ticket, note_range = crew.draw_ticket, crew.note_range


@njit(nogil=True)
def pieces(gate, number, seen, total):
    ticket = draw_ticket(gate, number)
    while ticket < total:
        seen[ticket] += 1
        count_up(gate, DONE)
        ticket = draw_ticket(gate, number)
    wait_until(gate, DONE, number, total)
    return count_of(gate, DONE)


def new_gate(number):
    gate = np.zeros(SIZE, np.int64)
    gate[TICKETS] = gate[DONE] = number
    return gate


def test_every_piece_is_drawn_once():
    total, number = 100_000, 5 * JOB
    gate, seen = new_gate(number), np.zeros(total, np.int64)
    pieces(new_gate(number), number, seen[:0], 0)  # compiled before threads meet in it
    ends = []

    def run():
        ends.append(pieces(gate, number, seen, total))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.all(seen == 1)
    assert ends == [number + total] * 4


def test_who_comes_after_the_job_does_nothing_and_does_not_wait():
    gate, seen = new_gate(4 * JOB), np.zeros(3, np.int64)
    assert pieces(gate, 3 * JOB, seen, 3) == 4 * JOB
    assert not seen.any()


@njit(nogil=True)
def squared(gate, numbers):
    for k in range(len(numbers)):
        numbers[k] *= numbers[k]
    note_range(gate, NOTED)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="others are not asked")
def test_what_leaves_the_range_of_numbers_is_noted():
    gate = new_gate(0)
    squared(new_gate(0), np.full(9, 1e200))  # whatever there was before
    for number, noted in ((3.0, 0), (1e200, 1), (3.0, 1), (1e-200, 2)):
        squared(gate, np.full(9, number))
        assert gate[NOTED] == noted


def test_waiting_lets_others_run():
    number = 7 * JOB
    gate = new_gate(number)
    waiter = threading.Thread(target=wait_until, args=(gate, DONE, number, 1))
    wait_until(gate, DONE, number, 0)
    waiter.start()
    waiter.join(0.05)
    assert waiter.is_alive()
    gate[DONE] += 1
    waiter.join(10)
    assert not waiter.is_alive()
