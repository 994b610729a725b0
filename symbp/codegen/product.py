"""Matrix products as calls, and the micro-kernels as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from llvmlite import ir

from symbp.codegen import crew, matrix_unit, micro, panel, registers, splitting, tile, unit_product
from symbp.codegen.own_source import own_source
from symbp.ir.nodes import BATCH, Access, Index, Statement
from symbp.machine import gate
from symbp.machine.status import out_of_range
from symbp.schedule.axes import Axis, Steps, steps_of
from symbp.schedule.looptree import Schedule, sums_batch
from symbp.schedule.product import Product, products_of

FEW = 8
"""Rows of a product below which copying a matrix with its axes exchanged takes longer than it saves."""

HARMONIC = 160
"""Half the harmonic mean of the rows and columns of a product from which on the matrix unit is faster; where
nobody else uses the processor's core, it is so from 80 on."""

LEAST_DEPTH = 128
"""Terms from which on it is."""

UNIT = "matrix unit"
"""The kind of the micro-kernels that use it."""

ONES = "ones"
"""The array that stands for a factor 1."""


@dataclass(frozen=True)
class Part:
    """Some rows of a product, or some columns.

    Attributes:
        low, count: variables with the first of them and their number.
        columns: whether they are columns.
    """

    low: str
    count: str
    columns: bool = False


def multiply_lines(
    s: Statement,
    schedule: Schedule,
    place: Callable[[str], tuple[str, str]],
    named: Callable[[str], str],
    single: bool,
    alone: bool,
    part: Part | None = None,
) -> list[str]:
    """Calls of `multiply`, `multiply_turned` or `multiply_large` for a sum of matrix products, in loops.

    See `symbp.codegen.micro`.

    Args:
        place: of a tensor, the variable that holds its buffer and where it begins there.
        named: a variable of the kernel for a text, always the same.
        single: whether numbers are float32.
        alone: whether there are no samples before those of this tile in its sums.
        part: what is computed of the products, if not all.
    """
    lines = []
    for k, product in enumerate(products_of(s, schedule.program.tensors)):
        names: dict[Index, str] = {}
        for index in product.loops:
            name = f"{index.name}_loop"
            while named(name) in names.values():  # of heads that are called as the samples
                name += "_"
            names[index] = named(name)
        summed = [names[index] for index in product.loops if index in s.bound]
        begun = ["start"] * (sums_batch(s) and not alone) + summed
        fresh = "False" if k else f"{' + '.join(begun)} == 0" if begun else "True"
        for depth, index in enumerate(product.loops):
            extent = "rows" if index.extent == BATCH else index.extent
            lines.append("    " * depth + f"for {names[index]} in range({extent}):")
        call = _call(s.access, product, schedule, place, names, single, fresh, part)
        lines.append("    " * len(names) + call)
    return lines


def _call(
    target: Access,
    product: Product,
    schedule: Schedule,
    place: Callable[[str], tuple[str, str]],
    names: Mapping[Index, str],
    single: bool,
    fresh: str,
    part: Part | None,
) -> str:
    """The call of one product.

    Args:
        names: variables of the loops around it.
    """

    def along(axis: Axis | None, steps: Steps) -> int:
        """The distance between neighbours along an axis, 0 for all entries that are one number."""
        return 0 if axis is None else steps.get(axis.inner, 0)

    def strides(access: Access) -> tuple[str, str, Steps]:
        """Buffer, offset and the distance between neighbours along each index."""
        found = steps_of(access, schedule.program.tensors)
        assert found is not None
        const, steps = found
        buffer, offset = place(access.name)
        offset += f" + {const}" if const else ""
        if part is not None:
            step = along(product.columns if part.columns else product.rows, steps)
            offset += f" + {part.low}*{step}" if step else ""
        offset += "".join(f" + {name}*{steps[index]}" for index, name in names.items() if index in steps)
        return buffer, offset, steps

    c, c_at, c_steps = strides(target)
    a, a_at, a_steps = (ONES, "0", {}) if product.left is None else strides(product.left)
    b, b_at, b_steps = strides(product.right)
    sizes = ["1" if n is None else n.text for n in (product.rows, product.columns, product.depth)]
    if part is not None:
        sizes[part.columns] = part.count
    texts = [c, c_at, along(product.rows, c_steps), a, a_at, along(product.rows, a_steps)]
    texts += [along(product.depth, a_steps), b, b_at]
    texts.append(along(product.columns if product.turned else product.depth, b_steps))
    texts += [*sizes, fresh]
    one, number = ("f32(1.0)", "f32(samples)") if single else ("1.0", "samples")
    scale = f"{one}/{number}" if product.mean else one
    few = "False"
    if product.turned and along(product.depth, a_steps) == 1:
        # By the samples of the whole batch: a tile or a piece of it has the numbers that others have.
        each = 1 if product.rows is None else product.rows.size
        few = f"samples < {-(-FEW // each)}" if product.rows and product.rows.samples else str(each < FEW)
    large = is_large_text(product, schedule.tile) if single else "False"
    if large != "False":
        what, last = "multiply_large", [scale, str(product.turned), few, large]
    elif product.turned:
        what, last = "multiply_turned", [few]
    else:
        what, last = "multiply", [scale]
    return f"{what}({', '.join(map(str, [*texts, *last]))})"


