"""Micro-kernels: a matrix product in register tiles, and the loops around them.

The source of these functions becomes part of generated modules, so they use nothing but what those
import. Panels of b that serve many rows are copied first, since rows a power of two apart evict each
other from the cache. a may have its axes in any order.

Where the rows of b run along the sum, panels are copied with their axes exchanged. That pays only
for some rows of a; for few of them vectors of both run along the sum, as in the product of a matrix
and a vector. Where there are few columns, as in the gradient of a layer with few inputs, vectors run
along the rows.

Written with the builder, not as Python loops: those would be compiled again for every caller.
"""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.matrix_unit import MATRIX_UNIT, unit_allowed
from symbp.codegen.panel import copy_panel, turn_panel
from symbp.codegen.registers import VECTOR_BYTES, Vectors, own_function, smaller, steps
from symbp.codegen.tile import WIDTH, tiles
from symbp.codegen.unit_product import LEFT_BYTES, unit_multiplication
from symbp.machine.vocabulary import intrinsic, types

PANEL_BYTES = 32 * 1024
"""Of a panel of b: most of a first-level cache."""

DEPTH = PANEL_BYTES // (WIDTH * VECTOR_BYTES)
"""Rows of a panel of full width: terms that are added up in registers; twice as many at half the width."""

MANY = 24
"""Rows from which on a panel of b is copied."""

CACHE_LINE = 64
"""Bytes."""

SLIM = 64
"""Rows that are computed at a time where vectors run along them, since there are few columns."""

DOTS = 8
"""Sums that are computed side by side where vectors run along them."""


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


