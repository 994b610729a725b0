"""Inline: elementwise statements that are read once move into their reader.

After batching, `dE/dW1[n,i,j] = delta1[n,i]*x[n,j]` is read once, by the sum over n: inlined, no
tensor of that size is ever stored.
"""

from __future__ import annotations

from collections import Counter

from symbp.ir.entries import entries
from symbp.ir.nodes import Program, Statement
from symbp.ir.walk import accesses, operations, substitute
from symbp.passes.simplify.peaks import is_peak

LIMIT = 12
"""Bodies with more operations stay statements."""


def inline(
    program: Program, only: frozenset[str] | None = None, keep: frozenset[str] = frozenset()
) -> Program:
    """Inline single-use elementwise statements (those named in `only`, or all) into their reader.

    The reader must visit each entry once: its loops are exactly the indices of the access.

    Args:
        keep: what stays where it is: derivatives that are evaluated beside the value of their function.
    """
    uses = Counter(a.name for s in program.statements for p in (s.body, *s.where) for a in accesses(p))
    candidates: dict[str, Statement] = {}
    statements: list[Statement] = []
    for statement in program.statements:
        swap = {}
        for access in accesses(statement.body):
            source = candidates.get(access.name)
            if source is not None and set(access.indices) == set(statement.domain):
                swap[access] = substitute(source.body, dict(zip(source.indices, access.indices, strict=True)))
        body = substitute(statement.body, swap) if swap else statement.body
        statement = statement.with_body(body)
        statements.append(statement)
        name = statement.target
        if (
            (only is None or name in only)
            and name not in keep
            and uses[name] == 1
            and name not in program.outputs
            and statement.reduce == "none"
            and entries(statement) is None
            and not statement.where
            and not is_peak(statement)
            and operations(body) <= LIMIT
        ):
            candidates[name] = statement
    return program.rebuilt(statements)
