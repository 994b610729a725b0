"""Texts of modules, compiled both ways."""

from __future__ import annotations

import numpy as np

from symbp.machine.build import build
from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from tests.codegen.under_numba import under_numba

HEAD = """
import math

import numpy as np
from numba import njit

from symbp.codegen.support import accumulate, accumulate_product, keep, opaque, room, view

f32 = np.float32
at = np.intp
"""


def by_numba(text, name="run"):
    """A function of a text, compiled by Numba."""
    given = "from symbp.codegen.support import"
    (line,) = [line for line in HEAD.splitlines() if line.startswith(given)]
    carried = under_numba("symbp.codegen.support")
    names = {n: getattr(carried, n) for n in line.removeprefix(given).replace(",", "").split()}
    names |= {"__name__": "text"}
    exec(HEAD.replace(line, "") + text, names)
    return names[name]


def machine(text, name="run", kinds=(("float64", 1), ("float64", 1))):
    """A function of a text, straight through LLVM."""
    code, messages = build(HEAD + text, {name: kinds})
    return Function(Loaded(code), name, kinds, messages)


def kinds_of(arguments):
    return [(a.dtype.name, a.ndim) if isinstance(a, np.ndarray) else ("int64", 0) for a in arguments]


def both(text, *arguments, name="run"):
    """What a function writes into its arguments, from Numba and from machine code."""
    results = []
    for function in (by_numba(text, name), machine(text, name, kinds_of(arguments))):
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
