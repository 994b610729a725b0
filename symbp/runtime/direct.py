"""Direct calls: the short way into a kernel for arrays that need no conversion.

Small networks take less than a microsecond; checking their arguments one by one in Python would take
several. Dtypes, memory order and alignment are compared by Numba's dispatcher, in C, and shapes by the
kernel. Whatever is not right is left to the long way, which converts it or finds the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
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
    names = [s.name for s in kernel.inputs]
    count, real, ndarray, empty = len(names), kernel.real, np.ndarray, np.empty
    many = kernel.call.fewest_shared
    if count == 1:
        (only,) = names
        pick: Callable = lambda arrays: (arrays[only],)  # noqa: E731
    else:
        pick = itemgetter(*names)

    def call(theta: Any, arrays: Mapping[str, Any]) -> tuple[float, np.ndarray] | None:
        if len(arrays) != count or type(theta) is not ndarray:
            return None
        try:
            given = pick(arrays)
            for array in given:
                if type(array) is not ndarray:
                    return None
            if not 0 < len(given[0]) < many:
                return None
            loss, gradient = empty(1, real), empty(size, real)
            door(theta, *given, loss, gradient)
        except (KeyError, TypeError, ValueError):
            return None
        return loss.item(), gradient

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
