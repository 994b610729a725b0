"""Micro-kernels of matrix products, compiled by another thread while the text that calls them is written.

All networks with numbers of one type share them; they are half of what a small one has to compile.
LLVM runs without Python's lock.
"""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING

from symbp.machine.compile import processor
from symbp.runtime.lock import AWAITED

if TYPE_CHECKING:
    from symbp.machine.object_file import ObjectFile

_made: dict[tuple, Future[ObjectFile]] = {}
"""By type of numbers and processor; filled under the lock of `symbp.runtime.lock`."""


def begin(dtype: str) -> Future[ObjectFile]:
    """The micro-kernels for numbers of a type, which are compiled from now on, if not earlier."""
    key = (dtype, processor())
    known = _made.get(key)
    if known is None or (known.done() and known.exception()):
        found: Future[ObjectFile] = Future()
        _made[key] = found
        thread = Thread(target=_make, args=(found, dtype), name="symbp products")
        try:
            thread.start()
        except RuntimeError:  # there may be no more threads
            _make(found, dtype)
    return _made[key]


def _make(found: Future[ObjectFile], dtype: str) -> None:
    from symbp.codegen.product import write_products
    from symbp.machine.object_file import compiled_apart

    try:
        found.set_result(compiled_apart(lambda module: write_products(module, dtype)))
    except BaseException as error:  # who asked for it is told
        found.set_exception(error)


def _finish() -> None:
    """A child that is forked while LLVM works would find LLVM's locks taken for ever."""
    for found in list(_made.values()):
        found.exception()


AWAITED.append(_finish)
