"""Entries that are read where a condition on indices holds, with 0 elsewhere: the margin of a padded image.

    Piecewise((x[i - 1], i >= 1), (0, True))

reads nothing outside of x. Of other Piecewise both branches are computed everywhere, and one is chosen: they
may not leave a tensor anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sympy as sp
from sympy.tensor.indexed import Indexed

from symbp.ir.walk import accesses, index_symbols
from symbp.passes.lower.builder import Builder, Scope

Lower = Callable[[Builder, Any, Scope], Any]

_RELATIONS = (sp.Le, sp.Lt, sp.Ge, sp.Gt, sp.Eq, sp.Ne)


def is_guard(node: Any, scope: Scope) -> bool:
    """Whether a node reads at computed places where a condition on indices holds, and is 0 elsewhere."""
    if not isinstance(node, sp.Piecewise) or len(node.args) != 2 or node.args[1] != (0, True):
        return False
    expression, condition = node.args[0].args
    relations = all(isinstance(c, _RELATIONS) for c in sp.And.make_args(condition))
    if not relations or not scope or not all(s in scope for s in condition.free_symbols):
        return False
    return any(not p.is_Atom for read in expression.atoms(Indexed) for p in read.indices)


def unguarded(node: Any, scope: Scope) -> tuple[Any, list[sp.Piecewise]]:
    """A product without the conditions of its factors, and the factors that had them."""
    factors = [(f, is_guard(f, scope)) for f in sp.Mul.make_args(node)]
    guards = [f for f, guards in factors if guards]
    return sp.Mul(*(f.args[0].expr if guards else f for f, guards in factors)) if guards else node, guards


def conditions(b: Builder, node: sp.Piecewise, scope: Scope, lower: Lower) -> list[sp.Basic]:
    """What a guard asks for, over indices.

    Raises:
        UnsupportedError: it asks for something else.
    """
    found = []
    for part in sp.And.make_args(node.args[0].cond):
        sides = [lower(b, side, scope) for side in part.args]
        if any(not side.is_integer or accesses(side) for side in sides):
            hint = "compare the indices themselves, with numbers and each other"
            raise b.unsupported(
                f"{part} decides where an entry is read, and is no condition on indices", hint
            )
        found.append(part.func(*sides))
    return found


@contextmanager
def guarded(b: Builder, where: list[sp.Basic]) -> Iterator[Callable[[], bool]]:
    """What is read inside may leave its tensor where conditions do not hold.

    Yields what tells whether anything may. Nothing that is known of the same expressions elsewhere is used.
    """
    before = {k: b.memo.get(k) for k in ("guarded", "guards", "left")}
    b.memo |= {"guarded": True, "guards": (before["guards"] or ()) + tuple(where), "left": False}
    try:
        yield lambda: b.memo["left"]
    finally:
        b.memo |= before


def guard(b: Builder, node: sp.Piecewise, scope: Scope, lower: Lower) -> sp.Expr:
    """The value of a guard: an entry of a temporary where what it guards may leave a tensor."""
    where = conditions(b, node, scope, lower)
    with guarded(b, where) as left:
        body = lower(b, node.args[0].expr, scope)
        if not left():
            return sp.Piecewise((body, sp.And(*where)), (0, True))
        used = {i for part in (body, *where) for i in index_symbols(part)}
        around = dict.fromkeys(i for value in scope.values() for i in index_symbols(value))
        b.shared += 1
        name = b.fresh_name(f"u{b.shared}_{b.current}")
        return b.define(name, tuple(i for i in around if i in used), body, where=tuple(where))
