"""Which threads a kernel runs on: the caller's where there is little to do, else a crew with it.

The crew is a few Python threads that sleep until there is a kernel to share. Numba's own parallel
loops were tried and left: they cost a second of compilation per kernel, wait for every thread where
the machine is busy, abort the process where two Python threads meet in their simplest layer, and
hang or kill a forked child. Here a thread that does not wake in time is not waited for, who comes while
the crew is taken computes alone, and a forked child has a crew of its own. The numbers are the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from symbp.errors import DataError, shorten

WORTH = 20_000_000
"""Operations below which sleeping threads take longer to wake than the caller to compute alone.

Helpers sleep between kernels. Listening for the next one instead was tried: the system then leaves
them on the core of the caller, where they wait for it.
"""

COUNTERS = 16
"""Entries of the array of counters: one counter at its start, and one behind a cache line."""


def thread_count(threads: Any) -> int:
    """What a user wrote for `threads=`; for None all that Numba may use.

    Raises:
        DataError: it is no whole number from 1.
    """
    if threads is None:
        return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise DataError(shorten(f"threads is {threads!r}"), hint="write a whole number from 1, or None")
    return threads


class _Crew:
    """Threads that help with one kernel at a time."""

    def __init__(self) -> None:
        self.taken = threading.Lock()
        self.job: tuple[Any, tuple] | None = None
        self.wakes: list[threading.Lock] = []

    def run(self, function: Any, arguments: tuple, threads: int) -> None:
        """Run on the caller's thread and on others; the caller has taken the crew."""
        while len(self.wakes) < threads - 1:
            self._hire()
        self.job = (function, arguments)
        for wake in self.wakes[: threads - 1]:
            if wake.locked():
                wake.release()
        try:
            function(*arguments)
        finally:
            self.job = None

    def _hire(self) -> None:
        wake = threading.Lock()
        wake.acquire()
        threading.Thread(target=self._work, args=(wake,), name="symbp", daemon=True).start()
        self.wakes.append(wake)

    def _work(self, wake: threading.Lock) -> None:
        while True:
            wake.acquire()
            job = self.job
            if job is not None:
                function, arguments = job
                function(*arguments)
                del function, arguments  # a thread that sleeps keeps no one's arrays alive
            del job


_crew = _Crew()


def _new_crew() -> None:
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_crew)


@dataclass(frozen=True)
class Together:
    """A kernel that threads share.

    Attributes:
        function: takes the arguments of the kernel, then its buffers, then the counters.
        workspace: entries of its workspace; 0 where it has none.
        rows: entries per sample of the buffers that hold all samples.
    """

    function: Any
    workspace: int
    rows: tuple[int, ...]

    def run(self, samples: int, arguments: Sequence[Any], dtype: np.dtype, threads: int) -> None:
        """Run on the crew, which the caller has taken."""
        buffers = [np.empty(self.workspace, dtype)] if self.workspace else []
        buffers += [np.empty(samples * row, dtype) for row in self.rows]
        _crew.run(self.function, (*arguments, *buffers, np.zeros(COUNTERS, np.int64)), threads)


class Shared:
    """Runs a kernel on one thread or on several.

    Args:
        alone: the function that runs on the caller's thread.
        work: operations per sample.
        dtype: of its buffers.
        together: makes, or loads, what threads share; asked when it is first needed.
        threads: the most threads.
    """

    def __init__(
        self,
        alone: Any,
        work: int,
        dtype: np.dtype,
        together: Callable[[], Together] | None = None,
        threads: int = 1,
    ):
        self.alone, self.work, self.dtype, self.threads = alone, work, dtype, threads
        self._make = together if threads > 1 else None
        self._together: Together | None = None

    def __call__(self, samples: int, arguments: Sequence[Any]) -> None:
        """Run on so many samples; the arguments are those of the kernel."""
        if self._make is None or samples * self.work < WORTH or not _crew.taken.acquire(blocking=False):
            self.alone(*arguments)
            return
        crew = _crew
        try:
            if self._together is None:
                self._together = self._make()
            # Threads beyond those that there is enough work for would only be woken.
            threads = min(self.threads, 1 + samples * self.work // WORTH)
            self._together.run(samples, arguments, self.dtype, threads)
        finally:
            crew.taken.release()
