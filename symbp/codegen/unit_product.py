"""Products of float32 matrices in the matrix unit.

A float32 is the sum of three bfloat16. Of the nine products of such parts the six largest, added up in
float32, are the product but for 2**-26 of it: less than its rounding. The unit has sixteen times the speed of
fused multiply-adds, so that six for one still pay. This is the scheme of Henry, Tang and Heinecke (Leveraging
the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations, 2019).

Where a row of a or a column of b has numbers so large that their products would overflow, or inf or nan, its
entries are computed by register tiles instead. Each entry depends on its own row and column alone, however a
product is cut.

To write parts while the unit is busy, between its instructions, was tried: it gained a few percent and
took twice the code. The core has less power left for the one while it does the other.

The source of these functions becomes part of generated modules, like `symbp.codegen.micro`.
"""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.matrix_unit import assembly, configure, square_step, store_square
from symbp.codegen.panel import turn_panel
from symbp.codegen.registers import Vectors, own_function, smaller, steps
from symbp.codegen.splitting import (
    LANES,
    LARGEST,
    SMALL,
    SQUARE,
    STEP_BYTES,
    Splitter,
    write_left,
    write_right,
)
from symbp.codegen.tile import tiles

DEEP = 256
"""Terms that are added up in tiles: their parts for SQUARE columns stay in a second-level cache."""

HIGH = 256
"""Rows of a whose parts are kept for all columns of b."""

STRIP_BYTES = DEEP // SQUARE * STEP_BYTES
"""The parts of SQUARE rows or columns for DEEP terms."""

LEFT_BYTES = HIGH // SQUARE * STRIP_BYTES
"""Those of HIGH rows."""


