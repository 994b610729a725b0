"""Micro-kernels: register tiles of a matrix product, and the loops around them, as LLVM instructions.

The source of these functions becomes part of generated modules, so they use nothing but what those
import. A tile holds a few rows and two vectors of c in registers and adds up

    c[m, n] += a[m, k] * b[k, n]

over k: two vectors of b are loaded, each entry of a is spread over a vector and multiplied with
both. Panels of b that serve many rows are copied first, since rows a power of two apart evict each
other from the cache. a may have its axes in any order. This is the inner part of the algorithm of
Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008).

Where the rows of b run along the sum, panels are copied with their axes exchanged. That pays only
for some rows of a; for few of them vectors of both run along the sum, as in the product of a matrix
and a vector.

Written with the builder, not as Python loops: those would be compiled again for every caller.
"""

from __future__ import annotations

from contextlib import contextmanager

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

DEPTH = 256
"""Terms that are added up in registers: so many rows of two vectors of b fill a first-level cache."""

MANY = 4
"""Tiles of rows from which on a panel of b is copied."""

DOTS = 8
"""Sums that are computed side by side where vectors run along them."""


def vector_registers():
    """(bytes of a vector register, number of registers) of this machine."""
    llvm.initialize_native_target()
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx"):
        return 32, 16
    if "aarch64" in llvm.get_process_triple():
        return 16, 32
    return 16, 16


VECTOR_BYTES, REGISTERS = vector_registers()
ROWS = 8 if REGISTERS == 32 else 6


def own_function(module, what, real, kinds):
    """A function of the module without result, and whether it is new and has to be written."""
    name = f"{what}_{'f32' if isinstance(real, ir.FloatType) else 'f64'}"
    if name in module.globals:
        return module.globals[name], False
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return function, True


