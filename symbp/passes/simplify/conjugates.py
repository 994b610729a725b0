"""Differences of a root and of nearly the same: sqrt(1 + x^2) - x = 1/(sqrt(1 + x^2) + x) for x > 0.

    r - v = (u - v^2)/(r + v)  and  1 - v/r = (u - v^2)/(r (r + v))  with  r = sqrt(u)

Only where u - v^2 has no sum left in it, so that nothing cancels any more, and only for v > 0 and u < 2 v^2:
elsewhere little cancels as it stands.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.walk import choice, is_large

SIZE = 40
"""Nodes, counted as a tree, of a sum that is looked at."""


def difference_of_root(node: Any) -> Any:
    """c (r - v) or c (1 - v/r) without the cancellation; None for any other node."""
    if not isinstance(node, sp.Add) or len(node.args) != 2 or is_large(node, SIZE):
        return None
    for term, other in (node.args, node.args[::-1]):
        factors = sp.Mul.make_args(term)
        for root in factors:
            if not (isinstance(root, sp.Pow) and abs(root.exp) == sp.S.Half) or root.base.is_number:
                continue
            rest = sp.Mul(*(f for f in factors if f is not root))
            over = root.exp.is_negative  # rest/r + other, else rest r + other
            c, v = (other, -rest / other) if over else (rest, -other / rest)
            if c.is_number and v.is_nonpositive is not True:
                return _turned(node, root.base, v, c, over)
    return None


def _turned(node: sp.Expr, u: sp.Expr, v: sp.Expr, c: sp.Expr, over: bool) -> sp.Expr | None:
    """c (r - v), divided by r where `over`."""
    left = sp.expand(u - v**2)
    if isinstance(left, sp.Add):
        return None
    r = sp.sqrt(u)
    without = c * left / ((r + v) * r if over else r + v)
    close = sp.Lt(u, 2 * v**2, evaluate=False)  # not where both are infinite
    close = close if v.is_number else sp.And(sp.Gt(v, 0, evaluate=False), close)
    return choice((without, close), (node, True))
