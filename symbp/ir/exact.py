"""One body in multiprecision arithmetic: the referee where float64 is what is being judged.

Every operation is rounded to the same number of digits. SymPy's `evalf` is not used: it raises its
precision until a cancellation is resolved, and takes minutes over 1 + erf(-300).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.functions import (
    compensated_exp,
    erfcx,
    expm1,
    finite,
    first,
    log1p,
    one_plus_erf,
    times_logarithm,
)
from symbp.ir.walk import is_leaf, postorder

BITS = 1 << 12
"""Arguments of exponentials above two to this power are taken as infinite: all digits of exp(exp(1e10))
before the point would be computed, and fill the memory."""

ONE = 64
"""The same of hyperbolic tangents is taken as 1, to all digits."""

_LONG = (
    sp.exp,
    expm1,
    compensated_exp,
    sp.sinh,
    sp.cosh,
    sp.sin,
    sp.cos,
    sp.tan,
    sp.erfc,
    one_plus_erf,
    erfcx,
)


def exact(body: sp.Basic, values: Mapping[Any, Any], digits: int = 50) -> Any:
    """The value of a body as an mpmath number; None where it is no finite real number.

    Args:
        values: numbers for the leaves: accesses, indices and symbols.
        digits: decimal digits of every operation.

    Raises:
        NotImplementedError: a function is not known here.
    """
    with mpmath.workdps(digits):
        done: dict[sp.Basic, Any] = {}
        for node in postorder([body]):
            try:
                value = _value(node, done, values)
            except (ZeroDivisionError, ValueError, OverflowError):
                value = mpmath.nan
            if isinstance(value, mpmath.mpc):
                value = value.real if value.imag == 0 else mpmath.nan
            done[node] = value
        result = done[body]
        if isinstance(result, bool):
            return result
        return result if mpmath.isfinite(result) else None


def _value(node: sp.Basic, done: dict, values: Mapping[Any, Any]) -> Any:
    if node in values:
        return mpmath.mpf(values[node])
    if isinstance(node, sp.Rational):
        return mpmath.mpf(node.p) / node.q
    if isinstance(node, sp.Float):
        return mpmath.mpf(node._mpf_)
    if isinstance(node, sp.logic.boolalg.BooleanAtom):
        return bool(node)
    if isinstance(node, sp.NumberSymbol):
        return node._to_mpmath(mpmath.mp.prec)
    if node in (sp.oo, -sp.oo):
        return mpmath.inf if node is sp.oo else -mpmath.inf
    if is_leaf(node):
        raise NotImplementedError(f"no value for {type(node).__name__}")
    args = [done[a] for a in node.args]
    if isinstance(node, ExprCondPair):
        return tuple(args)
    if isinstance(node, sp.Piecewise):
        return next((value for value, holds in args if holds), mpmath.nan)
    if isinstance(node, _LONG) and any(mpmath.isfinite(a) and mpmath.mag(a) > BITS for a in args):
        return mpmath.mpf(0) if isinstance(node, sp.exp | compensated_exp) and args[0] < 0 else mpmath.nan
    for kind in type(node).__mro__:
        if kind in FUNCTIONS:
            return FUNCTIONS[kind](*args)
    raise NotImplementedError(f"no multiprecision rule for {type(node).__name__}")


def _tanh(x: Any) -> Any:
    """tanh, which mpmath compares with 1 by a number of as many bits as its argument is large."""
    return mpmath.sign(x) if mpmath.isfinite(x) and x != 0 and mpmath.mag(x) > ONE else mpmath.tanh(x)


def _power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        return mpmath.nan
    return mpmath.power(base, exponent)


FUNCTIONS: dict[Any, Callable] = {
    sp.Add: lambda *args: mpmath.fsum(args),
    sp.Mul: lambda *args: mpmath.fprod(args),
    sp.Pow: _power,
    sp.exp: mpmath.exp,
    expm1: mpmath.expm1,
    compensated_exp: mpmath.exp,
    sp.log: lambda x: mpmath.log(x) if x > 0 else mpmath.nan,
    log1p: lambda x: mpmath.log1p(x) if x > -1 else mpmath.nan,
    times_logarithm: lambda u, v: u * v,
    finite: lambda x: x,
    first: lambda x: x,
    sp.sin: mpmath.sin,
    sp.cos: mpmath.cos,
    sp.tan: mpmath.tan,
    sp.asin: mpmath.asin,
    sp.acos: mpmath.acos,
    sp.atan: mpmath.atan,
    sp.atan2: mpmath.atan2,
    sp.sinh: mpmath.sinh,
    sp.cosh: mpmath.cosh,
    sp.tanh: _tanh,
    sp.asinh: mpmath.asinh,
    sp.acosh: mpmath.acosh,
    sp.atanh: mpmath.atanh,
    sp.Abs: abs,
    sp.sign: mpmath.sign,
    sp.floor: mpmath.floor,
    sp.ceiling: mpmath.ceil,
    sp.Max: max,
    sp.Min: min,
    sp.erf: mpmath.erf,
    sp.erfc: mpmath.erfc,
    one_plus_erf: lambda x: mpmath.erfc(-x),
    erfcx: lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
    sp.gamma: mpmath.gamma,
    sp.loggamma: lambda x: mpmath.re(mpmath.loggamma(x)),
    sp.polygamma: lambda n, x: mpmath.psi(int(n), x),
    sp.Lt: lambda a, b: a < b,
    sp.Le: lambda a, b: a <= b,
    sp.Gt: lambda a, b: a > b,
    sp.Ge: lambda a, b: a >= b,
    sp.Eq: lambda a, b: a == b,
    sp.Ne: lambda a, b: a != b,
    sp.And: lambda *args: all(args),
    sp.Or: lambda *args: any(args),
    sp.Not: lambda a: not a,
}
"""One rule per SymPy class; subclasses inherit the rule of their base."""
