"""Direct calls: the short way into a kernel for arrays that need no conversion.

Small networks take less than a microsecond; checking their arguments one by one in Python would take
several. Number of axes and memory order are compared by Numba's dispatcher, in C, and shapes by the
kernel. The dispatcher looks at the kind of numbers too, but not always at the order of their bytes, so
that dtypes are compared here. Whatever is not right is left to the long way, which converts it or finds
the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numba import njit

from symbp.runtime.compiled import Compiled
from symbp.runtime.validate import Slot

Direct = Callable[[Any, Mapping[str, Any]], "tuple[float, np.ndarray] | None"]
"""(theta, inputs by name) -> (loss, gradient), or None where the long way must be taken."""

DirectForward = Callable[[Any, Mapping[str, Any]], "dict[str, np.ndarray] | None"]
"""(theta, inputs by name) -> results by name, or None as above."""

DirectSamples = Callable[[Sequence[Any]], "Sequence[Any] | None"]
"""(arguments in order) -> results, numbers from numbers and arrays from arrays; or None as above."""


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
    pick, count = _picked([s.name for s in kernel.inputs])
    real, ndarray, empty = kernel.real, np.ndarray, np.empty
    share, many = kernel.call, kernel.call.fewest_shared
    fits = _fitting(kernel, size)

    def call(theta: Any, arrays: Mapping[str, Any]) -> tuple[float, np.ndarray] | None:
        if len(arrays) != count or type(theta) is not ndarray or theta.dtype is not real:
            return None
        try:
            given = pick(arrays)
            for array in given:
                if type(array) is not ndarray or array.dtype is not real:
                    return None
            samples = len(given[0])
            loss, gradient = empty(1, real), empty(size, real)
            if 0 < samples < many:
                door(theta, *given, loss, gradient)
            elif samples and fits(theta, given, samples):
                share(samples, (theta, *given, loss, gradient))
            else:
                return None
        except (KeyError, TypeError, ValueError, MemoryError):
            return None
        return loss.item(), gradient

    return call


def direct_forward(kernel: Compiled, size: int) -> DirectForward | None:
    """The short way into a kernel of results per sample; None where it has none.

    Args:
        size: entries of theta.
    """
    plain = all(s.batched and s.role != "label" for s in kernel.inputs)
    plain = plain and all(s.batched for s in kernel.results) and not kernel.gradient.names
    if not (plain and kernel.inputs and kernel.parameters.names and kernel.parameters.size == size):
        return None
    door = _closed(kernel.into)
    if door is None:
        return None
    pick, count = _picked([s.name for s in kernel.inputs])
    real, ndarray, empty = kernel.real, np.ndarray, np.empty
    many = kernel.call.fewest_shared
    made = [s.name for s in kernel.results]
    shapes = [s.shape for s in kernel.results]
    alone, first = len(made) == 1, shapes[0]

    def call(theta: Any, arrays: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        if len(arrays) != count or type(theta) is not ndarray or theta.dtype is not real:
            return None
        try:
            given = pick(arrays)
            for array in given:
                if type(array) is not ndarray or array.dtype is not real:
                    return None
            samples = len(given[0])
            if not 0 < samples < many:
                return None
            if alone:
                result = empty((samples, *first), real)
                door(theta, *given, result)
                return {made[0]: result}
            results = [empty((samples, *shape), real) for shape in shapes]
            door(theta, *given, *results)
        except (KeyError, TypeError, ValueError, MemoryError):
            return None
        return dict(zip(made, results, strict=True))

    return call


def _fitting(kernel: Compiled, size: int) -> Callable[[np.ndarray, Sequence[np.ndarray], int], bool]:
    """Whether arrays of the right dtype need no conversion; kernels that threads share do not look."""
    rows = [s.shape for s in kernel.inputs]

    def plain(array: np.ndarray, shape: tuple[int, ...]) -> bool:
        # For arrays that are read-only too Numba would compile the kernel once more.
        return array.shape == shape and array.flags.carray

    def fits(theta: np.ndarray, given: Sequence[np.ndarray], samples: int) -> bool:
        wanted = [(samples, *row) for row in rows]
        return plain(theta, (size,)) and all(map(plain, given, wanted))

    return fits


def _picked(names: Sequence[str]) -> tuple[Callable[[Mapping[str, Any]], Sequence[Any]], int]:
    """What picks the inputs by name in their order, and how many there are."""
    if len(names) > 1:
        return itemgetter(*names), len(names)
    (only,) = names
    return lambda arrays: (arrays[only],), 1


def direct_samples(kernel: Compiled, slots: Sequence[Slot]) -> DirectSamples:
    """The short way into a kernel of bare expressions: for floats alone, and for arrays of N samples.

    Args:
        slots: the arguments, which may be more than the kernel reads.
    """
    plain = bool(slots) and all(s.role != "label" and s.total is None for s in slots)
    plain = plain and all(s.batched for s in kernel.results)
    door = _closed(kernel.into) if plain else None
    numbers = door is not None and kernel.point and not any(s.shape for s in slots)
    point: Any = None
    count, real, ndarray, empty = len(slots), kernel.real, np.ndarray, np.empty
    rows = tuple(s.shape for s in kernel.results)
    names = [s.name for s in slots]
    used = [names.index(s.name) for s in kernel.inputs] if plain else []
    every = len(used) == count
    many = kernel.call.fewest_shared

    def call(args: Sequence[Any]) -> Sequence[Any] | None:
        nonlocal numbers, point
        kinds = {*map(type, args)}
        if len(kinds) != 1 or len(args) != count:
            return None
        if not every and ndarray in kinds and len({a.shape for a in args}) > 1:
            return None  # what the kernel does not read is broadcast all the same
        if not every:
            args = [args[k] for k in used]
        if float in kinds and numbers:
            if point is None:
                point = _closed(kernel.for_one)
                numbers = point is not None
            if point is not None:
                return point(*args)
        if ndarray not in kinds or door is None or not args:
            return None
        for array in args:
            if array.dtype is not real:
                return None
        try:
            samples = max(map(len, args))
            if not 0 < samples < many:
                return None
            results = [empty((samples, *row), real) for row in rows]
            door(*args, *results)
        except (TypeError, ValueError, MemoryError):  # the long way finds the words
            return None
        return results

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
