"""Which threads a kernel runs on: the caller's where there is little to do, else a crew with it.

The crew is a few Python threads that sleep until there is a kernel to share. Numba's own parallel
loops were tried and left: they cost a second of compilation per kernel, wait for every thread where
the machine is busy, abort the process where two Python threads meet in their simplest layer, and
hang or kill a forked child. Here a thread that does not wake in time is not waited for, who comes while
the crew is taken computes alone, and a forked child has a crew of its own. The numbers are the same.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from symbp.errors import DataError, shorten

WORTH = 20_000_000
"""Operations from which on helpers that sleep are woken; that takes about 0.1 ms."""

SHARED = 4_000_000
"""Operations from which on helpers that listen are given a part."""

LATELY = 1e-3
"""Seconds since the last such kernel after which no more are expected, so that none is shared."""

SAMPLES = 64
"""The fewest samples that are shared where each thread takes some of them at a time."""

MOST_LATE = 2
"""Calls in a row that may take longer shared than alone."""

LONGEST_REST = 64
"""Calls of a kernel on the caller's thread alone, after sharing has taken longer several times."""

KEPT_BYTES = 16 << 20
"""A workspace up to this size is kept for the next call."""

CACHE_LINE = 64

NOTED = 2
"""The counter of pieces in which an operation has left the range of numbers."""

COUNTERS = 16
"""Entries of the array of counters: one counter at its start, and one behind a cache line."""


def thread_count(threads: Any) -> int:
    """What a user wrote for `threads=`; for None all that Numba may use.

    Raises:
        DataError: it is no whole number from 1.
    """
    if threads is None:
        return _numba_threads()
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise DataError(shorten(f"threads is {threads!r}"), hint="write a whole number from 1, or None")
    return threads


def _numba_threads() -> int:
    """As Numba counts them: it takes long to import, for a number."""
    told = os.environ.get("NUMBA_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class _Crew:
    """Threads that help with one kernel at a time.

    Attributes:
        job: a function and what it is called with, but for the last argument; None between kernels.
        number: of the job; counted by the bell, which a kernel rings when it begins.
        last: when the last kernel that might have been shared ended, in seconds.
    """

    def __init__(self) -> None:
        self.taken = threading.Lock()
        self.job: tuple[Any, tuple] | None = None
        self.number = 0
        self.bell = np.zeros(COUNTERS, np.int64)
        self.last = -inf
        self.helpers: list[_Helper] = []
        self.processor: int | None = None

    def run(self, function: Any, arguments: tuple, threads: int) -> None:
        """Run on the caller's thread and on others; the caller has taken the crew."""
        while len(self.helpers) < threads - 1:
            self.helpers.append(_Helper(self))
        self._make_way()
        arguments = (*arguments, self.bell)
        self.job, self.number = (function, arguments), int(self.bell[0]) + 1
        for helper in self.helpers[: threads - 1]:
            if helper.wake.locked():
                helper.wake.release()
        try:
            function(*arguments, 0)
        finally:
            self.job = None

    def _make_way(self) -> None:
        """Keep helpers off the processor of the caller.

        The system would rather leave who listens where it is, and two threads there take turns.
        """
        if _processor is None or (processor := _processor()) == self.processor:
            return
        self.processor = processor
        others = os.sched_getaffinity(0) - {processor}
        for helper in self.helpers if others else ():
            helper.move(others)


class _Helper:
    """A thread of a crew."""

    def __init__(self, crew: _Crew) -> None:
        self.crew = crew
        self.wake = threading.Lock()
        self.wake.acquire()
        self.thread = threading.Thread(target=self._work, name="symbp", daemon=True)
        self.thread.start()
        crew.processor = None

    def move(self, processors: set[int]) -> None:
        """Let it run on these alone."""
        with suppress(OSError):  # it may run where it is
            os.sched_setaffinity(self.thread.native_id or 0, processors)

    def _work(self) -> None:
        done = 0
        while True:
            self.wake.acquire()
            while done != (number := self._help(done)):
                done = number
                self.wake.acquire(blocking=False)

    def _help(self, done: int) -> int:
        """Do the job that there is, unless that is done; its number. Returns when there is another."""
        job, number = self.crew.job, self.crew.number
        if job is None or number == done:
            return done
        function, arguments = job
        function(*arguments, number)
        return number


def _find_processor() -> Callable[[], int] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.PyDLL(None).sched_getcpu
    except (AttributeError, OSError, TypeError):
        return None  # not Linux: the system places all threads


_processor = _find_processor()
"""The number of the processor that the caller runs on."""


_crew = _Crew()


def _new_crew() -> None:
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_crew)


