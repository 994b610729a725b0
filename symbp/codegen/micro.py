"""Micro-kernels: register tiles of a matrix product, and the loops around them, as LLVM instructions.

The source of these functions becomes part of generated modules, so they use nothing but what those
import. A tile holds a few rows and two vectors of c in registers and adds up

    c[m, n] += a[m, k] * b[k, n]

over k: two vectors of b are loaded, each entry of a is spread over a vector and multiplied with
both. b has contiguous rows; panels of it that serve many rows are copied first, since rows a power
of two apart evict each other from the cache. a may have its axes in any order. This is the inner
part of the algorithm of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication,
2008).

Written with the builder and not as Python loops: those would be compiled, optimised and inlined
again for every function that multiplies.
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

    def call(self, what, suffix, result, *operands):
        """A call of an LLVM intrinsic."""
        name = f"llvm.{what}.v{self.lanes}f{8 * self.bytes}{suffix}"
        function = self.builder.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [o.type for o in operands])
            function = ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, operands)


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


def multiplication(module, real):
    """The LLVM function that multiplies matrices of one type; written once per module."""
    name = f"multiply_{'f32' if isinstance(real, ir.FloatType) else 'f64'}"
    if name in module.globals:
        return module.globals[name]
    entry, index = ir.PointerType(real), ir.IntType(64)
    kinds = [entry, index, entry, index, index, entry, index, index, index, index, ir.IntType(1)]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    vectors = Vectors(builder, real)
    c, c_row, a, a_row, a_step, b, b_step, rows, columns, depth, fresh = function.args
    wide = 2 * vectors.lanes
    room = builder.alloca(real, index(DEPTH * wide))
    room.align = VECTOR_BYTES
    many = builder.icmp_signed(">=", rows, index(MANY * ROWS))
    right_step = builder.select(many, index(wide), b_step)
    with steps(builder, index(0), depth, DEPTH) as k:
        terms = smaller(builder, index(DEPTH), builder.sub(depth, k))
        new = builder.and_(fresh, builder.icmp_signed("==", k, index(0)))
        with steps(builder, index(0), columns, wide) as n:
            most = smaller(builder, index(wide), builder.sub(columns, n))
            panel = builder.gep(b, [builder.add(builder.mul(k, b_step), n)])
            with builder.if_then(many):
                masks = [vectors.first(builder.sub(most, index(v * vectors.lanes))) for v in range(2)]
                with steps(builder, index(0), terms, 1) as row:
                    source = builder.gep(panel, [builder.mul(row, b_step)])
                    target = builder.gep(room, [builder.mul(row, index(wide))])
                    for v, mask in enumerate(masks):
                        vectors.store(vectors.load(source, v, mask), target, v)
            right = builder.select(many, room, panel)
            done = index(0)
            for height in (ROWS, 2, 1):
                end = builder.sub(rows, builder.srem(rows, index(height)))
                with steps(builder, done, end, height) as m:
                    left = builder.gep(a, [builder.add(builder.mul(m, a_row), builder.mul(k, a_step))])
                    target = builder.gep(c, [builder.add(builder.mul(m, c_row), n)])
                    write_tile(
                        vectors,
                        height,
                        target,
                        c_row,
                        left,
                        a_row,
                        a_step,
                        right,
                        right_step,
                        most,
                        terms,
                        new,
                    )
                done = end
    builder.ret_void()
    return function


def transposition(module, real):
    """The LLVM function that copies some rows of a matrix into columns; written once per module."""
    name = f"transpose_{'f32' if isinstance(real, ir.FloatType) else 'f64'}"
    if name in module.globals:
        return module.globals[name]
    entry, index = ir.PointerType(real), ir.IntType(64)
    kinds = [entry, index, entry, index, index, index]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    vectors = Vectors(builder, real)
    lanes = vectors.lanes
    c, c_row, a, a_row, rows, columns = function.args
    whole_rows, whole_columns = (builder.sub(n, builder.srem(n, index(lanes))) for n in (rows, columns))

    def place(pointer, i, step, j):
        return builder.gep(pointer, [builder.add(builder.mul(i, step), j)])

    columns_of_blocks = steps(builder, index(0), whole_columns, lanes)
    with columns_of_blocks as j, steps(builder, index(0), whole_rows, lanes) as i:
        block = [vectors.load(place(a, builder.add(i, index(r)), a_row, j), 0) for r in range(lanes)]
        for r, line in enumerate(exchanged(builder, block, lanes)):
            vectors.store(line, place(c, builder.add(j, index(r)), c_row, i), 0)
    for starts in ((whole_rows, index(0)), (index(0), whole_columns)):
        with steps(builder, starts[0], rows, 1) as i, steps(builder, starts[1], columns, 1) as j:
            builder.store(builder.load(place(a, i, a_row, j)), place(c, j, c_row, i))
    builder.ret_void()
    return function


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


@intrinsic
def transpose(typingctx, c, c_at, c_row, a, a_at, a_row, rows, columns):
    """c[n, m] = a[m, n] for so many rows m and columns n of a; rows of both are contiguous.

    The entry c[n, m] is c[c_at + n*c_row + m], and a[m, n] is a[a_at + m*a_row + n].
    """
    n = types.intp
    sig = types.void(c, n, n, a, n, n, n, n)

    def lower(context, builder, sig, args):
        c, a = (context.make_array(sig.args[k])(context, builder, args[k]).data for k in (0, 3))
        c, a = builder.gep(c, [args[1]]), builder.gep(a, [args[4]])
        function = transposition(builder.module, context.get_value_type(sig.args[0].dtype))
        builder.call(function, [c, args[2], a, *args[5:]])
        return context.get_dummy_value()

    return sig, lower


@intrinsic
def multiply(typingctx, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, rows, columns, depth, fresh):
    """c[m, n] += sum over k of a[m, k] * b[k, n], or = where `fresh`.

    The entry c[m, n] is c[c_at + m*c_row + n], a[m, k] is a[a_at + m*a_row + k*a_step], and b[k, n] is
    b[b_at + k*b_step + n].
    """
    n = types.intp
    sig = types.void(c, n, n, a, n, n, n, b, n, n, n, n, n, types.boolean)

    def lower(context, builder, sig, args):
        whole = (context.make_array(sig.args[k])(context, builder, args[k]).data for k in (0, 3, 7))
        c, a, b = (builder.gep(d, [at]) for d, at in zip(whole, (args[1], args[4], args[8]), strict=True))
        function = multiplication(builder.module, context.get_value_type(sig.args[0].dtype))
        builder.call(function, [c, args[2], a, args[5], args[6], b, *args[9:]])
        return context.get_dummy_value()

    return sig, lower
