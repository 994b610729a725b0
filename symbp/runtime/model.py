"""Model: a network whose kernels can be called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from symbp.errors import DataError, NetworkError, shorten
from symbp.network import Network, symbol_name, symbols_listed
from symbp.runtime.compiled import Compiled, named_results
from symbp.runtime.curvature import ModelCurvature
from symbp.runtime.dims import Instances, check_dims, unknown_dims
from symbp.runtime.door import Door
from symbp.runtime.hessian_products import HessianProducts
from symbp.runtime.jitted import ModelKernels
from symbp.runtime.kernels import KernelSet, checked_schedule, dtype_name
from symbp.runtime.often import Often
from symbp.runtime.outputs import Outputs
from symbp.runtime.parameters import Layout, initial
from symbp.runtime.threads import thread_count
from symbp.runtime.validate import (
    Slot,
    check_names,
    merge,
    no_memory,
)


class Model(ModelCurvature):
    """What `symbp.compile(network)` returns. Methods may be called from several threads at once.

    Args:
        network: the equations.
        dtype: "float64" or "float32", of theta, data and results.
        wrt: the symbols that are differentiated for; default the network's parameters. For inputs
            among them, `value_and_grad` returns a dict of gradients as its third value.
        dims: values of symbolic dimensions by name. Those that are missing are read from the data of
            the first call; kernels are compiled then, once for each set of dimensions.
        reuse: whether derivatives may be written through forward outputs, see `symbp.compile`.
        cache: False keeps the kernels off the disk.
        threads: the most threads a call may use; default all that Numba may use.
        schedule: how many samples go through a kernel at a time, see `symbp.compile`.

    Attributes:
        network, dtype, dims: as given.
        inputs, parameters: the symbols, in order.
        size: P, the length of the parameter vector theta.
    """

    def __init__(
        self,
        network: Network,
        *,
        dtype: Any = "float64",
        wrt: Sequence[Any] | None = None,
        dims: Mapping[str, int] | None = None,
        reuse: bool = True,
        cache: bool = True,
        threads: int | None = None,
        schedule: str | int | None = None,
    ):
        self.network = network
        self.dtype = dtype_name(dtype)
        self.dims = dict(dims or {})
        check_dims(network, self.dims)
        self.inputs, self.parameters = network.inputs, network.parameters
        self.reuse, self._cache = bool(reuse), cache
        self._wrt = None if wrt is None else symbols_listed(wrt, "wrt")
        self._threads, self.threads = threads, thread_count(threads)
        self.schedule = checked_schedule(schedule)
        how = self.dtype, self.reuse, cache, self.threads
        self._kernels = KernelSet(network, self._wrt, self.dims, *how, schedule=self.schedule)
        own = {symbol_name(s) for s in network.parameters}
        along = None if self._wrt is None else [s for s in self._wrt if symbol_name(s) in own]
        self._curved = KernelSet(network, along, self.dims, *how, schedule=self.schedule, derived="hvp")
        self._jitted = ModelKernels(self)
        self._outputs = Outputs(network, self.dims)
        self._names = self._outputs.inputs
        symbols = dict.fromkeys(network.inputs, int(network.batch)) | dict.fromkeys(network.parameters, 0)
        self._instances = Instances(symbols, self.dims, self._with_dims)
        self._open = unknown_dims(symbols, self.dims)
        self._forwards: dict[Any, tuple[Compiled, tuple[str, ...]]] = {}
        self._direct: Callable[..., Any] | None = None
        self._short: dict[Any, Callable[..., Any]] = {}
        self._often: dict[Any, Often] = {}
        if not self._open:
            self._prepare()

    # ---- parameters

    @property
    def size(self) -> int:
        """P, the number of entries of all parameters.

        Raises:
            ShapeError: a dimension is not known before data arrives.
        """
        return self._closed()[0]._layout.size

    def init(self, seed: Any = 0, *, data: Any = None, **inputs: Any) -> np.ndarray:
        """A first theta, of shape (P,); see `symbp.runtime.parameters.initial` for the distributions.

        The data is needed only where a dimension is symbolic.

        Raises:
            ShapeError: a dimension is not known.
            DataError: seed is no seed, or theta does not fit into memory.
        """
        model, _ = self._closed(merge(data, inputs))
        try:
            return initial(model.network, model._layout, seed, model.dtype)
        except (TypeError, ValueError) as error:
            raise DataError(shorten(f"seed is {seed!r}: {error}"), hint="write seed=0") from error
        except MemoryError as error:
            raise no_memory(f"{model.size} parameters", error) from error

    def params(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Views of a theta (or of a gradient) by parameter name: scalars 0-d, vectors 1-D, matrices 2-D.

        Raises:
            DataError: theta is no array of shape (P,).
        """
        return self._closed(theta=theta)[0]._layout.views(theta)

    def pack(self, values: Mapping[str, Any] | None = None, **named: Any) -> np.ndarray:
        """A theta from values by parameter name, the inverse of `params`.

        Raises:
            DataError: a name is missing or unknown, or a shape is wrong.
        """
        given = merge(values, named)
        model, given = self._closed(given)
        try:
            return model._layout.pack(given, self.dtype)
        except MemoryError as error:
            raise no_memory(f"{model.size} parameters", error) from error

    # ---- calls

    def value_and_grad(
        self,
        theta: Any = None,
        *,
        data: Any = None,
        out: np.ndarray | None = None,
        check_finite: bool = False,
        **inputs: Any,
    ) -> tuple:
        """The loss over the samples and its gradient, in one run of the kernel.

        Args:
            theta: shape (P,); may be left out where there are no parameters.
            data: inputs by name, for names that cannot be keywords.
            out: where to write the gradient: C order, of the model's dtype, shape (P,).
            check_finite: refuse nan and infinity in theta and inputs.
            inputs: by name, each of shape (N, *shape of one sample).

        Returns:
            (loss, gradient), a float and an array of shape (P,); with inputs in `wrt` also a dict of
            their gradients, each of the shape of the input.

        Raises:
            DataError: an argument is not what the model takes.
        """
        if self._direct is not None and data is None and out is None and not check_finite:
            found = self._direct(theta, inputs)
            if found is not None:
                return found
        arrays = inputs if data is None else merge(data, inputs)
        if self._open:
            model, arrays = self._closed(arrays, theta)
            return model.value_and_grad(theta, data=arrays, out=out, check_finite=check_finite)
        kernel = self._gradient_kernel()
        theta, admitted, samples = self._door.admit(kernel, theta, arrays, check_finite)
        out = None if out is None else self._door.out(out, kernel.gradient.size)
        results, gradient = kernel.run(theta, admitted, samples, self._layout, out)
        loss = float(results[0][0])
        if not self._input_wrt:
            if self._direct is None:
                # Another thread may have made it meanwhile.
                self._direct = self._short_way(None, "direct_gradient", kernel) or self._direct
            return loss, gradient
        # The kernel has one gradient per sample, of that sample's loss; the mean divides by N.
        scale = samples if self.network.batch and self.network.reduction == "mean" else 1
        named = named_results(kernel.results[1:], results[1:])
        return loss, gradient, {kernel.wrt[n]: a / scale for n, a in named.items()}

    def value(
        self, theta: Any = None, *, data: Any = None, check_finite: bool = False, **inputs: Any
    ) -> float:
        """The loss over the samples (their mean or sum), without the gradient.

        Raises:
            DataError: an argument is not what the model takes.
        """
        loss = self._need_loss()
        arrays = merge(data, inputs)
        out = self.forward(theta, data=arrays, outputs=[loss], check_finite=check_finite)[loss]
        if np.ndim(out) == 0:
            return float(out)
        return float(
            np.sum(out, dtype=np.float64) if self.network.reduction == "sum" else np.mean(out, dtype=float)
        )

    loss = value

    def forward(
        self,
        theta: Any = None,
        *,
        data: Any = None,
        outputs: Iterable[Any] | None = None,
        check_finite: bool = False,
        **inputs: Any,
    ) -> dict[str, Any]:
        """Results of equations by name, each of shape (N, *shape of one sample).

        Args:
            theta: shape (P,).
            outputs: names or symbols; default every equation that the given inputs are enough for.
            data, inputs, check_finite: as in `value_and_grad`.

        Raises:
            DataError: an argument is not what the model takes, or no equation can be computed.
        """
        outputs = tuple(outputs) if type(outputs) is list else outputs
        plain = data is None and not check_finite and type(outputs) in _KEYS
        if plain:
            try:
                short = self._short.get(outputs)
            except TypeError:  # a tuple of what is no name
                short, plain = None, False
            if short is not None:
                found = short(theta, inputs)
                if found is not None:
                    return found
        arrays = inputs if data is None else merge(data, inputs)
        check_names(arrays, self._names, ())
        if self._open:
            model, arrays = self._closed(arrays, theta)
            return model.forward(theta, data=arrays, outputs=outputs, check_finite=check_finite)
        wanted = None if outputs is None else self._outputs.chosen(outputs)
        key = (wanted, frozenset(arrays))
        if key not in self._forwards:
            names = wanted or self._outputs.computable(arrays)
            self._forwards[key] = (self._forward_kernel(names), self._outputs.needed(names))
        kernel, required = self._forwards[key]
        check_names(arrays, self._names, required)
        theta, admitted, samples = self._door.admit(kernel, theta, arrays, check_finite, required)
        results, _ = kernel.run(theta, admitted, samples, self._layout)
        # The short way sees that the inputs are those that the kernel reads: all that are needed must be.
        if plain and outputs not in self._short and len(kernel.inputs) == len(required):
            short = self._short_way(("forward", outputs), "direct_forward", kernel)
            if short is not None:
                self._short[outputs] = short
        return named_results(kernel.results, results)

    def check(self, theta: Any = None, *, data: Any = None, **inputs: Any) -> Any:
        """Compare the compiled gradient with numerical differentiation; see `symbp.runtime.check`.

        Without theta, `init(0)`; without data, seven random samples.

        Raises:
            GradientError: they disagree; names the worst entry.
        """
        from symbp.runtime.check import check_gradient

        model, arrays = self._closed(merge(data, inputs), theta)
        return check_gradient(model, theta, arrays or None)

    # ---- what was compiled

    @property
    def derivation(self) -> Any:
        """Forward and backward pass as equations. Derived again where the kernels came from disk."""
        return self._closed()[0]._kernels.derivation

    @property
    def source(self) -> str:
        """The text of the generated Numba module: `value_and_grad`, or `forward` where there is no loss."""
        return self._closed()[0]._primary().loaded.source

    def save_source(self, path: Any) -> Path:
        """Write `source` to a file; it can be imported where NumPy and Numba are installed."""
        path = Path(path)
        path.write_text(self.source, encoding="utf-8")
        return path

    def report(self, path: Any, theta: Any = None, *, data: Any = None, **inputs: Any) -> Path:
        """Write one self-contained HTML page: equations, circuit, rewrites, source, gradient check, costs.

        Args:
            path: the file to write.
            theta, data, inputs: where the gradient is checked, as in `check`.

        Raises:
            DataError: theta or the data are not what the model takes.
        """
        from symbp.view.report import page

        model, arrays = self._closed(merge(data, inputs), theta)
        path = Path(path)
        path.write_text(page(model, theta, arrays or None), encoding="utf-8")
        return path

    @property
    def kernel(self) -> ModelKernels:
        """The compiled functions, for callers that are compiled themselves."""
        return self._closed()[0]._jitted

    def __repr__(self) -> str:
        size = "dimensions open" if self._open else f"{self.size} parameters"
        count = len(self.network.equations)
        equations = "1 equation" if count == 1 else f"{count} equations"
        return f"Model {self.network.name!r}: {equations}, {size}, {self.dtype}"

    def __reduce__(self) -> Any:
        """Pickles hold the equations: another process finds the kernels in the cache, or compiles them."""
        return partial(Model, dims=self.dims, **self._options()), (self.network,)

    # ---- inside

    def _options(self) -> dict[str, Any]:
        """The arguments that this model was made with, but for the dimensions."""
        return {
            "dtype": self.dtype,
            "wrt": self._wrt,
            "reuse": self.reuse,
            "cache": self._cache,
            "threads": self._threads,
            "schedule": self.schedule,
        }

    def _prepare(self) -> None:
        """Compile the first kernel, so that what is wrong with the equations shows now."""
        chosen = self.network.parameters if self._wrt is None else self._wrt
        names = [symbol_name(s) for s in chosen]
        known = {*self._names, *(symbol_name(s) for s in self.network.parameters)}
        for name in names:
            if name not in known:
                raise NetworkError(
                    f"wrt names {shorten(name, 80)!r}, which is neither a parameter nor an input",
                    hint="take symbols from inputs= and parameters=",
                )
        self._input_wrt = tuple(n for n in names if n in self._names)
        meta = self._primary().loaded.meta["interface"]
        self._layout = Layout.of((name, shape) for name, shape, *_ in meta["parameters"])
        totals = {symbol_name(s): getattr(s, "total", None) for s in self.network.inputs}
        self._slots = {
            n: Slot(n, tuple(s), self.network.batch, r, b, totals.get(n)) for n, s, r, b in meta["inputs"]
        }
        self._totals = [s for s in self._slots.values() if s.total is not None]
        self._door = Door(self._layout.size, self.dtype, self._slots, self._totals)
        self._hessian_products = HessianProducts(self._curved, self._layout, self._door, self._totals)

    def _short_way(self, key: Any, make: str, kernel: Compiled) -> Callable[..., Any] | None:
        """The short way into a kernel, when it has been called often enough."""
        often = self._often.get(key) or Often(make, kernel, self._layout.size, self._totals)
        return self._often.setdefault(key, often)()

    def _primary(self) -> Compiled:
        if self.network.loss is not None:
            return self._gradient_kernel()
        return self._forward_kernel(self.network.defined)

    def _gradient_kernel(self) -> Compiled:
        self._need_loss()
        return self._kernels.gradient()

    def _forward_kernel(self, outputs: tuple[str, ...]) -> Compiled:
        return self._kernels.forward(outputs)

    def _need_loss(self) -> str:
        if self.network.loss is None:
            raise NetworkError(
                f"the network {self.network.name!r} has no loss", hint="give loss= to sb.Network"
            )
        return self.network.loss

    def _closed(
        self, arrays: dict[str, Any] | None = None, theta: Any = None
    ) -> tuple[Model, dict[str, Any]]:
        """This model, or the one whose dimensions are those of the data; and the data as it takes them."""
        arrays = {} if arrays is None else arrays
        if not self._open:
            return self, arrays
        shape = theta.shape if isinstance(theta, np.ndarray) else None
        return self._instances.get(arrays, lambda model: shape in (None, (model.size,)))

    def _with_dims(self, dims: dict[str, int]) -> Model:
        return Model(self.network, dims=dims, **self._options())


_KEYS = (tuple, str, type(None))
"""Kinds of `outputs` that are the same ones when they are given again."""
