"""Values: which tensors of the forward pass hold a function of what an expression is made of.

p[i] = exp(z[i] - m)/s is related to every body with the exponential of a multiple of z[i] - m, for some
index: the two are rational in the same exponential, as tanh(z[i] - m) is. Found through an index of the
exponentials in the forward equations, up to the names of their indices, so that a search looks at few
tensors however many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import accesses, index_symbols, is_large, operations, postorder, substitute
from symbp.passes.simplify.floats import exact
from symbp.passes.simplify.rational import exponent
from symbp.passes.simplify.single import EXPONENTIAL

SIZE = 20
"""Operations of a definition that is looked at."""
MOST = 4
"""Tensors that are related to one body."""


class Values:
    """The elementwise statements of a program by the exponentials in them.

    Args:
        named: those that are looked at with the formulas of the others, which are parts of theirs; all by
            default.
    """

    def __init__(self, statements: Iterable[Statement], named: Collection[str] | None = None):
        self.statements, self.named = statements, named

    @cached_property
    def _index(self) -> tuple[dict[Any, list[tuple[Statement, sp.Expr]]], dict[str, Statement]]:
        """Statements by the exponentials in them, and by name; made when they are first asked for."""
        parts: dict[str, Statement] = {}
        by_call: dict[Any, list[tuple[Statement, sp.Expr]]] = {}
        by_name: dict[str, Statement] = {}
        for statement in _with_exponentials(filter(_is_looked_at, self.statements)):
            statement = _written_out(statement, parts)
            if self.named is not None and statement.target not in self.named and _is_rational(statement.body):
                parts[statement.target] = statement
            for call in _calls(statement.body):
                if set(index_symbols(call)) >= set(statement.indices):
                    by_call.setdefault(_canonical(call), []).append((statement, call))
                    by_name[statement.target] = statement
        return by_call, by_name

    def related(self, body: sp.Expr) -> dict[Access, sp.Expr]:
        """Held entries and the formulas of what they hold, over the indices of `body`.

        No formula reads another entry of the answer.
        """
        by_call, by_name = self._index
        found: dict[Access, sp.Expr] = {}
        for access in accesses(body):
            source = by_name.get(access.name)
            if source is not None and len(found) < MOST:
                swap = dict(zip(source.indices, access.indices, strict=True))
                found[access] = substitute(source.body, swap)
        for call in _calls(substitute(body, found)):
            for source, theirs in by_call.get(_canonical(call), ()):
                swap = dict(zip(index_symbols(theirs), index_symbols(call), strict=True))
                access = substitute(source.access, swap)
                if len(found) < MOST and access not in found:
                    found[access] = substitute(source.body, swap)
        # A formula with its exponentials in logarithms has less to say than the values it is made of.
        found = {
            access: formula
            for access, formula in found.items()
            if found.keys().isdisjoint(accesses(formula)) or _is_rational_in_calls(formula)
        }
        inside = {a for formula in found.values() for a in accesses(formula)}
        return {access: formula for access, formula in found.items() if access not in inside}


def _is_looked_at(s: Statement) -> bool:
    plain = s.reduce == "none" and not s.where
    return plain and not is_large(s.body, 4 * SIZE) and operations(s.body) <= SIZE


def _with_exponentials(statements: Iterable[Statement]) -> list[Statement]:
    """The statements with exponentials, and the rational ones that they read: no others say anything."""
    read: set[str] = set()
    kept = []
    for s in reversed(list(statements)):
        calls = any(isinstance(n, EXPONENTIAL) for n in postorder([s.body]))
        if calls or (s.target in read and _is_rational(s.body)):
            read.update(a.name for a in accesses(s.body))
            kept.append(s)
    return kept[::-1]


def _is_rational(body: sp.Expr) -> bool:
    """Whether it is made of entries and numbers by sums, products and whole powers."""
    return all(
        isinstance(n, Access | sp.Add | sp.Mul) or n.is_number or (isinstance(n, sp.Pow) and n.exp.is_Integer)
        for n in postorder([body])
    )


def _written_out(s: Statement, parts: Mapping[str, Statement]) -> Statement:
    swap = {}
    for access in accesses(s.body) if parts else ():
        source = parts.get(access.name)
        if source is not None:
            swap[access] = substitute(source.body, dict(zip(source.indices, access.indices, strict=True)))
    whole = s.with_body(substitute(s.body, swap)) if swap else s
    return whole if operations(whole.body) <= SIZE else s


def _is_rational_in_calls(body: sp.Expr) -> bool:
    """Whether an exponential is a part of a body by sums, products and powers alone."""
    parts = [body]
    for node in parts:
        if isinstance(node, EXPONENTIAL):
            return True
        if isinstance(node, sp.Add | sp.Mul | sp.Pow):
            parts += node.args
    return False


def _calls(body: sp.Expr) -> list[sp.Expr]:
    """The exponentials, also those in hyperbolic functions, with rational factors taken out of them."""
    found: dict[sp.Expr, None] = {}
    for node in postorder([body]):
        if isinstance(node, EXPONENTIAL):
            found[sp.exp(exponent(exact(node))[0])] = None
    return list(found)


def _canonical(call: sp.Expr) -> sp.Expr:
    names = {i: Index(f"_{k}", i.extent) for k, i in enumerate(index_symbols(call))}
    return substitute(call, names)
