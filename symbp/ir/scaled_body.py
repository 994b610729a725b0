"""One body in scaled numbers: what it is where floating point overflows on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

import numpy as np
import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.definition import defined
from symbp.ir.entries import each_entry
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
from symbp.ir.nodes import Program
from symbp.ir.numeric import special
from symbp.ir.scaled import (
    FARTHEST,
    Arithmetic,
    Scaled,
    chosen,
    equal,
    less,
    negative,
    rounded,
    scaled,
    size,
)
from symbp.ir.walk import accesses, is_leaf, postorder

MANY = 200
"""Bits of a number of SymPy's, from which it is seen whether float64 has it."""
LARGEST = Scaled(np.float64(0.5), np.float64(FARTHEST))
"""What infinite numbers count as where they are subtracted."""


Entry = tuple[str, tuple[int, ...]]
"""The name of a tensor, and a place in the row of a sample."""


def scaled_values(
    program: Program, given: Mapping[Entry, Scaled], arithmetic: Arithmetic
) -> dict[Entry, Scaled]:
    """All entries of a program whose statements give single numbers, or rows entry by entry.

    Raises:
        NotImplementedError: a function is not known here.
    """
    known = dict(given)
    for s in program.statements:
        for at, body in each_entry(s, tuple(program.tensors[s.target].row_shape)):
            reads = {a: (a.name, tuple(int(i) for i in a.indices if i.is_Integer)) for a in accesses(body)}
            values = {a: known[entry] for a, entry in reads.items()}
            known[s.target, at] = scaled_body(defined(body, s.origin, has_rule), values, arithmetic)
    return known


def has_rule(node: sp.Basic) -> bool:
    """Whether a function can be evaluated here; else it needs its formula."""
    return any(kind in FUNCTIONS for kind in type(node).__mro__)


def scaled_body(body: sp.Basic, values: Mapping[Any, Scaled], arithmetic: Arithmetic) -> Any:
    """The value of a body at all samples.

    Args:
        values: numbers for the leaves that are no numbers.

    Raises:
        NotImplementedError: a function is not known here.
    """
    done: dict[sp.Basic, Any] = {}
    for node in postorder([body]):
        if node in values:
            done[node] = values[node]
        elif isinstance(node, sp.logic.boolalg.BooleanAtom):
            done[node] = bool(node)
        elif node.is_Number or isinstance(node, sp.NumberSymbol):
            done[node] = scaled_number(node, arithmetic)
        elif is_leaf(node):
            raise NotImplementedError(f"no value for {type(node).__name__}")
        elif isinstance(node, sp.Pow):
            done[node] = _power(arithmetic, node, *(done[a] for a in node.args))
        else:
            done[node] = _rule(node)(arithmetic, *(done[a] for a in node.args))
    return done[body]


def scaled_number(number: Any, arithmetic: Arithmetic) -> Scaled:
    """A number of SymPy's, of any size; what is rounded is a result, and off like others."""
    if not number.is_finite:
        return scaled(float(number))
    negative_, whole, power, bits = number._as_mpf_val(MANY)
    part = (-1.0) ** negative_ * (int(whole) / (1 << bits))
    return (scaled if bits <= 53 else arithmetic.made)(part, float(power + bits))


def _rule(node: sp.Basic) -> Callable[..., Any]:
    for kind in type(node).__mro__:
        if kind in FUNCTIONS:
            return FUNCTIONS[kind]
    raise NotImplementedError(f"no rule in scaled numbers for {type(node).__name__}")


def _power(a: Arithmetic, node: sp.Pow, base: Scaled, exponent: Scaled) -> Scaled:
    if node.exp.is_Integer and abs(node.exp) < 2**53:
        return a.whole_power(base, int(node.exp))
    if abs(node.exp) == sp.S.Half:
        root = a.sqrt(base)
        return root if node.exp > 0 else a.divide(scaled(1.0), root)
    return a.power(base, exponent)


