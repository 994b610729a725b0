"""A matrix product as the text of one call, and the micro-kernels as text."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from symbp.codegen import crew, micro
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement
from symbp.schedule.looptree import Schedule, sums_batch
from symbp.schedule.product import product_of

ONES = "ones"
"""The array that stands for a factor 1."""


def multiply_call(
    s: Statement, schedule: Schedule, place: Callable[[str], tuple[str, str]], low: str = "", count: str = ""
) -> str:
    """`multiply(...)` for a statement that is a matrix product; see `symbp.codegen.micro`.

    Args:
        place: of a tensor, the variable that holds its buffer and where it begins there.
        low, count: the first row that is computed and the number of rows, where these are not all.
    """
    product = product_of(s)
    assert product is not None

    def strides(access: Access) -> tuple[str, str, dict[Index, int]]:
        """Buffer, offset and the distance between neighbours along each index."""
        const, steps = 0, {}
        for position, step in zip(access.indices, _steps(schedule.program, access.name), strict=True):
            if isinstance(position, Index):
                steps[position] = step
            else:
                const += int(position) * step
        buffer, offset = place(access.name)
        offset += f" + {const}" if const else ""
        step = steps.get(product.rows, 0)  # type: ignore[arg-type]
        offset += f" + {low}*{step}" if low and step else ""
        return buffer, offset, steps

    c, c_at, c_steps = strides(s.access)
    a, a_at, a_steps = ONES, "0", {product.depth: 0}
    if product.left is not None:
        a, a_at, a_steps = strides(product.left)
    b, b_at, b_steps = strides(product.right)
    rows = 1 if product.rows is None else product.rows.extent
    sizes = ["rows" if n == BATCH else str(n) for n in (rows, product.columns.extent, product.depth.extent)]
    sizes[0] = count or sizes[0]
    fresh = "start == 0" if sums_batch(s) else "True"
    texts = [c, c_at, c_steps.get(product.rows, 0), a, a_at, a_steps.get(product.rows, 0)]  # type: ignore[arg-type]
    texts += [a_steps[product.depth], b, b_at, b_steps[product.depth], *sizes, fresh]
    return f"multiply({', '.join(map(str, texts))})"


def _steps(program: Program, tensor: str) -> list[int]:
    """The distance in memory between neighbours along each axis."""
    steps = [1]
    for extent in reversed(program.tensors[tensor].shape[1:]):
        steps.insert(0, steps[0] * extent)
    return steps


def transpose_call(
    s: Statement, schedule: Schedule, place: Callable[[str], tuple[str, str]], low: str = "", count: str = ""
) -> str:
    """`transpose(...)` for a statement that copies a matrix with its axes exchanged, or some rows of it."""
    columns, rows = schedule.program.tensors[s.target].shape
    c, c_at = place(s.target)
    a, a_at = place(s.body.name)  # type: ignore[attr-defined]
    if low:
        c_at, a_at = f"{c_at} + {low}", f"{a_at} + {low}*{columns}"
    return f"transpose({c}, {c_at}, {rows}, {a}, {a_at}, {columns}, {count or rows}, {columns})"


_OWN = """DEPTH MANY ones VECTOR_BYTES REGISTERS ROWS vector_registers Vectors write_tile write_sum steps
smaller multiplication multiply transposition exchanged transpose contextmanager os PATIENCE count_up
count_of let_others_run wait_until LOOKS ring listen number bell counters ticket piece begin end base low
count"""
OWN_NAMES = frozenset(_OWN.split())
"""What micro-kernels, and what threads share, are called in generated modules."""


def micro_kernels(multiplies: bool, transposes: bool) -> list[str]:
    """The source of the micro-kernels; the machine that imports it chooses the size of tiles."""
    size = "VECTOR_BYTES, REGISTERS = vector_registers()\nROWS = 8 if REGISTERS == 32 else 6"
    items: list = [micro.Vectors, micro.steps.__wrapped__, micro.smaller]  # type: ignore[attr-defined]
    if multiplies:
        items += [micro.write_tile, micro.write_sum, micro.multiplication, micro.multiply._defn]  # type: ignore[attr-defined]
    if transposes:
        items += [micro.exchanged, micro.transposition, micro.transpose._defn]  # type: ignore[attr-defined]
    texts = [inspect.getsource(item).rstrip() for item in items]
    constants = f"DEPTH = {micro.DEPTH}\nMANY = {micro.MANY}"
    return [constants, inspect.getsource(micro.vector_registers).rstrip(), size, *texts]


def crew_functions() -> list[str]:
    """The source of what threads of one kernel share."""
    items: list = [crew.count_up._defn, crew.count_of._defn, crew.let_others_run._defn]  # type: ignore[attr-defined]
    items += [crew.wait_until.py_func, crew.ring.py_func, crew.listen.py_func]
    return [
        f"PATIENCE = {crew.PATIENCE}\nLOOKS = {crew.LOOKS}",
        *(inspect.getsource(item).rstrip() for item in items),
    ]
