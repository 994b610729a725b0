"""A derivation as a Python module of its own, and how its functions are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from symbp.codegen.module import emit
from symbp.errors import SpecError, shorten
from symbp.ir.nodes import Tensor
from symbp.pipeline import forward_kernel, gradient_kernel
from symbp.schedule.kernel import Kernel


@dataclass(frozen=True)
class Export:
    """The text of a module that needs numba and numpy only, and its functions.

    Attributes:
        text: the module.
        usage: for people: how each function is called, and what its arguments are.
    """

    text: str
    usage: str


def export(derivation: Any, dtype: str, forward: Sequence[str] | None = None) -> Export:
    """The kernels `forward` and, where there is a loss, `value_and_grad` of a derivation.

    Args:
        derivation: what `symbp.pipeline.derive` returned.
        dtype: "float64" or "float32".
        forward: the equations that forward computes; all unless given. It takes the inputs they need.

    Raises:
        SpecError: forward names no equation.
    """
    defined = [name for name in derivation.network.defined if name in derivation.forward_program.tensors]
    for name in forward or ():
        if name not in defined:
            problem = f"--forward names no equation: {shorten(name, 100)!r}"
            raise SpecError(problem, hint=f"equations are {shorten(', '.join(defined))}")
    kernels = [forward_kernel(derivation, tuple(dict.fromkeys(forward or defined)))]
    if derivation.loss is not None:
        kernels.append(gradient_kernel(derivation))
    kernels = [replace(kernel, dtype=dtype) for kernel in kernels]
    return Export(emit(kernels, title=derivation.network.name), _usage(kernels))


def _usage(kernels: Sequence[Kernel]) -> str:
    """One line per function, and one per argument."""
    calls, arguments = [], {}
    for kernel in kernels:
        results = ", ".join([*kernel.results, *(["gradient"] if kernel.gradient else [])])
        given = []
        tensors = kernel.program.tensors
        if kernel.parameters:
            given.append("theta")
            parts = [f"{name} {_shape(tensors[name])}" for name in kernel.parameters]
            size = sum(prod(tensors[name].shape) for name in kernel.parameters)
            arguments["theta"] = f"({size},) {kernel.dtype}: {', '.join(parts)}"
        for name in kernel.inputs:
            given.append(name)
            kind = "int64" if tensors[name].role == "label" else kernel.dtype
            arguments[name] = f"{_shape(tensors[name])} {kind}"
        calls.append(f"{kernel.name}({', '.join(given)}) -> {results}")
    width = max(map(len, arguments), default=0)
    lines = [f"  {name:<{width}}  {text}" for name, text in arguments.items()]
    return "\n".join([*calls, *lines, "  Arrays in C order, of these shapes and types: nothing is checked."])


def _shape(tensor: Tensor) -> str:
    extents = [str(extent) for extent in tensor.shape]
    return f"({', '.join(extents)}{',' if len(extents) == 1 else ''})"
