"""Where the order of additions and multiplications may be left to LLVM."""

from __future__ import annotations

import sympy as sp

from symbp.ir.functions import compensated_exp
from symbp.ir.walk import is_leaf, postorder
from symbp.schedule.looptree import Nest


def reorderable(nest: Nest) -> bool:
    """Whether LLVM may reassociate all arithmetic of the nest: sums of products, as in tanh(W x + b).

    Not where the value of a function is added to something that varies: z - max(z) - log(s) keeps its
    digits in this order only. Nor where rounding errors are put back. There only reductions are reordered.
    """
    calls: set[sp.Basic] = set()
    for node in postorder([s.body for s in nest.statements]):
        if isinstance(node, compensated_exp):
            return False
        if isinstance(node, sp.Function) or (not is_leaf(node) and any(a in calls for a in node.args)):
            if isinstance(node, sp.Add) and sum(not a.is_number for a in node.args) > 1:
                return False
            calls.add(node)
    return True
