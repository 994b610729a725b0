"""The threads that help with kernels.

A crew is a few Python threads that sleep until there is a kernel to share. Numba's own parallel
loops were tried and left: they cost a second of compilation per kernel, wait for every thread where
the machine is busy, abort the process where two Python threads meet in their simplest layer, and
hang or kill a forked child. Here a thread that does not wake in time is not waited for, who comes while
the crew is taken computes alone, and a forked child has a crew of its own. The numbers are the same.

After a kernel helpers listen for the next one for a moment, in machine code: waking a thread that sleeps
takes as long as a small kernel, and so does handing the interpreter's lock from one thread to the other.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from math import inf

import numpy as np

from symbp.machine.gate import FAILED, LISTENING, SIZE
from symbp.machine.shared import serve

CACHE_LINE = 64


def aligned(entries: int, dtype: np.dtype) -> np.ndarray:
    """A new array that begins at a cache line: vectors across two of them take twice as long."""
    whole = np.empty(entries + CACHE_LINE // dtype.itemsize, dtype)
    start = -whole.ctypes.data % CACHE_LINE // dtype.itemsize
    return whole[start : start + entries]


class Crew:
    """Threads that help with one kernel at a time.

    Attributes:
        gate: where they find it, see `symbp.machine.gate`.
        last: when the last kernel that might have been shared ended, in seconds.
    """

    def __init__(self) -> None:
        self.gate = aligned(SIZE, np.dtype(np.int64))
        self.gate[:] = 0
        self.last = -inf
        self.helpers: list[_Helper] = []
        self._processor: int | None = None
        self._preparing = threading.Lock()

    @property
    def listens(self) -> bool:
        """Whether a helper listens, so that it begins at once."""
        return bool(self.gate[LISTENING])

    @property
    def failed(self) -> bool:
        """Whether a kernel has failed while threads shared it: some may still be at it."""
        return bool(self.gate[FAILED])

    def end(self) -> None:
        """Let those who sleep find out that there will be no more."""
        for helper in self.helpers:
            with suppress(RuntimeError):  # it does not sleep
                helper.wake.release()

    def call(self, threads: int) -> None:
        """Have helpers listen for a kernel that so many threads will share."""
        with self._preparing:
            with suppress(RuntimeError):  # the system gives no more threads, or the process ends
                while len(self.helpers) < threads - 1:
                    self.helpers.append(_Helper(self))
                    self._processor = None
            self._make_way()
            if self.gate[LISTENING] < threads - 1:
                for helper in self.helpers[: threads - 1]:
                    if helper.wake.locked():
                        helper.wake.release()

    def _make_way(self) -> None:
        """Keep helpers off the processor of the caller.

        The system would rather leave who listens where it is, and two threads there take turns.
        """
        if _processor is None or (processor := _processor()) == self._processor:
            return
        self._processor = processor
        others = os.sched_getaffinity(0) - {processor}
        for helper in self.helpers if others else ():
            helper.move(others)


class _Helper:
    """A thread of a crew."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.wake = threading.Lock()
        self.thread = threading.Thread(target=self._work, name="symbp", daemon=True)
        self.thread.start()

    def move(self, processors: set[int]) -> None:
        """Let it run on these alone."""
        with suppress(OSError):  # it may run where it is
            os.sched_setaffinity(self.thread.native_id or 0, processors)

    def _work(self) -> None:
        seen = 0
        while not self.crew.failed:
            self.wake.acquire()
            seen = serve(self.crew.gate, seen)


def _find_processor() -> Callable[[], int] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.PyDLL(None).sched_getcpu
    except (AttributeError, OSError, TypeError):
        return None  # not Linux: the system places all threads


_processor = _find_processor()
"""The number of the processor that the caller runs on."""

_crews = [Crew()]
"""The last one is that of this process. Machine code may still look at the gates of the others."""


def crew() -> Crew:
    """The crew of this process; a new one where a kernel has failed in the last."""
    if _crews[-1].failed:
        _crews[-1].end()
        _renew()
    return _crews[-1]


def _renew() -> None:
    _crews.append(Crew())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
