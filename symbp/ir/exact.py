"""One body in multiprecision arithmetic: the referee where float64 is what is being judged.

Every operation is rounded to the same number of digits. SymPy's `evalf` is not used: it raises its
precision until a cancellation is resolved, and takes minutes over 1 + erf(-300).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
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
        done: list[Any] = []
        for leaf, rule, places in _steps(body):
            if leaf is not None:
                if leaf not in values:
                    raise NotImplementedError(f"no value for {type(leaf).__name__}")
                done.append(mpmath.mpf(values[leaf]))
                continue
            try:
                value = rule(*[done[k] for k in places])
            except (ZeroDivisionError, ValueError, OverflowError):
                value = mpmath.nan
            if isinstance(value, mpmath.mpc):
                value = value.real if value.imag == 0 else mpmath.nan
            done.append(value)
        result = done[-1]
        if isinstance(result, bool):
            return result
        return result if mpmath.isfinite(result) else None


@lru_cache(maxsize=1024)
def _steps(body: sp.Basic) -> list[tuple[Any, Callable, tuple[int, ...]]]:
    """What is done for every node in turn: a leaf whose value is given, or a rule and where its operands are.

    A body is mostly evaluated at many points, one after the other.
    """
    nodes = postorder([body])
    at = {node: k for k, node in enumerate(nodes)}
    return [
        (None, rule, () if is_leaf(node) else tuple(at[a] for a in node.args))
        if (rule := _rule(node)) is not None
        else (node, _power, ())
        for node in nodes
    ]


def _rule(node: sp.Basic) -> Callable | None:
    """How a node is computed from its operands; None of a leaf that has no value of its own."""
    if isinstance(node, sp.Rational):
        return lambda: mpmath.mpf(node.p) / node.q
    if isinstance(node, sp.Float):
        return lambda: mpmath.mpf(node._mpf_)
    if isinstance(node, sp.logic.boolalg.BooleanAtom):
        return lambda: bool(node)
    if isinstance(node, sp.NumberSymbol):
        return lambda: node._to_mpmath(mpmath.mp.prec)
    if node in (sp.oo, -sp.oo):
        return lambda: mpmath.inf if node is sp.oo else -mpmath.inf
    if is_leaf(node):
        return None
    if isinstance(node, ExprCondPair):
        return lambda *args: args
    if isinstance(node, sp.Piecewise):
        return _chosen
    for kind in type(node).__mro__:
        if kind in FUNCTIONS:
            return _bounded(node, FUNCTIONS[kind]) if isinstance(node, _LONG) else FUNCTIONS[kind]
    raise NotImplementedError(f"no multiprecision rule for {type(node).__name__}")


def _bounded(node: sp.Basic, rule: Callable) -> Callable:
    """The rule of a function that is not evaluated far from 0."""
    decays = isinstance(node, sp.exp | compensated_exp)

    def bounded(*args: Any) -> Any:
        if any(mpmath.isfinite(a) and mpmath.mag(a) > BITS for a in args):
            return mpmath.mpf(0) if decays and args[0] < 0 else mpmath.nan
        return rule(*args)

    return bounded


def _chosen(*pairs: tuple[Any, Any]) -> Any:
    return next((value for value, holds in pairs if holds), mpmath.nan)


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
