"""Machine code as a function that Python calls."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core.compiler_lock import global_compiler_lock

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


def builtin(library: Any, module: ir.Module, name: str, alive: Any) -> Callable[..., Any]:
    """The function `name` of an LLVM module, compiled.

    Args:
        library: of Numba, new and empty.
        name: of a function (self, address of the arguments, their number) -> new object.
        alive: what the code refers to; it lives as long as the function.
    """
    with global_compiler_lock:
        library.add_ir_module(module)
        library.finalize()
        address = library.get_pointer_to_function(name)
    definition = _Definition(name.encode(), address, _BY_POSITION, None)
    # Not the attribute of `pythonapi`, which all of the process share, with its types.
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    make = kind(("PyCFunction_NewEx", ctypes.pythonapi))
    return make(ctypes.addressof(definition), (definition, library, alive), None)
