"""Products and sums of bodies.

`sympy.Mul` and `sympy.Add` look for operands that combine, at the price of a hundred operations of Python for
each. In derivatives most are entries and functions of entries that cannot; then only their order is to be
found. The results are the same.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access

_NUMBER = (sp.Rational, sp.Float)


_MOST_PAIRS = 4096
_order_of_kinds: dict[tuple[type, type], int] = {}
"""By two classes of different names; every `sympy.Function("f")` is a new class, so they may become many."""


def _compare(a: Any, b: Any) -> int:
    """sympy.Basic.compare, by which SymPy sorts operands: mostly their classes or names decide."""
    kind: Any = type(a)
    other: Any = type(b)
    if kind is Access is other and a.name != b.name and len(a.args) == len(b.args):
        return 1 if a.name > b.name else -1
    if kind.__name__ == other.__name__:
        return a.compare(b)
    found = _order_of_kinds.get((kind, other))
    if found is None:
        if len(_order_of_kinds) >= _MOST_PAIRS:
            _order_of_kinds.clear()
        found = _order_of_kinds[kind, other] = a.compare(b)
    return found


ORDER = cmp_to_key(_compare)


def product(*operands: Any) -> Any:
    """sympy.Mul(*operands)."""
    operands = tuple([o for o in operands if o is not sp.S.One])
    if len(operands) < 2:
        return operands[0] if operands else sp.S.One
    factors: list[Any] = []
    for operand in operands:
        factors.extend(operand.args if type(operand) is sp.Mul else (operand,))
    bases: set[Any] = set()
    numbers: list[Any] = []
    for factor in factors:
        if isinstance(factor, _NUMBER):
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
    if len(factors) < 2 or len(factors) == len(numbers) or not all(n.is_finite and n for n in numbers):
        return sp.Mul(*operands)
    if len(numbers) > 2:  # the product of three floats depends on their order
        return sp.Mul(*operands)
    rest = sorted((f for f in factors if not isinstance(f, _NUMBER)), key=ORDER)
    if numbers and (any(n is sp.S.One for n in numbers) or (len(rest) == 1 and isinstance(rest[0], sp.Add))):
        if len(operands) == len(factors) == 2 and isinstance(numbers[0], sp.Rational):
            return total(*(product(numbers[0], term) for term in rest[0].args))  # 2*(a + b) is 2*a + 2*b
        return sp.Mul(*operands)
    if len(numbers) == 2:
        number = numbers[0] * numbers[1]
        numbers = [] if number is sp.S.One else [number]
    return sp.Mul._from_args([*numbers, *rest], is_commutative=True)


def _combines_with_itself_only(base: Any) -> bool:
    """Whether a product changes a factor only for another with the same base, unlike exp(x) and sqrt(2)."""
    kind = type(base)
    if isinstance(base, sp.Function):
        return kind.as_base_exp is sp.Function.as_base_exp and kind.is_commutative is not False
    return kind in (Access, sp.Add)


def total(*operands: Any) -> Any:
    """sympy.Add(*operands)."""
    operands = tuple([o for o in operands if o is not sp.S.Zero])
    if len(operands) < 2:
        return operands[0] if operands else sp.S.Zero
    terms: list[Any] = []
    for operand in operands:
        terms.extend(operand.args if type(operand) is sp.Add else (operand,))
    numbers = [t for t in terms if isinstance(t, sp.Rational)]
    rest = [t for t in terms if not isinstance(t, sp.Rational)]
    varying = {_without_number(t) for t in rest}
    if None in varying or len(varying) < len(rest) or len(numbers) > 1:
        return sp.Add(*operands)
    if not rest or not all(n.is_finite for n in numbers):
        return sp.Add(*operands)
    return sp.Add._from_args([*numbers, *sorted(rest, key=ORDER)], is_commutative=True)


def _without_number(term: Any) -> Any:
    """What a term is a multiple of, which a sum has once; None where SymPy may do more with it than add."""
    kind = type(term)
    if kind is sp.Mul:
        first, *others = term.args
        if not isinstance(first, sp.Number):
            others = [first, *others]
        elif not first or not first.is_finite:
            return None
        if not all(map(_is_plain, others)) or (len(others) == 1 and type(others[0]) is sp.Add):
            return None
        return tuple(others) if len(others) > 1 else others[0]
    return term if _is_plain(term) and kind is not sp.Add else None


def _is_plain(factor: Any) -> bool:
    kind = type(factor)
    if kind is sp.Pow:
        return not factor.base.is_number and bool(factor.is_commutative)
    return kind in (Access, sp.Add) or (isinstance(factor, sp.Function) and kind.is_commutative is not False)
