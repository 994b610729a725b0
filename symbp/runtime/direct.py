"""Direct calls: the short way into a kernel for arrays that need no conversion.

Small networks take a microsecond; checking their arguments one by one in Python would take several.
Shapes are compared here, dtypes, memory order and alignment by Numba's dispatcher, in C. Whatever is
not right is left to the long way, which converts it or finds the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import njit

from symbp.runtime.compiled import Compiled

Direct = Callable[[Any, Mapping[str, Any]], "tuple[float, np.ndarray] | None"]
"""(theta, inputs by name) -> (loss, gradient), or None where the long way must be taken."""


def direct_gradient(kernel: Compiled, size: int) -> Direct | None:
    """The short way into a kernel of value and gradient; None where it has none.

    Args:
        size: entries of theta.
    """
    plain = all(s.batched and s.role != "label" for s in kernel.inputs)
    alone = len(kernel.results) == 1 and not kernel.results[0].shape and not kernel.results[0].batched
    if not (plain and alone and kernel.inputs and kernel.parameters.size == size == kernel.gradient.size):
        return None
    door = _closed(kernel.into)
    if door is None:
        return None
    slots = tuple((s.name, len(s.shape) + 1, s.shape) for s in kernel.inputs)
    count, whole, real, ndarray, empty = len(slots), (size,), kernel.real, np.ndarray, np.empty
    shareable = kernel.call.shareable

    def call(theta: Any, arrays: Mapping[str, Any]) -> tuple[float, np.ndarray] | None:
        if len(arrays) != count or type(theta) is not ndarray or theta.shape != whole:
            return None
        given = [theta]
        samples = 0
        for name, axes, rest in slots:
            array = arrays.get(name)
            if type(array) is not ndarray:
                return None
            shape = array.shape
            if len(shape) != axes or shape[1:] != rest or shape[0] != (samples or shape[0]):
                return None
            samples = shape[0]
            given.append(array)
        if not samples:
            return None
        loss, gradient = empty(1, real), empty(size, real)
        try:
            if not shareable(samples):
                door(*given, loss, gradient)
            elif all(a.dtype == real and a.flags.carray for a in given):
                kernel.call(samples, (*given, loss, gradient))
            else:
                return None
        except TypeError:
            return None
        return float(loss[0]), gradient

    return call


def _closed(into: Any) -> Any:
    """The function as it is compiled, in a dispatcher that compiles nothing for other types."""
    overloads = list(getattr(into, "overloads", {}).values())
    if len(overloads) != 1:
        return None
    options = {k: v for k, v in into.targetoptions.items() if k != "nopython"}
    door = njit(**options)(into.py_func)
    door.add_overload(overloads[0])
    door.disable_compile()
    return door
