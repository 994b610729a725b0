"""Function: a bare SymPy expression that can be called like a NumPy ufunc, with exact gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from symbp.errors import NetworkError, shorten
from symbp.network import symbol_name
from symbp.runtime.arguments import admit_arguments, count_arguments, samples
from symbp.runtime.bound import bind
from symbp.runtime.compiled import Compiled
from symbp.runtime.curvature import FunctionCurvature
from symbp.runtime.dims import Instances, check_dims, unknown_dims
from symbp.runtime.formula import formula
from symbp.runtime.jitted import FunctionKernels
from symbp.runtime.kernels import KernelSet, dtype_name
from symbp.runtime.parameters import Layout
from symbp.runtime.second_look import SecondLooks
from symbp.runtime.short_ways import ShortWays
from symbp.runtime.threads import thread_count
from symbp.runtime.unit_vectors import jacobian_by_rows
from symbp.runtime.validate import Slot

if TYPE_CHECKING:
    from symbp.pipeline import Derivation
    from symbp.schedule.kernel import Kernel

_NOTHING = Layout((), ())


class Function(FunctionCurvature):
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
        threads: the most threads a call may use; default all that Numba may use.
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
        threads: int | None = None,
    ):
        self.expression = expression
        self.dtype = dtype_name(dtype)
        self.dims = dict(dims or {})
        self.reuse, self._cache = bool(reuse), cache
        self._threads, self.threads = threads, thread_count(threads)
        self._short: dict[str, Callable[..., Any]] = {}
        self._formula = formula(expression, wrt, args, self.dims)
        check_dims(next(iter(self._formula.networks.values())), self.dims)
        self.arguments, self.wrt = self._formula.arguments, self._formula.wrt
        self._names = tuple(symbol_name(s) for s in self.arguments)
        self._instances = Instances(dict.fromkeys(self.arguments), self.dims, self._with_dims)
        self._open = unknown_dims(self.arguments, self.dims)
        if not self._open:
            self._prepare()

    def _prepare(self) -> None:
        self._kernels = {
            what: KernelSet(
                network,
                () if what == "value" else self.wrt,
                self.dims,
                self.dtype,
                self.reuse,
                self._cache,
                self.threads,
                derived=derived,
            )
            for what, derived, network in self._formula.kernels()
        }
        self._jitted = FunctionKernels(self)
        self._look_again = SecondLooks(lambda what: self._planned(what, self._kernels[what].derivation))
        self._found: dict[str, Compiled] = {}
        self._shape = self._formula.value_shape(self.dims)
        inputs, self._pointwise = self._interface()
        totals = {symbol_name(s): getattr(s, "total", None) for s in self.arguments}
        self._slots = [Slot(n, tuple(s), True, r, b, totals.get(n)) for n, s, r, b in inputs]
        self._ways = ShortWays(self._kernel, self._names, self._slots)
        self._short = self._ways.found
        self._derivative = self._formula.derivative
        if self._derivative == "jacobian" and self._pointwise and self._slots and self.wrt:
            self._derivative = "value_and_jacobian"

    def _interface(self) -> tuple[list, bool]:
        """Name, shape, role and bound of the arguments, and whether all values are single numbers.

        What is wrong with the expression shows now. Kernels of single numbers are compiled when they are
        called: who wants derivatives does not wait for the value alone.
        """
        for what, kernels in self._kernels.items():
            meta = kernels.known(f"expression {what}") if what != "jacobian" else None
            if meta is not None:
                return meta["interface"]["inputs"], meta["pointwise"]
        from symbp.codegen.pointwise import is_pointwise

        value = self._kernels["value"]
        pointwise = is_pointwise(value.derivation.forward_program)
        if not pointwise:
            self._kernel("value")
        return value.interface()["inputs"], pointwise

    def _with_dims(self, dims: dict[str, int]) -> Function:
        return Function(
            self.expression,
            wrt=self.wrt,
            args=self.arguments,
            dtype=self.dtype,
            dims=dims,
            reuse=self.reuse,
            cache=self._cache,
            threads=self._threads,
        )

    def _closed(self, args: tuple[Any, ...] | None = None) -> tuple[Function, tuple[Any, ...]]:
        """This function, or the one whose dimensions are those of the arguments; and its arguments."""
        if not self._open:
            return self, args or ()
        if args is not None:
            count_arguments(self._names, args)
        function, taken = self._instances.get(dict(zip(self._names, args or (), strict=False)))
        return function, tuple(taken.values())

    def __reduce__(self) -> Any:
        """Pickles hold the expression: another process finds the kernels in the cache, or compiles them."""
        options: dict[str, Any] = {"wrt": self.wrt, "args": self.arguments, "dims": self.dims}
        options |= {"dtype": self.dtype, "reuse": self.reuse, "cache": self._cache}
        options["threads"] = self._threads
        return partial(Function, **options), (self.expression,)

    # ---- calls

    def __call__(self, *args: Any) -> Any:
        """The value: a float for numbers, else an array of the broadcast shape.

        Raises:
            DataError: an argument is not real, has the wrong shape or is missing.
        """
        short = self._short.get("value")
        if short is not None:
            return short(*args)
        if self._open:
            function, args = self._closed(args)
            return function(*args)
        return self._ways("value", "one", None, self._value, args)(*args)

    def _value(self, *args: Any) -> Any:
        found = self._ways.by_threads("value", "one", args)
        if found is not None:
            return found
        lead, results = self._long("value", args)
        if self._shape is None:
            return _number(results[0])
        if len(results) == 1 and results[0].shape[len(lead) :] == self._shape:
            return results[0]
        return np.stack(results, axis=-1).reshape(lead + self._shape)

    def value_and_grad(self, *args: Any) -> tuple[Any, tuple]:
        """The value and the gradients, one for each symbol of `wrt`: (value, (g1, g2, ...)).

        Each gradient has the broadcast shape, followed by the shape of its symbol.

        Raises:
            NetworkError: the expression has several values; see `value_and_jacobian`.
            DataError: as for a call.
        """
        if self._open:
            function, args = self._closed(args)
            return function.value_and_grad(*args)
        self._need_one_value("use jacobian, or value_and_jacobian")
        method, otherwise = self._own_method("value_and_grad"), self._value_and_grad
        return self._ways("value_and_grad", "rest", method, otherwise, args)(*args)

    def _value_and_grad(self, *args: Any) -> tuple[Any, tuple]:
        found = self._ways.by_threads("value_and_grad", "rest", args)
        if found is not None:
            return found
        _, (value, *gradients) = self._long("value_and_grad", args)
        return _number(value), tuple(_number(g) for g in gradients)

    def gradient(self, *args: Any) -> tuple:
        """The gradients alone: `value_and_grad(...)[1]`."""
        return self.value_and_grad(*args)[1]

    def jacobian(self, *args: Any) -> np.ndarray:
        """All first derivatives: `value_and_jacobian(...)[1]`.

        Raises:
            DataError: as for a call.
        """
        return self.value_and_jacobian(*args)[1]

    def value_and_jacobian(self, *args: Any) -> tuple[Any, np.ndarray]:
        """The value, as a call gives it, and all first derivatives, computed together.

        The derivatives have the shape (..., outputs, entries of the symbols of `wrt`), where ... is the shape
        that the arguments broadcast to; the entries of the value are taken in C order. For expressions of
        numbers both come from one run of one kernel, in which they share all they have in common.

        Raises:
            DataError: as for a call.
        """
        if self._open:
            function, args = self._closed(args)
            return function.value_and_jacobian(*args)
        if self._derivative == "jacobian":
            return self(*args), jacobian_by_rows(self, args)
        if self._derivative == "value_and_jacobian":
            method, otherwise = self._own_method("value_and_jacobian"), self._value_and_jacobian
            return self._ways("value_and_jacobian", "all", method, otherwise, args)(*args)
        if not any(s.shape for s in self._slots):
            value, numbers = self.value_and_grad(*args)
            if not numbers:
                return value, self._none(value)
            return value, np.stack(numbers, axis=-1, dtype=self.dtype)[..., None, :]
        lead, (value, *slopes) = self._long("value_and_grad", args)
        rows = [r.reshape((*lead, 1, math.prod(r.shape[len(lead) :]))) for r in slopes]
        return _number(value), np.concatenate(rows, axis=-1) if rows else self._none(value)

    def _value_and_jacobian(self, *args: Any) -> tuple[Any, np.ndarray]:
        found = self._ways.by_threads("value_and_jacobian", "all", args)
        if found is None:
            found = self._long("value_and_jacobian", args)[1]
        return found[0], found[1]

    def _none(self, value: Any) -> np.ndarray:
        """The Jacobian of one number with respect to nothing."""
        return np.zeros((*np.shape(value), 1, 0), self.dtype)

    def bind(self, what: str, arguments: Any, results: Any) -> Callable[[], None]:
        """A call that reads and writes the same arrays each time, for loops in Python that call very often.

        Nothing is checked, converted or made in it. `bind` itself makes the first call.

        Args:
            what: "value", "value_and_grad", "value_and_jacobian" or "hessian": what is computed.
            arguments: an array for each argument, of the dtype of the function and in C order; a number is an
                array of no axes, or of one axis for N samples. Other arrays take as long as a call of the
                method. Or one array, whose items along the first axis are the arguments.
            results: an array for each result, or one array, likewise: value, then gradients or Jacobian.

        Raises:
            DataError: the arrays do not fit together; they overlap; or as for a call.
            NetworkError: as for the method.
        """
        return bind(self, what, arguments, results)

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
        function = self._closed()[0]
        return function._kernels[function._derivative].derivation

    @property
    def source(self) -> str:
        """The text of the generated Numba module with value and derivatives."""
        function = self._closed()[0]
        return function._kernel(function._derivative).loaded.source

    @property
    def kernel(self) -> FunctionKernels:
        """The `@njit` functions: `value`, `value_and_grad` or `value_and_jacobian`, and `hessian`, each also
        with `_batch` and `_into`."""
        return self._closed()[0]._jitted

    def __repr__(self) -> str:
        dims = ", dimensions open" if self._open else ""
        return f"Function({shorten(', '.join(self._names), 100)}) of {self.dtype}{dims}"

    # ---- inside

    def _need_one_value(self, hint: str) -> None:
        if self._shape is not None:
            raise NetworkError("the expression has several values", hint=hint)

    def _own_method(self, name: str) -> Any:
        """The method of this class; None where a subclass, or who set an attribute, wrote another."""
        own = getattr(Function, name)
        return None if name in vars(self) or getattr(type(self), name) is not own else MethodType(own, self)

    def _kernel(self, what: str) -> Compiled:
        found = self._found.get(what)
        if found is None:
            found = self._kernels[what].get(f"expression {what}", lambda d: self._planned(what, d))
            self._found[what] = found
        return found

    def _planned(self, what: str, derivation: Derivation) -> Kernel:
        # Imported here: nothing of this is needed where the kernel is on disk.
        from symbp.codegen.pointwise import is_pointwise
        from symbp.pipeline import expression_kernel, forward_kernel
        from symbp.rows import rows_kernel

        if what == "value_and_jacobian":
            assert self._shape is not None
            kernel = rows_kernel(derivation, self._shape, self.wrt)
        elif what == "hessian":
            from symbp.hessians import hessian_kernel

            kernel = hessian_kernel(derivation, self.wrt)
        elif what == "value":
            numbers = self.arguments and is_pointwise(derivation.forward_program)
            if self._shape is not None and numbers:
                kernel = rows_kernel(derivation, self._shape)
            else:
                kernel = forward_kernel(derivation, derivation.network.defined)
        else:
            assert derivation.loss is not None
            results = (derivation.loss, *(derivation.gradients[symbol_name(s)] for s in self.wrt))
            kernel = expression_kernel(derivation, results)
        return replace(kernel, name=what, point=what not in ("jacobian", "hvp"))

    def _admit(self, args: Sequence[Any]) -> tuple[tuple[int, ...], list[np.ndarray]]:
        """The broadcast shape, and the arguments as arrays of N samples."""
        count_arguments(self._names, args)
        lead, arrays = admit_arguments(self._slots, args, self.dtype)
        return lead, samples(self._slots, arrays, lead)

    def _long(self, what: str, args: Sequence[Any]) -> tuple[tuple[int, ...], list[np.ndarray]]:
        """The broadcast shape, and the results for any arguments."""
        count_arguments(self._names, args)
        kernel = self._kernel(what)
        lead, arrays = admit_arguments(self._slots, args, self.dtype)
        arrays = samples(self._slots, arrays, lead, ones=kernel.lockstep)
        if len(kernel.inputs) < len(arrays):
            by_name = dict(zip(self._names, arrays, strict=True))
            arrays = [by_name[s.name] for s in kernel.inputs]
        return lead, self._run(kernel, arrays, lead)

    def _run(self, kernel: Compiled, arrays: list[np.ndarray], lead: tuple[int, ...]) -> list[np.ndarray]:
        count = math.prod(lead)
        results = kernel.run(None, arrays, count, _NOTHING)[0] if count else kernel.empty_results(0)
        if kernel.pointwise:
            self._look_again(kernel.name, arrays, results)
        return [
            a.reshape(lead + s.shape)
            if s.batched
            else np.broadcast_to(a.reshape(s.shape), lead + s.shape).copy()
            for s, a in zip(kernel.results, results, strict=True)
        ]


def _number(array: Any) -> Any:
    return float(array) if np.ndim(array) == 0 else array
