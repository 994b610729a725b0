"""Laurent series about 0 of formulas in one variable, in multiprecision arithmetic.

    sin(x)/x = 1 - x^2/6 + ...,    1/tanh(x) - 1/x = x/3 - x^3/45 + ...

Each function is one recurrence on coefficients, from its differential equation (Knuth, The Art of Computer
Programming 2, 4.7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp

from symbp.ir.nodes import Access
from symbp.ir.walk import is_leaf, postorder

DIGITS = 120
ZERO = mpmath.mpf(10) ** -90
"""Coefficients below this are 0, which cancellation has made of them."""


class NotAnalytic(Exception):
    """There is no such series, or none is known."""


@dataclass(frozen=True)
class Series:
    """x^start * (c[0] + c[1] x + ...), known up to the last coefficient; c[0] is not 0."""

    start: int
    c: tuple[Any, ...]

    @property
    def end(self) -> int:
        return self.start + len(self.c)

    def at(self, power: int) -> Any:
        return self.c[power - self.start] if self.start <= power < self.end else mpmath.mpf(0)

    def whole(self, least: int = 0) -> list[Any]:
        """The coefficients from x^0 on.

        Raises:
            NotAnalytic: there are negative powers.
        """
        if self.start < least:
            raise NotAnalytic
        return [self.at(k) for k in range(self.end)]


def series(formula: sp.Expr, x: Access, terms: int) -> Series:
    """The series of a formula in one variable, each part of it known to so many terms.

    Raises:
        NotAnalytic: it has none, or a function in it is not known here.
    """
    with mpmath.workdps(DIGITS):
        done: dict[sp.Basic, Series] = {}
        for node in postorder([formula]):
            done[node] = _node(node, [done[a] for a in node.args if a in done], x, terms)
        return done[formula]


def _node(node: Any, args: list[Series], x: Access, terms: int) -> Series:
    if node == x:
        return Series(1, (mpmath.mpf(1), *[mpmath.mpf(0)] * (terms - 1)))
    if is_leaf(node) or node.is_number:
        if not node.is_number or not node.is_real:
            raise NotAnalytic
        return _made(0, [mpmath.mpf(node._to_mpmath(mpmath.mp.prec)), *[mpmath.mpf(0)] * (terms - 1)])
    if isinstance(node, sp.Add):
        return _sum(args)
    if isinstance(node, sp.Mul):
        result = args[0]
        for factor in args[1:]:
            result = _product(result, factor)
        return result
    if isinstance(node, sp.Pow) and node.exp.is_Rational:
        return _power(args[0], node.exp)
    for kind, function in FUNCTIONS.items():
        if isinstance(node, kind):
            return _made(0, function(args[0].whole()))
    raise NotAnalytic


def _made(start: int, c: list[Any]) -> Series:
    """The series without coefficients that are 0 in front."""
    c = [mpmath.mpf(0) if abs(v) < ZERO else v for v in c]
    first = next((k for k, v in enumerate(c) if v != 0), None)
    return Series(start + len(c), ()) if first is None else Series(start + first, tuple(c[first:]))


def _sum(parts: list[Series]) -> Series:
    # A part without coefficients is 0 as far as it is known.
    start, end = min(p.start for p in parts), min(p.end for p in parts)
    return _made(start, [sum((p.at(k) for p in parts), mpmath.mpf(0)) for k in range(start, end)])


def _product(a: Series, b: Series) -> Series:
    n = min(len(a.c), len(b.c))
    return Series(a.start + b.start, tuple(_times(a.c, b.c)[:n]))


def _times(a: Any, b: Any) -> list[Any]:
    n = min(len(a), len(b))
    return [sum((a[i] * b[k - i] for i in range(k + 1)), mpmath.mpf(0)) for k in range(n)]


def _power(base: Series, r: sp.Rational) -> Series:
    """(c0 + u)^r by Euler's recurrence."""
    # The root of x^2 is |x|.
    if not base.c or (not r.is_Integer and (base.start != 0 or base.c[0] < 0)):
        raise NotAnalytic
    c, exponent = base.c, mpmath.mpf(int(r.p)) / int(r.q)
    out = [mpmath.power(c[0], exponent)]
    for k in range(1, len(c)):
        total = sum(((exponent * i - (k - i)) * c[i] * out[k - i] for i in range(1, k + 1)), mpmath.mpf(0))
        out.append(total / (k * c[0]))
    return Series(int(base.start * r), tuple(out))


def _slope(c: list[Any]) -> list[Any]:
    return [k * v for k, v in enumerate(c)][1:]


def _integral(first: Any, slope: list[Any]) -> list[Any]:
    return [first, *(v / (k + 1) for k, v in enumerate(slope))]


def _exp(c: list[Any]) -> list[Any]:
    out = [mpmath.exp(c[0])]
    for k in range(1, len(c)):
        out.append(sum((i * c[i] * out[k - i] for i in range(1, k + 1)), mpmath.mpf(0)) / k)
    return out


def _over(a: list[Any], b: list[Any]) -> list[Any]:
    return _times(a, _power(Series(0, tuple(b)), sp.Integer(-1)).c)


def _log(c: list[Any]) -> list[Any]:
    if not c or not c[0] > 0:
        raise NotAnalytic
    return _integral(mpmath.log(c[0]), _over(_slope(c), c))


def _rotated(c: list[Any], sign: int) -> tuple[list[Any], list[Any]]:
    """sin and cos of a series; sinh and cosh with the other sign."""
    s = [mpmath.sin(c[0]) if sign < 0 else mpmath.sinh(c[0])]
    k = [mpmath.cos(c[0]) if sign < 0 else mpmath.cosh(c[0])]
    for n in range(1, len(c)):
        s.append(sum((i * c[i] * k[n - i] for i in range(1, n + 1)), mpmath.mpf(0)) / n)
        k.append(sign * sum((i * c[i] * s[n - i] for i in range(1, n + 1)), mpmath.mpf(0)) / n)
    return s, k


def _erf(c: list[Any]) -> list[Any]:
    bell = _exp([-v for v in _times(c, c)])
    scale = 2 / mpmath.sqrt(mpmath.pi)
    return _integral(mpmath.erf(c[0]), [scale * v for v in _times(bell, _slope(c))])


def _atan(c: list[Any]) -> list[Any]:
    square = _times(c, c)
    return _integral(mpmath.atan(c[0]), _over(_slope(c), [1 + square[0], *square[1:]]))


FUNCTIONS: dict[Any, Callable[[list[Any]], list[Any]]] = {
    sp.exp: _exp,
    sp.log: _log,
    sp.sin: lambda c: _rotated(c, -1)[0],
    sp.cos: lambda c: _rotated(c, -1)[1],
    sp.tan: lambda c: _over(*_rotated(c, -1)),
    sp.sinh: lambda c: _rotated(c, 1)[0],
    sp.cosh: lambda c: _rotated(c, 1)[1],
    sp.tanh: lambda c: _over(*_rotated(c, 1)),
    sp.atan: _atan,
    sp.erf: _erf,
}
