"""What the tests of stable forms share: errors of a form against the formula in multiprecision."""

from __future__ import annotations

import itertools

import numpy as np
import sympy as sp

from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.walk import accesses

X, Y, Z = Access("x"), Access("y"), Access("z")

EXTREMES = (-1000.0, -745.0, -709.5, -300.0, -37.0, -10.0, -1.0, -1e-9, -1e-300)
EXTREMES = (*EXTREMES, 0.0, *(-v for v in reversed(EXTREMES)))


def worst(form: sp.Expr, formula: sp.Expr, at: tuple[float, ...] = EXTREMES, digits: int = 1000) -> float:
    """The largest error of `form` in float64 in units in the last place of what `formula` is.

    Every access takes every value of `at`; where the formula is no number, nothing is compared.
    """
    names = accesses(formula)
    result, compared = 0.0, 0
    for point in itertools.product(at, repeat=len(names)):
        truth = exact(formula, dict(zip(names, point, strict=True)), digits)
        if truth is None:
            continue
        compared += 1
        with np.errstate(all="ignore"):
            got = evaluate_body(form, {a.name: np.array(v) for a, v in zip(names, point, strict=True)})
            right = np.float64(float(truth))
            off = 0.0 if got == right else abs(float(got) - right) / np.spacing(abs(right))
        result = max(result, np.inf if np.isnan(off) else off)
    assert compared
    return result