class Vectors:
    """Writes operations on vectors of one type.

    Attributes:
        real: the type of an entry.
        bytes: its size.
        lanes: the entries of a vector.
    """

    def __init__(self, builder, real):
        self.builder, self.real = builder, real
        self.bytes = 4 if isinstance(real, ir.FloatType) else 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.type = ir.VectorType(real, self.lanes)
        self.zero = ir.Constant(self.type, [0.0] * self.lanes)

    def spread(self, value):
        """A vector with one value in all lanes."""
        undefined = ir.Constant(ir.VectorType(value.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def first(self, count):
        """The mask of the first `count` lanes."""
        numbers = ir.Constant(ir.VectorType(count.type, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.spread(count))

    def place(self, pointer, v):
        """Where vector number v begins."""
        pointer = self.builder.gep(pointer, [ir.Constant(ir.IntType(64), v * self.lanes)])
        return self.builder.bitcast(pointer, self.type.as_pointer())

    def load(self, pointer, v, mask=None):
        """Vector number v, with zeros where a mask is off."""
        if mask is not None:
            align = ir.Constant(ir.IntType(32), self.bytes)
            return self.call("masked.load", ".p0", self.type, self.place(pointer, v), align, mask, self.zero)
        result = self.builder.load(self.place(pointer, v))
        result.align = self.bytes
        return result

    def store(self, value, pointer, v, mask=None):
        """Write vector number v, where a mask is on."""
        if mask is not None:
            align = ir.Constant(ir.IntType(32), self.bytes)
            self.call("masked.store", ".p0", ir.VoidType(), value, self.place(pointer, v), align, mask)
        else:
            self.builder.store(value, self.place(pointer, v)).align = self.bytes

    def fma(self, x, y, z):
        return self.call("fma", "", self.type, x, y, z)

    def total(self, value):
        """The sum of all lanes."""
        zero = ir.Constant(self.real, -0.0)
        return self.call("vector.reduce.fadd", "", self.real, zero, value, flags=("reassoc",))

    def call(self, what, suffix, result, *operands, flags=()):
        """A call of an LLVM intrinsic."""
        name = f"llvm.{what}.v{self.lanes}f{8 * self.bytes}{suffix}"
        function = self.builder.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [o.type for o in operands])
            function = ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, operands, fastmath=flags)


def tiles(module, real):
    """The LLVM function that multiplies with one panel of b; written once per module."""
    entry, index, flag = ir.PointerType(real), ir.IntType(64), ir.IntType(1)
    kinds = [entry, index, entry, index, index, entry, index, index, index, index, flag]
    function, new = own_function(module, "tiles", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh = function.args
    done = index(0)
    for height in (ROWS, 2, 1):
        end = builder.sub(rows, builder.srem(rows, index(height)))
        with steps(builder, done, end, height) as m:
            left, target = (builder.gep(p, [builder.mul(m, row)]) for p, row in ((a, a_row), (c, c_row)))
            tile = target, c_row, left, a_row, a_step, b, b_row, columns, depth, fresh
            write_tile(Vectors(builder, real), height, *tile)
        done = end
    builder.ret_void()
    return function


def write_tile(vectors, height, c, c_row, a, a_row, a_step, b, b_step, columns, depth, fresh):
    """`height` rows of c: two whole vectors, or one whole and one part, or a part of one."""
    builder = vectors.builder
    after = builder.append_basic_block("after")
    for width, part in ((2, False), (2, True), (1, False), (1, True)):
        least = vectors.lanes * (width - part) + part
        here, narrower = (builder.append_basic_block(name) for name in ("tile", "narrower"))
        builder.cbranch(builder.icmp_signed(">=", columns, columns.type(least)), here, narrower)
        builder.position_at_end(here)
        mask = (
            vectors.first(builder.sub(columns, columns.type(vectors.lanes * (width - 1)))) if part else None
        )
        masks = [None] * (width - 1) + [mask]
        write_sum(vectors, height, masks, c, c_row, a, a_row, a_step, b, b_step, depth, fresh)
        builder.branch(after)
        builder.position_at_end(narrower)
    builder.branch(after)
    builder.position_at_end(after)


def write_sum(vectors, height, masks, c, c_row, a, a_row, a_step, b, b_step, depth, fresh):
    """The sum over k in registers, then its result into c; a mask, or None, per vector."""
    builder, index, before = vectors.builder, depth.type, vectors.builder.block
    starts = [builder.gep(a, [builder.mul(a_row, index(r))]) for r in range(height)]
    body, after = builder.append_basic_block("sum"), builder.append_basic_block("store")
    builder.branch(body)
    builder.position_at_end(body)
    k, a_at, b_at = (builder.phi(index) for _ in range(3))
    sums = [[builder.phi(vectors.type) for _ in masks] for _ in range(height)]
    for phi in (k, a_at, b_at):
        phi.add_incoming(index(0), before)
    for phi in (s for line in sums for s in line):
        phi.add_incoming(vectors.zero, before)
    right = builder.gep(b, [b_at])
    row = [vectors.load(right, v, mask) for v, mask in enumerate(masks)]
    entries = [vectors.spread(builder.load(builder.gep(start, [a_at]))) for start in starts]
    new = [
        [vectors.fma(x, y, s) for y, s in zip(row, line, strict=True)]
        for x, line in zip(entries, sums, strict=True)
    ]
    following = builder.add(k, index(1))
    for phi, value in ((k, following), (a_at, builder.add(a_at, a_step)), (b_at, builder.add(b_at, b_step))):
        phi.add_incoming(value, body)
    for line, values in zip(sums, new, strict=True):
        for phi, value in zip(line, values, strict=True):
            phi.add_incoming(value, body)
    builder.cbranch(builder.icmp_signed("<", following, depth), body, after)
    builder.position_at_end(after)
    for r, line in enumerate(new):
        target = builder.gep(c, [builder.mul(c_row, index(r))])
        for v, (value, mask) in enumerate(zip(line, masks, strict=True)):
            # Where c is fresh it may hold anything, also nan: it is not added, even times 0.
            old = vectors.load(target, v, mask)
            vectors.store(builder.select(fresh, value, builder.fadd(old, value)), target, v, mask)


@contextmanager
def steps(builder, start, stop, step):
    """A loop from `start` below `stop`."""
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.phi(start.type)
    at.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", at, stop), body, after)
    builder.position_at_end(body)
    yield at
    at.add_incoming(builder.add(at, start.type(step)), builder.block)
    builder.branch(head)
    builder.position_at_end(after)


def smaller(builder, x, y):
    """The smaller of two integers."""
    return builder.select(builder.icmp_signed("<", x, y), x, y)


def write_dots(vectors, count, c, a, b, b_row, depth, fresh):
    """`count` entries of a row of c; row n of b belongs to the n-th."""
    builder, index, lanes, before = vectors.builder, depth.type, vectors.lanes, vectors.builder.block
    starts = [builder.gep(b, [builder.mul(b_row, index(r))]) for r in range(count)]
    head, body, after = (builder.append_basic_block(name) for name in ("dots", "terms", "rest"))
    builder.branch(head)
    builder.position_at_end(head)
    k = builder.phi(index)
    sums = [builder.phi(vectors.type) for _ in starts]
    for phi, value in zip([k, *sums], [index(0)] + [vectors.zero] * count, strict=True):
        phi.add_incoming(value, before)
    following = builder.add(k, index(lanes))
    builder.cbranch(builder.icmp_signed("<=", following, depth), body, after)

    def added(mask):
        left = vectors.load(builder.gep(a, [k]), 0, mask)
        rows = [vectors.load(builder.gep(start, [k]), 0, mask) for start in starts]
        return [vectors.fma(left, row, total) for row, total in zip(rows, sums, strict=True)]

    builder.position_at_end(body)
    for phi, value in zip([k, *sums], [following, *added(None)], strict=True):
        phi.add_incoming(value, body)
    builder.branch(head)
    builder.position_at_end(after)
    for r, value in enumerate(added(vectors.first(builder.sub(depth, k)))):
        target, total = builder.gep(c, [index(r)]), vectors.total(value)
        builder.store(builder.select(fresh, total, builder.fadd(builder.load(target), total)), target)


def write_all_dots(vectors, c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh):
    """The product by sums along vectors, where a_step is 1; a few rows of b serve all of a."""
    builder, index = vectors.builder, rows.type
    done = index(0)
    for count in (DOTS, 1):
        end = builder.sub(columns, builder.srem(columns, index(count)))
        with steps(builder, done, end, count) as n, steps(builder, index(0), rows, 1) as m:
            target = builder.gep(c, [builder.add(builder.mul(m, c_row), n)])
            left, right = builder.gep(a, [builder.mul(m, a_row)]), builder.gep(b, [builder.mul(n, b_row)])
            write_dots(vectors, count, target, left, right, b_row, depth, fresh)
        done = end


def copy_panel(vectors, room, panel, b_row, columns, terms):
    """Two vectors of each of so many rows of b, one after the other."""
    builder, index, lanes = vectors.builder, terms.type, vectors.lanes
    masks = [vectors.first(builder.sub(columns, index(v * lanes))) for v in range(2)]
    with steps(builder, index(0), terms, 1) as row:
        source = builder.gep(panel, [builder.mul(row, b_row)])
        target = builder.gep(room, [builder.mul(row, index(2 * lanes))])
        for v, mask in enumerate(masks):
            vectors.store(vectors.load(source, v, mask), target, v)


def turn_panel(vectors, room, panel, b_row, columns, terms):
    """The same where the rows of b run along the sum. Rows beyond the last repeat it; none uses them."""
    builder, index, lanes = vectors.builder, terms.type, vectors.lanes
    last = builder.sub(columns, index(1))
    with steps(builder, index(0), columns, lanes) as n, steps(builder, index(0), terms, lanes) as k:
        mask = vectors.first(builder.sub(terms, k))
        block = []
        for r in range(lanes):
            row = builder.mul(smaller(builder, builder.add(n, index(r)), last), b_row)
            block.append(vectors.load(builder.gep(panel, [builder.add(row, k)]), 0, mask))
        for r, line in enumerate(exchanged(builder, block, lanes)):
            row = builder.mul(builder.add(k, index(r)), index(2 * lanes))
            vectors.store(line, builder.gep(room, [builder.add(row, n)]), 0)


def exchanged(builder, block, lanes):
    """A square of vectors with its axes exchanged: quarters beside the diagonal swap, in each size."""
    block, distance = list(block), 1
    while distance < lanes:
        upper = [n if not n & distance else lanes + n - distance for n in range(lanes)]
        lower = [n + distance if not n & distance else lanes + n for n in range(lanes)]
        for r in (r for r in range(lanes) if not r & distance):
            pair = block[r], block[r + distance]
            for at, order in ((r, upper), (r + distance, lower)):
                mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), order)
                block[at] = builder.shuffle_vector(*pair, mask)
        distance *= 2
    return block


