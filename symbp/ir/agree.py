"""Whether a formula that SymPy has for one of its functions can be trusted, by trying it out.

The rewrites of SymPy hold for arguments in general position. As floating point code they may have no
value where the function has one: binomial(1, 3) is 0, gamma(2)/(gamma(4)*gamma(-1)) is not, and
binomial(200, 100) overflows on the way. Such a formula is found out by comparing it with the values
that SymPy gives for numbers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.nodes import Access, Index
from symbp.ir.numeric import expression
from symbp.ir.walk import accesses, index_symbols, substitute

REALS = tuple(sp.Rational(n, 10) for n in (-30, -25, -10, -5, 0, 5, 10, 20, 30, 37, 100, 2000))
POINTS = 150
"""So many at most are tried, all combinations of `REALS` for two operands."""
TOLERANCE = 1e-6


def agrees(function: Any, operands: Sequence[sp.Expr], formula: sp.Expr, places: Sequence[Any]) -> bool:
    """Whether `formula`, written in `places`, is function(*operands) for all numbers the operands can be.

    Points where the function is not a finite real number prove nothing. Where SymPy never has a
    value, the formula is all that is known about the function, and is taken.
    """
    body = substitute(formula, {place: Access(f"x{k}") for k, place in enumerate(places)})
    known, beyond = False, False
    for point in _points(operands):
        value = _value(function, point)
        with np.errstate(all="ignore"):
            memory = {f"x{k}": np.asarray(float(v)) for k, v in enumerate(point)}
            found = np.asarray(expression(body, {}, memory, 1, np.float64))
        if value is None:
            beyond = beyond or bool(np.isfinite(found))
            continue
        known = True
        if np.isfinite(value) and not abs(found - value) <= TOLERANCE * max(1.0, abs(value)):
            return False
    # Values where SymPy knows none: the formula goes on beyond what it was meant for.
    return not (known and beyond)


def _points(operands: Sequence[sp.Expr]) -> list[tuple[Any, ...]]:
    """Numbers for all operands: loop indices run over their range, data over `REALS`."""
    free = [k for k, o in enumerate(operands) if not o.is_number and (accesses(o) or not index_symbols(o))]
    whole = [o for k, o in enumerate(operands) if k not in free]
    indices = list(dict.fromkeys(i for o in whole for i in index_symbols(o)))
    axes = [*(_range(i) for i in indices), *([REALS] * len(free))]
    if prod(map(len, axes)) <= POINTS:
        chosen = list(product(*axes))
    else:
        draw = random.Random(0)
        chosen = [tuple(draw.choice(axis) for axis in axes) for _ in range(POINTS)]
    found = []
    for values in chosen:
        at = dict(zip(indices, values, strict=False))
        data = dict(zip(free, values[len(indices) :], strict=True))
        found.append(tuple(data[k] if k in data else substitute(o, at) for k, o in enumerate(operands)))
    return found


def _range(index: Index) -> Sequence[sp.Integer]:
    last = index.extent - 1 if isinstance(index.extent, int) else POINTS
    step = max(1, last // (POINTS // 2))
    return [sp.Integer(v) for v in sorted({*range(0, last + 1, step), last})]


def _value(function: Any, point: tuple[Any, ...]) -> float | None:
    """SymPy's own value: nan where it is not a real number, None where it has none."""
    try:
        value = sp.N(function(*point), 20)
        if value in (sp.nan, sp.zoo, sp.oo, -sp.oo):
            return np.nan
        number = complex(value)
    except OverflowError:
        return np.nan
    except Exception:  # SymPy raises anything for numbers it cannot evaluate a function at
        return None
    return number.real if abs(number.imag) <= TOLERANCE * abs(number) else np.nan
