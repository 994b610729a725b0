"""The names that generated modules import from Numba, as machine code needs them.

The files of `symbp.codegen` whose text becomes part of generated modules import them from here too: they are
read, not run, and reading them should not take Numba's import.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symbp.machine import types
from symbp.machine.types import Signature, Type
from symbp.machine.values import NotCovered


class TypingError(Exception):
    """An intrinsic refuses its arguments."""


class Intrinsic:
    """What becomes instructions where compiled functions call it.

    Args:
        definition: (context, *types of arguments) -> (signature, function that writes the instructions).
    """

    def __init__(self, definition: Callable[..., Any]):
        self._defn = definition

    def __call__(self, *arguments: Any) -> Any:
        raise TypeError(f"{self._defn.__name__} is for compiled functions")


def intrinsic(definition: Callable[..., Any]) -> Intrinsic:
    return Intrinsic(definition)


def njit(function: Any = None, **options: Any) -> Any:
    """The function itself: it is compiled from its text, where the options are read again."""
    if function is None:
        return njit
    function.py_func = function
    return function


def signature(return_type: Type, *args: Type) -> Signature:
    return Signature(return_type, args)


def impl_ret_new_ref(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Of arrays that Numba counts references to; machine code has no such."""
    raise NotCovered("counted references")


WORDS: dict[str, Any] = {
    "TypingError": TypingError,
    "impl_ret_new_ref": impl_ret_new_ref,
    "intrinsic": intrinsic,
    "njit": njit,
    "signature": signature,
    "types": types,
}

__all__: Sequence[str] = [*WORDS, "WORDS", "Intrinsic"]
