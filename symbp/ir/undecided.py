"""What SymPy need not search for: whether an expression in entries is an integer, rational or algebraic.

Asked for the sign of an expression, SymPy asks whether it is even, prime or transcendental too, of it and of
all that it consists of, which takes it longer than all it does with the answer. Of a sum, a product, a power
or an elementary function in which an entry stands none of that is known, since it is not of an entry. To say
so at once changes no answer.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.nodes import Access

FACTS = (
    "integer",
    "noninteger",
    "even",
    "odd",
    "prime",
    "composite",
    "rational",
    "irrational",
    "algebraic",
    "transcendental",
)
"""What is never known."""
MOST = 2000
"""Nodes that are looked at: of 1/(1 + 1/(1 + ...)) nothing is noted, and it is walked through each time."""

_ELEMENTARY = (sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.atan)


def tell(*roots: Any) -> None:
    """Note in the nodes of expressions what SymPy would not find out.

    That is kept in the nodes themselves, where SymPy keeps all that it knows of them.
    """
    stack: list[Any] = list(roots)
    for _ in range(MOST):
        if not stack:
            break
        node = stack.pop()
        if type(node) is tuple:  # what it consists of is done
            if _is_undecided(node[0]):
                _note(node[0])
        elif node.args and type(node) is not Access and not is_told(node):
            stack.append((node,))
            stack.extend(node.args)


def is_told(node: Any) -> bool:
    """Whether that was noted before, or SymPy has looked for an answer."""
    return FACTS[0] in node._assumptions


def _is_undecided(node: Any) -> bool:
    kind = type(node)
    if kind is sp.Pow:
        base, exponent = node.args
        return isinstance(exponent, sp.Rational) and exponent.is_positive and _is_unknown(base)
    return (kind in (sp.Add, sp.Mul) or kind in _ELEMENTARY) and any(map(_is_unknown, node.args))


def _is_unknown(operand: Any) -> bool:
    return type(operand) is Access or operand._assumptions.get(FACTS[0], True) is None


def _note(node: Any) -> None:
    if node._assumptions is node.default_assumptions:  # those of its class
        node._assumptions = node.default_assumptions.copy()
    for fact in FACTS:
        node._assumptions.setdefault(fact, None)
