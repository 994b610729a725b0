"""Function: a bare SymPy expression that can be called like a NumPy ufunc, with exact gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symbp.errors import DataError, NetworkError, shorten
from symbp.network import dimension, symbol_name
from symbp.pipeline import Derivation, expression_kernel, forward_kernel
from symbp.runtime.compiled import Compiled
from symbp.runtime.dims import Instances, check_dims, unknown_dims
from symbp.runtime.formula import formula
from symbp.runtime.kernels import KernelSet, dtype_name
from symbp.runtime.parameters import Layout
from symbp.runtime.validate import Slot, admit_array, check_labels, check_total, no_memory
from symbp.schedule.kernel import Kernel

_NOTHING = Layout((), ())


class Function:
    """What `symbp.compile(expression)` returns.

    Arguments are positional, in the order of `arguments`. Scalar symbols take numbers or arrays,
    matrix symbols take arrays that end in their shape (vectors: one axis); what stands in front is
    broadcast as in a ufunc. Numbers give a float back.

    Args:
        expression: a scalar or matrix expression, or a list (or explicit Matrix) of scalar ones.
        wrt: the symbols that are differentiated for, in order; default all, sorted by name.
        args: the order of the arguments; default those of `wrt`, then the others sorted by name.
        dtype: "float64" or "float32".
        dims: values of symbolic dimensions by name. Those that are missing are read from the
            arguments of a call; kernels are compiled then, once for each set of dimensions.
        reuse: whether derivatives may be written through values, see `symbp.compile`.
        cache: False keeps the kernels off the disk.
    """

    def __init__(
        self,
        expression: Any,
        *,
        wrt: Sequence[Any] | None = None,
        args: Sequence[Any] | None = None,
        dtype: Any = "float64",
        dims: Mapping[str, int] | None = None,
        reuse: bool = False,
        cache: bool = True,
    ):
        self.expression = expression
        self.dtype = dtype_name(dtype)
        self.dims = dict(dims or {})
        self.reuse, self._cache = bool(reuse), cache
        self._formula = formula(expression, wrt, args, self.dims)
        check_dims(next(iter(self._formula.networks.values())), self.dims)
        self.arguments, self.wrt = self._formula.arguments, self._formula.wrt
        self._names = tuple(symbol_name(s) for s in self.arguments)
        self._instances = Instances(dict.fromkeys(self.arguments), self.dims, self._with_dims)
        self._open = unknown_dims(self.arguments, self.dims)
        # One real number from real numbers: floats can go to the kernel as they are.
        self._plain = False
        if not self._open:
            self._prepare()

    def _prepare(self) -> None:
        self._kernels = {
            what: KernelSet(
                network, () if what == "value" else self.wrt, self.dims, self.dtype, self.reuse, self._cache
            )
            for what, network in self._formula.networks.items()
        }
        self._found: dict[str, Compiled] = {}
        self._shape = _value_shape(self._formula.shape, self.dims)
        self._value = self._kernel("value")
        interface = self._value.loaded.meta["interface"]
        totals = {symbol_name(s): getattr(s, "total", None) for s in self.arguments}
        self._slots = [Slot(n, tuple(s), True, r, b, totals.get(n)) for n, s, r, b in interface["inputs"]]
        self._plain = self._shape is None and not any(s.shape or s.role == "label" for s in self._slots)

    def _with_dims(self, dims: dict[str, int]) -> Function:
        return Function(
            self.expression,
            wrt=self.wrt,
            args=self.arguments,
            dtype=self.dtype,
            dims=dims,
            reuse=self.reuse,
            cache=self._cache,
        )

    def _closed(self, args: tuple[Any, ...] | None = None) -> tuple[Function, tuple[Any, ...]]:
        """This function, or the one whose dimensions are those of the arguments; and its arguments."""
        if not self._open:
            return self, args or ()
        if args is not None:
            self._count(args)
        function, taken = self._instances.get(dict(zip(self._names, args or (), strict=False)))
        return function, tuple(taken.values())

    def __reduce__(self) -> Any:
        """Pickles hold the expression: another process finds the kernels in the cache, or compiles them."""
        options: dict[str, Any] = {"wrt": self.wrt, "args": self.arguments, "dims": self.dims}
        options |= {"dtype": self.dtype, "reuse": self.reuse, "cache": self._cache}
        return partial(Function, **options), (self.expression,)

    # ---- calls

    def __call__(self, *args: Any) -> Any:
        """The value: a float for numbers, else an array of the broadcast shape.

        Raises:
            DataError: an argument is not real, has the wrong shape or is missing.
        """
        if self._plain and all(type(a) is float for a in args) and len(args) == len(self._slots):
            return self._point(self._value, args)[0]
        if self._open:
            function, args = self._closed(args)
            return function(*args)
        lead, arrays = self._admit(args)
        results = self._run(self._value, arrays, lead)
        if self._shape is None:
            return _number(results[0])
        if len(self._value.results) == 1 and self._value.results[0].shape:
            return results[0]
        return np.stack(results, axis=-1).reshape(lead + self._shape)

    def value_and_grad(self, *args: Any) -> tuple[Any, tuple]:
        """The value and the gradients, one for each symbol of `wrt`: (value, (g1, g2, ...)).

        Each gradient has the broadcast shape, followed by the shape of its symbol.

        Raises:
            NetworkError: the expression has several values; see `jacobian`.
            DataError: as for a call.
        """
        if self._open:
            function, args = self._closed(args)
            return function.value_and_grad(*args)
        if self._shape is not None:
            raise NetworkError("the expression has several values", hint="use jacobian")
        kernel = self._kernel("value_and_grad")
        if self._plain and all(type(a) is float for a in args) and len(args) == len(self._slots):
            value, *gradients = self._point(kernel, args)
            return value, tuple(gradients)
        lead, arrays = self._admit(args)
        value, *gradients = self._run(kernel, arrays, lead)
        return _number(value), tuple(_number(g) for g in gradients)

    def gradient(self, *args: Any) -> tuple:
        """The gradients alone: `value_and_grad(...)[1]`."""
        return self.value_and_grad(*args)[1]

    def jacobian(self, *args: Any) -> np.ndarray:
        """All first derivatives, of shape (..., outputs, entries of the symbols of `wrt`).

        Raises:
            DataError: as for a call.
        """
        if self._open:
            function, args = self._closed(args)
            return function.jacobian(*args)
        lead, arrays = self._admit(args)
        outputs = 1 if self._shape is None else int(np.prod(self._shape))
        if self._shape is None:
            results = self._run(self._kernel("value_and_grad"), arrays, lead)[1:]
            results = [r.reshape((*lead, 1, math.prod(r.shape[len(lead) :]))) for r in results]
        else:
            # One sample per output: row k of the Jacobian is the gradient for the k-th unit vector.
            kernel = self._kernel("jacobian")
            samples = arrays[0].shape[0] if arrays else 1
            try:
                repeated = [np.repeat(a, outputs, axis=0) for a in arrays]
                seeds = np.tile(np.eye(outputs, dtype=self.dtype), (samples, 1))
            except MemoryError as error:
                raise no_memory(f"the seeds of {outputs} outputs", error) from error
            results = self._run(
                kernel, [*repeated, seeds.reshape(-1, *self._seed_shape(kernel))], (*lead, outputs)
            )
            results = [r.reshape((*lead, outputs, math.prod(r.shape[len(lead) + 1 :]))) for r in results[1:]]
        return np.concatenate(results, axis=-1) if results else np.zeros((*lead, outputs, 0), self.dtype)

    def check(self, *args: Any) -> Any:
        """Compare the derivatives with numerical differentiation; without arguments, at random points.

        Raises:
            GradientError: they disagree.
        """
        from symbp.runtime.check_function import check_function

        function, args = self._closed(args or None)
        return check_function(function, args)

    # ---- what was compiled

    @property
    def derivation(self) -> Any:
        """Value and derivatives as equations."""
        return self._closed()[0]._kernels[self._formula.derivative].derivation

    @property
    def source(self) -> str:
        """The text of the generated Numba module with value and derivatives."""
        return self._closed()[0]._kernel(self._formula.derivative).loaded.source

    @property
    def kernel(self) -> FunctionKernels:
        """The `@njit` functions: `value`, `value_and_grad`, each also with `_batch` and `_into`."""
        return FunctionKernels(self._closed()[0])

    def __repr__(self) -> str:
        dims = ", dimensions open" if self._open else ""
        return f"Function({shorten(', '.join(self._names), 100)}) of {self.dtype}{dims}"

    # ---- inside

    def _kernel(self, what: str) -> Compiled:
        found = self._found.get(what)
        if found is None:
            found = self._kernels[what].get(f"expression {what}", lambda d: self._planned(what, d))
            self._found[what] = found
        return found

    def _planned(self, what: str, derivation: Derivation) -> Kernel:
        if what == "value":
            kernel = forward_kernel(derivation, derivation.network.defined)
        else:
            assert derivation.loss is not None
            results = (derivation.loss, *(derivation.gradients[symbol_name(s)] for s in self.wrt))
            kernel = expression_kernel(derivation, results)
        return replace(kernel, name=what, point=what != "jacobian")

    def _seed_shape(self, kernel: Compiled) -> tuple[int, ...]:
        return kernel.inputs[-1].shape

    def _point(self, kernel: Compiled, args: Sequence[Any]) -> tuple:
        if len(kernel.inputs) < len(args):
            by_name = dict(zip([s.name for s in self._slots], args, strict=True))
            args = [by_name[s.name] for s in kernel.inputs]
        return getattr(kernel.loaded.module, kernel.name)(*args)

    def _admit(self, args: Sequence[Any]) -> tuple[tuple[int, ...], list[np.ndarray]]:
        """The broadcast shape, and the arguments as arrays of N samples."""
        self._count(args)
        arrays = [admit_array(s, a, self.dtype) for s, a in zip(self._slots, args, strict=True)]
        leads = []
        for slot, array, given in zip(self._slots, arrays, args, strict=True):
            axes = len(slot.shape)
            if array.ndim < axes or array.shape[array.ndim - axes :] != slot.shape:
                want = ", ".join(["...", *map(str, slot.shape)])
                raise DataError(f"{shorten(slot.name, 80)!r} must have shape ({want}), got {array.shape}")
            leads.append(array.shape[: array.ndim - axes])
            if slot.role == "label" and array.size:
                check_labels(slot, array)
            if slot.total is not None:
                check_total(slot, np.asarray(given), self.dtype)
        try:
            lead = np.broadcast_shapes(*leads)
        except ValueError as error:
            shapes = ", ".join(map(str, leads))
            raise DataError(
                shorten(f"the arguments do not broadcast: their shapes are {shapes}"),
                hint="shapes broadcast as in NumPy; entries of vectors and matrices stand last",
            ) from error
        try:
            return lead, [_samples(a, lead, s.shape) for a, s in zip(arrays, self._slots, strict=True)]
        except (MemoryError, ValueError) as error:  # the latter where the size is no integer of NumPy's
            raise no_memory(f"the arguments, broadcast to {lead},", error) from error

    def _count(self, args: Sequence[Any]) -> None:
        if len(args) != len(self._names):
            names = shorten(", ".join(self._names), 200)
            needed = "1 argument is" if len(self._names) == 1 else f"{len(self._names)} arguments are"
            raise DataError(
                f"{needed} needed, got {len(args)}",
                hint=f"give {names}" if names else "call it without arguments",
            )

    def _run(self, kernel: Compiled, arrays: list[np.ndarray], lead: tuple[int, ...]) -> list[np.ndarray]:
        samples = arrays[0].shape[0] if arrays else 1
        if len(kernel.inputs) < len(arrays):
            by_name = dict(zip([s.name for s in self._slots], arrays, strict=False))
            by_name.setdefault(kernel.inputs[-1].name if kernel.inputs else "", arrays[-1])
            arrays = [by_name[s.name] for s in kernel.inputs]
        results = kernel.run(None, arrays, samples, _NOTHING)[0] if samples else kernel.empty_results(0)
        return [
            a.reshape(lead + s.shape)
            if s.batched
            else np.broadcast_to(a.reshape(s.shape), lead + s.shape).copy()
            for s, a in zip(kernel.results, results, strict=True)
        ]


class FunctionKernels:
    """The compiled functions of a `Function`, for callers that are compiled themselves."""

    def __init__(self, function: Function):
        self._function = function

    def __getattr__(self, name: str) -> Any:
        what = name.removesuffix("_batch").removesuffix("_into")
        if what not in self._function._kernels:
            raise AttributeError(name)
        return getattr(self._function._kernel(what).loaded.module, name)


def _samples(array: np.ndarray, lead: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """The argument broadcast to (N, *shape), contiguous."""
    if not array.size:
        return np.empty((0, *shape), array.dtype)
    if array.shape != lead + shape:
        # Copied: the view that broadcasting gives is read-only, which is another type to the
        # kernel, and another compilation.
        array = np.require(np.broadcast_to(array, lead + shape), requirements=["C", "W"])
    return np.ascontiguousarray(array).reshape(-1, *shape)


def _value_shape(shape: tuple[Any, ...] | None, dims: dict[str, int]) -> tuple[int, ...] | None:
    if shape is None:
        return None
    sizes = tuple(dimension(n, dims, "the value") for n in shape)
    return sizes[:1] if len(sizes) == 2 and sizes[1] == 1 else sizes


def _number(array: Any) -> Any:
    return float(array) if np.ndim(array) == 0 else array
