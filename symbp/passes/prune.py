"""Prune: drop statements that no output needs, and tensors that nothing reads."""

from __future__ import annotations

from symbp.ir.nodes import Program
from symbp.ir.walk import accesses


def prune(program: Program) -> Program:
    """The program without dead statements; linear in its size."""
    needed = set(program.outputs)
    kept = []
    for statement in reversed(program.statements):
        if statement.target in needed:
            kept.append(statement)
            for part in (statement.body, *statement.where):
                needed.update(a.name for a in accesses(part))
    return program.rebuilt(reversed(kept))
