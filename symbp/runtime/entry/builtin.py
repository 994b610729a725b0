"""Machine code as a function that Python calls."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine.compile import Loaded, machine_code

_BY_POSITION = 0x0080
"""METH_FASTCALL: called with the address of the arguments and their number."""


class _Definition(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def builtin(module: ir.Module, name: str, alive: Any) -> Callable[..., Any]:
    """The function `name` of an LLVM module, compiled.

    Args:
        name: of a function (self, address of the arguments, their number) -> new object.
        alive: what the code refers to; it lives as long as the function.
    """
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    definition = _Definition(name.encode(), code.address(name), _BY_POSITION, None)
    # Not the attribute of `pythonapi`, which all of the process share, with its types.
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    make = kind(("PyCFunction_NewEx", ctypes.pythonapi))
    return make(ctypes.addressof(definition), (definition, code, alive), None)