def write_panels(vectors, turned, c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh):
    """The product in tiles: some terms of two vectors of columns at a time, for all rows."""
    builder, index, wide = vectors.builder, rows.type, 2 * vectors.lanes
    with builder.goto_entry_block():
        room = builder.alloca(vectors.real, index(DEPTH * wide))
        room.align = VECTOR_BYTES
    many = builder.icmp_signed(">=", rows, index(1 if turned else MANY * ROWS))
    right_row = builder.select(many, index(wide), b_row)
    with steps(builder, index(0), depth, DEPTH) as k:
        terms = smaller(builder, index(DEPTH), builder.sub(depth, k))
        new = builder.and_(fresh, builder.icmp_signed("==", k, index(0)))
        with steps(builder, index(0), columns, wide) as n:
            most = smaller(builder, index(wide), builder.sub(columns, n))
            across, along = (n, k) if turned else (k, n)
            panel = builder.gep(b, [builder.add(builder.mul(across, b_row), along)])
            with builder.if_then(many):
                (turn_panel if turned else copy_panel)(vectors, room, panel, b_row, most, terms)
            right = builder.select(many, room, panel)
            left = builder.gep(a, [builder.mul(k, a_step)])
            target = builder.gep(c, [n])
            operands = target, c_row, left, a_row, a_step, right, right_row, rows, most, terms, new
            builder.call(tiles(builder.module, vectors.real), operands)