def write_square(builder, sums, left, right, blocks):
    """SQUARE x SQUARE sums of products of parts."""
    index, byte = blocks.type, left.type
    assembly(builder, "\n".join(f"tilezero %tmm{k}" for k in range(4)), [])
    before = builder.block
    head, after = (builder.append_basic_block(name) for name in ("step", "sums"))
    builder.branch(head)
    builder.position_at_end(head)
    k, a, b = builder.phi(index), builder.phi(byte), builder.phi(byte)
    assembly(builder, square_step(), ["r", "r", "r"], a, b, index(64))
    following = builder.add(k, index(1))
    moved = [builder.gep(p, [index(STEP_BYTES)]) for p in (a, b)]
    for phi, value, next_value in zip((k, a, b), (index(0), left, right), (following, *moved), strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(next_value, head)
    builder.cbranch(builder.icmp_signed("<", following, blocks), head, after)
    builder.position_at_end(after)
    assembly(builder, store_square(), ["r", "r"], sums, index(SQUARE * 4))


def write_sums(builder, c, c_row, sums, rows, masks, unit, scale, fresh):
    """Add some rows of sums, times `unit` and times `scale`, to c, or put them there where it is fresh."""
    index, splitter = rows.type, Splitter(builder)
    unit, scale = splitter.spread(unit), splitter.spread(scale)
    with builder.if_else(fresh) as (first, further):
        for place, is_first in ((first, True), (further, False)):
            with place, steps(builder, index(0), rows, 1) as m:
                line = builder.gep(sums, [builder.mul(m, index(SQUARE))])
                target = builder.gep(c, [builder.mul(m, c_row)])
                for v, mask in enumerate(masks):
                    value = builder.fmul(splitter.load(line, v), unit)
                    if is_first:
                        value = builder.fmul(value, scale)
                    else:
                        value = splitter.fma(value, scale, splitter.load(target, v, mask))
                    splitter.store(value, target, v, mask)


def mending(module):
    """The LLVM function that puts what register tiles compute in place of sums that are not right, and takes
    the scaling from the others."""
    real, index, bit = ir.FloatType(), ir.IntType(64), ir.IntType(32)
    numbers, sizes = real.as_pointer(), bit.as_pointer()
    kinds = [numbers, sizes, sizes, numbers, index, index, numbers, index, index, index, index]
    function, new = own_function(module, "mend", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    splitter = Splitter(builder)
    sums, row_sizes, column_sizes, a, a_row, a_step, b, b_row, rows, columns, terms = function.args
    room = aligned_room(builder, real, SQUARE * SQUARE)
    operands = room, index(SQUARE), a, a_row, a_step, b, b_row, rows, columns, terms
    builder.call(tiles(module, real), (*operands, ir.IntType(1)(1), real(1.0)))
    most, small = splitter.constant(LARGEST), splitter.constant(SMALL)
    with steps(builder, index(0), rows, 1) as m:
        row_size = splitter.spread(builder.load(builder.gep(row_sizes, [m])))
        line = builder.mul(m, index(SQUARE))
        for v in range(SQUARE // LANES):
            at = builder.add(line, index(v * LANES))
            size = splitter.whole(builder.gep(column_sizes, [index(v * LANES)]))
            is_large = builder.icmp_unsigned(">", splitter.larger(row_size, size), most)
            entry = builder.gep(sums, [at])
            scaled = builder.fmul(splitter.whole(entry), small)
            mended = builder.select(is_large, splitter.whole(builder.gep(room, [at])), scaled)
            splitter.store_whole(mended, entry)
    builder.ret_void()
    return function


def aligned_room(builder, kind, count):
    """So many numbers of a type, from the begin of a cache line on."""
    room = builder.alloca(kind, ir.IntType(64)(count))
    room.align = 64
    return room


def rest(builder, most, count, at):
    """The numbers from `at` on of so many, but not more than some."""
    return smaller(builder, count.type(most), builder.sub(count, at))


def unit_multiplication(module):
    """The LLVM function that multiplies matrices in the unit; written once per module.

    Its arguments are those of `symbp.codegen.micro.multiply`, whether rows of b run along the sum, and
    LEFT_BYTES of memory from the begin of a cache line on: more than a stack may have.
    """
    real, index, flag, byte = ir.FloatType(), ir.IntType(64), ir.IntType(1), ir.IntType(8).as_pointer()
    entry = real.as_pointer()
    kinds = [entry, index, entry, index, index, entry, index, index, index, index, flag, real, flag, byte]
    function, new = own_function(module, "multiply_in_unit", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    vectors, word, none = Vectors(builder, real), ir.IntType(32), index(0)
    c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh, scale, turned, left_parts = (
        function.args
    )
    right_parts = aligned_room(builder, byte.pointee, STRIP_BYTES)
    room = aligned_room(builder, real, DEEP * SQUARE)
    row_sizes, column_sizes = (aligned_room(builder, word, count) for count in (HIGH, SQUARE))
    configure(builder)
    is_plain = builder.icmp_signed("==", a_step, index(1))

    def parts_of(g):
        return builder.gep(left_parts, [builder.mul(g, index(STRIP_BYTES // SQUARE))])

    def start_of(m, k):
        return builder.gep(a, [builder.add(builder.mul(m, a_row), builder.mul(k, a_step))])

    with steps(builder, none, depth, DEEP) as k, steps(builder, none, rows, HIGH) as m:
        terms, high = rest(builder, DEEP, depth, k), rest(builder, HIGH, rows, m)
        is_fresh = builder.and_(fresh, builder.icmp_signed("==", k, none))
        with steps(builder, none, high, SQUARE) as g:
            some, start = rest(builder, SQUARE, high, g), start_of(builder.add(m, g), k)
            with builder.if_then(builder.not_(is_plain)):
                turn_panel(vectors, room, index(DEEP), start, a_step, terms, some)
            start = builder.select(is_plain, start, room)
            row = builder.select(is_plain, a_row, index(DEEP))
            write_left(builder, parts_of(g), builder.gep(row_sizes, [g]), start, row, some, terms)
        with steps(builder, none, columns, SQUARE) as n:
            wide = rest(builder, SQUARE, columns, n)
            across, along = builder.select(turned, n, k), builder.select(turned, k, n)
            panel = builder.gep(b, [builder.add(builder.mul(across, b_row), along)])
            with builder.if_then(turned):
                turn_panel(vectors, room, index(SQUARE), panel, b_row, wide, terms)
            panel = builder.select(turned, room, panel)
            right = panel, builder.select(turned, index(SQUARE), b_row)
            write_right(builder, right_parts, column_sizes, *right, wide, terms)
            with steps(builder, none, high, SQUARE) as g:
                row = builder.add(m, g)
                left = start_of(row, k), a_row, a_step
                parts = parts_of(g), right_parts
                sizes = builder.gep(row_sizes, [g]), column_sizes
                count = rest(builder, SQUARE, high, g), wide, terms
                target = builder.gep(c, [builder.add(builder.mul(row, c_row), n)])
                write_block(builder, target, c_row, parts, sizes, left, right, count, scale, is_fresh)
    assembly(builder, "tilerelease", [])
    builder.ret_void()
    return function


def write_block(builder, c, c_row, parts, sizes, left, right, count, scale, fresh):
    """At most SQUARE x SQUARE entries of c.

    Args:
        parts: of the rows and the columns, and `sizes`, their largest numbers.
        left, right: where they begin and how far they are apart.
        count: of rows, columns and terms.
    """
    real, splitter = scale.type, Splitter(builder)
    with builder.goto_entry_block():
        sums = aligned_room(builder, real, SQUARE**2)
    (left_parts, right_parts), (rows, columns, terms) = parts, count
    write_square(builder, sums, left_parts, right_parts, steps_of(builder, terms))
    most, widest = map(splitter.largest_of, sizes)
    most = builder.select(builder.icmp_unsigned(">", most, widest), most, widest)
    is_large = builder.icmp_unsigned(">", most, most.type(LARGEST))
    with builder.if_then(is_large, likely=False):
        builder.call(mending(builder.module), [sums, *sizes, *left, *right, *count])
    unit = builder.select(is_large, real(1.0), real(SMALL))
    write_sums(builder, c, c_row, sums, rows, splitter.masks(columns), unit, scale, fresh)


def steps_of(builder, terms):
    """The steps of SQUARE terms."""
    return builder.sdiv(builder.add(terms, terms.type(SQUARE - 1)), terms.type(SQUARE))


CONSTANTS = ("DEEP", "HIGH", "STRIP_BYTES", "LEFT_BYTES")
SOURCES: tuple = (
    *(write_square, write_sums, mending, aligned_room, rest, steps_of, write_block, unit_multiplication),
)
"""What generated modules carry of this file, in order."""
NAMES = frozenset(CONSTANTS) | {item.__name__ for item in SOURCES}
