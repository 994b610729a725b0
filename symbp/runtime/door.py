"""The door of a model: what a call was given, as its kernel takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbp.errors import DataError
from symbp.runtime.compiled import Compiled
from symbp.runtime.validate import Slot, admit, admit_vector, check_names, check_total


@dataclass(frozen=True)
class Door:
    """Lets arrays in that a kernel may read and write.

    Attributes:
        size: P, the length of theta.
        dtype: of theta and data.
        slots: the inputs by name.
        totals: those of them whose entries add up to a number.
    """

    size: int
    dtype: str
    slots: Mapping[str, Slot]
    totals: Sequence[Slot]

    def admit(
        self,
        kernel: Compiled,
        theta: Any,
        arrays: Mapping[str, Any],
        finite: bool,
        required: Sequence[str] = (),
    ) -> tuple[np.ndarray, list[np.ndarray], int]:
        """theta, the inputs in the order of the kernel, and the number of samples N.

        Args:
            finite: whether nan and infinity are refused.
            required: the inputs that must be there, if not those of the kernel.

        Raises:
            DataError: an argument is not what the model takes.
        """
        ready = None if finite else kernel.admit_ready(arrays)
        if ready is not None:
            self._check_totals(arrays)
            good = type(theta) is np.ndarray and theta.shape == (self.size,) and theta.dtype == kernel.real
            if not good or not theta.flags.carray:
                theta = admit_vector(theta, self.size, self.dtype, "theta")
            return theta, *ready
        slots: Sequence[Slot] = kernel.inputs
        if len(arrays) != len(slots) or any(s.name not in arrays for s in slots):
            check_names(arrays, list(self.slots), required or [s.name for s in slots])
            # Inputs that the kernel does not read are checked all the same: N must agree.
            taken = {s.name for s in slots}
            slots = [*slots, *(self.slots[n] for n in arrays if n not in taken)]
        admitted, samples = admit(slots, arrays, self.dtype, finite=finite)
        self._check_totals(arrays)
        vector = admit_vector(theta, self.size, self.dtype, "theta", finite=finite)
        return vector, admitted[: len(kernel.inputs)], samples

    def out(self, array: Any, size: int) -> np.ndarray:
        """An array that a gradient of `size` entries can be written to.

        Raises:
            DataError: it cannot.
        """
        good = isinstance(array, np.ndarray) and array.shape == (size,) and array.dtype == self.dtype
        if not (good and array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
            raise DataError(
                f"out must be a writeable array of shape ({size},) and dtype {self.dtype} in C order"
            )
        return array

    def _check_totals(self, arrays: Mapping[str, Any]) -> None:
        for slot in self.totals:
            if slot.name in arrays:
                check_total(slot, np.asarray(arrays[slot.name]), self.dtype)