def _choice(_: Arithmetic, *pairs: tuple[Scaled, Any]) -> Scaled:
    return reduce(lambda rest, pair: chosen(pair[1], pair[0], rest), reversed(pairs), scaled(np.nan))


def _greatest(sign: int, *args: Scaled) -> Scaled:
    """The greatest of some numbers, or the least; nan where one of them is."""

    def better(u: Scaled, v: Scaled) -> Scaled:
        return chosen(np.isnan(u.part) | (less(u, v) if sign < 0 else less(v, u)), u, v)

    return reduce(better, args)


def _expm1(a: Arithmetic, u: Scaled) -> Scaled:
    return chosen(np.abs(rounded(u)) < 700, a.near_0(np.expm1, u), a.add(a.exp(u), scaled(-1.0)))


def _log1p(a: Arithmetic, u: Scaled) -> Scaled:
    return chosen(u.power < 1000, a.near_0(np.log1p, u), a.log(u))


def _hyperbolic(sign: int, function: Callable[..., Any], a: Arithmetic, u: Scaled) -> Scaled:
    other = a.exp(negative(u))
    twice = a.add(a.exp(u), other if sign > 0 else negative(other))
    return chosen(
        np.abs(rounded(u)) < 1,
        a.near_0(function, u) if sign < 0 else a.apply(function, u),
        Scaled(twice.part, twice.power - 1),
    )


def _erfc(a: Arithmetic, u: Scaled) -> Scaled:
    """exp(-u^2) erfcx(u) where that is small."""
    decaying = a.multiply(a.exp(negative(a.multiply(u, u))), _scaled_erfc(a, size(u)))
    return chosen(rounded(u) > 1, decaying, a.apply(special.erfc, u))


def _scaled_erfc(a: Arithmetic, u: Scaled) -> Scaled:
    """exp(u^2) erfc(u): of large u 1/(u sqrt(pi)), of others below -1 the product."""
    growing = a.multiply(a.exp(a.multiply(u, u)), a.apply(special.erfc, u))
    far = a.divide(scaled(1 / np.sqrt(np.pi)), u)
    return chosen(rounded(u) < -1, growing, chosen(rounded(u) > 1e10, far, a.apply(special.erfcx, u)))


def _gamma(a: Arithmetic, u: Scaled) -> Scaled:
    """exp(log |gamma|) with its sign; of small u 1/u."""
    size_ = a.exp(a.apply(special.gammaln, u))
    large = Scaled(size_.part * special.gammasgn(rounded(u)), size_.power)
    usual = chosen(np.abs(rounded(u)) < 100, a.apply(special.gamma, u), large)
    return chosen((u.power < -60) & (u.part != 0), a.divide(scaled(1.0), u), usual)


def _loggamma(a: Arithmetic, u: Scaled) -> Scaled:
    """Of small u -log |u|, of large ones u (log u - 1)."""
    logarithm = a.log(size(u))
    usual = chosen(u.power < -60, negative(logarithm), a.apply(special.gammaln, u))
    large = (u.power > 60) & (u.part > 0)
    return chosen(large, a.multiply(u, a.add(logarithm, scaled(-1.0))), usual)


def _polygamma(a: Arithmetic, order: Scaled, u: Scaled) -> Scaled:
    """Of order n, with s = -(-1)^n: of small u s n!/u^(n + 1), and of large ones s (n - 1)!/u^n, or log u."""
    n = rounded(order)
    sign = np.where(np.mod(n, 2) == 1, 1.0, -1.0)
    below = a.power(u, order)
    small = a.divide(a.made(sign * special.gamma(n + 1)), a.multiply(below, u))
    usual = chosen(n == 0, a.apply(special.psi, u), a.apply(special.polygamma, order, u))
    usual = chosen((u.power < -60) & (u.part != 0), small, usual)
    far = chosen(n == 0, a.log(u), a.divide(a.made(sign * special.gamma(np.maximum(n, 1))), below))
    return chosen((u.power > 60) & (u.part > 0), far, usual)