def multiplication(module, real, turned):
    """The LLVM function that multiplies matrices of one type; written once per module."""
    entry, index, flag = ir.PointerType(real), ir.IntType(64), ir.IntType(1)
    kinds = [entry, index, entry, index, index, entry, index, index, index, index, flag, flag]
    function, new = own_function(module, "multiply_turned" if turned else "multiply", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    vectors = Vectors(builder, real)
    *operands, few = function.args
    if turned:
        with builder.if_else(few) as (dots, panels):
            with dots:
                write_all_dots(vectors, *operands)
            with panels:
                write_panels(vectors, turned, *operands)
    else:
        write_panels(vectors, turned, *operands)
    builder.ret_void()
    return function


def lower_product(context, builder, sig, args, turned):
    """The call of that function for arrays, of which it takes the data from some offset on."""
    whole = (context.make_array(sig.args[k])(context, builder, args[k]).data for k in (0, 3, 7))
    c, a, b = (builder.gep(d, [at]) for d, at in zip(whole, (args[1], args[4], args[8]), strict=True))
    function = multiplication(builder.module, context.get_value_type(sig.args[0].dtype), turned)
    builder.call(function, [c, args[2], a, *args[5:7], b, *args[9:]])
    return context.get_dummy_value()


@intrinsic
def multiply(typingctx, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_row, rows, columns, depth, fresh):
    """c[m, n] += sum over k of a[m, k] * b[k, n], or = where `fresh`.

    The entry c[m, n] is c[c_at + m*c_row + n], a[m, k] is a[a_at + m*a_row + k*a_step], and b[k, n] is
    b[b_at + k*b_row + n].
    """
    n, flag = types.intp, types.boolean

    def lower(context, builder, sig, args):
        return lower_product(context, builder, sig, [*args, ir.Constant(ir.IntType(1), 0)], False)

    return types.void(c, n, n, a, n, n, n, b, n, n, n, n, n, flag), lower


@intrinsic
def multiply_turned(
    typingctx, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_row, rows, columns, depth, fresh, few
):
    """c[m, n] += sum over k of a[m, k] * b[n, k], or = where `fresh`; b[n, k] is b[b_at + n*b_row + k].

    `few` tells that there are too few rows for copies of b to pay; a_step must be 1 then.
    """
    n, flag = types.intp, types.boolean

    def lower(context, builder, sig, args):
        return lower_product(context, builder, sig, args, True)

    return types.void(c, n, n, a, n, n, n, b, n, n, n, n, n, flag, flag), lower
