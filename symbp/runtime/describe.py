"""The description of a kernel, made when it is built and kept beside it, so that nothing is derived again."""

from __future__ import annotations

from math import prod
from typing import Any

from symbp.codegen.pointwise import Straight, is_pointwise
from symbp.codegen.shared import is_large
from symbp.ir.nodes import BATCH, Program
from symbp.machine.gate import JOB_KINDS
from symbp.network import symbol_name
from symbp.passes.cost import cost
from symbp.runtime.compiled import slot_of
from symbp.schedule.kernel import Kernel
from symbp.schedule.looptree import MULTIPLY, Schedule


def describe(kernel: Kernel, derivation: Any, plan: Straight | Schedule) -> dict:
    """The description that is kept beside a kernel's module, made of numbers, text and lists.

    Args:
        plan: how the kernel is written.
    """
    line = plan if isinstance(plan, Straight) else None
    tensors = kernel.program.tensors
    inputs = [_entry(tensors[n]) for n in kernel.inputs]
    results = [_entry(tensors[n]) for n in kernel.results]
    parameters = [[n, list(tensors[n].shape)] for n in kernel.parameters]
    gradient = [[n, list(tensors[n].shape)] for n in kernel.gradient]
    real = kernel.dtype
    vector = [real, 1]
    arrays = [_type(s, real) for s in inputs]
    outputs = [_type(s, real) for s in results]
    into = [vector] * bool(parameters) + arrays + outputs + [vector] * bool(gradient)
    room: list = []
    if kernel.parallel:
        long: list[int] = []
        workspace, fewest = 0, 1
        if isinstance(plan, Schedule):
            workspace, long = plan.workspace, [plan.program.tensors[n].row_size for n in plan.long]
            # Where threads take whole tiles, one is one piece.
            fewest = plan.tile + 1 if plan.whole else 1
        room = [workspace, long, fewest]
        into += [vector] * (bool(workspace) + len(long)) + [[*kind] for kind in JOB_KINDS]
    functions = {f"{kernel.name}_into": into}
    later: dict = {}
    if kernel.point and not kernel.parallel:
        point = [[dtype, ndim - 1] for dtype, ndim in arrays]
        # A straight line is compiled as often as it is called.
        (functions if line is None else later)[kernel.name] = [vector] * bool(parameters) + point
    return {
        "name": kernel.name,
        "dtype": real,
        "point": bool(kernel.point),
        "lockstep": line is not None,
        "pointwise": is_pointwise(derivation.forward_program),
        "products": [real] * (isinstance(plan, Schedule) and has_products(plan)),
        "room": room,
        "work": operations_per_sample(kernel.program) if line is None else line.work,
        "columns": isinstance(plan, Schedule) and has_large_products(plan),
        "inputs": inputs,
        "parameters": parameters,
        "results": results,
        "gradient": gradient,
        "wrt": _wrt(kernel, derivation),
        "machine": {f"{kernel.name}_into": into},
        "compile": functions,
        "later": later,
        "point_into": {f"{kernel.name}_point_into": into} if line is not None and later else {},
    }


def has_products(plan: Schedule) -> bool:
    """Whether a kernel calls micro-kernels."""
    return any(nest.form == MULTIPLY for stage in plan.stages for nest in stage.nests)


def has_large_products(plan: Schedule) -> bool:
    """Whether a kernel has products of which threads take columns."""
    return any(is_large(s, plan.program.tensors) for s in plan.program.statements)


def operations_per_sample(program: Program) -> int:
    """What one more sample costs, in the units of `symbp.passes.cost`."""
    total = 0
    for s in program.statements:
        if any(i.extent == BATCH for i in s.domain):
            total += (cost(s.body) + bool(s.bound)) * prod(
                int(i.extent) for i in s.domain if i.extent != BATCH
            )
    return total


def _wrt(kernel: Any, derivation: Any) -> dict[str, str]:
    """By position: derivatives have their own names, which differ before and after the batch axis."""
    if not derivation.gradients or kernel.name == "forward":
        return {}
    parameters = [symbol_name(s) for s in derivation.network.parameters]
    of_parameters = [n for n in parameters if n in derivation.gradients]
    of_inputs = [n for n in derivation.gradients if n not in parameters]
    pairs = [
        *zip(kernel.gradient, of_parameters, strict=True),
        *zip(kernel.results[1:], of_inputs, strict=True),
    ]
    return dict(pairs)


def _entry(tensor: Any) -> list:
    return [tensor.name, list(tensor.row_shape), bool(tensor.batched), tensor.role, tensor.bound]


def _type(entry: list, real: str) -> list:
    slot = slot_of(entry)
    return [slot.dtype(real).name, len(slot.kernel_shape) + slot.batched]
