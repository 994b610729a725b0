"""Numbers of float32 as sums of three bfloat16, laid out as tiles of a matrix unit.

A float32 has 24 binary digits, a bfloat16 has 8. The unit takes subnormal numbers for zeros, so that numbers
are scaled by 2**24 while they are split: the smallest float32 has normal parts then.

Each tile of the unit holds 16 rows of 64 bytes: of the left matrix 16 rows of 16 pairs of terms, and of the
right one 16 pairs of terms of 16 columns. Pairs are terms that are 16 apart, so that two vectors become one
of pairs without any of their lanes changing places.

The source of these functions becomes part of generated modules, like `symbp.codegen.micro`.
"""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.registers import Vectors, smaller, steps

LANES = 16
"""Numbers of a vector, rows of a tile, and its columns."""

SQUARE = 32
"""Rows and columns that are split at a time, for two tiles; and terms."""

STEP_BYTES = 3 * SQUARE * SQUARE * 2
"""The parts of SQUARE rows or columns for SQUARE terms: of each kind two tiles, the largest parts first."""

SMALL = 2.0**-48
"""What undoes the scaling of both factors."""

LARGEST = (127 + 35) << 23
"""The bits of 2**35: larger numbers have products whose sums may overflow when they are scaled."""


class Splitter(Vectors):
    """Writes what splits vectors of float32, which have LANES numbers where there is a matrix unit.

    Attributes:
        bits: the type of what a vector looks like in memory.
    """

    def __init__(self, builder):
        super().__init__(builder, ir.FloatType())
        self.bits = ir.VectorType(ir.IntType(32), LANES)

    def constant(self, value):
        kind = self.type if isinstance(value, float) else self.bits
        return ir.Constant(kind, [value] * LANES)

    def whole(self, pointer):
        """A vector that begins at the begin of a cache line."""
        kind = ir.VectorType(pointer.type.pointee, LANES)
        return self.builder.load(self.builder.bitcast(pointer, kind.as_pointer()), align=64)

    def store_whole(self, value, pointer):
        """Write a vector from the begin of a cache line on."""
        self.builder.store(value, self.builder.bitcast(pointer, value.type.as_pointer())).align = 64

    def masks(self, count):
        """Of the lanes below a number, for two vectors."""
        return [self.first(count), self.first(self.builder.sub(count, count.type(LANES)))]

    def call_bits(self, what, result, *operands):
        """A call of an LLVM intrinsic for vectors of bits."""
        name = f"llvm.{what}.v{LANES}i32"
        known = self.builder.module.globals.get(name)
        if known is None:
            kind = ir.FunctionType(result, [o.type for o in operands])
            known = ir.Function(self.builder.module, kind, name)
        return self.builder.call(known, operands)

    def size(self, value):
        """The bits of |value|, which are in the order of their sizes."""
        return self.builder.and_(self.builder.bitcast(value, self.bits), self.constant(0x7FFFFFFF))

    def larger(self, x, y):
        return self.call_bits("umax", self.bits, x, y)

    def largest(self, value):
        """The largest lane."""
        return self.call_bits("vector.reduce.umax", ir.IntType(32), value)

    def largest_of(self, sizes):
        """The largest of SQUARE sizes in memory."""
        halves = (self.whole(self.builder.gep(sizes, [ir.IntType(64)(at)])) for at in (0, LANES))
        return self.largest(self.larger(*halves))

    def split(self, value):
        """Three vectors of bits whose lower half is 0; together they are the value times 2**24."""
        builder, parts = self.builder, []
        rest = builder.fmul(value, self.constant(2.0**24))
        for _ in range(2):
            # The first 8 digits, rounded to the nearest, halves away from 0.
            bits = builder.add(builder.bitcast(rest, self.bits), self.constant(0x8000))
            bits = builder.and_(bits, self.constant(0xFFFF0000))
            rest = builder.fsub(rest, builder.bitcast(bits, self.type))
            parts.append(bits)
        return [*parts, builder.bitcast(rest, self.bits)]

    def store_pairs(self, first, second, pointer):
        """Write the parts of two vectors side by side, as lines of three tiles."""
        builder = self.builder
        for k, (low, high) in enumerate(zip(self.split(first), self.split(second), strict=True)):
            low = builder.lshr(low, self.constant(16))
            pair = builder.or_(low, high)
            self.store_whole(pair, builder.gep(pointer, [ir.IntType(64)(k * SQUARE * 64)]))


