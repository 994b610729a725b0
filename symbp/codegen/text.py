"""Equations as short text for comments."""

from __future__ import annotations

from symbp.codegen.names import comment
from symbp.ir.nodes import Statement
from symbp.ir.text import statement_text
from symbp.ir.walk import postorder

LARGEST = 60


def equation(statement: Statement) -> str:
    """The equation a statement computes, abbreviated where it is long."""
    sizes: dict = {}
    for node in postorder([statement.body]):
        # Size as a tree: shared expressions are printed once per use.
        sizes[node] = 1 + (sum(sizes.get(a, 1) for a in node.args) if node.args else 0)
    if sizes[statement.body] > LARGEST:
        return comment(f"{statement.access} = ...")
    return comment(statement_text(statement))
