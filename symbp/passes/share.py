"""Share: one statement per distinct computation.

Two statements that are equal up to the names of their indices become one (value numbering, in
one linear sweep). `sympy.cse` is not used: it is superlinear, and it captures index arithmetic.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement
from symbp.ir.walk import accesses, index_symbols, substitute_all


def share(program: Program) -> Program:
    """Merge equal statements; outputs keep their names."""
    return shared(program)[0]


def shared(program: Program) -> tuple[Program, dict[str, str]]:
    """The program with equal statements merged; of tensors that are gone, the name of what they equal."""
    first: dict[Any, Statement] = {}
    alias: dict[str, str] = {}
    kept: list[Statement] = []
    for statement in program.statements:
        statement = _renamed(statement, alias)
        key = _canonical(statement)
        known = first.setdefault(key, statement)
        if known is statement:
            kept.append(statement)
        elif statement.target in program.outputs:
            kept.append(
                Statement(
                    statement.target,
                    statement.indices,
                    Access(known.target, *statement.indices),
                    origin=statement.origin,
                )
            )
        else:
            alias[statement.target] = known.target
    return program.rebuilt(kept), alias


def _renamed(statement: Statement, alias: dict[str, str]) -> Statement:
    used = [a for p in (statement.body, *statement.where) for a in accesses(p) if a.name in alias]
    if not used:
        return statement
    swap = {a: Access(alias[a.name], *a.indices) for a in used}
    body, *where = substitute_all([statement.body, *statement.where], swap)
    return Statement(
        statement.target,
        statement.indices,
        body,
        statement.reduce,
        statement.bound,
        tuple(where),
        statement.origin,
    )


def _canonical(statement: Statement) -> Any:
    """The statement with its indices named by position."""
    names = {i: Index(f"_{k}", i.extent) for k, i in enumerate(statement.domain)}
    if not any(
        isinstance(i, Index) for part in (statement.body, *statement.where) for i in index_symbols(part)
    ):
        return (statement.body, statement.where, statement.reduce, tuple(i.extent for i in statement.domain))
    body, *where = substitute_all([statement.body, *statement.where], names)
    ranks = (tuple(i.extent for i in statement.indices), tuple(i.extent for i in statement.bound))
    return (sp.sympify(body, strict=True), tuple(where), statement.reduce, ranks)
