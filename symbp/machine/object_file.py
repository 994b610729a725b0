"""Object files of functions that are compiled apart from the modules that call them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine.compile import as_written
from symbp.machine.host import triple


@dataclass(frozen=True)
class Apart:
    """Functions that others may call, and what compiles them.

    Attributes:
        functions: the types of what others may call, by name.
        compiled: the object file; any thread may ask for it, without much of Python's lock.
    """

    functions: dict[str, ir.FunctionType]
    compiled: Callable[[], bytes]


def written_apart(write: Callable[[ir.Module], Iterable[ir.Function]]) -> Apart:
    """The functions that `write` returns, after writing them and what they need.

    They are compiled as they are written: LLVM's passes before the choice of instructions took as long as
    that choice, and the micro-kernels did not become faster by them.
    """
    module = ir.Module("apart")
    module.triple = triple()
    functions = {}
    for function in write(module):
        function.linkage = "external"
        functions[function.name] = function.ftype
    return Apart(functions, as_written(llvm.parse_assembly(str(module))))
