"""Decaying exponentials: forms in exp(-|u|), where another statement evaluates that anyway."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import sympy as sp

from symbp.ir.nodes import Index
from symbp.ir.walk import index_symbols, postorder, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.accuracy import Choice, in_decaying_exponential
from symbp.passes.simplify.exponential_forms import quotient
from symbp.passes.simplify.several_exponentials import multiple
from symbp.passes.simplify.single import Single


def decaying(body: sp.Expr) -> list[tuple[sp.Expr, sp.Rational]]:
    """(u, g) of the exponentials of -g |u| in a body, up to the names of indices."""
    found = []
    for node in postorder([body]):
        if isinstance(node, sp.exp) and isinstance(sp.Mul.make_args(node.args[0])[-1], sp.Abs):
            factor, size = node.args[0].as_coeff_Mul(rational=True)
            if isinstance(size, sp.Abs):
                u, inner = multiple(size.args[0])
                found.append((_canonical(u), abs(factor * inner)))
    return found


def _canonical(node: sp.Expr) -> sp.Expr:
    return substitute(node, {i: Index(f"_{k}", i.extent) for k, i in enumerate(index_symbols(node))})


def with_shared(single: Single, choice: Choice, shared: Set[Any]) -> Choice:
    """The form of a function of one exponential in exp(-|u|), where that is shared and cheaper.

    Args:
        shared: (u, g) of the exponentials of -g |u| that are evaluated.
    """
    q = quotient(single.body)
    if q is None or (_canonical(single.argument), q.unit) not in shared:
        return choice
    split = in_decaying_exponential(single.body)
    known = [n for n in postorder([split.form]) if isinstance(n, sp.exp)] if split else []
    if split is None or len(known) != 1:
        return choice
    return split if cost(split.form) - cost(*known) < cost(choice.form) else choice
