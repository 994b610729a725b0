"""Where CPython and NumPy keep what machine code reads of their objects.

Every compiled extension relies on these places: `PyObject_HEAD`, `PyFloatObject`, and `PyArrayObject_fields`
in NumPy's ndarraytypes.h, which NumPy 2 kept. All the same nothing is trusted before it has been compared
with what objects say of themselves.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

POINTER = ctypes.sizeof(ctypes.c_void_p)
"""Bytes of an address; extents of arrays are as wide."""

HEAD = object.__basicsize__
"""Bytes of what begins every object: its count of references, then its type."""

REFERENCES, TYPE = HEAD - 2 * POINTER, HEAD - POINTER
NUMBER = HEAD
"""The value of a float."""

ITEMS = tuple.__basicsize__
"""Where the items of a tuple begin."""

DATA, AXES, EXTENTS, DTYPE, FLAGS = (HEAD + k * POINTER for k in (0, 1, 2, 5, 6))
"""Parts of an array: address of the entries, number of axes, address of the extents, dtype, flags."""

PLAIN = 0x0001 | 0x0100 | 0x0400
"""Flags of arrays as kernels take them: in C order, aligned, writeable (NPY_ARRAY_CARRAY)."""

_NDARRAY, _NEW = 2, 93
"""Places of PyArray_Type and PyArray_New in NumPy's table of functions, fixed for all its versions."""


def python_address(name: str) -> int:
    """The address of a function of CPython's interface."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


@lru_cache(maxsize=1)
def new_array_address() -> int | None:
    """The address of PyArray_New; None where objects are laid out otherwise, so that none may be read."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None  # without a global lock, what is borrowed may vanish
    try:
        table = _numpy_table()
        return table[_NEW] if table[_NDARRAY] == id(np.ndarray) and _as_expected() else None
    except (ImportError, AttributeError, ValueError):
        return None


def _numpy_table() -> Any:
    major = int(np.__version__.split(".")[0])
    capsule = import_module(f"numpy.{'_core' if major > 1 else 'core'}._multiarray_umath")._ARRAY_API
    # Not the attribute of `pythonapi`, which all of the process share, with its types.
    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    unpack = kind(("PyCapsule_GetPointer", ctypes.pythonapi))
    return ctypes.cast(unpack(capsule, None), ctypes.POINTER(ctypes.c_void_p))


def _as_expected() -> bool:
    """Whether some objects are found to be what they are."""
    arrays = np.zeros((3, 5), np.float32), np.zeros((2, 7, 4))[::2], np.zeros(6, np.int64)
    numbers = all(_read(x, NUMBER, ctypes.c_double) == 1.25 for x in (1.25, np.float64(1.25)))
    pair = (object(), object())
    numbers = numbers and all(
        _read(pair, ITEMS + k * POINTER, ctypes.c_void_p) == id(pair[k]) for k in (0, 1)
    )
    before = _read(pair, REFERENCES, ctypes.c_ssize_t)
    shared = [pair] * 5
    numbers = numbers and _read(pair, REFERENCES, ctypes.c_ssize_t) == before + len(shared)
    return numbers and all(
        _read(a, TYPE, ctypes.c_void_p) == id(np.ndarray)
        and _read(a, DATA, ctypes.c_void_p) == a.ctypes.data
        and _read(a, AXES, ctypes.c_int) == a.ndim
        and _read(a, DTYPE, ctypes.c_void_p) == id(a.dtype)
        and (_read(a, FLAGS, ctypes.c_int) & PLAIN == PLAIN) is a.flags.carray
        and [_extent(a, k) for k in range(a.ndim)] == list(a.shape)
        for a in arrays
    )


def _read(of: Any, offset: int, kind: Any) -> Any:
    return kind.from_address(id(of) + offset).value


def _extent(array: np.ndarray, axis: int) -> int:
    return ctypes.c_ssize_t.from_address(_read(array, EXTENTS, ctypes.c_void_p) + axis * POINTER).value
