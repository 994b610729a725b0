"""Products of several variables in which a factor is 0 and an exponential has overflowed.

    y exp(x)                                          at y = 0, x = 1000
    (x - m)^2 exp(-2 s)                               at x = m, s = -400
    exp(-(x - m)^2 exp(-2 s)/2) (x - m) exp(-2 s)     elsewhere

In floating point, 0 times infinity is nan. The product is 0 where the exponential is finite, as that of any
number is, and the other factor 0 by itself or vanishes faster than the exponential grows. That is tried at
arguments where one of them is 0 and the other infinite, in numbers that reach farther: exp(x) exp(-y) fails.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.functions import expm1, finite, first, times_logarithm
from symbp.ir.nodes import Access, Statement
from symbp.ir.walk import accesses, has_choice, is_large, is_leaf, postorder, rebuild, substitute

SIZE = 80
"""Nodes, counted as a tree, of the formula of a factor."""
VARIABLES = 12
"""Variables of a product that is looked at."""
DEPTH = 6
"""Definitions of definitions that are looked up."""
SAMPLES, COMPARED = 4000, 24
"""Arguments at which a product is evaluated, and at which it is in multiprecision arithmetic."""
ZERO = 1e-300
DIGITS = 60

_AT = (-1000.0, -800.0, -400.0, -3.0, -1.0, -0.5, 0.5, 1.0, 2.0, 400.0, 800.0, 1000.0)
_GROWING = (sp.sinh, sp.cosh, expm1)
_AS_LARGE = (sp.Abs, sp.Max, sp.Min, sp.Piecewise, times_logarithm, finite, first)
"""Functions that are as large as what they are of."""

TRIED = f"at {SAMPLES} arguments"
"""How a product is verified."""


class ZeroFactors:
    """Looks at the products of a program.

    Args:
        statements: by name, as they were before they were rewritten.
        maxima: the names of greatest exponents.
    """

    def __init__(self, statements: Mapping[str, Statement], maxima: Collection[str] = ()):
        self.maxima = maxima
        self.statements = {n: s for n, s in statements.items() if n not in maxima and _is_small(s)}
        self.formulas: dict[str, sp.Expr] = {}
        self.growing: set[str] = set()
        for name, s in statements.items():
            if grows(s.body, self.growing, maxima):
                self.growing.add(name)

    def first(self, factors: Sequence[sp.Expr]) -> list[sp.Expr]:
        """The factors of a product, those that may be 0 and those that grow taken together."""
        factors = list(factors)
        varying = [f for f in factors if not f.is_number]
        if len(varying) < 2 or not any(self.grows(f) for f in varying):
            return factors
        formulas = {f: self.formula(f) for f in varying}
        if any(is_large(f, SIZE) for f in formulas.values()):
            return factors
        read = list(dict.fromkeys(a for f in formulas.values() for a in accesses(f)))
        if len(read) > VARIABLES:
            return factors
        names = {a: Access(f"x{k}") for k, a in enumerate(read)}
        inner = tuple(a.name in self.statements for a in read)
        order, large = _opposed(tuple(substitute(f, names) for f in formulas.values()), inner)
        if not order:
            return factors
        found = sp.Mul(*(varying[k] for k in large))
        rest = [f for f in factors if not any(f is varying[k] for k in large)]
        for k in reversed(order):
            base, power = _base(varying[k])
            if base.could_extract_minus_sign():  # m - x is no other factor than x - m
                base, power = -base, -power
            found = times_logarithm(base, found)
            rest = [f for f in rest if f is not varying[k]] + [power]
        return [*(f for f in rest if f is not sp.S.One), found]

    def grows(self, body: Any) -> bool:
        """Whether a body may overflow by an exponential in it, or in what it reads."""
        return grows(body, self.growing, self.maxima)

    def held(self, access: Access) -> Any:
        """What an entry was written as; None where that is not one small formula."""
        s = self.statements.get(access.name)
        return None if s is None else substitute(s.body, dict(zip(s.indices, access.indices, strict=True)))

    def formula(self, body: Any, depth: int = DEPTH) -> Any:
        """A factor with formulas instead of the entries that hold them, where these are small."""
        swap = {}
        for access in accesses(body) if depth else ():
            s = self.statements.get(access.name)
            if s is None:
                continue
            if access.name not in self.formulas:
                self.formulas[access.name] = self.formula(s.body, depth - 1)
            own = self.formulas[access.name]
            if not is_large(own, SIZE):
                swap[access] = substitute(own, dict(zip(s.indices, access.indices, strict=True)))
        return self.shifted(substitute(body, swap) if swap else body)

    def shifted(self, body: Any) -> Any:
        """exp(a - m) as exp(a - max(a, m)), which it is where m is the greatest of several exponents."""
        if not any(a.name in self.maxima for a in accesses(body)):
            return body
        done: dict[sp.Basic, Any] = {}
        for node in postorder([body]):
            new = node if node in done or not node.args or isinstance(node, Access) else None
            new = rebuild(node, tuple(done[a] for a in node.args)) if new is None else new
            if isinstance(node, sp.exp):
                terms = sp.Add.make_args(node.args[0])
                greatest = [t for t in terms if isinstance(-t, Access) and (-t).name in self.maxima]
                if len(greatest) == 1:
                    own = sp.Add(*(t for t in terms if t is not greatest[0]))
                    new = sp.exp(own - sp.Max(own, -greatest[0], evaluate=False))
            done[node] = new
        return done[body]


def _is_small(s: Statement) -> bool:
    """Whether the formula of a tensor may be put in for its entries."""
    return s.reduce == "none" and not s.where and not is_large(s.body, SIZE) and not has_choice(s.body)


def grows(body: sp.Expr, growing: Collection[str] = (), maxima: Collection[str] = ()) -> bool:
    """Whether an exponential in a body may overflow, and what it is in with it.

    Args:
        growing: the names of tensors of which that is known.
        maxima: the names of greatest exponents: what these are subtracted from is at most 0.
    """
    done: dict[sp.Basic, bool] = {}
    for node in postorder([body]):
        if is_leaf(node):
            done[node] = isinstance(node, Access) and node.name in growing
        elif isinstance(node, sp.exp):
            done[node] = not _is_at_most_0(node.args[0], maxima)
        elif isinstance(node, sp.Pow):
            done[node] = not node.exp.is_number or (done[node.base] and not node.exp.is_negative)
        elif isinstance(node, sp.Function) and not isinstance(node, _AS_LARGE):
            done[node] = isinstance(node, _GROWING)
        else:
            done[node] = any(done[a] for a in node.args)
    return done[body]


def _is_at_most_0(exponent: sp.Expr, maxima: Collection[str]) -> bool:
    terms = sp.Add.make_args(exponent)
    if any(isinstance(-t, Access) and (-t).name in maxima for t in terms):
        return True
    return all(t.as_coeff_Mul()[0].is_negative and _is_never_negative(t.as_coeff_Mul()[1]) for t in terms)


def _is_never_negative(body: sp.Expr) -> bool:
    square = isinstance(body, sp.Pow) and (body.exp.is_even or _is_never_negative(body.base))
    return square or isinstance(body, sp.exp | sp.Abs) or body is sp.S.One


def _base(factor: Any) -> tuple[Any, Any]:
    """(u, u^(n - 1)) of u^n: one zero is enough."""
    if isinstance(factor, sp.Pow) and factor.exp.is_Integer and factor.exp > 1:
        return factor.base, factor.base ** (factor.exp - 1)
    return factor, sp.S.One


@lru_cache(maxsize=1024)
def _opposed(
    formulas: tuple[sp.Expr, ...], inner: tuple[bool, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of the factors that are 0 where others are infinite, each before those others, and of
    those that are 0 nowhere; none where there are no such factors, or the product is not 0 there.

    Args:
        formulas: over x0, x1, ...
        inner: which of these are not 0 as often as anything else.
    """
    points = _points(inner)
    try:
        _, plain = _values(formulas, points, np.float64)
        points = points[np.isnan(plain)]
        if not len(points):
            return (), ()
        values, product = _values(formulas, points, np.longdouble)
    except (NotImplementedError, TypeError):  # SciPy's functions know no long doubles
        return (), ()
    may = np.array([grows(f) for f in formulas])
    with np.errstate(all="ignore"):
        rounded = values.astype(np.float64)
    # Where another factor is infinite or nan, there is nothing to be said of the product.
    said, known = np.isfinite(values[~may]).all(axis=0), np.isfinite(values).all(axis=0)
    none, large = (rounded == 0) & said & known, np.isinf(rounded) & said & known
    lost = none.any(axis=0) & large.any(axis=0)
    if (np.abs(product) > ZERO)[lost].any():
        return (), ()
    before = np.array([(zero & large & lost).any(axis=1) for zero in none])
    # Long doubles reach far enough to see what is nearly 0 or infinite; what is farther out is looked at one
    # by one.
    far = np.flatnonzero(said & ~known)
    for k in far[:: max(1, len(far) // COMPARED)]:
        truths = _truths(formulas, {Access(f"x{j}"): float(v) for j, v in enumerate(points[k])})
        zero, over = (np.array([abs(float(t)) == v for t in truths]) for v in (0, np.inf))
        if zero.any() and over.any():
            if abs(mpmath.fprod(truths)) > ZERO:
                return (), ()
            before |= np.outer(zero, over)
    return ((), ()) if before[:, ~may].any() else _in_order(before)


def _in_order(before: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The factors that come before others, in order, and those that only come after; none of a circle."""
    left = [int(k) for k in np.flatnonzero(before.any(axis=1))]
    order: list[int] = []
    while left:
        free = [k for k in left if not before[left, k].any()]
        if not free:
            return (), ()
        order += free
        left = [k for k in left if k not in free]
    after = before.any(axis=0) & ~before.any(axis=1)
    return tuple(order), tuple(int(k) for k in np.flatnonzero(after))


def _points(inner: Sequence[bool]) -> np.ndarray:
    """Arguments of which some are 0, some equal, some far out, and some of any size."""
    random = np.random.default_rng(0)
    shape = SAMPLES, len(inner)
    sizes = random.choice((-1.0, 1.0), shape) * 10 ** random.uniform(-1, 3, shape)
    points = np.where(np.arange(SAMPLES)[:, None] % 2, random.choice(_AT, shape), sizes)
    return np.where(random.random(shape) < np.where(inner, 0.0, 0.15), 0.0, points)


def _values(formulas: Sequence[sp.Expr], points: np.ndarray, dtype: type) -> tuple[Any, Any]:
    """The values of formulas in rows, a column for each point, and their products."""
    columns = {f"x{k}": column.astype(dtype) for k, column in enumerate(points.T)}
    with np.errstate(all="ignore"):
        found = [evaluate_body(f, columns, dtype) for f in formulas]
        rows: np.ndarray = np.array([np.broadcast_to(v, len(points)) for v in found], dtype)
        return rows, np.prod(rows, axis=0)


def _truths(formulas: Sequence[sp.Expr], point: Mapping[Any, float]) -> list[Any]:
    """The values of formulas; none where one of them has none."""
    try:
        values = [exact(f, point, DIGITS) for f in formulas]
    except NotImplementedError:  # a function that multiprecision arithmetic does not know
        return []
    return [] if any(v is None for v in values) else values
