"""The door: what arrays a compiled kernel accepts, and every other thing refused with a DataError."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbp.errors import DataError, shorten

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Slot:
    """One array that a kernel takes or returns.

    Attributes:
        name: the symbol's name.
        shape: the shape of one sample (of the whole array where not `batched`).
        batched: whether an axis of N samples stands in front.
        role: "input", or "label" for integers 0 ... bound-1.
        bound: one more than the largest label, or None.
        total: what the entries of one sample add up to, or None.
    """

    name: str
    shape: tuple[int, ...]
    batched: bool = True
    role: str = "input"
    bound: int | None = None
    total: int | None = None

    def dtype(self, real: str) -> np.dtype:
        return np.dtype(np.int64 if self.role == "label" else real)

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """The shape that kernels see, without the axis of samples: scalars alone are arrays of one entry."""
        return self.shape if self.batched or self.shape else (1,)

    def text(self) -> str:
        """The shape as users write it: `(N, 64)`."""
        extents = ["N"] * self.batched + [str(n) for n in self.shape]
        return f"({extents[0]},)" if len(extents) == 1 else f"({', '.join(extents)})"


def merge(data: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments together with the dict given as `data=`, which takes any names.

    Raises:
        DataError: data is not a dict of names, or a name is given twice.
    """
    if data is None:
        return dict(named)
    if not isinstance(data, Mapping) or not all(isinstance(k, str) for k in data):
        raise DataError(f"data= must be a dict of arrays by name, got {type(data).__name__}")
    twice = [k for k in named if k in data]
    if twice:
        raise DataError(f"{shorten(twice[0], 80)!r} is given twice, as a keyword and in data=")
    return {**data, **named}


def check_names(given: Iterable[str], known: Sequence[str], required: Sequence[str]) -> None:
    """Refuse names that no input has, and inputs that are missing.

    Raises:
        DataError: with the nearest name that exists.
    """
    given = list(given)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name[:200], known, 1, 0.5)
            inputs = shorten(", ".join(known), 200) or "none"
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise DataError(
                f"there is no input {shorten(name, 80)!r}", hint=f"{hint}the inputs are: {inputs}"
            )
    for name in required:
        if name not in given:
            raise DataError(
                f"the input {shorten(name, 80)!r} is missing",
                hint=f"needed are: {shorten(', '.join(required), 200)}",
            )


def admit(
    slots: Sequence[Slot], arrays: Mapping[str, Any], real: str, *, finite: bool = False
) -> tuple[list[np.ndarray], int]:
    """The arrays as the kernel takes them, in the order of the slots, and the number of samples N.

    Arrays of the right dtype in C order pass without a copy.

    Raises:
        DataError: an array is of the wrong kind, shape or length; says which.
    """
    result = []
    samples, first = -1, ""
    for slot in slots:
        array = admit_array(slot, arrays[slot.name], real)
        if slot.batched:
            if array.ndim != len(slot.shape) + 1 or array.shape[1:] != slot.shape:
                raise _wrong_shape(slot, array)
            if samples < 0:
                samples, first = array.shape[0], slot.name
                if samples == 0:
                    raise DataError(
                        f"{shorten(slot.name, 80)!r} has no samples: its shape is {array.shape}",
                        hint="give one sample at least",
                    )
            elif array.shape[0] != samples:
                a, b = shorten(first, 60), shorten(slot.name, 60)
                raise DataError(
                    f"{a!r} has {samples} samples, but {b!r} has {array.shape[0]}",
                    hint="give every input one row per sample",
                )
        elif array.shape != slot.shape:
            raise _wrong_shape(slot, array)
        elif not slot.shape:
            array = array.reshape(1)
        if slot.role == "label":
            check_labels(slot, array)
        if finite and not np.isfinite(array).all():
            raise _not_finite(repr(shorten(slot.name, 80)))
        result.append(array)
    return result, max(samples, 1)


def admit_vector(vector: Any, size: int, real: str, what: str, *, finite: bool = False) -> np.ndarray:
    """A flat vector of shape (P,) as the kernel takes it.

    Raises:
        DataError: it is not real, or not of that shape.
    """
    slot = Slot(what, (size,), batched=False)
    if vector is None:
        if size:
            raise DataError(
                f"{what} is missing", hint=f"give an array of shape ({size},), such as model.init()"
            )
        return np.empty(0, real)
    array = admit_array(slot, vector, real)
    if array.shape != (size,):
        raise DataError(
            f"{what} must have shape ({size},), got {array.shape}", hint="see model.init and model.pack"
        )
    if finite and not np.isfinite(array).all():
        raise _not_finite(what)
    return array


