"""Twofold arithmetic: a value together with what its operations rounded off.

The error of one addition, product or quotient is itself a floating-point number, and a few more
operations give it (Knuth's TwoSum; a fused multiply-add for products: Ogita, Rump and Oishi,
"Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symbp.ir.functions import times_logarithm
from symbp.ir.walk import postorder

if TYPE_CHECKING:
    from symbp.codegen.scalar import Code

Pair = tuple[int, int | None]
"""Numbers of two instructions: the value, and the error that is to be added to it (None: exact)."""


def exponential(code: Code, exponent: Any, plain: Callable[[Any], int], single: bool) -> int:
    """exp(exponent) with the rounding errors of the exponent put back: exp(h + l) = exp(h) (1 + l).

    Args:
        plain: gives the number of a node computed as usual: what is no arithmetic is taken as exact.
        single: whether the code runs in float32.
    """
    high, low = _Twofold(code, plain, single).pair(exponent)
    value = code("call", "exp", high)
    if low is None:
        return value
    # Where h or a part of it overflows, l is nan or infinite; where h is huge, exp(h) is 0 or infinite.
    inside = code("<", code("abs", low), code.const(1))
    kept = code("select", inside, low, code.const(0))
    return code("*", value, code("+", code.const(1), kept))


class _Twofold:
    def __init__(self, code: Code, plain: Callable[[Any], int], single: bool):
        self.code, self.plain = code, plain
        self.kind = np.float32 if single else np.float64

    def pair(self, root: Any) -> Pair:
        done: dict[sp.Basic, Pair] = {}
        for node in postorder([root], leaf=lambda n: not _arithmetic(n)):
            done[node] = self.node(node, [done[a] for a in node.args] if _arithmetic(node) else [])
        return done[root]

    def node(self, node: Any, args: list[Pair]) -> Pair:
        if not _arithmetic(node):
            return self.number(node) if node.is_number else (self.plain(node), None)
        if isinstance(node, sp.Add):
            return self.fold(self.add, args)
        if isinstance(node, sp.Mul):
            return self.fold(self.multiply, args)
        if isinstance(node, times_logarithm):
            # Where it is chosen to be 0, the error is nan, and not put back.
            return self.plain(node), self.multiply(*args)[1]
        if isinstance(node, sp.Abs):
            return self.absolute(args[0])
        if node.exp == sp.S.Half:
            return self.root(args[0])
        power = self.fold(self.multiply, args[:1] * abs(int(node.exp)))
        return power if node.exp.is_positive else self.reciprocal(power)

    def number(self, node: Any) -> Pair:
        value = sp.Rational(node) if isinstance(node, sp.Float) else node
        high = float(self.kind(float(value)))
        low = float(self.kind(float((value - sp.Rational(high)).evalf(30))))
        return self.code.const(high), self.code.const(low) if low else None

    def fold(self, operation: Callable[[Pair, Pair], Pair], args: list[Pair]) -> Pair:
        result = args[0]
        for arg in args[1:]:
            result = operation(result, arg)
        return result

    def add(self, a: Pair, b: Pair) -> Pair:
        code = self.code
        total = code("+", a[0], b[0])
        part = code("-", total, a[0])
        error = code("+", code("-", a[0], code("-", total, part)), code("-", b[0], part))
        return total, self.sum(error, a[1], b[1])

    def multiply(self, a: Pair, b: Pair) -> Pair:
        code = self.code
        product = code("*", a[0], b[0])
        scaled = self.sum(self.times(a[0], b[1]), self.times(b[0], a[1]))
        if self.is_power_of_two(a) or self.is_power_of_two(b):
            return product, scaled
        return product, self.sum(code("fma", a[0], b[0], code("neg", product)), scaled)

    def reciprocal(self, a: Pair) -> Pair:
        """1/(h + l) = r + r (1 - r h - r l) with r = 1/h."""
        code = self.code
        r = code("/", code.const(1), a[0])
        rest = code("fma", code("neg", r), a[0], code.const(1))
        if a[1] is not None:
            rest = code("-", rest, code("*", r, a[1]))
        return r, code("*", r, rest)

    def root(self, a: Pair) -> Pair:
        """sqrt(h + l) = r + (h - r r + l)/(2 r) with r = sqrt(h)."""
        code = self.code
        r = code("sqrt", a[0])
        rest = code("fma", code("neg", r), r, a[0])
        if a[1] is not None:
            rest = code("+", rest, a[1])
        return r, code("/", rest, code("*", code.const(2), r))

    def absolute(self, a: Pair) -> Pair:
        code = self.code
        if a[1] is None:
            return code("abs", a[0]), None
        negative = code("<", a[0], code.const(0))
        return code("abs", a[0]), code("select", negative, code("neg", a[1]), a[1])

    def is_power_of_two(self, a: Pair) -> bool:
        line = self.code.lines[a[0]]
        return a[1] is None and line[0] == "const" and abs(np.frexp(float(line[1]))[0]) == 0.5

    def times(self, a: int, error: int | None) -> int | None:
        return None if error is None else self.code("*", a, error)

    def sum(self, *errors: int | None) -> int | None:
        known = [e for e in errors if e is not None]
        if not known:
            return None
        result = known[0]
        for error in known[1:]:
            result = self.code("+", result, error)
        return result


def _arithmetic(node: sp.Basic) -> bool:
    """Whether the node is an operation whose rounding error is known."""
    if isinstance(node, sp.Pow) and not node.is_number:
        return node.exp == sp.S.Half or (bool(node.exp.is_Integer) and 0 < abs(int(node.exp)) <= 8)
    return isinstance(node, sp.Add | sp.Mul | sp.Abs | times_logarithm) and not node.is_number
