"""Define: functions of the user's own classes become their formulas, after differentiation.

They stay whole until then, so that the derivative a class gives itself (`fdiff`) is the one used.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.nodes import Program
from symbp.ir.walk import is_leaf, postorder, rebuild
from symbp.passes.functions import definition, known


def define(program: Program) -> Program:
    """The program in terms of functions that can be evaluated.

    Raises:
        UnsupportedError: a function class does not say what its value is.
    """
    return program.rebuilt(s.with_body(_defined(s.body, s.origin)) for s in program.statements)


def _defined(body: sp.Expr, origin: str | None) -> sp.Expr:
    order = postorder([body])
    if all(known(node) or not isinstance(node, sp.Function) for node in order):
        return body
    done: dict[sp.Basic, Any] = {}
    for node in order:
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        done[node] = definition(new, origin) if isinstance(new, sp.Function) and not known(new) else new
    return done[body]