def _aligned(entries: int, dtype: np.dtype) -> np.ndarray:
    """A new array that begins at a cache line: vectors across two of them take twice as long."""
    whole = np.empty(entries + CACHE_LINE // dtype.itemsize, dtype)
    start = -whole.ctypes.data % CACHE_LINE // dtype.itemsize
    return whole[start : start + entries]


@dataclass
class Together:
    """A kernel that threads share.

    Attributes:
        function: takes the arguments of the kernel, then its buffers, the counters, the bell, and the
            number of the job, which is 0 for the caller.
        workspace: entries of its workspace; 0 where it has none.
        rows: entries per sample of the buffers that hold all samples.
    """

    function: Any
    workspace: int
    rows: tuple[int, ...]
    _kept: tuple[np.ndarray, ...] = field(default=(), init=False, repr=False)

    def run(self, samples: int, arguments: Sequence[Any], dtype: np.dtype, threads: int) -> bool:
        """Run on the crew, which the caller has taken; whether no thread has noted what left the range of
        numbers."""
        buffers, self._kept = self._kept, ()
        if self.workspace and not buffers:
            buffers = (_aligned(self.workspace, dtype),)
        rows = [_aligned(samples * row, dtype) for row in self.rows]
        # The counters are new: a helper that comes late for the last job must find that one done.
        counters = np.zeros(COUNTERS, np.int64)
        _crew.run(self.function, (*arguments, *buffers, *rows, counters), threads)
        # Not where that fails: a helper may still write into them.
        if self.workspace * dtype.itemsize <= KEPT_BYTES:
            self._kept = buffers
        return not counters[NOTED]


class Shared:
    """Runs a kernel on one thread or on several.

    Args:
        alone: the function that runs on the caller's thread.
        work: operations per sample.
        dtype: of its buffers.
        together: makes, or loads, what threads share; asked when it is first needed.
        threads: the most threads.
        columns: whether threads take columns of products: so they share one sample too.

    Attributes:
        fewest_shared: the fewest samples that may be worth sharing; infinite where none are.
    """

    def __init__(
        self,
        alone: Any,
        work: int,
        dtype: np.dtype,
        together: Callable[[], Together] | None = None,
        threads: int = 1,
        columns: bool = False,
    ):
        self.alone, self.work, self.dtype, self.threads = alone, work, dtype, threads
        self._least = 1 if columns else SAMPLES
        self._make = together if threads > 1 else None
        self._together: Together | None = None
        self._alone_seconds = inf
        self._runs, self._late, self._pause, self._rest = 0, 0, 0, 1
        self.fewest_shared = inf if self._make is None else max(self._least, -(-SHARED // max(1, work)))

    def __call__(self, samples: int, arguments: Sequence[Any]) -> bool:
        """Run on so many samples; the arguments are those of the kernel.

        Returns:
            Whether it is known that no operation has left the range of numbers.
        """
        if samples < self.fewest_shared:
            self.alone(*arguments)
            return False
        crew, start, in_range = _crew, perf_counter(), False
        lately = start - crew.last < LATELY
        soon = lately or samples * self.work >= WORTH
        shared = soon and not self._rest and crew.taken.acquire(blocking=False)
        if shared:
            try:
                in_range = self._run_together(samples, arguments)
            finally:
                crew.taken.release()
        else:
            self.alone(*arguments)
        crew.last = end = perf_counter()
        self._learn((end - start) / samples, shared, lately)
        return in_range

    def _run_together(self, samples: int, arguments: Sequence[Any]) -> bool:
        if self._together is None:
            assert self._make is not None
            self._together = self._make()
        threads = self.threads
        if threads > 2:
            # Threads beyond those that there is enough work for would only be woken.
            threads = min(threads, 1 + samples * self.work // SHARED, 1 + samples // self._least)
        return self._together.run(samples, arguments, self.dtype, threads)

    def _learn(self, seconds: float, shared: bool, soon: bool) -> None:
        """Let a kernel rest from sharing where that took longer per sample: others want the processors.

        One late call may be chance, and the first after a while has woken the helpers. Once in a while
        a kernel runs alone all the same, so that there is something to compare with.
        """
        if not shared:
            self._rest = max(0, self._rest - 1)
            self._late = 0
            self._alone_seconds = min(seconds, 1.1 * self._alone_seconds)
            return
        self._runs += 1
        self._late = self._late + 1 if soon and seconds > self._alone_seconds else 0
        if self._late > MOST_LATE:
            self._pause = min(2 * self._pause + 1, LONGEST_REST)
            self._rest = self._pause
        else:
            self._pause -= self._pause > 0 and not self._late
            self._rest = int(self._runs % LONGEST_REST == 0)
