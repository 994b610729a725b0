"""Object files of functions that are compiled apart from the modules that call them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine.compile import machine_code


@dataclass(frozen=True)
class ObjectFile:
    """Machine code, and what others may call of it.

    Attributes:
        code: the file.
        functions: the types of what others may call, by name.
    """

    code: bytes
    functions: dict[str, ir.FunctionType]


def compiled_apart(write: Callable[[ir.Module], Iterable[ir.Function]]) -> ObjectFile:
    """The object file of the functions that `write` returns, after writing them and what they need.

    They are taken as they are written: LLVM's passes before the choice of instructions took as long as that
    choice, and the micro-kernels did not become faster by them.
    """
    module = ir.Module("apart")
    module.triple = llvm.get_process_triple()
    functions = {}
    for function in write(module):
        function.linkage = "external"
        functions[function.name] = function.ftype
    return ObjectFile(machine_code(llvm.parse_assembly(str(module)), optimised=False), functions)
