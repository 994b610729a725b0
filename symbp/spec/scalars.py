"""Sums, products and powers of scalars, put in order without looking inside of their parts.

When SymPy multiplies, it evaluates each power in the product again, and for powers of sums asks whether the
terms are finite; for s/(1 + tanh((x + y + z)**20)) that means expanding the inner power into real and
imaginary parts. So compound bases stand aside as plain symbols while SymPy collects exponents and
coefficients, and return afterwards. Sums are gathered here for the same reason. The results are those of
SymPy, but for exp(a)*exp(b) and a**(b*c)*a**d, which stay.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import sympy as sp


def raised(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """`base ** exponent`; powers of powers and of products are put together where the exponent is whole."""
    if exponent == 0:
        return sp.S.One
    if exponent == 1:
        return base
    if isinstance(exponent, sp.Integer):
        if isinstance(base, sp.Pow):
            return raised(base.base, product([base.exp, exponent]))
        if isinstance(base, sp.exp):
            return sp.exp(product([base.args[0], exponent]), evaluate=False)
        if isinstance(base, sp.Mul):
            return product(raised(factor, exponent) for factor in base.args)
    return sp.Pow(base, exponent, evaluate=bool(base.is_Atom and exponent.is_Atom))


def product(factors: Iterable[sp.Expr]) -> sp.Expr:
    """The product of `factors`, in SymPy's order."""
    aside: dict[sp.Expr, sp.Dummy] = {}  # by base
    shielded = []
    for factor in _flat(factors):
        base, exponent = factor, sp.S.One
        if isinstance(factor, sp.Pow) and factor.exp.is_Atom:
            base, exponent = factor.args
        if not base.is_Atom:
            factor = sp.Pow(aside.setdefault(base, sp.Dummy()), exponent)
        shielded.append(factor)
    result = sp.Mul(*shielded)
    return _restored(result, {symbol: base for base, symbol in aside.items()}) if aside else result


def _flat(factors: Iterable[sp.Expr]) -> Iterable[sp.Expr]:
    for factor in factors:
        if isinstance(factor, sp.Mul):
            yield from _flat(factor.args)
        else:
            yield factor


def _restored(result: sp.Expr, bases: dict[sp.Dummy, sp.Expr]) -> sp.Expr:
    """`result` with the bases back in the place of their symbols."""
    factors = []
    for factor in result.args if isinstance(result, sp.Mul) else (result,):
        base, exponent = (factor.base, factor.exp) if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        factors.append(raised(bases[base], exponent) if base in bases else factor)
    if len(factors) == 1:
        return factors[0]
    if any(isinstance(factor, sp.Mul) for factor in factors):
        return product(factors)  # sqrt(s*t)*sqrt(s*t) has become a product itself
    numbers = [factor for factor in factors if factor.is_Number]
    others = _sorted(factor for factor in factors if not factor.is_Number)
    if len(numbers) == len(others) == 1 and isinstance(others[0], sp.Add):
        return sp.Mul(*numbers, *others)  # SymPy distributes a number over a sum
    return sp.Mul(*numbers, *others, evaluate=False)


def total(terms: Iterable[sp.Expr]) -> sp.Expr:
    """The sum of `terms`, equal terms gathered, in SymPy's order."""
    number = sp.S.Zero
    coefficients: dict[sp.Expr, sp.Expr] = {}
    for term in terms:
        for part in term.args if isinstance(term, sp.Add) else (term,):
            if part.is_Number:
                number += part
                continue
            coefficient, rest = part.as_coeff_Mul()
            coefficients[rest] = coefficients.get(rest, sp.S.Zero) + coefficient
    parts = [product([coefficient, rest]) for rest, coefficient in coefficients.items() if coefficient != 0]
    if any(isinstance(part, sp.Add) for part in parts):
        return total([number, *parts])  # a number has been distributed over a sum
    if number == 0 and len(parts) == 1:
        return parts[0]
    if not parts:
        return number
    return sp.Add(*([] if number == 0 else [number]), *_sorted(parts), evaluate=False)


def _sorted(parts: Iterable[sp.Expr]) -> list[sp.Expr]:
    return sorted(parts, key=functools.cmp_to_key(sp.Basic.compare))
