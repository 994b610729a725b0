"""The cost model that rewrites compete under: what an operation costs relative to a multiplication.

| operation | cost |
|---|---|
| addition, multiplication, comparison, choice | 1 |
| division, square root | 5 |
| other powers, transcendental functions | 40 |
| gamma family, error functions | 80 |
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.functions import erfcx, finite, first, one_plus_erf, times_logarithm
from symbp.ir.walk import REMEMBERED, accesses, is_leaf, node_operations, postorder

_HEAVY = (sp.gamma, sp.loggamma, sp.polygamma, sp.erf, sp.erfc, one_plus_erf, erfcx)
_LIGHT = (sp.Abs, sp.sign, sp.floor, sp.ceiling, sp.Max, sp.Min, finite)


def cost(*roots: sp.Basic) -> int:
    """The cost of evaluating the expressions together, shared parts once."""
    return _cost(roots)


@lru_cache(maxsize=REMEMBERED)
def _cost(roots: tuple[sp.Basic, ...]) -> int:
    return sum(_node_cost(n) for n in postorder(roots) if n.args)


def is_transcendental(node: sp.Basic) -> bool:
    """Whether this one node calls a function of the mathematics library."""
    return _node_cost(node) >= 40


def calls(body: sp.Expr) -> bool:
    """Whether evaluating a body calls a function of the mathematics library on something that varies."""
    return any(is_transcendental(n) and accesses(n) for n in postorder([body]))


@lru_cache(maxsize=REMEMBERED)
def _node_cost(node: sp.Basic) -> int:
    if is_leaf(node) or isinstance(node, ExprCondPair) or node.is_number:
        return 0
    if isinstance(node, sp.Pow):
        return _power_cost(node.exp)
    if isinstance(node, _LIGHT):
        return max(1, len(node.args) - 1)
    if isinstance(node, times_logarithm | first):
        return 5 if isinstance(node, times_logarithm) else 0
    if isinstance(node, sp.Function) and not isinstance(node, sp.Piecewise):
        return 80 if isinstance(node, _HEAVY) else 40
    return node_operations(node)


def _power_cost(exponent: sp.Expr) -> int:
    if exponent.is_Integer and abs(int(exponent)) <= 64:
        n = abs(int(exponent))
        multiplications = n.bit_length() - 1 + bin(n).count("1") - 1
        return multiplications + (5 if exponent.is_negative else 0)
    if exponent.is_Rational and exponent.q == 2 and abs(exponent.p) <= 64:
        return 5 + _power_cost(sp.Integer(abs(exponent.p))) + (5 if exponent.is_negative else 0)
    return 40
