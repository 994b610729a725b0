"""An expression on arrays: one rule for each SymPy class, and what an access reads.

Generic in dtype. With complex128 and a tiny imaginary step it gives derivatives exact to
rounding (complex step: f'(x) = Im f(x + ih) / h), so every function here is the analytic
continuation of the real one, and comparisons look at real parts only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
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
from symbp.ir.nodes import BATCH, Access, Index
from symbp.ir.walk import postorder

Values = dict[str, np.ndarray]


class _Special:
    """scipy.special, imported when it is first needed: writing equations does not take so long."""

    def __getattr__(self, name: str) -> Any:
        from scipy import special

        return getattr(special, name)


special = _Special()


def expression(root: sp.Basic, grid: Mapping[Index, np.ndarray], memory: Values, batch: int, dtype: Any):
    """The value of an expression over accesses.

    Args:
        grid: the values of the loop indices, shaped to be broadcast together.
        memory: the tensors by name.
        batch: the number of samples.
        dtype: of the arithmetic.

    Raises:
        NotImplementedError: there is no rule for an operation.
    """
    done: dict[sp.Basic, Any] = {}
    for node in postorder([root]):
        if isinstance(node, Access):
            done[node] = _read(node, grid, memory, batch, dtype)
        elif isinstance(node, Index):
            done[node] = grid[node]
        elif node == BATCH:
            done[node] = batch
        elif node.is_Number or isinstance(node, sp.NumberSymbol):
            done[node] = _number(node, dtype)
        else:
            done[node] = _apply(node, [done[a] for a in node.args])
    return done[root]


def has_rule(node: sp.Basic) -> bool:
    """Whether a function can be evaluated here; else it needs its formula."""
    return isinstance(node, sp.Piecewise) or any(kind in FUNCTIONS for kind in type(node).__mro__)


def _number(node: sp.Basic, dtype: Any):
    if node.is_Integer and abs(int(node)) < 2**53:
        return int(node)
    kind = np.float32 if dtype == np.float32 else np.float64
    return kind(float(node)) if dtype != np.complex128 else float(node)


def _read(access: Access, grid: Mapping[Index, np.ndarray], memory: Values, batch: int, dtype: Any):
    tensor = memory[access.name]
    if not access.indices:
        return tensor
    position = [np.asarray(expression(i, grid, memory, batch, dtype)) for i in access.indices]
    # Points outside are read as some entry inside: only `where` may lead there, and it drops them.
    return tensor[
        tuple(np.clip(p.real.astype(int), 0, n - 1) for p, n in zip(position, tensor.shape, strict=True))
    ]


def _apply(node: sp.Basic, args: list):
    if isinstance(node, sp.Add):
        return sum(args[1:], start=args[0])
    if isinstance(node, sp.Mul):
        return np.prod(np.broadcast_arrays(*args), axis=0) if len(args) > 8 else _product(args)
    if isinstance(node, sp.Pow):
        return _power(args[0], args[1], node.exp)
    if isinstance(node, ExprCondPair | sp.Tuple):
        return tuple(args)
    if isinstance(node, sp.Piecewise):
        result: Any = np.nan
        for value, condition in reversed(args):
            result = np.where(condition, value, result)
        return result
    if isinstance(node, sp.logic.boolalg.BooleanAtom):
        return bool(node)
    for kind in type(node).__mro__:
        if kind in FUNCTIONS:
            return FUNCTIONS[kind](*args)
    raise NotImplementedError(f"the interpreter has no rule for {type(node).__name__}")


def _product(args: list):
    result = args[0]
    for arg in args[1:]:
        result = result * arg
    return result


def _power(base: Any, exponent: Any, symbolic: sp.Basic):
    if symbolic.is_Integer:
        n = int(symbolic)
        return (
            np.asarray(base, dtype=np.result_type(np.asarray(base), np.float32)) ** n
            if n >= 0
            else 1 / _power(base, -n, -symbolic)
        )
    if symbolic == sp.S.Half:
        return _sqrt(base)
    if symbolic == -sp.S.Half:
        return 1 / _sqrt(base)
    if np.iscomplexobj(base) or np.iscomplexobj(exponent):
        invalid = (np.real(base) < 0) & (np.real(exponent) != np.round(np.real(exponent)))
        zero = np.equal(base, 0)
        value = np.where(
            zero, np.power(np.real(base), np.real(exponent)), np.power(np.where(zero, 1, base), exponent)
        )
        return np.where(invalid, np.nan, value)
    return np.power(np.asarray(base, dtype=np.result_type(np.asarray(base), np.float32)), exponent)


def _sqrt(x: Any):
    return np.where(np.real(x) < 0, np.nan, np.sqrt(x)) if np.iscomplexobj(x) else np.sqrt(x)


def _real_only(f: Callable, allowed: Callable) -> Callable:
    """`f`, with nan outside of its real domain also for complex arguments."""
    return lambda x: np.where(allowed(np.real(x)), f(x), np.nan) if np.iscomplexobj(x) else f(x)


def _absolute(x: Any):
    return np.where(np.real(x) < 0, -x, x)


def _extreme(better: Callable) -> Callable:
    def extreme(*args: Any):
        result = args[0]
        for arg in args[1:]:
            take = better(np.real(arg), np.real(result)) | np.isnan(np.real(arg))
            result = np.where(take & ~np.isnan(np.real(result)), arg, result)
        return result

    return extreme


def _atan2(y: Any, x: Any):
    value = np.arctan2(np.real(y), np.real(x))
    if np.iscomplexobj(y) or np.iscomplexobj(x):
        dy, dx, y, x = np.imag(y), np.imag(x), np.real(y), np.real(x)
        return value + 1j * (x * dy - y * dx) / (x * x + y * y)
    return value


def _polygamma(n: Any, x: Any):
    if np.iscomplexobj(x):
        value = np.frompyfunc(lambda k, z: complex(mpmath.psi(int(k), complex(z))), 2, 1)(
            np.asarray(np.real(n), dtype=int), x
        )
        return np.asarray(value, dtype=complex)
    return special.polygamma(n, x)


def _loggamma(x: Any):
    return special.loggamma(x) if np.iscomplexobj(x) else special.gammaln(x)


def _compare(f: Callable) -> Callable:
    return lambda a, b: f(np.real(a), np.real(b))


def _all(*args: Any):
    return np.logical_and.reduce(np.broadcast_arrays(*args)) if len(args) > 1 else args[0]


def _any(*args: Any):
    return np.logical_or.reduce(np.broadcast_arrays(*args)) if len(args) > 1 else args[0]


FUNCTIONS: dict[Any, Callable] = {
    sp.exp: np.exp,
    expm1: np.expm1,
    compensated_exp: np.exp,
    sp.log: _real_only(np.log, lambda x: ~(x < 0)),
    log1p: _real_only(np.log1p, lambda x: ~(x < -1)),
    times_logarithm: lambda u, v: np.where(np.equal(u, 0) & ~np.isnan(v), 0, u * v),
    first: lambda x: x,
    finite: lambda x: _finite(x),
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.tan: np.tan,
    sp.cot: lambda x: 1 / np.tan(x),
    sp.sec: lambda x: 1 / np.cos(x),
    sp.csc: lambda x: 1 / np.sin(x),
    sp.asin: _real_only(np.arcsin, lambda x: np.abs(x) <= 1),
    sp.acos: _real_only(np.arccos, lambda x: np.abs(x) <= 1),
    sp.atan: np.arctan,
    sp.acot: lambda x: np.arctan(1 / x),
    sp.atan2: _atan2,
    sp.sinh: np.sinh,
    sp.cosh: np.cosh,
    sp.tanh: lambda x: _tanh(x),
    sp.coth: lambda x: 1 / np.tanh(x),
    sp.sech: lambda x: 1 / np.cosh(x),
    sp.csch: lambda x: 1 / np.sinh(x),
    sp.asinh: np.arcsinh,
    sp.acosh: _real_only(np.arccosh, lambda x: x >= 1),
    sp.atanh: _real_only(np.arctanh, lambda x: np.abs(x) <= 1),
    sp.Abs: _absolute,
    sp.sign: lambda x: np.sign(np.real(x)),
    sp.floor: lambda x: np.floor(np.real(x)),
    sp.ceiling: lambda x: np.ceil(np.real(x)),
    sp.Max: _extreme(np.greater),
    sp.Min: _extreme(np.less),
    sp.Heaviside: lambda x, at_zero: np.where(np.real(x) == 0, at_zero, (1 + np.sign(np.real(x))) / 2),
    sp.erf: lambda x: special.erf(x),
    sp.erfc: lambda x: 1 - special.erf(x) if np.iscomplexobj(x) else special.erfc(x),
    erfcx: lambda x: np.exp(x**2) * (1 - special.erf(x)) if np.iscomplexobj(x) else special.erfcx(x),
    one_plus_erf: lambda x: 1 + special.erf(x) if np.iscomplexobj(x) else special.erfc(-x),
    sp.gamma: lambda x: special.gamma(x),
    sp.loggamma: _loggamma,
    sp.polygamma: lambda n, x: special.psi(x) if np.all(np.equal(n, 0)) else _polygamma(n, x),
    sp.KroneckerDelta: lambda i, j: np.equal(np.real(i), np.real(j)) * 1,
    sp.Lt: _compare(np.less),
    sp.Le: _compare(np.less_equal),
    sp.Gt: _compare(np.greater),
    sp.Ge: _compare(np.greater_equal),
    sp.Eq: _compare(np.equal),
    sp.Ne: _compare(np.not_equal),
    sp.And: _all,
    sp.Or: _any,
    sp.Not: np.logical_not,
    sp.ITE: lambda c, a, b: np.where(c, a, b),
}
"""One rule per SymPy class; subclasses inherit the rule of their base."""


def _finite(x: Any):
    real = np.real(x)
    limits = np.finfo(np.result_type(real, np.float32))
    return np.where(np.isinf(real), np.clip(real, limits.min, limits.max), x)


def _tanh(x: Any):
    """tanh, with complex arguments of large real part kept finite."""
    if not np.iscomplexobj(x):
        return np.tanh(x)
    clipped = np.clip(np.real(x), -300, 300) + 1j * np.imag(x)
    return np.tanh(clipped)
