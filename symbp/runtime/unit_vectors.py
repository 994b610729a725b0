"""Derivatives of expressions with loops, by one sample per unit vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symbp.runtime.validate import no_memory

if TYPE_CHECKING:
    from symbp.runtime.expression import Function


def jacobian_by_rows(function: Function, args: Sequence[Any]) -> np.ndarray:
    """The Jacobian, (..., outputs, entries): with the k-th unit vector as seed, the gradient is row k.

    Raises:
        DataError: an argument is not what the function takes, or there is no room.
    """
    lead, arrays = function._admit(args)
    assert function._shape is not None
    outputs = math.prod(function._shape)
    kernel = function._kernel("jacobian")
    repeated, seeds = _with_units(function, arrays, lead, outputs, "the seeds of {} outputs")
    given = dict(zip(function._names, repeated, strict=True))
    given[kernel.inputs[-1].name] = seeds.reshape(-1, *kernel.inputs[-1].shape)
    results = function._run(kernel, [given[s.name] for s in kernel.inputs], (*lead, outputs))[1:]
    if not results:
        return np.zeros((*lead, outputs, 0), function.dtype)
    return np.concatenate([_flat(r, len(lead) + 1) for r in results], axis=-1)


def hessian_by_columns(function: Function, args: Sequence[Any]) -> np.ndarray:
    """The Hessian, (..., entries, entries): along the k-th unit vector, the gradient has column k.

    Raises:
        DataError: an argument is not what the function takes, or there is no room.
    """
    lead, arrays = function._admit(args)
    kernel = function._kernel("hvp")
    shapes = [s.shape for s in kernel.inputs[len(arrays) :]]
    sizes = [math.prod(shape) for shape in shapes]
    given, units = _with_units(function, arrays, lead, sum(sizes), "the directions of {} entries")
    for part, shape in zip(np.split(units, np.cumsum(sizes)[:-1], axis=1), shapes, strict=True):
        given.append(np.ascontiguousarray(part).reshape(-1, *shape))
    results = function._run(kernel, given, (*lead, sum(sizes)))[1:]
    return np.concatenate([_flat(r, len(lead) + 1) for r in results], axis=-1)


def _with_units(
    function: Function, arrays: Sequence[np.ndarray], lead: tuple[int, ...], size: int, what: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """Every sample so many times as there are unit vectors, and these for each."""
    try:
        units = np.tile(np.eye(size, dtype=function.dtype), (math.prod(lead), 1))
        return [np.repeat(a, size, axis=0) for a in arrays], units
    except MemoryError as error:
        raise no_memory(what.format(size), error) from error


def _flat(array: np.ndarray, axes: int) -> np.ndarray:
    """The array with all but its first axes as one."""
    return array.reshape((*array.shape[:axes], math.prod(array.shape[axes:])))
