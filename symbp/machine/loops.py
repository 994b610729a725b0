"""Loops and places on the stack, written with LLVM's builder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir


@contextmanager
def loop(builder: ir.IRBuilder, low: ir.Value, high: ir.Value, step: int = 1, mark: Any = None) -> Iterator:
    """What is written inside is done for low, low + step, ... below high.

    Args:
        mark: metadata of the loop.
    """
    before = builder.block
    head, body, more, after = (builder.append_basic_block(n) for n in ("for", "each", "next", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.phi(high.type)
    at.add_incoming(low, before)
    builder.cbranch(builder.icmp_signed("<", at, high), body, after)
    builder.position_at_end(body)
    yield at
    if not builder.block.is_terminated:
        builder.branch(more)
    builder.position_at_end(more)
    at.add_incoming(builder.add(at, high.type(step), flags=["nsw"]), more)
    back = builder.branch(head)
    if mark is not None:
        back.set_metadata("llvm.loop", mark)
    builder.position_at_end(after)


def place(builder: ir.IRBuilder, kind: ir.Type, count: int = 1) -> ir.AllocaInstr:
    """Room for some values that lives as long as the call; made once, at the start of the function."""
    with builder.goto_entry_block():
        return builder.alloca(kind, size=count if count > 1 else None)
