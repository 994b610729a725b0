"""Values at an infinite argument that come out as nan, for functions of one variable: their limits.

    sqrt(1 + x^2) - x -> 0,    x e^x (2 + e^x + x)/(1 + e^x)^2 -> 1,    log(1 + e^x) - x/4 -> oo

Infinity minus infinity and infinity over infinity are nan in floating point. The limit is what the exact
formula has come to at large arguments; one that does not settle there stays nan.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate
from symbp.ir.exact import exact
from symbp.ir.functions import finite
from symbp.ir.nodes import Access, Program, Statement
from symbp.ir.walk import accesses, is_large, is_leaf, postorder, substitute

FAR = (1e10, 1e20, 1e30, 3e50, 7e75, 1e100)
"""Arguments that stand for an infinite one."""
DIGITS = 300
SIZE = 400
"""Nodes, counted as a tree, of a formula that is looked at."""
SETTLED, SMALL, LARGE = 1e-25, 1e-40, 1e40

AT_INFINITY = "value at infinity"
SETTLES = f"at arguments up to {FAR[-1]:g}"
"""The rule, and how it is verified."""

_ENDS = (-np.inf, np.inf)
_X = Access("x")
_SETTLING: tuple[type, ...] = (
    *(sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.erf, sp.erfc, sp.tanh, sp.sinh, sp.cosh, sp.atan, sp.asinh),
    *(sp.Abs, sp.sign, sp.Max, sp.Min),
)
"""What has no oscillation to be mistaken for a limit."""


def with_limits(program: Program, formulas: Mapping[str, Statement]) -> list[tuple[Statement, sp.Expr]]:
    """The outputs that are nan at an infinite argument and have a limit there, with bodies that give it.

    Args:
        program: as it is evaluated.
        formulas: the statements as they were written.
    """
    inputs = program.by_role("input", "parameter", "label")
    if any(t.row_shape for t in inputs) or any(s.reduce != "none" or s.where for s in program.statements):
        return []
    values = [
        evaluate(program, {t.name: np.full(1 if t.batched else (), end) for t in inputs}) for end in _ENDS
    ]
    found = []
    for s in program.statements:
        is_nan = [bool(np.isnan(v[s.target]).any()) for v in values]
        if s.target not in program.outputs or not any(is_nan):
            continue
        formula = _whole(s.access, formulas)
        variables = accesses(formula)
        if len(variables) != 1:
            continue
        limits = _limits(substitute(formula, {variables[0]: _X}))
        x = variables[0]
        pairs = [
            (limit, beyond(x, finite(x), evaluate=False))
            for beyond, limit, missing in zip((sp.Lt, sp.Gt), limits, is_nan, strict=True)
            if limit is not None and missing
        ]
        if pairs:
            found.append((s, sp.Piecewise(*pairs, (s.body, True))))
    return found


def _whole(body: sp.Expr, formulas: Mapping[str, Statement]) -> sp.Expr:
    """The body with everything that is defined written out, as far as it stays small."""
    while True:
        swap = {}
        for access in accesses(body):
            s = formulas.get(access.name)
            if s is not None:
                swap[access] = substitute(s.body, dict(zip(s.indices, access.indices, strict=True)))
        if not swap or is_large(body, SIZE):
            return body
        body = substitute(body, swap)


@lru_cache(maxsize=1024)
def _limits(formula: sp.Expr) -> tuple[sp.Expr | None, sp.Expr | None]:
    """What a formula over `x` comes to at minus infinity and at infinity."""
    order = postorder([formula])
    if is_large(formula, SIZE) or not all(is_leaf(n) or isinstance(n, _SETTLING) for n in order):
        return None, None
    return _limit(formula, -1), _limit(formula, 1)


def _limit(formula: sp.Expr, sign: int) -> sp.Expr | None:
    values = [exact(formula, {_X: sign * far}, DIGITS) for far in FAR]
    if any(v is None for v in values):
        return None
    sizes = [abs(v) for v in values]
    *_, before, last = values
    if abs(last - before) <= SETTLED * sizes[-1]:
        return sp.Float(float(last))
    steps = np.diff([float(min(size, LARGE**2)) for size in sizes])
    if all(size <= earlier for size, earlier in zip(sizes[1:], sizes, strict=False)) and sizes[-1] < SMALL:
        return sp.S.Zero
    grows = all(size >= earlier for size, earlier in zip(sizes[1:], sizes, strict=False))
    # A logarithm grows by more than one between these.
    if grows and (sizes[-1] > LARGE or (steps > 1).all()) and len({v > 0 for v in values}) == 1:
        return sp.oo if last > 0 else -sp.oo
    return None
