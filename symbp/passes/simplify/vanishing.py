"""Products in which one factor vanishes faster than the others grow.

    exp(x) exp(-exp(x)),    x^3 exp(-x),    (1 - tanh(exp(x))^2) x exp(x),    exp(-1/x^2)/x^3

In floating point, 0 times infinity is nan; the limit is 0. Where the factor that vanishes comes out as 0,
the product is 0. That holds for functions of one variable only, and is tried in multiprecision arithmetic
wherever the one factor is 0 and the others have overflowed: exp(x^3) exp(-x^2) fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.functions import expm1, log1p, times_logarithm
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, is_large, is_leaf, postorder, substitute
from symbp.passes.simplify.accuracy import accurate
from symbp.passes.simplify.exponential_forms import X, quotient
from symbp.passes.simplify.single import Single

SIZE = 60
"""Nodes of a factor that is looked at."""
DEPTH = 3
"""Definitions of definitions that are looked up."""
DIGITS = 60
ZERO, INFINITE = 1e-300, 1e38
"""What counts as 0, and the argument of an exponential beyond which nothing is tried."""

_X = Access("x")
_SIZES = np.array(
    sorted({*10.0 ** np.arange(-320, 309, 4), *np.arange(0.5, 60, 0.5), *np.arange(60, 1500, 7.0)})
)
AT = np.concatenate([[0.0], _SIZES, -_SIZES])
"""Arguments at which products are tried."""
_KNOWN = (sp.Add, sp.Mul, sp.Pow, sp.Abs, sp.exp, sp.log, expm1, log1p, times_logarithm)

TRIED = f"in float64 at {len(AT)} arguments"
"""How a product is verified."""

Look = Callable[[Any], Any]


def zero_first(
    factors: Sequence[sp.Expr], meaning: Mapping[sp.Expr, Single], look: Look, nested: bool
) -> list[sp.Expr]:
    """The factors of a product, those that vanish and those that grow taken together.

    Args:
        meaning: factors that are functions of one exponential.
        look: gives an expression with formulas instead of the entries that hold them.
        nested: whether only exponentials of exponentials are looked at, which overflow at 709: squares do
            so at 1e154.
    """
    factors = list(factors)
    if len(factors) < 2 or not any(_vanishes(meaning.get(f)) for f in factors if f.args):
        return factors
    for factor in factors:
        single = meaning.get(factor)
        if single is None or not _vanishes(single):
            continue
        argument = _written_out(single.argument, look)
        if is_large(argument, SIZE) or (nested and not _has_exponential(argument)):
            continue
        atom = _atom(argument)
        if atom is None:
            continue
        whole = {}
        for other in factors:
            mine = meaning.get(other)
            if mine is not None and mine.logarithmic:
                continue  # finite where its argument is
            formula = _written_out(other if mine is None else mine.back(mine.body), look)
            if other is not factor and not other.is_number and _is_function_of(formula, atom):
                whole[other] = substitute(formula, {atom: _X})
        if not whole:
            continue
        argument = substitute(argument, {atom: _X})
        growing = [*whole]
        if not _is_dominated(single.body, argument, sp.Mul(*whole.values())):
            growing = [f for f in growing if _is_dominated(single.body, argument, whole[f])]
        if growing:
            rest = [f for f in factors if f is not factor and f not in growing]
            return [*rest, times_logarithm(factor, sp.Mul(*growing))]
    return factors


def _vanishes(single: Single | None) -> bool:
    """Whether it is 0 where its exponential is 0 or infinite, and nowhere else."""
    q = None if single is None or single.logarithmic else quotient(single.body)
    if q is None or (q.power <= 0 and q.growth >= 0):
        return False
    return all(all(c >= 0 for c in p) or all(c <= 0 for c in p) for p, _ in q.factors)


def opposed(a: Single | None, b: Single | None) -> bool:
    """Whether one of two functions of an exponential vanishes somewhere, and the other grows somewhere."""
    return (_vanishes(a) and _grows(b)) or (_grows(a) and _vanishes(b))


def _grows(single: Single | None) -> bool:
    q = None if single is None or single.logarithmic else quotient(single.body)
    return q is not None and (q.growth > 0 or q.power < 0)


def _written_out(body: Any, look: Look) -> Any:
    for _ in range(DEPTH):
        wider = look(body)
        if wider is body or is_large(wider, SIZE):
            break
        body = wider
    return body


def _has_exponential(body: sp.Expr) -> bool:
    return any(isinstance(n, sp.exp | expm1) for n in postorder([body]))


def _atom(argument: sp.Expr) -> sp.Expr | None:
    """What an argument is a function of, if that is one thing: x in x^2, x - m in exp(x - m)."""
    order = postorder([argument])
    tried = [
        n.args[0].as_coeff_Mul(rational=True)[1] for n in order if isinstance(n, sp.exp | expm1 | sp.log)
    ]
    tried += [n.base for n in order if isinstance(n, sp.Pow)]
    found = accesses(argument)
    for atom in [*(found if len(found) == 1 else ()), *tried]:
        if not atom.is_number and _is_function_of(argument, atom):
            return atom
    return None


def _is_function_of(body: sp.Expr, atom: sp.Expr) -> bool:
    order = postorder([body], leaf=lambda n: is_leaf(n) or n == atom)
    return not is_large(body, SIZE) and all(
        n == atom or (n.is_number and n.is_real) or isinstance(n, _KNOWN) for n in order
    )


def _depth(body: sp.Expr) -> int:
    """Exponentials inside of exponentials."""
    depth: dict[sp.Basic, int] = {}
    for n in postorder([body]):
        inside = 0 if is_leaf(n) else max((depth[a] for a in n.args), default=0)
        depth[n] = inside + isinstance(n, sp.exp | expm1)
    return depth[body]


@lru_cache(maxsize=1024)
def _is_dominated(vanishing: sp.Expr, argument: sp.Expr, other: sp.Expr) -> bool:
    """Whether `vanishing` at `argument` times `other`, all over x, is 0 wherever the one is 0 and the other
    has overflowed, and whether that happens."""
    if _depth(other) > max(1, _depth(argument)):
        return False
    with np.errstate(all="ignore"):
        size = np.broadcast_to(evaluate_body(argument, {_X.name: AT}), AT.shape)
        infinite = np.isinf(np.broadcast_to(evaluate_body(other, {_X.name: AT}), AT.shape))
        zero = evaluate_body(accurate(vanishing).form, {X.name: size}) == 0
    for x in AT[infinite & (np.abs(size) < INFINITE)]:
        at = {_X: float(x)}
        factor, rest = (exact(body, at, DIGITS) for body in (substitute(vanishing, {X: argument}), other))
        if factor is None or rest is None or (abs(factor) < ZERO < abs(factor * rest)):
            return False
    return bool(np.any(infinite & zero))
