"""Functions that threads share, as Python calls them."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from symbp.machine.callable import MachineFunction
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.convention import LEFT_RANGE, TAKEN
from symbp.machine.gate import INSIDE, MOST_WORDS, SERVE, SHARE, gate_functions


class SharedFunction(MachineFunction):
    """A function of machine code that is called through a gate; for its arguments see there.

    Its code stays where it is until helpers have left it, however soon after a call the function goes.
    """

    def __init__(self, code: Loaded, name: str, kinds: Sequence[Sequence[Any]], messages: Sequence[str]):
        super().__init__(code, name, kinds, messages)
        # Held from outside: what goes in one sweep of the collector is finalised in any order.
        _used[id(self)] = code
        weakref.finalize(self, _let_go, id(self)).atexit = False

    @property
    def words(self) -> int:
        """The words of its arguments."""
        return sum(1 + ndim for _, ndim in self.kinds)

    def __call__(self, gate: Any, helpers: int, *arguments: Any) -> bool | None:
        """Run it, on this thread and on so many of those that listen at the gate.

        Returns:
            Whether no operation is known to have left the range of numbers; None where another caller has
            the gate, so that it has not been run.

        Raises:
            TypeError, ValueError, MemoryError: as `symbp.machine.callable.Function`. After the last two the
                gate is of no more use.
        """
        parts = self.parts(arguments)
        status = _code().share(gate.ctypes.data, self.address, _words(parts), len(parts), helpers)
        if status == TAKEN:
            return None
        if status == LEFT_RANGE:
            return False
        self.raise_status(status)
        return True


def serve(gate: np.ndarray, seen: int) -> int:
    """Help with the jobs at a gate until there has been none for a while; other threads of Python run.

    Args:
        seen: the number of the last job that this thread has seen.

    Returns:
        The same, afterwards.
    """
    own = threading.get_ident()
    _gates[own] = gate
    try:
        return _code().serve(gate.ctypes.data, seen)
    finally:
        _gates.pop(own, None)


def share_address() -> int:
    """Where the function `share` of `symbp.machine.gate` is."""
    return _code().loaded.address(SHARE)


_gates: dict[int, np.ndarray] = {}
"""Those that threads listen at."""

_used: dict[int, Loaded] = {}
_ended: list[Loaded] = []
"""Code of functions that are there, and of some that are not, in which helpers may be at the end of a job."""


def _let_go(function: int) -> None:
    """Drop the code of functions that are not there any more, if no helper is in a job."""
    ended = [_used.pop(function)]
    with suppress(IndexError):
        while True:
            ended.append(_ended.pop())
    # Who begins a job from here on is not in these.
    if any(gate[INSIDE] for gate in [*_gates.values()]):
        _ended.extend(ended)


def _words(parts: list[int]) -> Any:
    return (ctypes.c_int64 * MOST_WORDS)(*parts)


@dataclass(frozen=True)
class _Code:
    """The functions of `symbp.machine.gate`."""

    loaded: Loaded
    serve: Callable[..., int]
    share: Callable[..., int]


_making = threading.Lock()
_made: list[_Code] = []


def _code() -> _Code:
    """Compiled by the first thread that asks, as other threads ask at the same time.

    Once it is there nobody takes the lock, which a child would find taken for ever if it was forked then.
    """
    if _made:
        return _made[0]
    with _making:
        if not _made:
            loaded = Loaded(machine_code(llvm.parse_assembly(str(gate_functions()))))
            serve = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
            kinds = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
            share = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)
            _made.append(_Code(loaded, serve(loaded.address(SERVE)), share(loaded.address(SHARE))))
        return _made[0]