def is_large_text(product: Product, tile: int) -> str:
    """The condition, "True" or "False" where that is known, for a product of float32 to be one for the matrix
    unit. It goes by the samples of the whole batch: a tile or a piece of it has the numbers that others have.
    """
    conditions = []
    for axis, least in ((product.rows, least_rows(product.columns.size)), (product.depth, LEAST_DEPTH)):
        size, samples = (1, False) if axis is None else (axis.size, axis.samples)
        if size * (tile if samples else 1) < least:
            return "False"
        conditions += [f"samples >= {-(-least // size)}"] * samples
    return " and ".join(conditions) or "True"


def least_rows(columns: int) -> float:
    """The fewest rows with which a product of so many columns is one for the matrix unit.

    To split a row or a column takes some time, which its products with the columns or rows of the other
    matrix save: of m rows and n columns, m*n/(m + n) must be at least HARMONIC.
    """
    return -(-HARMONIC * columns // (columns - HARMONIC)) if columns > HARMONIC else inf


_OWN = """vector_registers VECTOR_BYTES REGISTERS Vectors own_function steps smaller contextmanager
WIDTH SUMS HIGHEST GROUP tile_sizes tile_arguments tiles write_column write_sum PANEL_BYTES DEPTH MANY DOTS
multiply_large large_multiplication lower_tiles from_process CACHE_LINE sys
copy_panel turn_panel exchanged write_dots write_all_dots write_panels SLIM write_slim multiplication
lower_product multiply multiply_turned ones os PATIENCE JOB count_up count_of let_others_run wait_until
draw draw_ticket yield_processor out_of_range note_range platform
number gate ticket piece begin end base low count"""
OWN_NAMES = frozenset(_OWN.split()).union(*(file.NAMES for file in (splitting, matrix_unit, unit_product)))
"""What micro-kernels, and what threads share, are called in generated modules."""


def micro_kernels(plain: bool, turned: bool, large: bool) -> list[str]:
    """The source of the micro-kernels; the machine that imports it chooses the size of tiles."""
    plain, turned = plain or large, turned or large
    items: list = [registers.own_function, registers.Vectors, registers.steps, registers.smaller]
    items += [tile.tile_sizes, tile.tile_arguments, tile.tiles, tile.write_column, tile.write_sum]
    items += [panel.copy_panel, micro.write_panels, micro.write_slim]
    if turned:
        items += [registers.exchanged, panel.turn_panel, micro.write_dots, micro.write_all_dots]
    items += [micro.multiplication, micro.lower_product, micro.lower_tiles]
    items += [micro.multiply._defn] * plain + [micro.multiply_turned._defn] * turned
    constants = [
        "VECTOR_BYTES, REGISTERS = vector_registers()",
        "WIDTH = 4 if REGISTERS == 32 else 2",
        "SUMS = 24 if REGISTERS == 32 else 12",
        *(f"{name} = {getattr(tile, name)}" for name in ("HIGHEST", "GROUP")),
        f"DEPTH = {micro.PANEL_BYTES} // (WIDTH * VECTOR_BYTES)",
        f"MANY = {micro.MANY}",
        f"SLIM = {micro.SLIM}",
        *[f"DOTS = {micro.DOTS}"] * turned,
    ]
    found = [registers.vector_registers]
    if large:
        found.append(matrix_unit.has_matrix_unit)
        constants.append("MATRIX_UNIT = has_matrix_unit()")
        for file in (splitting, unit_product):
            constants += [f"{name} = {getattr(file, name)!r}" for name in file.CONSTANTS]
        constants.append(f"CACHE_LINE = {micro.CACHE_LINE}")
        items += [
            *splitting.SOURCES,
            *matrix_unit.SOURCES,
            *unit_product.SOURCES,
            micro.from_process,
            micro.large_multiplication,
            micro.multiply_large._defn,
        ]
    return [*map(own_source, found), "\n".join(constants), *(own_source(item) for item in items)]


def write_products(module: ir.Module, kind: str) -> list[ir.Function]:
    """Micro-kernels in an LLVM module, apart from any generated text.

    Args:
        kind: "float32" or "float64", or `UNIT` for those that use the matrix unit.
    """
    real = ir.DoubleType() if kind == "float64" else ir.FloatType()
    if kind == UNIT:
        tiles, _ = registers.own_function(module, "tiles", real, tile.tile_arguments(real))
        tiles.linkage = "external"  # those of float32, which are always there too
        return [unit_product.unit_multiplication(module), matrix_unit.unit_allowed(module)]
    return [
        *(micro.multiplication(module, real, turned) for turned in (False, True)),
        tile.tiles(module, real),
    ]


def crew_functions(notes: bool) -> list[str]:
    """The source of what threads of one kernel share.

    Args:
        notes: whether they note what has left the range of numbers.
    """
    items: list = [gate.draw, gate.yield_processor, crew.draw_ticket._defn, crew.count_up._defn]
    items += [crew.count_of._defn, crew.let_others_run._defn, crew.wait_until.py_func]
    items += [out_of_range, crew.note_range._defn] if notes else []
    return [f"PATIENCE = {gate.PATIENCE}\nJOB = {gate.JOB}", *(own_source(item) for item in items)]