def _times_logarithm(a: Arithmetic, u: Scaled, v: Scaled) -> Scaled:
    return chosen((u.part == 0) & ~np.isnan(v.part), scaled(0.0), a.multiply(u, v))


def _atan2(a: Arithmetic, y: Scaled, x: Scaled) -> Scaled:
    """y/x where that is small."""
    top = np.maximum(x.power, y.power)
    near = (x.part > 0) & (y.power < x.power - 60)
    found = a.apply(np.arctan2, Scaled(y.part, y.power - top), Scaled(x.part, x.power - top))
    return chosen(near, a.divide(y, x), found)


def _plain(function: Callable[..., Any]) -> Callable[..., Scaled]:
    return lambda a, *args: a.apply(function, *args)


def _near_0(function: Callable[..., Any], slope: float = 1.0) -> Callable[..., Scaled]:
    return lambda a, u: a.near_0(function, u, slope, -30)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    sp.Add: Arithmetic.add,
    sp.Mul: Arithmetic.multiply,
    sp.exp: Arithmetic.exp,
    compensated_exp: Arithmetic.exp,
    expm1: _expm1,
    sp.log: Arithmetic.log,
    log1p: _log1p,
    times_logarithm: _times_logarithm,
    first: lambda _, u: u,
    finite: lambda _, u: chosen(np.isinf(u.part), Scaled(np.sign(u.part) * LARGEST.part, LARGEST.power), u),
    sp.sin: _near_0(np.sin),
    sp.cos: _plain(np.cos),
    sp.tan: _near_0(np.tan),
    sp.asin: _near_0(np.arcsin),
    sp.acos: _plain(np.arccos),
    sp.atan: _near_0(np.arctan),
    sp.atan2: _atan2,
    sp.sinh: partial(_hyperbolic, -1, np.sinh),
    sp.cosh: partial(_hyperbolic, 1, np.cosh),
    sp.tanh: _near_0(np.tanh),
    sp.asinh: _near_0(np.arcsinh),
    sp.acosh: _plain(np.arccosh),
    sp.atanh: _near_0(np.arctanh),
    sp.Abs: lambda _, u: size(u),
    sp.sign: lambda _, u: scaled(np.sign(u.part)),
    sp.floor: lambda _, u: chosen(u.power > 53, u, scaled(np.floor(rounded(u)))),
    sp.ceiling: lambda _, u: chosen(u.power > 53, u, scaled(np.ceil(rounded(u)))),
    sp.Max: lambda _, *args: _greatest(1, *args),
    sp.Min: lambda _, *args: _greatest(-1, *args),
    sp.erf: _near_0(lambda x: special.erf(x), 2 / np.sqrt(np.pi)),
    sp.erfc: _erfc,
    one_plus_erf: lambda a, u: _erfc(a, negative(u)),
    erfcx: _scaled_erfc,
    sp.gamma: _gamma,
    sp.loggamma: _loggamma,
    sp.polygamma: _polygamma,
    ExprCondPair: lambda _, *pair: pair,
    sp.Piecewise: _choice,
    sp.Lt: lambda _, u, v: less(u, v),
    sp.Le: lambda _, u, v: less(u, v) | equal(u, v),
    sp.Gt: lambda _, u, v: less(v, u),
    sp.Ge: lambda _, u, v: less(v, u) | equal(u, v),
    sp.Eq: lambda _, u, v: equal(u, v),
    sp.Ne: lambda _, u, v: ~equal(u, v),
    sp.And: lambda _, *args: reduce(np.logical_and, args),
    sp.Or: lambda _, *args: reduce(np.logical_or, args),
    sp.Not: lambda _, u: np.logical_not(u),
}
"""One rule per SymPy class; subclasses inherit the rule of their base."""
