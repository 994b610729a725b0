"""Panels: some rows or columns of a matrix, copied side by side.

The source of these functions becomes part of generated modules, like `symbp.codegen.micro`.
"""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.registers import exchanged, smaller, steps
from symbp.codegen.tile import WIDTH


def copy_panel(vectors, room, width, panel, b_row, columns, terms):
    """So many rows of b, one after the other; of a panel that is not whole a vector of columns at a time."""
    builder, index, lanes = vectors.builder, terms.type, vectors.lanes
    whole = builder.icmp_signed("==", columns, index(WIDTH * lanes))
    with builder.if_else(whole) as (rows, parts):
        with rows, steps(builder, index(0), terms, 1) as row:
            # Each row is far from the next, on another page of memory.
            source = builder.gep(panel, [builder.mul(row, b_row)])
            target = builder.gep(room, [builder.mul(row, width)])
            for v in range(WIDTH):
                vectors.store(vectors.load(source, v), target, v)
        with parts, steps(builder, index(0), columns, lanes) as n, steps(builder, index(0), terms, 1) as row:
            source = builder.gep(panel, [builder.add(builder.mul(row, b_row), n)])
            target = builder.gep(room, [builder.add(builder.mul(row, width), n)])
            vectors.store(vectors.load(source, 0, vectors.first(builder.sub(columns, n))), target, 0)


def turn_panel(vectors, room, width, panel, b_row, columns, terms):
    """The same where the rows of b run along the sum. Rows beyond the last repeat it; none uses them."""
    builder, index, lanes = vectors.builder, terms.type, vectors.lanes
    last = builder.sub(columns, index(1))
    with steps(builder, index(0), columns, lanes) as n:
        rows = [smaller(builder, builder.add(n, index(r)), last) for r in range(lanes)]
        starts = [builder.gep(panel, [builder.mul(row, b_row)]) for row in rows]
        column = builder.gep(room, [n])
        with steps(builder, index(0), terms, lanes) as at:
            # Hidden from LLVM, which would look long for better addresses than these, and find none.
            k = builder.asm(ir.FunctionType(index, [index]), "", "=r,0", [at], False)
            mask = vectors.first(builder.sub(terms, k))
            block = [vectors.load(builder.gep(start, [k]), 0, mask) for start in starts]
            target = builder.gep(column, [builder.mul(k, width)])
            for line in exchanged(builder, block):
                vectors.store(line, target, 0)
                target = builder.gep(target, [width])
