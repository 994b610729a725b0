"""Which threads a kernel runs on: the caller's where there is little to do, else a crew with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from symbp.errors import DataError, shorten
from symbp.machine.shared import SharedFunction
from symbp.runtime.crew import Crew, aligned, crew
from symbp.runtime.often import Often

WORTH = 20_000_000
"""Operations from which on helpers that sleep are woken; that takes about 0.1 ms."""

SHARED = 1_000_000
"""Operations from which on helpers that listen are given a part."""

LATELY = 1e-3
"""Seconds since the last such kernel after which no more are expected, so that none is shared."""

SAMPLES = 65
"""The fewest samples that are shared where each thread takes some of them at a time: more than a piece."""

HEAVY = 100_000
"""Operations per sample from which on fewer are shared: tiles hold a few of these, and threads take tiles."""

WEIGHT = 1 / 16
"""Of a call in the mean time of calls that are shared."""

BETTER, AT_FIRST, WORSE = 0.85, 0.9, 1.0
"""The mean time of shared calls, in times of one alone: up to which sharing pays; which is supposed at first;
and from which on a kernel rests from being shared."""

LONGEST_REST = 64
"""Calls of a kernel on the caller's thread alone, after sharing has taken longer several times."""

COMPARED = 2
"""Calls in a row that run alone once in a while, so that there is something to compare with."""

RECOVERY = 16
"""Shared calls after which rests become shorter, if sharing pays."""

CLOCK = 1e-12
"""Seconds, no clock is as good."""

KEPT_BYTES = 16 << 20
"""A workspace up to this size is kept for the next call."""

MOST_CREDITS = 8
"""Calls that are shared without being timed, after some that were no slower together."""

CREDITS, OF_SAMPLES, GATE, HELPERS, JOB, KEPT, WORDS, COUNT = range(8)
"""Entries of `Shared.ready`: the calls that may be shared at once, or below 0 those that are to run alone,
and what they must be of and take: the number of samples, the address of the gate, the number of helpers, the
addresses of the function and of the object that keeps the buffers alive, the address of their words and the
number of these."""


Ran = bool | None
"""Whether no operation is known to have left the range of numbers; None where a kernel has not been run."""


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


@dataclass
class Together:
    """A kernel that threads share.

    Attributes:
        function: takes the arguments of the kernel, then its buffers.
        workspace: entries of its workspace; 0 where it has none.
        rows: entries per sample of the buffers that hold all samples.
        fewest: samples from which on there is more than one piece of work.
    """

    function: SharedFunction
    workspace: int
    rows: tuple[int, ...]
    fewest: int = 1
    _kept: tuple[np.ndarray, ...] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._often = Often("direct_job", self.function)
        self._short: Callable[..., bool | None] | None = None

    def run(
        self, helpers: Crew, samples: int, arguments: Sequence[Any], dtype: np.dtype, threads: int
    ) -> tuple[Ran, tuple[np.ndarray, ...] | None]:
        """Run on a crew. Also returns the buffers, where they are kept for the next call.

        Raises:
            ValueError, MemoryError: as `symbp.machine.shared.SharedFunction`.
        """
        # Taken away while they are in use: another caller gets buffers of its own.
        buffers, self._kept = self._buffers(samples, dtype), None
        helpers.call(threads)
        ran = self._run(helpers.gate, threads - 1, *arguments, *buffers)
        # Not where that fails: a helper may still write into them.
        if sum(b.nbytes for b in buffers) <= KEPT_BYTES:
            self._kept = buffers
        return ran, self._kept

    def _buffers(self, samples: int, dtype: np.dtype) -> tuple[np.ndarray, ...]:
        """Those of the last call, if they fit."""
        sizes = [self.workspace] * bool(self.workspace) + [samples * row for row in self.rows]
        kept = self._kept
        if kept is not None and [len(b) for b in kept] == sizes:
            return kept
        return tuple(aligned(n, dtype) for n in sizes)

    def _run(self, *arguments: Any) -> Ran:
        if self._short is None:
            self._short = self._often() or self._short
        found = self._short(*arguments) if self._short else None
        return self.function(*arguments) if found is None else found


