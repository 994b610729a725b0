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


class _Kept(tuple):
    """What a function in place of a method keeps alive; the last item is the object whose method that is.

    It is copied and pickled as that object: the function is its attribute there.
    """

    __slots__ = ()

    def __reduce__(self) -> Any:
        return _itself, (self[-1],)


def _itself(thing: Any) -> Any:
    return thing


def builtin(module: ir.Module, name: str, alive: Any, method: Any = None) -> Callable[..., Any]:
    """The function `name` of an LLVM module, compiled.

    Args:
        name: of a function (self, address of the arguments, their number) -> new object.
        alive: what the code refers to; it lives as long as the function.
        method: the bound method of Python's that it stands for, whose name and words it takes.
    """
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    shown, doc = name, None
    if method is not None:
        shown = method.__name__
        doc = f"{shown}($self, /, *args)\n--\n\n{method.__doc__ or ''}".encode()
    definition = _Definition(shown.encode(), code.address(name), _BY_POSITION, doc)
    kept = (definition, code, alive)
    # Not the attribute of `pythonapi`, which all of the process share, with its types.
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    make = kind(("PyCFunction_NewEx", ctypes.pythonapi))
    kept = kept if method is None else _Kept((*kept, method.__self__))
    return make(ctypes.addressof(definition), kept, None)
