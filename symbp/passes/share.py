"""Share: one statement per distinct computation.

Two statements that are equal up to the names of their indices become one (value numbering, in
one linear sweep), and what is summed is read where a statement computes it entry by entry. `sympy.cse` is
not used: it is superlinear, and it captures index arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement
from symbp.ir.walk import accesses, index_symbols, is_leaf, postorder, substitute_all

LARGEST = 200
"""Parts of a form up to which it is compared; of larger bodies SymPy remembers the hash."""


def share(program: Program) -> Program:
    """Merge equal statements; outputs keep their names."""
    return shared(program)[0]


def shared(program: Program) -> tuple[Program, dict[str, str]]:
    """The program with equal statements merged; of tensors that are gone, the name of what they equal."""
    first: dict[Any, Statement] = {}
    alias: dict[str, str] = {}
    kept: list[Statement] = []
    for statement in program.statements:
        statement = _reading(_renamed(statement, alias), first)
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


def _reading(statement: Statement, first: Mapping[Any, Statement]) -> Statement:
    """A reduction of what a statement before it computes, with that for its body.

    Not of products, which are no slower than reading, and may be those of matrices.
    """
    body = statement.body
    if not statement.bound or statement.where or not _has_function(body):
        return statement
    order = tuple(index_symbols(body))
    if {*order} != {*statement.domain}:
        return statement
    known = first.get(_canonical(Statement(statement.target, order, body)))
    return statement if known is None else statement.with_body(Access(known.target, *order))


def _has_function(body: sp.Expr) -> bool:
    return any(isinstance(node, sp.Function | sp.Pow) for node in postorder([body], leaf=is_leaf))


def _canonical(statement: Statement) -> Any:
    """The statement with its indices named by position."""
    extents = (tuple(i.extent for i in statement.indices), tuple(i.extent for i in statement.bound))
    if not statement.where:
        form = _form(statement)
        if form is not None:
            return form, statement.reduce, extents
    names = {i: Index(f"_{k}", i.extent) for k, i in enumerate(statement.domain)}
    if not any(
        isinstance(i, Index) for part in (statement.body, *statement.where) for i in index_symbols(part)
    ):
        return (statement.body, statement.where, statement.reduce, tuple(i.extent for i in statement.domain))
    body, *where = substitute_all([statement.body, *statement.where], names)
    return (sp.sympify(body, strict=True), tuple(where), statement.reduce, extents)


def _form(statement: Statement) -> tuple | None:
    """The nodes of the body with indices by position, where their names do not decide the order of operands.

    That is where every entry is one of another tensor, and no index stands outside of them. None elsewhere,
    and for bodies without an index.
    """
    number = {index: f"_{k}" for k, index in enumerate(statement.domain)}  # no number, as in x[0]
    read = accesses(statement.body)
    if not number or not read or len({a.name for a in read}) < len(read):
        return None
    form: list[Any] = []
    stack: list[Any] = [statement.body]
    while stack and len(form) <= LARGEST:
        node = stack.pop()
        args = node.args
        if type(node) is Access:
            if any(i.args for i in args[1:]):
                return None
            form.append((args[0].name, *(number.get(i, i) for i in args[1:])))
        elif args:
            form += (type(node), len(args))
            stack.extend(args)
        elif isinstance(node, Index):
            return None
        else:
            form.append(node)
    return None if stack else tuple(form)
