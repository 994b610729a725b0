"""The kernels of one network, each derived and compiled, or found on disk, when it is first asked for.

The passes and the code generator are imported by who needs them: to load a kernel takes neither.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symbp.errors import DataError, shorten
from symbp.machine.gate import MOST_WORDS
from symbp.machine.shared import SharedFunction, share_address
from symbp.network import Network, check_entries, symbol_name
from symbp.runtime.cache import known_description, load_or_build
from symbp.runtime.compiled import Compiled
from symbp.runtime.fingerprint import fingerprint
from symbp.runtime.loaded import LoadedModule
from symbp.runtime.lock import MAKING
from symbp.runtime.threads import Together
from symbp.schedule.kernel import FUSED, LAYERWISE

if TYPE_CHECKING:
    from symbp.pipeline import Derivation
    from symbp.schedule.kernel import Kernel

DTYPES = ("float64", "float32")

TILE_LIMIT = 1 << 20
"""The most samples that may go through a kernel at a time; its workspace grows with them."""


class KernelSet:
    """Kernels of a network whose dimensions are all known.

    Args:
        network: the equations.
        wrt: the symbols that are differentiated for; None for the network's parameters.
        dims: values of symbolic dimensions by name.
        dtype: "float64" or "float32".
        reuse: whether derivatives may be written through forward outputs.
        cache: False keeps the kernels off the disk.
        threads: the most threads a kernel may use.
        schedule: how many samples go through a kernel at a time, see `symbp.compile`.
        derived: what is derived: "gradient" of the loss, "jacobian" of all equations, "hessian" of the loss,
            or "hvp", its product with a vector.
    """

    def __init__(
        self,
        network: Network,
        wrt: Sequence[Any] | None,
        dims: Mapping[str, int],
        dtype: str,
        reuse: bool,
        cache: bool,
        threads: int = 1,
        derived: str = "gradient",
        schedule: str | int | None = None,
    ):
        self.network, self.wrt, self.dims = network, wrt, dict(dims)
        self.dtype, self.reuse, self.cache, self.threads = dtype, reuse, cache, threads
        self.derived, self.schedule = derived, schedule
        self._made: dict[Hashable, Compiled] = {}
        self._derivation: Derivation | None = None

    @property
    def derivation(self) -> Derivation:
        """The equations of both passes, derived once; again where the kernels came from disk."""
        with MAKING:
            if self._derivation is None:
                derive = self._derive()
                self._derivation = derive(self.network, wrt=self.wrt, dims=self.dims, reuse=self.reuse)
            return self._derivation

    def _derive(self) -> Callable[..., Derivation]:
        if self.derived == "gradient":
            from symbp.pipeline import derive

            return derive
        if self.derived == "jacobian":
            from symbp.rows import derive_jacobian

            return derive_jacobian
        from symbp.hessians import derive_hessian, derive_product

        return derive_hessian if self.derived == "hessian" else derive_product

    def get(self, what: Hashable, make: Callable[[Derivation], Kernel]) -> Compiled:
        """The kernel called `what`; `make` is called where neither memory nor disk has it."""
        found = self._made.get(what)
        if found is None:
            with MAKING:
                found = self._made.get(what) or self._load(what, make)
                self._made[what] = found
        return found

    def gradient(self) -> Compiled:
        """Loss and gradient, see `symbp.pipeline.gradient_kernel`."""

        def make(derivation: Derivation) -> Kernel:
            from symbp.pipeline import gradient_kernel

            return gradient_kernel(derivation)

        return self.get("value_and_grad", make)

    def hvp(self) -> Compiled:
        """The product of the Hessian with a vector, which theta ends with; see `symbp.hessians`."""

        def make(derivation: Derivation) -> Kernel:
            from symbp.pipeline import gradient_kernel

            return gradient_kernel(derivation, name="hvp")

        return self.get("hvp", make)

    def forward(self, outputs: tuple[str, ...]) -> Compiled:
        """The named results, see `symbp.pipeline.forward_kernel`."""

        def make(derivation: Derivation) -> Kernel:
            from symbp.pipeline import forward_kernel

            return forward_kernel(derivation, outputs)

        return self.get(("forward", *outputs), make)

    def known(self, what: Hashable) -> dict | None:
        """The description of a kernel that needs not be built any more; None of others."""
        return known_description(fingerprint(self.network, self._options(what)), cache=self.cache)

    def _options(self, what: Hashable) -> dict:
        return {
            "kernel": what,
            "dtype": self.dtype,
            "wrt": None if self.wrt is None else [symbol_name(s) for s in self.wrt],
            "dims": self.dims,
            "reuse": self.reuse,
            "schedule": self.schedule,
        }

    def _load(self, what: Hashable, make: Callable[[Derivation], Kernel]) -> Compiled:
        options = self._options(what)
        key = fingerprint(self.network, options)
        loaded = load_or_build(key, lambda: self._build(make, 1), cache=self.cache)
        together, other = lambda: self._together(options, make), lambda w: self._other(options, loaded, w)
        return Compiled(loaded, together, self.threads, other)

    def _other(self, options: dict, loaded: LoadedModule, what: str) -> LoadedModule:
        """The module with other functions compiled: those that are described under `what`, by Numba but for
        the one of single samples."""
        key = fingerprint(self.network, {**options, "functions": what})
        meta = {**loaded.meta, "compile": loaded.meta[what], "machine": {}}
        if what == "point_into":
            meta |= {"compile": {}, "machine": loaded.meta[what]}
        return load_or_build(key, lambda: (loaded.source, meta), cache=self.cache)

    def _together(self, options: dict, make: Callable[[Derivation], Kernel]) -> Together | None:
        """The same kernel as threads share it; None where it cannot be shared."""
        key = fingerprint(self.network, {**options, "threads": self.threads})
        with MAKING:
            loaded = load_or_build(key, lambda: self._build(make, self.threads), cache=self.cache)
            function = loaded.function(f"{loaded.meta['name']}_into")
            share_address()  # compiled now, while no child is forked
        workspace, rows, fewest = loaded.meta["room"]
        # What Numba has compiled has no way through the gate.
        if not isinstance(function, SharedFunction) or function.words > MOST_WORDS:
            return None
        return Together(function, workspace, tuple(rows), fewest)

    def _build(self, make: Callable[[Derivation], Kernel], threads: int) -> tuple[str, dict]:
        from symbp.codegen.matrix_unit import MATRIX_UNIT
        from symbp.codegen.module import emit
        from symbp.codegen.pointwise import straight
        from symbp.codegen.product import UNIT
        from symbp.runtime.describe import describe
        from symbp.runtime.products import begin
        from symbp.schedule.memory import plan_kernel

        for kind in self._likely_products():
            begin(kind)
        kernel = replace(make(self.derivation), dtype=self.dtype, threads=threads, schedule=self.schedule)
        origin = {s.target: s.origin for s in kernel.program.statements}
        for tensor in kernel.program.tensors.values():
            check_entries(tensor.row_shape, repr(tensor.name), origin.get(tensor.name))
        plan = straight(kernel) or plan_kernel(kernel)
        meta = {**describe(kernel, self.derivation, plan), "interface": self.interface()}
        text = emit([kernel], self.network.name, [plan])
        meta["products"] += [UNIT] * (MATRIX_UNIT and "multiply_large(" in text)
        return text, meta

    def _likely_products(self) -> list[str]:
        """The kinds of micro-kernels that will probably be called, by the largest matrix."""
        from symbp.codegen.matrix_unit import MATRIX_UNIT
        from symbp.codegen.product import HARMONIC, UNIT
        from symbp.schedule.product import LEAST

        entries, harmonic = 0, 0.0
        for symbol in self.network.parameters:
            shape = [self.dims.get(str(n), n) for n in getattr(symbol, "shape", ())]
            if len(shape) == 2 and all(isinstance(n, int | sp.Integer) and n > 1 for n in shape):
                entries = max(entries, prod(map(int, shape)))
                harmonic = max(harmonic, prod(map(int, shape)) / sum(map(int, shape)))
        large = harmonic >= HARMONIC and self.dtype == "float32" and MATRIX_UNIT
        return [self.dtype] * (entries >= LEAST) + [UNIT] * large

    def interface(self) -> dict[str, list]:
        """Name, shape, role and bound of all inputs and parameters, the unused ones included."""
        tensors = self.derivation.forward_program.tensors
        result: dict[str, list] = {"inputs": [], "parameters": []}
        for kind, symbols in (("inputs", self.network.inputs), ("parameters", self.network.parameters)):
            for symbol in symbols:
                t = tensors[symbol_name(symbol)]
                result[kind].append([t.name, [int(n) for n in t.row_shape], t.role, t.bound])
        return result


def checked_schedule(schedule: Any) -> str | int | None:
    """What a user wrote for `schedule=`.

    Raises:
        DataError: it is none of those.
    """
    number = isinstance(schedule, int) and not isinstance(schedule, bool) and 1 <= schedule <= TILE_LIMIT
    if schedule is None or number or (isinstance(schedule, str) and schedule in (FUSED, LAYERWISE)):
        return schedule
    raise DataError(
        shorten(f"schedule is {schedule!r}"),
        hint=f'write "{FUSED}", "{LAYERWISE}" or a number of samples from 1 to {TILE_LIMIT:,}, or None',
    )


def dtype_name(dtype: Any) -> str:
    """The name of what NumPy takes for a dtype: "float64" or "float32".

    Raises:
        DataError: it is another one.
    """
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise DataError(
            f"dtype must be float64 or float32, not {shorten(name, 40)}", hint='write dtype="float64"'
        )
    return name
