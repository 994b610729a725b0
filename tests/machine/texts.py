"""Texts of modules, compiled both ways."""

from __future__ import annotations

import numpy as np

from symbp.machine.build import build
from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from symbp.runtime.loaded import types_of

HEAD = """
import math

import numpy as np
from numba import njit

from symbp.codegen.support import accumulate, accumulate_product, keep, opaque, room, view

f32 = np.float32
at = np.intp
"""


def names_of(text):
    """What the names of a text mean."""
    names = {"__name__": "text"}
    exec(HEAD + text, names)
    return names


def machine(text, name="run", kinds=(("float64", 1), ("float64", 1))):
    """A function of a text, straight through LLVM."""
    code, messages = build(HEAD + text, names_of(text), {name: types_of(kinds)})
    return Function(Loaded(code), name, kinds, messages)


def kinds_of(arguments):
    return [(a.dtype.name, a.ndim) if isinstance(a, np.ndarray) else ("int64", 0) for a in arguments]


def both(text, *arguments, name="run"):
    """What a function writes into its arguments, from Numba and from machine code."""
    results = []
    for function in (names_of(text)[name], machine(text, name, kinds_of(arguments))):
        given = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        function(*given)
        results.append(given)
    return results


def same(text, *arguments, name="run"):
    """Assert that both write equal bits; what they write."""
    numba, ours = both(text, *arguments, name=name)
    for a, b in zip(numba, ours, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)
    return ours
