"""A plain evaluator of SymPy equations: loops over entries in Python, and nothing of symbp.

`run(equations, values)` computes each left-hand side in turn. Vectors are (n, 1) arrays.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy as sp
from scipy import special
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.indexed import Indexed

Values = dict[str, np.ndarray]


def run(equations: Iterable[sp.Eq], values: Values) -> Values:
    """All values by name; those given, and the left-hand sides."""
    known = {name: np.asarray(v, dtype=float) for name, v in values.items()}
    for equation in equations:
        left, right = equation.lhs, equation.rhs
        if isinstance(left, sp.Symbol):
            known[left.name] = np.asarray(number(right, known, {}))
        elif isinstance(left, sp.MatrixSymbol):
            known[left.name] = array(right, known)
            assert known[left.name].shape == tuple(map(int, left.shape)), left
        else:
            name, shape, indices = _target(left)
            result = np.zeros(shape)
            free = [i for i in indices if isinstance(i, sp.Symbol)]
            extents = [n for n, i in zip(shape, indices, strict=True) if isinstance(i, sp.Symbol)]
            for point in itertools.product(*map(range, extents)):
                at = dict(zip(free, point, strict=True))
                result[tuple(int(i.subs(at)) for i in indices)] = number(right, known, at)
            known[name] = result
    return known


def _target(left: Any) -> tuple[str, tuple[int, ...], tuple]:
    if isinstance(left, Indexed):
        return str(left.base.label), tuple(map(int, left.base.shape)), left.indices
    assert isinstance(left, MatrixElement), left
    return left.parent.name, tuple(map(int, left.parent.shape)), left.indices


def number(e: Any, known: Values, at: dict[sp.Symbol, float]) -> float:
    """A scalar expression, where the symbols of `at` have these values."""
    kind = type(e)
    if e.is_Number or e.is_NumberSymbol:
        return float(e)
    if isinstance(e, sp.Symbol):
        return at[e] if e in at else float(known[e.name])
    if isinstance(e, MatrixElement | Indexed):
        base = e.parent if isinstance(e, MatrixElement) else e.base
        whole = known[str(e.base.label)] if isinstance(e, Indexed) else array(base, known)
        position = tuple(round(number(i, known, at)) for i in e.indices)
        assert all(0 <= p < n for p, n in zip(position, whole.shape, strict=True)), e
        return float(whole[position])
    if isinstance(e, sp.Trace):
        return float(np.trace(array(e.arg, known)))
    if kind.__name__ in ("Sum", "Maximum"):
        ranges = [range(int(number(a, known, at)), int(number(b, known, at)) + 1) for _, a, b in e.limits]
        symbols = [s for s, _, _ in e.limits]
        terms = [
            number(e.function, known, {**at, **dict(zip(symbols, point, strict=True))})
            for point in itertools.product(*ranges)
        ]
        return math.fsum(terms) if kind.__name__ == "Sum" else max(terms)
    if isinstance(e, sp.Piecewise):
        return next((number(v, known, at) for v, c in e.args if holds(c, known, at)), math.nan)
    args = [number(a, known, at) for a in e.args]
    if isinstance(e, sp.Add):
        return math.fsum(args)
    if isinstance(e, sp.Mul):
        return math.prod(args)
    if isinstance(e, sp.Pow):
        return float(np.float64(args[0]) ** args[1])
    return float(FUNCTIONS[kind](*args))


def holds(c: Any, known: Values, at: dict[sp.Symbol, float]) -> bool:
    if c in (True, False):
        return bool(c)
    if isinstance(c, sp.And | sp.Or):
        return (all if isinstance(c, sp.And) else any)(holds(a, known, at) for a in c.args)
    if isinstance(c, sp.Not):
        return not holds(c.args[0], known, at)
    return bool(RELATIONS[type(c)](*(number(a, known, at) for a in c.args)))


def array(e: Any, known: Values) -> np.ndarray:
    """A matrix expression, as an array with two axes."""
    if isinstance(e, sp.MatrixSymbol):
        return known[e.name]
    if isinstance(e, sp.MatrixBase):
        return np.array(e.tolist(), dtype=float)
    if isinstance(e, sp.OneMatrix):
        return np.ones(tuple(map(int, e.shape)))
    if isinstance(e, sp.Transpose):
        return array(e.arg, known).T
    if isinstance(e, ElementwiseApplyFunction):
        inner, (x,) = array(e.expr, known), e.function.variables
        return np.vectorize(lambda v: number(e.function.expr, known, {x: v}), otypes=[float])(inner)
    if isinstance(e, sp.HadamardPower):
        power = number(e.exp, known, {})
        return np.vectorize(lambda v: float(np.float64(v) ** power), otypes=[float])(array(e.base, known))
    args = [array(a, known) if getattr(a, "is_Matrix", False) else number(a, known, {}) for a in e.args]
    if isinstance(e, sp.MatAdd):
        return sum(args[1:], start=args[0])
    if isinstance(e, sp.HadamardProduct):
        return math.prod(args)
    assert isinstance(e, sp.MatMul), type(e)
    result = args[0]
    for factor in args[1:]:
        result = result @ factor if np.ndim(result) and np.ndim(factor) else result * factor
    return result


def _step(x: float, at_zero: float = 0.5) -> float:
    return float(np.heaviside(x, at_zero))


FUNCTIONS: dict[Any, Any] = {
    sp.exp: np.exp, sp.log: np.log, sp.sin: np.sin, sp.cos: np.cos, sp.tan: np.tan, sp.asin: np.arcsin,
    sp.acos: np.arccos, sp.atan: np.arctan, sp.atan2: np.arctan2, sp.sinh: np.sinh, sp.cosh: np.cosh,
    sp.tanh: np.tanh, sp.asinh: np.arcsinh, sp.acosh: np.arccosh, sp.atanh: np.arctanh, sp.Abs: np.abs,
    sp.sign: np.sign, sp.floor: np.floor, sp.ceiling: np.ceil, sp.erf: special.erf, sp.erfc: special.erfc,
    sp.gamma: special.gamma, sp.loggamma: special.gammaln, sp.Max: max, sp.Min: min, sp.Heaviside: _step,
    sp.polygamma: lambda n, x: special.psi(x) if n == 0 else special.polygamma(int(n), x),
    sp.KroneckerDelta: lambda i, j: float(i == j),
}  # fmt: skip

RELATIONS: dict[Any, Any] = {
    sp.Lt: lambda a, b: a < b, sp.Le: lambda a, b: a <= b, sp.Gt: lambda a, b: a > b,
    sp.Ge: lambda a, b: a >= b, sp.Eq: lambda a, b: a == b, sp.Ne: lambda a, b: a != b,
}  # fmt: skip
