"""The arguments of a function: numbers and arrays that broadcast, made what kernels take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbp.errors import DataError, shorten
from symbp.runtime.validate import Slot, admit_array, check_labels, check_total, no_memory


def count_arguments(names: Sequence[str], args: Sequence[Any]) -> None:
    """Refuse another number of arguments.

    Raises:
        DataError: names the arguments.
    """
    if len(args) != len(names):
        listed = shorten(", ".join(names), 200)
        needed = "1 argument is" if len(names) == 1 else f"{len(names)} arguments are"
        raise DataError(
            f"{needed} needed, got {len(args)}",
            hint=f"give {listed}" if listed else "call it without arguments",
        )


def admit_arguments(
    slots: Sequence[Slot], args: Sequence[Any], real: str
) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """The shape that the arguments broadcast to, and each as an array of its own samples.

    Raises:
        DataError: an argument is not real or has the wrong shape, or they do not broadcast.
    """
    arrays = [admit_array(s, a, real) for s, a in zip(slots, args, strict=True)]
    leads = []
    for slot, array, given in zip(slots, arrays, args, strict=True):
        axes = len(slot.shape)
        if array.ndim < axes or array.shape[array.ndim - axes :] != slot.shape:
            want = ", ".join(["...", *map(str, slot.shape)])
            raise DataError(f"{shorten(slot.name, 80)!r} must have shape ({want}), got {array.shape}")
        leads.append(array.shape[: array.ndim - axes])
        if slot.role == "label" and array.size:
            check_labels(slot, array)
        if slot.total is not None:
            check_total(slot, np.asarray(given), real)
    try:
        return np.broadcast_shapes(*leads), arrays
    except ValueError as error:
        shapes = ", ".join(map(str, leads))
        raise DataError(
            shorten(f"the arguments do not broadcast: their shapes are {shapes}"),
            hint="shapes broadcast as in NumPy; entries of vectors and matrices stand last",
        ) from error


def samples(
    slots: Sequence[Slot], arrays: Sequence[np.ndarray], lead: tuple[int, ...], ones: bool = False
) -> list[np.ndarray]:
    """The arguments broadcast to (N, *shape of one sample), contiguous.

    Args:
        ones: whether an argument may keep its only sample, which stands for all.

    Raises:
        DataError: they do not fit into memory.
    """
    try:
        return [_samples(a, lead, s.shape, ones) for a, s in zip(arrays, slots, strict=True)]
    except (MemoryError, ValueError) as error:  # the latter where the size is no integer of NumPy's
        raise no_memory(f"the arguments, broadcast to {lead},", error) from error


def _samples(array: np.ndarray, lead: tuple[int, ...], shape: tuple[int, ...], ones: bool) -> np.ndarray:
    if 0 in lead or not array.size:
        return np.empty((0, *shape), array.dtype)
    if ones and array.size == np.prod(shape, dtype=int):
        return array.reshape(1, *shape)
    if array.shape != lead + shape:
        # Copied: the view that broadcasting gives is read-only, which is another type to the
        # kernel, and another compilation.
        array = np.require(np.broadcast_to(array, lead + shape), requirements=["C", "W"])
    return np.ascontiguousarray(array).reshape(-1, *shape)
