"""New memory, from a cache line on."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from symbp.machine.convention import NEW
from symbp.machine.values import LONG

LINE = 64
"""Bytes of a cache line."""

ANY = ir.IntType(8).as_pointer()
"""The address of anything."""


def new_memory(builder: ir.IRBuilder, size: ir.Value) -> ir.Value:
    """So many bytes and a line more, or the address 0."""
    function = helper(builder, NEW, ANY, [LONG])
    function.return_value.attributes.add("noalias")
    return builder.call(function, [builder.add(size, LONG(LINE))])


def first_line(builder: ir.IRBuilder, memory: ir.Value, told: bool) -> ir.Value:
    """Where its first whole line begins.

    Args:
        told: whether LLVM may know that nothing else lies there; an integer may be any address for it.
    """
    start = builder.gep(memory, [LONG(LINE - 1)])
    if told:
        return builder.call(helper(builder, "llvm.ptrmask.p0.i64", ANY, [ANY, LONG]), [start, LONG(-LINE)])
    return builder.inttoptr(builder.and_(builder.ptrtoint(start, LONG), LONG(-LINE)), ANY)


def helper(builder: ir.IRBuilder, name: str, result: ir.Type, kinds: Sequence[ir.Type]) -> ir.Function:
    """A function that the process, or LLVM, has under a name."""
    found = builder.module.globals.get(name)
    return found or ir.Function(builder.module, ir.FunctionType(result, kinds), name)
