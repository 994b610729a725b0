"""The lock under which anything is derived or compiled; kernels run without it.

One for the whole process, not one per model: deriving and compiling hold Python's own lock
anyway, and a single lock can be kept out of the way of a fork. A child that was forked while another
thread compiled would wait forever for locks that nobody in it can release, Numba's included;
therefore a fork waits until nothing is being compiled.

While it is held, Python does not look for cyclic garbage: deriving and compiling build graphs that are
needed to the end, and looking through all of them again and again takes a fifth of the time.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from typing import Any


class Making:
    """A reentrant lock that pauses the cyclic garbage collector between its first entry and its last exit."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._collected = False
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> None:
        self._lock.acquire()
        if not self._depth:
            self._collected = gc.isenabled()
            gc.disable()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth and self._collected:
            gc.enable()
        self._lock.release()


MAKING = Making()

AWAITED: list[Callable[[], object]] = []
"""What a fork waits for besides the lock: functions that return when other threads have compiled."""


_taken: list[Any] = []
"""LLVM's lock, while a fork holds it."""


def _before_fork() -> None:
    MAKING.acquire()
    for wait in AWAITED:
        wait()
    # Python may free what LLVM made in any thread at any time, which takes LLVM's own lock.
    lock = getattr(getattr(sys.modules.get("llvmlite.binding.ffi"), "lib", None), "_lock", None)
    if lock is not None:
        lock.__enter__()
        _taken.append(lock)


def _after_fork() -> None:
    if _taken:
        _taken.pop().__exit__(None, None, None)
    MAKING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
