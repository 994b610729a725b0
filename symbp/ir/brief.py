"""An expression as a few words of an error message."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.errors import shorten
from symbp.ir.walk import postorder

SORTED = 60
"""Nodes of an expression up to which its terms are put in order; of larger ones the middle is left out."""


def brief(expression: Any, limit: int = 400) -> str:
    """`str(expression)` where it is small as a tree, else its outermost operation.

    Printing walks trees: shared sub-expressions would take exponential time.
    """
    size: dict[Any, int] = {}
    for node in postorder([expression], leaf=lambda n: not n.args):
        size[node] = 1 + sum(size[a] for a in node.args)
    if size[expression] > limit:
        return f"{type(expression).__name__}(... {len(size)} distinct nodes ...)"
    try:
        # To find the order that people like takes longer than all the rest of printing.
        return shorten(str(expression) if size[expression] <= SORTED else sp.sstr(expression, order="none"))
    except Exception:  # narrow and deep trees, integers of 5,000 digits, printers of the user's
        return f"{type(expression).__name__}(... {len(size)} distinct nodes ...)"
