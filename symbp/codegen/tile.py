"""Register tiles of a matrix product, as LLVM instructions.

A tile holds a few rows and a few vectors of c in registers and adds up

    c[m, n] += a[m, k] * b[k, n]

over k: the vectors of a row of b are loaded, each entry of a is spread over a vector and multiplied
with all of them. This is the inner part of the algorithm of Goto and van de Geijn (Anatomy of
High-Performance Matrix Multiplication, 2008). Wide tiles are better than high ones of as many
registers: a spread entry serves more multiplications, so that fewer other instructions come with
them, which counts where two threads of a processor share what decodes them.
"""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.registers import REGISTERS, Vectors, own_function, steps

WIDTH = 4 if REGISTERS == 32 else 2
"""Vectors of the widest tile."""

SUMS = 24 if REGISTERS == 32 else 12
"""Registers for sums; the others hold a row of b and an entry of a."""

HIGHEST = 8
"""Rows of narrow tiles: sums enough to hide how long each multiplication takes."""

GROUP = 3
"""Rows that are addressed from one pointer: it, one step further, and two."""


def tile_sizes():
    """Pairs of a width in vectors and the heights of its tiles, the widest and highest first."""
    width = WIDTH
    while width:
        yield width, (min(HIGHEST, SUMS // width), 2, 1)
        width //= 2


def tile_arguments(real):
    """The types of the arguments of `tiles`."""
    entry, index, flag = ir.PointerType(real), ir.IntType(64), ir.IntType(1)
    return [entry, index, entry, index, index, entry, index, index, index, index, flag, real]


def tiles(module, real):
    """The LLVM function that multiplies with one panel of b; written once per module."""
    index = ir.IntType(64)
    function, new = own_function(module, "tiles", real, tile_arguments(real))
    if not new:
        return function
    builder = ir.IRBuilder(function.append_basic_block())
    vectors = Vectors(builder, real)
    c, c_row, a, a_row, a_step, b, b_row, rows, columns, *others = function.args
    before = builder.block
    head, after = (builder.append_basic_block(name) for name in ("head", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    done = builder.phi(index)
    done.add_incoming(index(0), before)
    left = builder.sub(columns, done)
    target, right = (builder.gep(p, [done]) for p in (c, b))
    for width, heights in tile_sizes():
        # Only the widest tiles are whole; in others the last vector may be a part of one.
        here, narrower = (builder.append_basic_block(name) for name in ("wide", "narrower"))
        least = vectors.lanes * width if width == WIDTH else vectors.lanes * (width // 2) + 1
        builder.cbranch(builder.icmp_signed(">=", left, index(least)), here, narrower)
        builder.position_at_end(here)
        masks = [None] * width
        if width < WIDTH:
            masks = [vectors.first(builder.sub(left, index(v * vectors.lanes))) for v in range(width)]
        write_column(vectors, heights, masks, target, c_row, a, a_row, a_step, right, b_row, rows, *others)
        following = builder.add(done, index(width * vectors.lanes))
        done.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, columns), head, after)
        builder.position_at_end(narrower)
    builder.branch(after)
    builder.position_at_end(after)
    builder.ret_void()
    return function


def write_column(vectors, heights, masks, c, c_row, a, a_row, a_step, b, b_row, rows, *others):
    """Tiles below each other, the highest first."""
    builder, index = vectors.builder, rows.type
    done = index(0)
    for height in heights:
        left = builder.sub(rows, done)
        end = builder.add(done, builder.sub(left, builder.srem(left, index(height))))
        with steps(builder, done, end, height) as m:
            start, target = (builder.gep(p, [builder.mul(m, row)]) for p, row in ((a, a_row), (c, c_row)))
            write_sum(vectors, height, masks, target, c_row, start, a_row, a_step, b, b_row, *others)
        done = end


def write_sum(vectors, height, masks, c, c_row, a, a_row, a_step, b, b_row, depth, fresh, scale):
    """The sum over k in registers, then its result into c; a mask, or None, per vector."""
    builder, index, before = vectors.builder, depth.type, vectors.builder.block
    apart = a_row
    if len(masks) < WIDTH:
        # Hidden from LLVM: of many pointers that are a step apart it would make a chain of additions, which
        # takes longer than the multiplications of a narrow tile.
        apart = builder.asm(ir.FunctionType(index, [index]), "", "=r,0", [a_row], False)
    starts = [builder.gep(a, [builder.mul(apart, index(r))]) for r in range(0, height, GROUP)]
    near = [builder.mul(a_row, index(r)) for r in range(min(GROUP, height))]
    body, after = builder.append_basic_block("sum"), builder.append_basic_block("store")
    builder.branch(body)
    builder.position_at_end(body)
    begin = [index(0), b, *starts]
    k, *pointers = (builder.phi(value.type) for value in begin)
    sums = [[builder.phi(vectors.type) for _ in masks] for _ in range(height)]
    following = builder.add(k, index(1))
    moved = [builder.gep(p, [s]) for p, s in zip(pointers, [b_row] + [a_step] * len(starts), strict=True)]
    for phi, value, next_value in zip((k, *pointers), begin, (following, *moved), strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(next_value, body)
    right, *left = pointers
    row = [vectors.load(right, v, mask) for v, mask in enumerate(masks)]
    new = []
    for r, line in enumerate(sums):
        entry = builder.gep(left[r // GROUP], [near[r % GROUP]])
        spread = vectors.spread(builder.load(entry))
        new.append([vectors.fma(spread, y, s) for y, s in zip(row, line, strict=True)])
    for line, values in zip(sums, new, strict=True):
        for phi, value in zip(line, values, strict=True):
            phi.add_incoming(vectors.zero, before)
            phi.add_incoming(value, body)
    builder.cbranch(builder.icmp_signed("<", following, depth), body, after)
    builder.position_at_end(after)
    factor = vectors.spread(scale)
    # Where c is fresh it may hold anything, also nan: it is not added, even times 0.
    with builder.if_else(fresh) as (first, further):
        for place, is_first in ((first, True), (further, False)):
            with place:
                for r, line in enumerate(new):
                    target = builder.gep(c, [builder.mul(c_row, index(r))])
                    for v, (value, mask) in enumerate(zip(line, masks, strict=True)):
                        if is_first:
                            result = builder.fmul(value, factor)
                        else:
                            result = vectors.fma(value, factor, vectors.load(target, v, mask))
                        vectors.store(result, target, v, mask)