class Shared:
    """Runs a kernel on one thread or on several.

    Args:
        alone: the function that runs on the caller's thread.
        work: operations per sample.
        dtype: of its buffers.
        together: makes, or loads, what threads share, if there is such; asked when it is first needed.
        threads: the most threads.
        columns: whether threads take columns of products: so they share one sample too.

    Attributes:
        fewest_shared: the fewest samples that may be worth sharing; infinite where none are.
        ready: what machine code needs to share calls that follow each other, see `CREDITS`.
    """

    def __init__(
        self,
        alone: Any,
        work: int,
        dtype: np.dtype,
        together: Callable[[], Together | None] | None = None,
        threads: int = 1,
        columns: bool = False,
    ):
        self.alone, self.work, self.dtype, self.threads = alone, work, dtype, threads
        self._least = 1 if columns else 2 if work >= HEAVY else SAMPLES
        self._make = together if threads > 1 else None
        self._together: Together | None = None
        self._alone_seconds = inf
        self._runs, self._mean, self._pause, self._rest = 0, AT_FIRST, 0, 1
        self.fewest_shared = inf if self._make is None else max(self._least, -(-SHARED // max(1, work)))
        self.ready = np.zeros(8, np.int64)
        self._granted: tuple[Any, ...] = ()
        self._writes = threading.Lock()

    def __call__(self, samples: int, arguments: Sequence[Any]) -> bool:
        """Run on so many samples; the arguments are those of the kernel.

        Returns:
            Whether it is known that no operation has left the range of numbers.
        """
        if samples < self.fewest_shared:
            self.alone(*arguments)
            return False
        self.ready[CREDITS] = 0
        start, helpers, threads = perf_counter(), crew(), 0
        listens = helpers.listens
        lately = listens or start - helpers.last < LATELY
        if (lately or samples * self.work >= WORTH) and not self._rest:
            threads = self._threads_for(samples)
        ran = buffers = None
        if threads:
            assert self._together is not None
            ran, buffers = self._together.run(helpers, samples, arguments, self.dtype, threads)
        if ran is None:
            self.alone(*arguments)
        helpers.last = end = perf_counter()
        self._learn((end - start) / samples, ran is not None, listens)
        if self._rest > 1 and lately:
            self._grant_alone(samples)
        elif ran is not None and buffers is not None and self._credits:
            self._grant(helpers, samples, threads, buffers)
        return bool(ran)

    def _threads_for(self, samples: int) -> int:
        """Threads for so many samples; 0 where they cannot share the kernel."""
        if self._together is None:
            assert self._make is not None
            self._together = self._make()
            if self._together is None:
                self.fewest_shared = inf
                return 0
        if samples < self._together.fewest:
            self._rest = LONGEST_REST
            return 0
        if self.threads == 2:
            return 2
        # Threads beyond those that there is enough work for would only be woken.
        return min(self.threads, 1 + samples * self.work // SHARED, 1 + samples // self._least)

    def _grant_alone(self, samples: int) -> None:
        """Let the next calls, if they are for as many samples, run alone without a look at the clock.

        All but the last: caches are warm by then, so that its time is one to compare with.
        """
        with self._granting() as free:
            if free:
                self.ready[OF_SAMPLES] = samples
                self._granted = ()
                self.ready[CREDITS] = 1 - self._rest
                self._rest = 1

    def _grant(self, helpers: Crew, samples: int, threads: int, buffers: tuple[np.ndarray, ...]) -> None:
        """Let some of the next calls for as many samples be shared without a look at the clock.

        Machine code reads `ready` while it holds the interpreter's lock, and where `CREDITS` is 0 nothing
        else of it.
        """
        assert self._together is not None
        granted = (helpers, samples, threads, *map(id, buffers))
        with self._granting() as free:
            if free and self._granted[1:] != granted:
                words = np.array([n for b in buffers for n in (b.ctypes.data, len(b))], np.int64)
                alive = (*buffers, words)
                self.ready[OF_SAMPLES:] = (
                    samples,
                    helpers.gate.ctypes.data,
                    threads - 1,
                    self._together.function.address,
                    id(alive),
                    words.ctypes.data,
                    len(words),
                )
                self._granted = (alive, *granted)
            if free:
                self.ready[CREDITS] = self._credits

    @contextmanager
    def _granting(self) -> Iterator[bool]:
        """Whether `ready` may be written, as no other thread is at it. Who waited for that thread would wait
        for ever in a child that was forked meanwhile."""
        free = self._writes.acquire(blocking=False)
        try:
            if free:
                self.ready[CREDITS] = 0
            yield free
        finally:
            if free:
                self._writes.release()

    def _learn(self, seconds: float, shared: bool, listened: bool) -> None:
        """Let a kernel rest from sharing where that takes longer per sample: others want the processors.

        A thread that loses its processor to another process keeps the others waiting for its piece, not
        often, but for long: so it is the mean that counts. Calls whose helpers had to be woken do not. Once
        in a while a kernel runs alone all the same, so that there is something to compare with.
        """
        if not shared:
            self._rest = max(0, self._rest - 1)
            self._alone_seconds = max(CLOCK, min(seconds, 1.1 * self._alone_seconds))
            return
        self._runs += 1
        if listened:
            # In times of a call alone, so that another one there changes nothing here.
            self._mean += WEIGHT * (seconds / self._alone_seconds - self._mean)
        if self._mean > WORSE:
            self._pause = min(2 * self._pause + 1, LONGEST_REST)
            self._rest, self._mean = self._pause, AT_FIRST
            return
        if self._runs % RECOVERY == 0 and self._mean < BETTER:
            self._pause = max(0, self._pause - 1)
        self._rest = COMPARED if self._runs % LONGEST_REST == 0 else 0

    @property
    def _credits(self) -> int:
        """Calls that may be shared without being timed: none where others want the processors."""
        return MOST_CREDITS if self._mean < BETTER and not self._pause else 0
