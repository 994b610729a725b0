"""From the text of a generated module to machine code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbp.machine.compile import machine_code
from symbp.machine.module import Module
from symbp.machine.values import NotCovered

__all__ = ["NotCovered", "build"]


def build(text: str, names: Mapping[str, Any], functions: Mapping[str, tuple]) -> tuple[bytes, list[str]]:
    """The object file of some functions, and the messages of their errors.

    Args:
        text: of the module.
        names: what its names mean, from running it.
        functions: Numba's types of the arguments, by name.

    Raises:
        NotCovered: the text has forms that are left to Numba.
    """
    module = Module(text, names)
    for name, kinds in functions.items():
        module.export(name, kinds)
    return machine_code(module.parsed()), module.messages
