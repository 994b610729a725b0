"""Functions that are compiled apart from the modules that call them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine.compile import object_file


@dataclass(frozen=True)
class Library:
    """An object file.

    Attributes:
        code: the file.
        functions: the types of what others may call, by name.
    """

    code: bytes
    functions: dict[str, ir.FunctionType]


def library(write: Callable[[ir.Module], Iterable[ir.Function]]) -> Library:
    """The library of the functions that `write` returns, after writing them and what they need.

    They are taken as they are written: LLVM's passes before the choice of instructions took as long as that
    choice, and the micro-kernels did not become faster by them.
    """
    module = ir.Module("library")
    module.triple = llvm.get_process_triple()
    functions = {}
    for function in write(module):
        function.linkage = "external"
        functions[function.name] = function.ftype
    return Library(object_file(llvm.parse_assembly(str(module))), functions)
