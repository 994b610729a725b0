"""Micro-kernels of matrix products, compiled by another thread while the text that calls them is written.

All networks with numbers of one type share them, and those with large products some more; they are half of
what a small one has to compile. LLVM runs without Python's lock. What needs that lock, the writing of the
micro-kernels, is done before: two threads that run Python get in each other's way, and LLVM would begin when
the text is finished.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from symbp.machine.compile import processor
from symbp.runtime.lock import AWAITED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llvmlite import ir


@dataclass(frozen=True)
class Products:
    """Micro-kernels: the types of what others may call, by name, and the object file."""

    functions: Mapping[str, ir.FunctionType]
    code: Future[bytes]


_made: dict[tuple, Products] = {}
"""By kind and processor; filled under the lock of `symbp.runtime.lock`."""


def begin(kind: str) -> Products:
    """The micro-kernels of a kind, which are compiled from now on, if not earlier.

    Args:
        kind: see `symbp.codegen.product.write_products`.
    """
    key = (kind, processor())
    known = _made.get(key)
    if known is None or (known.code.done() and known.code.exception()):
        from symbp.codegen.product import write_products
        from symbp.machine.object_file import written_apart

        apart = written_apart(lambda module: write_products(module, kind))
        known = _made[key] = Products(apart.functions, Future())
        thread = Thread(target=_make, args=(known.code, apart.compiled), name="symbp products")
        try:
            thread.start()
        except RuntimeError:  # there may be no more threads
            _make(known.code, apart.compiled)
    return known


def _make(code: Future[bytes], compiled: Callable[[], bytes]) -> None:
    try:
        code.set_result(compiled())
    except BaseException as error:  # who asked for it is told
        code.set_exception(error)


def _finish() -> None:
    """A child that is forked while LLVM works would find LLVM's locks taken for ever."""
    for found in list(_made.values()):
        found.code.exception()


AWAITED.append(_finish)
