"""Products of float32 matrices in the processor's matrix unit, which multiplies bfloat16.

A float32 is the sum of three bfloat16: 24 binary digits are 3 times 8. Of the nine products of such parts the
six largest, added up in float32, are the product but for 2**-26 of it: less than its rounding. The unit has
sixteen times the speed of fused multiply-adds, so that six for one still pay. This is the scheme of Henry,
Tang and Heinecke (Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
Computations, 2019).

The unit takes subnormal numbers for zeros. Numbers are therefore scaled by 2**24 while they are split: the
smallest float32 has normal parts then, and nothing above 2**-149 is lost. Where a row of a or a column of b has
numbers so large that their products would overflow, or inf or nan, its entries are computed by register tiles
instead, so that each entry depends on its own row and column alone, however a product is cut.

Each tile of the unit holds 16 rows of 64 bytes: of c 16 x 16 sums, of a 16 rows of 16 pairs of terms, and
of b 16 pairs of terms of 16 columns. Pairs are terms that are 16 apart, so that two vectors become one of
pairs without any of their lanes changing places.

The source of these functions becomes part of generated modules, like `symbp.codegen.micro`.
"""

from __future__ import annotations

import os
import platform
import sys

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.codegen.panel import turn_panel
from symbp.codegen.registers import Vectors, own_function, smaller, steps
from symbp.codegen.tile import tiles

LANES = 16
"""Numbers of a vector, rows of a tile, and its columns."""

SQUARE = 32
"""Rows and columns of c that are computed at a time, in four tiles; and terms of a step."""

DEEP = 256
"""Terms that are added up in tiles: their parts for SQUARE columns stay in a second-level cache."""

HIGH = 256
"""Rows of a whose parts are kept for all columns of b."""

STEP_BYTES = 3 * SQUARE * SQUARE * 2
"""The parts of SQUARE rows or columns for SQUARE terms."""

SMALL = 2.0**-48
"""What undoes the scaling of both factors."""

LARGEST = (127 + 35) << 23
"""The bits of 2**35: larger numbers have products whose sums may overflow when they are scaled."""


