"""Counters that threads share."""

from __future__ import annotations

import platform
import threading

import numpy as np
import pytest
from numba import njit

from tests.codegen.under_numba import under_numba

crew = under_numba("symbp.codegen.crew")
count_of, count_up, wait_until = crew.count_of, crew.count_up, crew.wait_until
listen, ring, note_range = crew.listen, crew.ring, crew.note_range


@njit(nogil=True)
def draw(counters, seen, total):
    ticket = count_up(counters, 0)
    while ticket < total:
        seen[ticket] += 1
        count_up(counters, 1)
        ticket = count_up(counters, 0)
    wait_until(counters, 1, total)
    return count_of(counters, 1)


def test_every_piece_is_drawn_once():
    total = 100_000
    counters, seen = np.zeros(16, np.int64), np.zeros(total, np.int64)
    draw(np.zeros(16, np.int64), seen[:0], 0)  # compiled before threads meet in it
    ends = []
    threads = [threading.Thread(target=lambda: ends.append(draw(counters, seen, total))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.all(seen == 1)
    assert ends == [total] * 4


@njit(nogil=True)
def squared(counters, numbers):
    for k in range(len(numbers)):
        numbers[k] *= numbers[k]
    note_range(counters, 2)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="others are not asked")
def test_what_leaves_the_range_of_numbers_is_noted():
    counters = np.zeros(16, np.int64)
    squared(np.zeros(16, np.int64), np.full(9, 1e200))  # whatever there was before
    for number, noted in ((3.0, 0), (1e200, 1), (3.0, 1), (1e-200, 2)):
        squared(counters, np.full(9, number))
        assert counters[2] == noted


def test_waiting_lets_others_run():
    counters = np.zeros(16, np.int64)
    waiter = threading.Thread(target=wait_until, args=(counters, 1, 1))
    wait_until(counters, 1, 0)
    waiter.start()
    waiter.join(0.05)
    assert waiter.is_alive()
    counters[1] = 1
    waiter.join(10)
    assert not waiter.is_alive()


def test_helpers_listen_until_the_next_kernel_rings():
    bell = np.array([7])
    listen(bell, 0)  # the caller does not listen
    listen(bell, 6)  # what rang before is not waited for
    listen(bell, 7)  # nobody rings: not for ever
    helper = threading.Thread(target=listen, args=(bell, 7))
    helper.start()
    ring(bell, 1)  # helpers do not ring
    assert bell[0] == 7
    ring(bell, 0)
    helper.join(10)
    assert not helper.is_alive()
    assert bell[0] == 8
