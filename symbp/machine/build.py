"""From the text of a generated module to machine code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from llvmlite import ir

from symbp.machine import types
from symbp.machine.compile import machine_code
from symbp.machine.module import Module
from symbp.machine.values import NotCovered

__all__ = ["NotCovered", "build"]


def build(
    text: str,
    functions: Mapping[str, Iterable[Sequence[Any]]],
    given: Mapping[str, ir.FunctionType] = MappingProxyType({}),
) -> tuple[bytes, list[str]]:
    """The object file of some functions, and the messages of their errors.

    Args:
        text: of the module.
        functions: the arguments of each, as [dtype, ndim], with ndim 0 for a number.
        given: functions that are compiled apart; the object file needs theirs beside it.

    Raises:
        NotCovered: the text has forms that are left to Numba.
    """
    module = Module(text, given)
    module.export({name: kinds_of(arguments) for name, arguments in functions.items()})
    return machine_code(module.parsed()), module.messages


def kinds_of(arguments: Iterable[Sequence[Any]]) -> tuple[types.Type, ...]:
    """The types of arguments, from their description."""
    numbers = [(types.NUMBERS[dtype], ndim) for dtype, ndim in arguments]
    return tuple(types.Array(number, ndim, "C") if ndim else number for number, ndim in numbers)
