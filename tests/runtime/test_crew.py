"""The threads that help: they listen, sleep, keep off the caller's processor, and end."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

from symbp.machine.gate import FAILED, LISTENING
from symbp.runtime import crew as module
from symbp.runtime.crew import Crew


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(1e-4)


@pytest.fixture
def told(monkeypatch):
    """Helpers listen until they are told that there was nothing for a while."""
    event = threading.Event()

    def serve(gate, seen):
        with lock:
            gate[LISTENING] += 1
        event.wait(30)
        with lock:
            gate[LISTENING] -= 1
        return seen + 1

    lock = threading.Lock()
    monkeypatch.setattr(module, "serve", serve)
    return event


def test_helpers_sleep_until_they_are_called(told):
    crew = Crew()
    for _ in range(3):
        told.clear()
        crew.call(3)
        wait_for(lambda: crew.gate[LISTENING] == 2)
        assert crew.listens
        told.set()
        wait_for(lambda: not crew.listens)
        assert all(h.wake.locked() for h in crew.helpers)
    assert len(crew.helpers) == 2


def test_those_that_are_not_needed_sleep(told):
    crew = Crew()
    told.set()
    crew.call(4)
    wait_for(lambda: not crew.listens and all(h.wake.locked() for h in crew.helpers))
    told.clear()
    crew.call(2)
    wait_for(lambda: crew.listens)
    time.sleep(0.05)
    assert crew.gate[LISTENING] == 1
    told.set()


def test_those_that_listen_are_not_called(told):
    crew = Crew()
    crew.call(2)
    wait_for(lambda: crew.listens)
    crew.call(2)
    assert crew.helpers[0].wake.locked()
    told.set()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be placed here")
@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="one processor")
def test_helpers_keep_off_the_processor_of_the_caller():
    crew = Crew()
    crew.call(2)
    places = os.sched_getaffinity(crew.helpers[0].thread.native_id)
    assert places == os.sched_getaffinity(0) - {crew._processor}


def test_threads_end_with_their_crew(monkeypatch):
    crew = Crew()
    monkeypatch.setattr(module, "_crews", [crew])
    crew.call(3)
    crew.gate[FAILED] = 1
    assert module.crew() is not crew
    for helper in crew.helpers:
        helper.thread.join(30)
        assert not helper.thread.is_alive()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_buffers_begin_at_a_cache_line(dtype):
    for entries in (1, 7, 1000, 100_001):
        array = module.aligned(entries, np.dtype(dtype))
        assert len(array) == entries
        assert array.ctypes.data % module.CACHE_LINE == 0


def test_without_more_threads_the_caller_goes_on_alone(monkeypatch, told):
    """A process that ends may start none, nor one that has as many as it may have."""

    def start(thread):
        raise RuntimeError("can't start new thread")

    crew = Crew()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        crew.call(3)
    assert not crew.helpers
    assert not crew.listens
    crew.call(3)
    wait_for(lambda: crew.gate[LISTENING] == 2)
    told.set()
