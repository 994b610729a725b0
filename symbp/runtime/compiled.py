"""One kernel as the runtime holds it: what it takes and returns, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symbp.machine.callable import Function
from symbp.runtime.into import Into
from symbp.runtime.loaded import LoadedModule
from symbp.runtime.lock import MAKING
from symbp.runtime.parameters import Layout
from symbp.runtime.threads import Shared, Together
from symbp.runtime.validate import Slot, check_labels, no_memory


class Compiled:
    """A loaded kernel. All it needs is in the description, so that nothing is derived again.

    Args:
        together: makes the same kernel as threads share it; None where there is none.
        threads: the most threads it may use.
        other: makes the module with other functions compiled: those of "compile", "later" or "point_into"
            in the description; default the same module.

    Attributes:
        call: runs it, on one thread or several.
        inputs: the arrays it takes.
        parameters: how it reads theta.
        results: the arrays it returns.
        gradient: how it writes its flat gradient vector.
        point: whether there is a function for one sample.
        lockstep: whether an input may have one sample that stands for all.
        pointwise: whether the equations give single numbers, see `symbp.codegen.pointwise`.
        wrt: by the name of a result or part of the gradient, whose derivative it is.
    """

    def __init__(
        self,
        loaded: LoadedModule,
        together: Callable[[], Together | None] | None = None,
        threads: int = 1,
        other: Callable[[str], LoadedModule] | None = None,
    ):
        meta = loaded.meta
        self.loaded = loaded
        self._other = other
        self._others: dict[str, LoadedModule] = {}
        self.name: str = meta["name"]
        self.dtype: str = meta["dtype"]
        self.inputs = tuple(slot_of(s) for s in meta["inputs"])
        self.results = tuple(slot_of(s) for s in meta["results"])
        self.parameters = Layout.of(meta["parameters"])
        self.gradient = Layout.of(meta["gradient"])
        self.wrt: dict[str, str] = meta["wrt"]
        self.point: bool = meta["point"]
        self.lockstep: bool = meta["lockstep"]
        self.pointwise: bool = meta["pointwise"]
        self.into = Into(loaded.function(f"{self.name}_into"))
        self.real = np.dtype(self.dtype)
        self.call = Shared(self.into, meta["work"], self.real, together, threads, meta["columns"])
        self._doors = [
            (s, s.name, s.dtype(self.dtype), len(s.shape), s.shape, s.batched) for s in self.inputs
        ]
        self._result_shapes = [(s.batched, s.kernel_shape) for s in self.results]

    def jitted(self, name: str) -> Any:
        """The `@njit` function of a name, for callers that are compiled themselves.

        Raises:
            AttributeError: the module has none.
        """
        loaded = self.loaded
        if name in loaded.meta["later"]:
            loaded = self._module("later")
        elif loaded.meta.get("machine"):
            loaded = self._module("compile")
        return getattr(loaded.module, name)

    def point_into(self) -> Function | None:
        """Machine code for one sample, which takes what the kernel takes; None where there is none.

        It is compiled when it is first asked for.
        """
        if not self.loaded.meta.get("point_into") or self._other is None:
            return None
        with MAKING:
            found = self._module("point_into").function(f"{self.name}_point_into")
        return found if isinstance(found, Function) else None

    def _module(self, what: str) -> LoadedModule:
        """The module with the functions that are described under `what`, loaded once."""
        if self._other is None:
            return self.loaded
        with MAKING:
            if what not in self._others:
                self._others[what] = self._other(what)
            return self._others[what]

    def admit_ready(self, given: Mapping[str, Any]) -> tuple[list[np.ndarray], int] | None:
        """The arrays and N where nothing has to be converted, else None: the way of most calls.

        The checks are those of `validate.admit`, which finds the words where one of them fails.
        """
        if len(given) != len(self._doors):
            return None
        arrays, samples = [], 0
        for slot, name, dtype, axes, shape, batched in self._doors:
            array = given.get(name)
            if type(array) is not np.ndarray or array.dtype != dtype or not array.flags.carray:
                return None
            if batched:
                found = array.shape
                if len(found) != axes + 1 or found[1:] != shape or (samples and found[0] != samples):
                    return None
                samples = found[0]
                if not samples:
                    return None
            elif not axes or array.shape != shape:
                return None
            if slot.role == "label":
                check_labels(slot, array)
            arrays.append(array)
        return arrays, samples or 1

    def run(
        self, theta: Any, arrays: list[np.ndarray], samples: int, whole: Layout, out: Any = None
    ) -> tuple[list[np.ndarray], Any]:
        """The results, and the flat gradient (empty where there is none), written to `out` if given.

        Args:
            theta: laid out as `whole`.
            arrays: as the kernel takes them, `samples` rows each.

        Raises:
            DataError: they do not fit into memory.
        """
        try:
            results = self.empty_results(samples)
            given = self.arguments(theta, arrays, whole) if self.parameters.names else arrays
            gradient = np.empty(self.gradient.size, self.real) if out is None else out
            self.call(samples, (*given, *results, *((gradient,) if self.gradient.names else ())))
        except MemoryError as error:
            raise no_memory(f"the results of {samples} samples", error) from error
        return results, gradient

    def arguments(self, theta: np.ndarray, arrays: list[np.ndarray], whole: Layout) -> list[np.ndarray]:
        """The arguments before the results; theta is laid out as `whole`, which may hold more."""
        if self.parameters is not whole and self.parameters != whole:
            views = whole.views(theta)
            theta = self.parameters.pack({n: views[n] for n in self.parameters.names}, self.dtype)
        return [theta, *arrays]

    def empty_results(self, samples: int) -> list[np.ndarray]:
        """New arrays for the results of so many samples.

        Raises:
            MemoryError: also where the size is beyond NumPy's integers.
        """
        try:
            return [
                np.empty((samples, *s.shape) if s.batched else s.kernel_shape, dtype=self.dtype)
                for s in self.results
            ]
        except ValueError as error:
            raise MemoryError(str(error)) from error


def slot_of(entry: list) -> Slot:
    """An array of a kernel, from its description."""
    name, shape, batched, role, bound = entry
    return Slot(name, tuple(shape), batched, role, bound)


def scalar_or_array(slot: Slot, array: np.ndarray) -> Any:
    """A result as users get it: a single number where it is one, without the array around it."""
    return array if slot.batched or slot.shape else array[0]


def named_results(slots: Sequence[Slot], arrays: Sequence[np.ndarray]) -> dict[str, Any]:
    """Results by name, as users get them."""
    return {s.name: scalar_or_array(s, a) for s, a in zip(slots, arrays, strict=True)}