def write_panels(vectors, turned, c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh, scale):
    """The product in tiles: some terms of a few vectors of columns at a time, for all rows."""
    builder, index, wide = vectors.builder, rows.type, WIDTH * vectors.lanes
    with builder.goto_entry_block():
        room = builder.alloca(vectors.real, index(DEPTH * wide))
        room.align = VECTOR_BYTES
    many = builder.icmp_signed(">=", rows, index(1 if turned else MANY))
    narrow = builder.icmp_signed("<=", columns, index(wide // 2))
    most_terms = builder.select(narrow, index(2 * DEPTH), index(DEPTH))
    with steps(builder, index(0), depth, most_terms) as k:
        terms = smaller(builder, most_terms, builder.sub(depth, k))
        new = builder.and_(fresh, builder.icmp_signed("==", k, index(0)))
        with steps(builder, index(0), columns, wide) as n:
            most = smaller(builder, index(wide), builder.sub(columns, n))
            across, along = (n, k) if turned else (k, n)
            panel = builder.gep(b, [builder.add(builder.mul(across, b_row), along)])
            # As narrow as it may be: rows far apart share few lines of a first-level cache.
            width = builder.add(most, index(vectors.lanes - 1))
            width = builder.sub(width, builder.srem(width, index(vectors.lanes)))
            with builder.if_then(many):
                (turn_panel if turned else copy_panel)(vectors, room, width, panel, b_row, most, terms)
            right, right_row = builder.select(many, room, panel), builder.select(many, width, b_row)
            left = builder.gep(a, [builder.mul(k, a_step)])
            target = builder.gep(c, [n])
            operands = target, c_row, left, a_row, a_step, right, right_row, rows, most, terms, new, scale
            builder.call(tiles(builder.module, vectors.real), operands)


def write_slim(vectors, c, c_row, a, a_step, b, b_row, rows, columns, depth, fresh, scale):
    """The product where columns are fewer than half a vector and a row is 1 apart from the next in a.

    Rows and columns change places, so that vectors run along the rows; what comes out, a few rows at a time,
    is put where it belongs.
    """
    builder, index = vectors.builder, rows.type
    with builder.goto_entry_block():
        room = builder.alloca(vectors.real, index(SLIM * vectors.lanes // 2))
        room.align = VECTOR_BYTES
    with steps(builder, index(0), depth, 2 * DEPTH) as k:
        terms = smaller(builder, index(2 * DEPTH), builder.sub(depth, k))
        first = builder.and_(fresh, builder.icmp_signed("==", k, index(0)))
        left = builder.gep(b, [builder.mul(k, b_row)])
        with steps(builder, index(0), rows, SLIM) as m:
            many = smaller(builder, index(SLIM), builder.sub(rows, m))
            right = builder.gep(a, [builder.add(builder.mul(k, a_step), m)])
            operands = left, index(1), b_row, right, a_step, columns, many, terms, ir.IntType(1)(1), scale
            builder.call(tiles(builder.module, vectors.real), (room, index(SLIM), *operands))
            with builder.if_else(first) as (new, further):
                for place, is_new in ((new, True), (further, False)):
                    with place, steps(builder, index(0), many, 1) as r:
                        source = builder.gep(room, [r])
                        target = builder.gep(c, [builder.mul(builder.add(m, r), c_row)])
                        with steps(builder, index(0), columns, 1) as n:
                            value = builder.load(builder.gep(source, [builder.mul(n, index(SLIM))]))
                            entry = builder.gep(target, [n])
                            if not is_new:
                                value = builder.fadd(builder.load(entry), value)
                            builder.store(value, entry)


def multiplication(module, real, turned):
    """The LLVM function that multiplies matrices of one type; written once per module.

    Its last argument is `few` where rows of b run along the sum, else `scale`.
    """
    entry, index, flag = ir.PointerType(real), ir.IntType(64), ir.IntType(1)
    kinds = [entry, index, entry, index, index, entry, index, index, index, index, flag]
    kinds.append(flag if turned else real)
    function, new = own_function(module, "multiply_turned" if turned else "multiply", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    vectors = Vectors(builder, real)
    *operands, last = function.args
    if turned:
        with builder.if_else(last) as (dots, panels):
            with dots:
                write_all_dots(vectors, *operands)
            with panels:
                write_panels(vectors, turned, *[*operands, real(1.0)])
    else:
        c, c_row, a, a_row, *others = operands
        half = builder.icmp_signed("<=", operands[8], c_row.type(vectors.lanes // 2))
        slim = builder.and_(half, builder.icmp_signed("==", a_row, index(1)))
        with builder.if_else(slim) as (along_rows, panels):
            with along_rows:
                write_slim(vectors, c, c_row, a, *[*others, last])
            with panels:
                write_panels(vectors, turned, *[*operands, last])
    builder.ret_void()
    return function


def from_process(module, name):
    """malloc or free, as LLVM finds them in the process."""
    address, size = ir.IntType(8).as_pointer(), ir.IntType(64)
    kinds = {"malloc": (address, [size]), "free": (ir.VoidType(), [address])}
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(*kinds[name]), name)


def large_multiplication(module):
    """The LLVM function that multiplies float32 in the matrix unit where its last argument says so and there
    is one and memory for it, else as `multiplication` does; written once per module."""
    real, index, flag = ir.FloatType(), ir.IntType(64), ir.IntType(1)
    entry = ir.PointerType(real)
    kinds = [entry, index, entry, index, index, entry, *[index] * 4, flag, real, flag, flag, flag]
    function, new = own_function(module, "multiply_large", real, kinds)
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    *operands, scale, turned, few, large = function.args
    if MATRIX_UNIT:
        with builder.if_then(large), builder.if_then(builder.call(unit_allowed(module), [])):
            room = builder.call(from_process(module, "malloc"), [index(LEFT_BYTES + CACHE_LINE)])
            with builder.if_then(builder.icmp_unsigned("!=", room, room.type(None))):
                begin = builder.add(builder.ptrtoint(room, index), index(CACHE_LINE - 1))
                begin = builder.inttoptr(builder.and_(begin, index(-CACHE_LINE)), room.type)
                builder.call(unit_multiplication(module), [*operands, scale, turned, begin])
                builder.call(from_process(module, "free"), [room])
                builder.ret_void()
    with builder.if_else(turned) as (along, across):
        with along:
            builder.call(multiplication(module, real, True), [*operands, few])
        with across:
            builder.call(multiplication(module, real, False), [*operands, scale])
    builder.ret_void()
    return function


def lower_product(context, builder, sig, args, function):
    """The call of a function for arrays, of which it takes the data from some offset on."""
    whole = (context.make_array(sig.args[k])(context, builder, args[k]).data for k in (0, 3, 7))
    c, a, b = (builder.gep(d, [at]) for d, at in zip(whole, (args[1], args[4], args[8]), strict=True))
    builder.call(function, [c, args[2], a, *args[5:7], b, *args[9:]])
    return context.get_dummy_value()


def lower_tiles(context, builder, sig, args, turned):
    """The call of what multiplies in register tiles."""
    real = context.get_value_type(sig.args[0].dtype)
    return lower_product(context, builder, sig, args, multiplication(builder.module, real, turned))


@intrinsic
def multiply(
    typingctx, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_row, rows, columns, depth, fresh, scale
):
    """c[m, n] += scale * sum over k of a[m, k] * b[k, n], or = where `fresh`.

    The entry c[m, n] is c[c_at + m*c_row + n], a[m, k] is a[a_at + m*a_row + k*a_step], and b[k, n] is
    b[b_at + k*b_row + n].
    """
    n, flag = types.intp, types.boolean

    def lower(context, builder, sig, args):
        return lower_tiles(context, builder, sig, args, False)

    return types.void(c, n, n, a, n, n, n, b, n, n, n, n, n, flag, c.dtype), lower


@intrinsic
def multiply_turned(
    typingctx, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_row, rows, columns, depth, fresh, few
):
    """c[m, n] += sum over k of a[m, k] * b[n, k], or = where `fresh`; b[n, k] is b[b_at + n*b_row + k].

    `few` tells that there are too few rows for copies of b to pay; a_step must be 1 then.
    """
    n, flag = types.intp, types.boolean

    def lower(context, builder, sig, args):
        return lower_tiles(context, builder, sig, args, True)

    return types.void(c, n, n, a, n, n, n, b, n, n, n, n, n, flag, flag), lower


@intrinsic
def multiply_large(
    typingctx,
    c,
    c_at,
    c_row,
    a,
    a_at,
    a_row,
    a_step,
    b,
    b_at,
    b_row,
    rows,
    columns,
    depth,
    fresh,
    scale,
    turned,
    few,
    large,
):
    """`multiply`, or `multiply_turned` where `turned`, in the processor's matrix unit where `large` and there
    is one. Arrays are float32.

    The numbers depend on `large`, so it must not depend on how a product is cut into parts.
    """
    n, flag = types.intp, types.boolean

    def lower(context, builder, sig, args):
        return lower_product(context, builder, sig, args, large_multiplication(builder.module))

    return types.void(c, n, n, a, n, n, n, b, n, n, n, n, n, flag, c.dtype, flag, flag, flag), lower
