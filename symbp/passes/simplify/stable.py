"""Stable forms: bodies that overflow or cancel, rewritten by formula, in one table.

Each rule looks at one node whose operands are rewritten already and returns the node that stands for it.
"""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import Program
from symbp.ir.walk import is_leaf, postorder, rebuild


def stable_forms(program: Program) -> Program:
    """Apply the table of single-body rewrites to every statement."""
    return program.rebuilt(s.with_body(stable_body(s.body)) for s in program.statements)


def stable_body(body: sp.Expr) -> sp.Expr:
    done: dict[sp.Basic, sp.Basic] = {}
    for node in postorder([body]):
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        for rule in RULES:
            new = rule(new)
        done[node] = new
    return done[body]  # type: ignore[return-value]


def _softplus(node: sp.Basic) -> sp.Basic:
    """log(1 + exp(u)) = max(u, 0) + log(1 + exp(-|u|)): finite for every u."""
    if isinstance(node, sp.log) and isinstance(node.args[0], sp.Add) and len(node.args[0].args) == 2:
        one, power = sorted(node.args[0].args, key=lambda a: isinstance(a, sp.exp))
        if one == 1 and isinstance(power, sp.exp) and not _is_decaying(power.args[0]):
            u = power.args[0]
            return sp.Max(0, u) + sp.log(1 + sp.exp(-sp.Abs(u)))
    return node


def _is_decaying(exponent: sp.Basic) -> bool:
    """-|u|: the form this rule itself produces."""
    return (
        isinstance(exponent, sp.Mul)
        and exponent.args[0].is_negative
        and isinstance(exponent.args[-1], sp.Abs)
    )


RULES = (_softplus,)