def write_left(builder, parts, sizes, a, a_row, rows, terms):
    """The parts of at most SQUARE rows of a, whose terms are neighbours; the largest of each goes to `sizes`.

    Rows that are missing repeat the last, and terms that are missing are 0.
    """
    index, splitter = rows.type, Splitter(builder)
    last = builder.sub(rows, index(1))
    with steps(builder, index(0), index(SQUARE), 1) as m:
        source = builder.gep(a, [builder.mul(smaller(builder, m, last), a_row)])
        target = builder.gep(parts, [builder.mul(m, index(64))])  # a line of one tile or of the next
        before = builder.block
        head, after = (builder.append_basic_block(name) for name in ("terms", "row"))
        builder.branch(head)
        builder.position_at_end(head)
        k, step, seen = builder.phi(index), builder.phi(parts.type), builder.phi(splitter.bits)
        place = builder.gep(source, [k])
        masks = splitter.masks(builder.sub(terms, k))
        first, second = (splitter.load(place, v, mask) for v, mask in enumerate(masks))
        splitter.store_pairs(first, second, step)
        most = splitter.larger(seen, splitter.larger(splitter.size(first), splitter.size(second)))
        following = builder.add(k, index(SQUARE))
        begin = index(0), target, splitter.constant(0)
        moved = following, builder.gep(step, [index(STEP_BYTES)]), most
        for phi, value, next_value in zip((k, step, seen), begin, moved, strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(next_value, head)
        builder.cbranch(builder.icmp_signed("<", following, terms), head, after)
        builder.position_at_end(after)
        builder.store(splitter.largest(most), builder.gep(sizes, [m]))


def write_right(builder, parts, sizes, b, b_row, columns, terms):
    """The parts of at most SQUARE columns of b, which are neighbours; the largest of each goes to `sizes`.

    Columns that are missing are 0, and terms that are missing repeat the last: those of a are 0.
    """
    index, splitter = columns.type, Splitter(builder)
    last = builder.sub(terms, index(1))
    masks = splitter.masks(columns)
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("terms", "pairs", "columns"))
    blocks = builder.sdiv(builder.add(terms, index(SQUARE - 1)), index(SQUARE))
    end = builder.mul(blocks, index(LANES))
    builder.branch(head)
    builder.position_at_end(head)
    pair = builder.phi(index)
    seen = [builder.phi(splitter.bits) for _ in masks]
    builder.cbranch(builder.icmp_signed("<", pair, end), body, after)
    builder.position_at_end(body)
    block, line = builder.sdiv(pair, index(LANES)), builder.and_(pair, index(LANES - 1))
    k = builder.add(builder.mul(block, index(SQUARE)), line)
    rows = [smaller(builder, builder.add(k, index(more)), last) for more in (0, LANES)]
    sources = [builder.gep(b, [builder.mul(row, b_row)]) for row in rows]
    step = builder.add(builder.mul(block, index(STEP_BYTES)), builder.mul(line, index(64)))
    most = []
    for v, (mask, before_it) in enumerate(zip(masks, seen, strict=True)):
        first, second = (splitter.load(source, v, mask) for source in sources)
        target = builder.gep(parts, [builder.add(step, index(v * LANES * 64))])
        splitter.store_pairs(first, second, target)
        size = splitter.larger(splitter.size(first), splitter.size(second))
        most.append(splitter.larger(before_it, size))
    pair.add_incoming(index(0), before)
    pair.add_incoming(builder.add(pair, index(1)), body)
    for phi, value in zip(seen, most, strict=True):
        phi.add_incoming(splitter.constant(0), before)
        phi.add_incoming(value, body)
    builder.branch(head)
    builder.position_at_end(after)
    for v, value in enumerate(seen):
        splitter.store_whole(value, builder.gep(sizes, [index(v * LANES)]))


CONSTANTS = ("LANES", "SQUARE", "STEP_BYTES", "SMALL", "LARGEST")
SOURCES: tuple = (Splitter, write_left, write_right)
"""What generated modules carry of this file, in order."""
NAMES = frozenset(CONSTANTS) | {item.__name__ for item in SOURCES}
