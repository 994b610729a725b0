"""Products and logarithms of erfc, which is 0 from 26 on where they are not.

    exp(x^2) erfc(x) = erfcx(x),    exp(-x^2)/erfc(x) = 1/erfcx(x),    log(erfc(x)) = log(erfcx(x)) - x^2

with erfcx(x) = exp(x^2) erfc(x), about 1/(x sqrt(pi)) far out (Cody, Math. Comp. 23, 1969). Only where x > 0:
elsewhere erfc is between 1 and 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.functions import erfcx, log1p, one_plus_erf
from symbp.ir.walk import accesses, choice, substitute


def complementary(node: Any) -> Any:
    """u where the node is erfc(u), perhaps written 1 + erf(-u); else None."""
    if isinstance(node, sp.erfc):
        return node.args[0]
    if isinstance(node, one_plus_erf):
        return -node.args[0]
    return None


def product_with_complement(node: Any) -> Any:
    """exp(f) erfc(u)^n as exp(f - n u^2) erfcx(u)^n, where f and n u^2 cancel to a lower degree."""
    if not isinstance(node, sp.Mul):
        return None
    exponentials = [f for f in node.args if isinstance(f, sp.exp)]
    for factor in node.args if len(exponentials) == 1 else ():
        base, n = factor.as_base_exp()
        u = complementary(base)
        if u is None or not n.is_Integer:
            continue
        square = sp.expand(n * u**2)
        rest = sp.expand(exponentials[0].args[0] - square)
        if not _degree(rest) < _degree(square):
            continue
        others = [a for a in node.args if a is not factor and a is not exponentials[0]]
        far = sp.Mul(*others, sp.exp(rest), erfcx(u) ** n)
        return choice((far, sp.Gt(u, 0, evaluate=False)), (node, True))
    return None


def logarithm_of_complement(node: Any) -> Any:
    """log(c erfc(u)) = log(c erfcx(u)) - u^2, and log1p where c erfc(u) is close to 1."""
    if not isinstance(node, sp.log):
        return None
    c, rest = node.args[0].as_coeff_Mul()
    u = complementary(rest)
    if u is None or not c.is_positive:
        return None
    far = sp.log(c * erfcx(u)) - u**2
    if c == sp.S.Half:
        near = log1p(-sp.erfc(-u) / 2)
        return choice((near, sp.Lt(u, 0, evaluate=False)), (far, True))
    near = log1p(-sp.erf(u)) + (0 if c == 1 else sp.log(c))
    return choice((near, sp.Lt(u, sp.S.Half, evaluate=False)), (far, True))


def _degree(body: sp.Expr) -> float:
    """Of a polynomial in the entries that it reads; infinite of anything else."""
    swap = {a: sp.Dummy() for a in accesses(body)}
    if not swap:
        return 0
    polynomial = substitute(body, swap).as_poly(*swap.values())
    return np.inf if polynomial is None else polynomial.total_degree()