def admit_array(slot: Slot, value: Any, real: str) -> np.ndarray:
    """A value as an array of the slot's dtype in C order; its shape is not looked at.

    Raises:
        DataError: it is not made of real numbers.
    """
    dtype = slot.dtype(real)
    if (
        type(value) is np.ndarray
        and value.dtype == dtype
        and value.flags.c_contiguous
        and value.flags.aligned
    ):
        return value if value.flags.writeable else _unlocked(value)
    name = shorten(slot.name, 80)
    if isinstance(value, str | bytes | Mapping) or value is None:
        raise DataError(
            f"{name!r} must be an array of shape {slot.text()}, got {type(value).__name__}",
            hint="give numbers, a list of numbers or a NumPy array",
        )
    # NumPy imports its masked arrays when they are first named; who has one has named them.
    if "numpy.ma" in sys.modules and np.ma.is_masked(value):
        raise DataError(
            f"{name!r} has masked entries, which have no value",
            hint="leave those samples out, or give them values with .filled(...)",
        )
    try:
        array = np.asarray(value)
    except Exception as error:  # objects may raise anything from __array__
        raise DataError(
            shorten(f"{name!r} cannot be made an array: {type(error).__name__}: {error}"),
            hint=f"its shape is {slot.text()}",
        ) from error
    if array.dtype.kind not in "fiub":
        what = {"c": "complex numbers", "O": "Python objects, or rows of different lengths"}
        kind = what.get(array.dtype.kind, str(array.dtype))
        raise DataError(f"{name!r} must hold real numbers, got {kind}", hint=f"its shape is {slot.text()}")
    if slot.role == "label" and array.dtype.kind == "f" and not _whole(array):
        raise DataError(f"{name!r} holds class labels, which must be whole numbers", hint="give integers")
    try:
        with np.errstate(over="ignore"):
            # A subclass becomes a plain array here.
            return np.array(array, dtype=dtype, order="C", copy=True, subok=False)
    except (TypeError, ValueError, MemoryError) as error:
        raise DataError(shorten(f"{name!r} cannot be converted: {error}")) from error


def _not_finite(what: str) -> DataError:
    return DataError(
        f"{what} contains nan or infinity",
        hint="leave those samples out; check_finite=False lets them through",
    )


def no_memory(what: str, error: Exception) -> DataError:
    """The error for what is too large, after Python or a kernel could not get the memory."""
    hint = "give fewer samples at a time, or use smaller dimensions"
    return DataError(shorten(f"{what} do not fit into memory: {error or 'MemoryError'}"), hint=hint)


class _Window:
    """A read-only array's memory, described as writeable: kernels have one signature and only read."""

    def __init__(self, array: np.ndarray):
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def _unlocked(array: np.ndarray) -> np.ndarray:
    return np.asarray(_Window(array)) if array.size else array.copy()


def _whole(array: np.ndarray) -> bool:
    # Beyond 2**62 a float is whole, but may not be an int64.
    return bool(np.all((np.floor(array) == array) & (np.abs(array) < 2.0**62)))


def check_labels(slot: Slot, array: np.ndarray) -> None:
    """Refuse labels outside of 0 ... bound-1, which the kernel would use as an index.

    Raises:
        DataError: names the label.
    """
    low, high = int(array.min()), int(array.max())
    if low < 0 or (slot.bound is not None and high >= slot.bound):
        wrong = low if low < 0 else high
        top = "" if slot.bound is None else f" ... {slot.bound - 1}"
        raise DataError(
            f"{shorten(slot.name, 80)!r} contains the label {wrong}, outside of 0{top}",
            hint="count classes from 0",
        )


def total_rounding(slot: Slot, *dtypes: Any) -> float:
    """How far off a total may be: rounding of the entries, in the coarsest of these dtypes."""
    return (16 + slot.shape[0]) * float(max(np.finfo(d).eps for d in dtypes))


def check_total(slot: Slot, array: np.ndarray, real: str) -> None:
    """Refuse samples whose entries do not add up to what was declared: the gradient relies on it.

    Raises:
        DataError: names the sample.
    """
    given = array.dtype if array.dtype.kind == "f" else np.dtype(real)
    rounding = total_rounding(slot, given, real)
    sums = np.sum(array, axis=-1, dtype=float)
    wrong = ~(np.abs(sums - slot.total) <= rounding)  # so that nan is wrong
    if np.any(wrong):
        at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        place = f" in sample {', '.join(map(str, at))}" if at else ""
        raise DataError(
            f"the entries of {shorten(slot.name, 80)!r} add up to {float(sums[at]):.9g}{place},"
            f" it is declared to add up to {slot.total}",
            hint="normalise it, or declare it as sb.vector (normalized=False in sb.mlp)",
        )


def _wrong_shape(slot: Slot, array: np.ndarray) -> DataError:
    name = shorten(slot.name, 80)
    hint = None
    if slot.batched and array.shape == slot.shape:
        hint = f"a single sample is a batch of one: {name}[None]"
    elif slot.batched and array.shape[1:] == (*slot.shape, 1):
        hint = f"vectors are 1-D in data: {name}[..., 0]"
    return DataError(f"{name!r} must have shape {slot.text()}, got {array.shape}", hint=hint)