def has_matrix_unit():
    """Whether this processor multiplies tiles of bfloat16, as Linux lets a process that asks for it.

    Who tells Numba to write for another processor gets nothing that is not in all of its kind.
    """
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return False
    if any(name in os.environ for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX")):
        return False
    llvm.initialize_native_asmparser()  # what follows is written as assembly
    features = llvm.get_host_cpu_features()
    return all(features.get(name) for name in ("avx512f", "amx-tile", "amx-bf16"))


MATRIX_UNIT = has_matrix_unit()


def assembly(builder, text, constraints, *operands):
    """Instructions that change memory or the unit."""
    kind = ir.FunctionType(ir.VoidType(), [o.type for o in operands])
    builder.asm(kind, text, ",".join([*constraints, "~{memory}"]), operands, True)


def unit_allowed(module):
    """The function that tells whether this process may use the unit; it asks the system once."""
    flag, word = ir.IntType(1), ir.IntType(64)
    if "unit_allowed" in module.globals:
        return module.globals["unit_allowed"]
    answer = ir.GlobalVariable(module, word, "unit_answer")
    answer.linkage, answer.initializer = "internal", word(0)
    function = ir.Function(module, ir.FunctionType(flag, []), "unit_allowed")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    known = builder.load(answer)
    before = builder.block
    with builder.if_then(builder.icmp_signed("==", known, word(0)), likely=False):
        # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)
        kind = ir.FunctionType(word, [word] * 3)
        ask = "={rax},{rax},{rdi},{rsi},~{rcx},~{r11},~{memory}"
        failed = builder.asm(kind, "syscall", ask, [word(158), word(0x1023), word(18)], True)
        found = builder.select(builder.icmp_signed("==", failed, word(0)), word(1), word(2))
        builder.store(found, answer)
        asked = builder.block
    result = builder.phi(word)
    result.add_incoming(known, before)
    result.add_incoming(found, asked)
    builder.ret(builder.icmp_signed("==", result, word(1)))
    return function


def configure(builder):
    """Make all eight tiles 16 rows of 64 bytes."""
    name, byte = "unit_tiles", ir.IntType(8)
    if name not in builder.module.globals:
        rows, widths = [LANES] * 8 + [0] * 8, [64, 0] * 8 + [0] * 16
        content = bytearray([1] + [0] * 15 + widths + rows)
        constant = ir.GlobalVariable(builder.module, ir.ArrayType(byte, 64), name)
        constant.linkage, constant.global_constant = "internal", True
        constant.initializer = ir.Constant(constant.value_type, content)
    assembly(builder, "ldtilecfg ($0)", ["r"], builder.module.globals[name])


class Splitter:
    """Writes what splits vectors of float32.

    Attributes:
        real, bits: the types of a vector of numbers, and of what they look like in memory.
    """

    def __init__(self, builder):
        self.builder = builder
        self.real, self.bits = (ir.VectorType(t, LANES) for t in (ir.FloatType(), ir.IntType(32)))

    def constant(self, value):
        kind = self.real if isinstance(value, float) else self.bits
        return ir.Constant(kind, [value] * LANES)

    def load(self, pointer, mask):
        """A vector, with zeros where the mask is off."""
        place = self.builder.bitcast(pointer, self.real.as_pointer())
        operands = place, ir.IntType(32)(4), mask, self.constant(0.0)
        return self.call("masked.load.v16f32.p0", self.real, operands)

    def whole(self, pointer):
        """A vector that begins at the begin of a cache line."""
        kind = ir.VectorType(pointer.type.pointee, LANES)
        return self.builder.load(self.builder.bitcast(pointer, kind.as_pointer()), align=64)

    def store(self, value, pointer, mask=None):
        """Write a vector where the mask is on; without one, from the begin of a cache line on."""
        place = self.builder.bitcast(pointer, value.type.as_pointer())
        if mask is None:
            self.builder.store(value, place).align = 64
        else:
            operands = value, place, ir.IntType(32)(4), mask
            self.call("masked.store.v16f32.p0", ir.VoidType(), operands)

    def spread(self, value):
        """A vector with one value in all lanes."""
        kind = ir.VectorType(value.type, LANES)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
        return self.builder.shuffle_vector(first, first, self.constant(0))

    def masks(self, count):
        """Of the lanes below a number, for two vectors."""
        whole = self.spread(self.builder.trunc(count, ir.IntType(32)))
        lanes = (ir.Constant(self.bits, [first + k for k in range(LANES)]) for first in (0, LANES))
        return [self.builder.icmp_signed("<", lane, whole) for lane in lanes]

    def call(self, name, result, operands):
        known = self.builder.module.globals.get(f"llvm.{name}")
        if known is None:
            kind = ir.FunctionType(result, [o.type for o in operands])
            known = ir.Function(self.builder.module, kind, f"llvm.{name}")
        return self.builder.call(known, operands)

    def size(self, value):
        """The bits of |value|, which are in the order of their sizes."""
        return self.builder.and_(self.builder.bitcast(value, self.bits), self.constant(0x7FFFFFFF))

    def larger(self, x, y):
        return self.call("umax.v16i32", self.bits, (x, y))

    def largest(self, value):
        """The largest lane."""
        return self.call("vector.reduce.umax.v16i32", ir.IntType(32), (value,))

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
            rest = builder.fsub(rest, builder.bitcast(bits, self.real))
            parts.append(bits)
        return [*parts, builder.bitcast(rest, self.bits)]

    def store_pairs(self, first, second, pointer, apart):
        """Write the parts of two vectors side by side, those of each kind so many bytes apart."""
        builder = self.builder
        for k, (low, high) in enumerate(zip(self.split(first), self.split(second), strict=True)):
            low = builder.lshr(low, self.constant(16))
            pair = builder.or_(low, high)
            self.store(pair, builder.gep(pointer, [ir.IntType(64)(k * apart)]))


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
        first = splitter.load(place, masks[0])
        second = splitter.load(builder.gep(place, [index(LANES)]), masks[1])
        splitter.store_pairs(first, second, step, SQUARE * 64)
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
        first, second = (splitter.load(builder.gep(source, [index(v * LANES)]), mask) for source in sources)
        target = builder.gep(parts, [builder.add(step, index(v * LANES * 64))])
        splitter.store_pairs(first, second, target, SQUARE * 64)
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
        splitter.store(value, builder.gep(sizes, [index(v * LANES)]))


def square_step():
    """Instructions that add the products of SQUARE terms to four tiles of c; small products come first.

    Of the operands $0 is where the parts of a are, $1 where those of b are, and $2 how many bytes lines are apart.
    """
    lines = []
    held = [-1, -1]
    for pair in ((0, 2), (0, 1), (0, 0), (1, 0), (1, 1), (2, 0)):
        for side, part in enumerate(pair):
            if held[side] != part:
                held[side] = part
                for half in (0, 1):
                    at = (2 * part + half) * LANES * 64
                    lines.append(f"tileloadd {at}(${side},$2,1), %tmm{4 + 2 * side + half}")
        lines += [f"tdpbf16ps %tmm{6 + n}, %tmm{4 + m}, %tmm{2 * m + n}" for m in (0, 1) for n in (0, 1)]
    return "\n".join(lines)


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
    store = [
        f"tilestored %tmm{2 * m + n}, {(m * SQUARE + n) * LANES * 4}($0,$1,1)" for m in (0, 1) for n in (0, 1)
    ]
    assembly(builder, "\n".join(store), ["r", "r"], sums, index(SQUARE * 4))


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
                    at = [index(v * LANES)]
                    value = builder.fmul(splitter.whole(builder.gep(line, at)), unit)
                    entry = builder.gep(target, at)
                    if is_first:
                        value = builder.fmul(value, scale)
                    else:
                        operands = value, scale, splitter.load(entry, mask)
                        value = splitter.call("fma.v16f32", splitter.real, operands)
                    splitter.store(value, entry, mask)


def mending(module):
    """The LLVM function that puts what register tiles compute in place of sums that the unit cannot compute."""
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
            splitter.store(builder.select(is_large, splitter.whole(builder.gep(room, [at])), scaled), entry)
    builder.ret_void()
    return function


def unit_multiplication(module):
    """The LLVM function that multiplies matrices in the unit; written once per module.

    Its arguments are those of `symbp.codegen.micro.multiply`, and whether rows of b run along the sum.
    """
    real, index, flag, byte, word = (
        ir.FloatType(),
        ir.IntType(64),
        ir.IntType(1),
        ir.IntType(8),
        ir.IntType(32),
    )
    entry = real.as_pointer()
    kinds = [entry, index, entry, index, index, entry, index, index, index, index, flag, real, flag]
    function, new = own_function(module, "multiply_in_unit", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    splitter, vectors = Splitter(builder), Vectors(builder, real)
    c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh, scale, turned = function.args
    group_bytes = DEEP // SQUARE * STEP_BYTES
    rooms = (
        (byte, HIGH // SQUARE * group_bytes),
        (byte, group_bytes),
        (real, DEEP * SQUARE),
        (real, SQUARE**2),
    )
    left_parts, right_parts, room, sums = (aligned_room(builder, *r) for r in rooms)
    row_sizes, column_sizes = (aligned_room(builder, word, count) for count in (HIGH, SQUARE))
    configure(builder)
    is_plain = builder.icmp_signed("==", a_step, index(1))
    with steps(builder, index(0), depth, DEEP) as k:
        terms = smaller(builder, index(DEEP), builder.sub(depth, k))
        blocks = builder.sdiv(builder.add(terms, index(SQUARE - 1)), index(SQUARE))
        new = builder.and_(fresh, builder.icmp_signed("==", k, index(0)))
        with steps(builder, index(0), rows, HIGH) as m:
            high = smaller(builder, index(HIGH), builder.sub(rows, m))
            with steps(builder, index(0), high, SQUARE) as g:
                some = smaller(builder, index(SQUARE), builder.sub(high, g))
                at = builder.mul(builder.add(m, g), a_row)
                start = builder.gep(a, [builder.add(at, builder.mul(k, a_step))])
                with builder.if_then(builder.not_(is_plain)):
                    turn_panel(vectors, room, index(DEEP), start, a_step, terms, some)
                parts = builder.gep(left_parts, [builder.mul(g, index(group_bytes // SQUARE))])
                start, row = (
                    builder.select(is_plain, start, room),
                    builder.select(is_plain, a_row, index(DEEP)),
                )
                write_left(builder, parts, builder.gep(row_sizes, [g]), start, row, some, terms)
            with steps(builder, index(0), columns, SQUARE) as n:
                wide = smaller(builder, index(SQUARE), builder.sub(columns, n))
                across, along = builder.select(turned, n, k), builder.select(turned, k, n)
                panel = builder.gep(b, [builder.add(builder.mul(across, b_row), along)])
                with builder.if_then(turned):
                    turn_panel(vectors, room, index(SQUARE), panel, b_row, wide, terms)
                panel = builder.select(turned, room, panel)
                panel_row = builder.select(turned, index(SQUARE), b_row)
                write_right(builder, right_parts, column_sizes, panel, panel_row, wide, terms)
                masks = splitter.masks(wide)
                widest = splitter.largest_of(column_sizes)
                with steps(builder, index(0), high, SQUARE) as g:
                    some = smaller(builder, index(SQUARE), builder.sub(high, g))
                    parts = builder.gep(left_parts, [builder.mul(g, index(group_bytes // SQUARE))])
                    write_square(builder, sums, parts, right_parts, blocks)
                    own_sizes = builder.gep(row_sizes, [g])
                    most = splitter.largest_of(own_sizes)
                    most = builder.select(builder.icmp_unsigned(">", most, widest), most, widest)
                    is_large = builder.icmp_unsigned(">", most, word(LARGEST))
                    row = builder.add(m, g)
                    with builder.if_then(is_large, likely=False):
                        start = builder.add(builder.mul(row, a_row), builder.mul(k, a_step))
                        operands = sums, own_sizes, column_sizes, builder.gep(a, [start]), a_row, a_step
                        operands = *operands, panel, panel_row, some, wide, terms
                        builder.call(mending(module), operands)
                    unit = builder.select(is_large, real(1.0), real(SMALL))
                    target = builder.gep(c, [builder.add(builder.mul(row, c_row), n)])
                    write_sums(builder, target, c_row, sums, some, masks, unit, scale, new)
    assembly(builder, "tilerelease", [])
    builder.ret_void()
    return function


def aligned_room(builder, kind, count):
    """So many numbers of a type, from the begin of a cache line on."""
    room = builder.alloca(kind, ir.IntType(64)(count))
    room.align = 64
    return room


CONSTANTS = ("LANES", "SQUARE", "DEEP", "HIGH", "STEP_BYTES", "SMALL", "LARGEST")
SOURCES = (
    *(assembly, unit_allowed, configure, Splitter, write_left, write_right, square_step, write_square),
    *(write_sums, mending, aligned_room, unit_multiplication),
)
"""What generated modules carry of this file, in order."""

NAMES = frozenset(CONSTANTS) | {item.__name__ for item in SOURCES} | {"has_matrix_unit", "MATRIX_UNIT"}
