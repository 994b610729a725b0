"""Products of the Hessian of a model's loss with vectors, and the Hessian itself from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symbp.runtime.compiled import Compiled
from symbp.runtime.door import Door
from symbp.runtime.kernels import KernelSet
from symbp.runtime.often import Often
from symbp.runtime.parameters import Layout
from symbp.runtime.validate import Slot, admit_vector, no_memory


class HessianProducts:
    """H(theta) v for one model whose dimensions are known. The kernel takes theta and v as one vector.

    Args:
        kernels: those that are derived as "hvp".
        layout: of theta.
        door: lets theta and the data in.
        totals: inputs whose entries add up to a number.
    """

    def __init__(self, kernels: KernelSet, layout: Layout, door: Door, totals: Sequence[Slot]):
        self._kernels, self._layout, self._door, self._totals = kernels, layout, door, totals
        self._short: Callable[..., Any] | None = None
        self._often: Often | None = None
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    def __call__(self, theta: Any, vector: Any, arrays: Mapping[str, Any], finite: bool) -> np.ndarray:
        """The product, of the shape of the gradient.

        Args:
            finite: whether nan and infinity are refused.

        Raises:
            DataError: an argument is not what the model takes.
        """
        plain = type(theta) is np.ndarray and type(vector) is np.ndarray and not finite
        if self._short is not None and plain and (theta.shape, vector.shape) == self._shapes:
            found = self._short(np.concatenate((theta, vector)), arrays)
            if found is not None:
                return found[1]
        kernel = self._kernels.hvp()
        theta, admitted, samples = self._door.admit(kernel, theta, arrays, finite)
        vector = admit_vector(vector, kernel.gradient.size, self._door.dtype, "vector", finite=finite)
        both = self._both(kernel)
        _, product = kernel.run(np.concatenate((theta, vector)), admitted, samples, both)
        if self._short is None:
            self._shapes = theta.shape, vector.shape
            self._often = self._often or Often("direct_gradient", kernel, both.size, self._totals)
            # Another thread may have made it meanwhile.
            self._short = self._often() or self._short
        return product

    def _both(self, kernel: Compiled) -> Layout:
        """The parameters, and behind them a direction for each that is differentiated for."""
        along = kernel.gradient
        directions = kernel.parameters.names[-len(along.names) :] if along.names else ()
        return Layout((*self._layout.names, *directions), (*self._layout.shapes, *along.shapes))

    def hessian(self, theta: Any, arrays: Mapping[str, Any], finite: bool) -> np.ndarray:
        """The products with all unit vectors.

        Raises:
            DataError: an argument is not what the model takes, or there is no room for the result.
        """
        size = self._kernels.hvp().gradient.size
        try:
            found = np.empty((size, size), self._door.dtype)
        except MemoryError as error:
            raise no_memory(f"the Hessian of {size} parameters", error) from error
        unit = np.zeros(size, self._door.dtype)
        for k in range(size):
            unit[k] = 1
            found[k] = self(theta, unit, arrays, finite)
            unit[k] = 0
        return found
