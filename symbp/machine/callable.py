"""A compiled function as Python calls it, with NumPy arrays and whole numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from symbp.machine.compile import Loaded
from symbp.machine.convention import NO_MEMORY


class MachineFunction:
    """A function of machine code, and what Python needs to call it.

    Args:
        code: where it is.
        name: of the function there.
        kinds: of the arguments, each [dtype, ndim], with ndim 0 for a number.
        messages: what a status means, from 1 on.
    """

    def __init__(self, code: Loaded, name: str, kinds: Sequence[Sequence[Any]], messages: Sequence[str]):
        self.name, self.address, self.messages = name, code.address(name), tuple(messages)
        self.kinds = tuple((np.dtype(dtype), int(ndim)) for dtype, ndim in kinds)
        self._code = code  # lives as long

    def parts(self, arguments: Sequence[Any]) -> list[int]:
        """The address and the extents of each array, and the numbers.

        Raises:
            TypeError: an argument is not of the type that it was compiled for.
        """
        parts: list[int] = []
        for (dtype, ndim), argument in zip(self.kinds, arguments, strict=True):
            if not ndim:
                parts.append(argument)
                continue
            if argument.ndim != ndim or argument.dtype != dtype or not argument.flags.carray:
                raise TypeError(f"{self.name} takes aligned arrays of {dtype} in C order, of {ndim} axes")
            parts.append(argument.ctypes.data)
            parts += argument.shape
        return parts

    def raise_status(self, status: int) -> None:
        """Raise the error that a status stands for, unless that is 0."""
        if status == NO_MEMORY:
            raise MemoryError("a workspace")
        if status:
            raise ValueError(self.messages[status - 1])


class Function(MachineFunction):
    """A function that runs on the caller's thread. Other threads of Python run while it does."""

    def __init__(self, code: Loaded, name: str, kinds: Sequence[Sequence[Any]], messages: Sequence[str]):
        super().__init__(code, name, kinds, messages)
        parts: list[Any] = []
        for _, ndim in self.kinds:
            parts += [ctypes.c_void_p, *[ctypes.c_int64] * ndim] if ndim else [ctypes.c_int64]
        self._call = ctypes.CFUNCTYPE(ctypes.c_int, *parts)(self.address)

    def __call__(self, *arguments: Any) -> None:
        """Run it.

        Raises:
            TypeError: an argument is not of the type that it was compiled for.
            ValueError: the function refuses the arguments.
            MemoryError: it got no memory for its workspace.
        """
        self.raise_status(self._call(*self.parts(arguments)))
