"""Products of bodies.

`sympy.Mul` looks for factors that combine, at the price of a hundred operations of Python per factor. In
derivatives most factors are entries and functions of entries that cannot; then only their order is to be
found. The result is the same.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access

_ORDER = cmp_to_key(sp.Basic.compare)  # that of SymPy's own products


def product(*operands: Any) -> Any:
    """sympy.Mul(*operands)."""
    factors: list[Any] = []
    for operand in operands:
        factors.extend(operand.args if type(operand) is sp.Mul else (operand,))
    bases: set[Any] = set()
    numbers: list[Any] = []
    for factor in factors:
        if isinstance(factor, sp.Rational | sp.Float):
            numbers.append(factor)
            continue
        base = factor.base if type(factor) is sp.Pow else factor
        if type(base) is sp.exp and base is factor and not base.is_number:
            base = sp.E  # two exponentials combine
            if base in bases:
                return sp.Mul(*operands)
            bases.add(base)
            continue
        if base in bases or not _combines_with_itself_only(base):
            return sp.Mul(*operands)
        bases.add(base)
    if len(factors) < 2 or len(numbers) > 1 or not all(n.is_finite and n for n in numbers):
        return sp.Mul(*operands)
    rest = sorted((f for f in factors if not isinstance(f, sp.Rational | sp.Float)), key=_ORDER)
    if numbers and (numbers[0] is sp.S.One or (len(rest) == 1 and isinstance(rest[0], sp.Add))):
        return sp.Mul(*operands)  # 2*(a + b) is 2*a + 2*b
    return sp.Mul._from_args([*numbers, *rest], is_commutative=True)


def _combines_with_itself_only(base: Any) -> bool:
    """Whether a product changes a factor only for another with the same base, unlike exp(x) and sqrt(2)."""
    kind = type(base)
    if isinstance(base, sp.Function):
        return kind.as_base_exp is sp.Function.as_base_exp and kind.is_commutative is not False
    return kind in (Access, sp.Add)
