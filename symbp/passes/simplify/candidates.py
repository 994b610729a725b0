"""Candidates: other ways of writing a body, some of them through tensors that are held already.

With a = sigma(x) held, elimination finds a*(1 - a) for sigma'(x): written as rational functions of
t = exp(x), a*(1 + t) - t = 0 is linear in t, and its solution t = a/(1 - a) put into t/(1 + t)^2 leaves
no exponential. No function is known by name. Nothing here is verified or judged; see `verify`.

Arithmetic is that of SymPy's sparse fraction fields, which cancels as it goes; `cancel`, `subs` and
`powdenest` on expressions take fifty times as long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import sympy as sp
from sympy.polys.fields import FracElement, FracField
from sympy.polys.orderings import lex

from symbp.ir.nodes import Access
from symbp.ir.walk import Substitution, accesses, is_root, length, operations, postorder, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.exponential_forms import in_exponentials
from symbp.passes.simplify.quotients import quotients
from symbp.passes.simplify.rational import Rational, rational
from symbp.passes.simplify.single import EXPONENTIAL

Held = Mapping[Access, sp.Expr]
"""What tensors hold, as bodies over other accesses."""

DEGREE = 12
"""Exponents above this are not expanded."""
TERMS = 60
"""Terms of a numerator or denominator above which a form is given up."""
SYMBOLS = 12
"""Bodies of more symbols are not written as fractions: that takes longer with each of them, and most have
more than TERMS terms."""
FEW_TERMS = 4
"""Terms of a sum up to which each is looked at by itself."""
FACTOR = 8
"""Terms of a polynomial that is factored."""


def candidates(body: sp.Expr, held: Held, most: float = inf) -> Iterator[sp.Expr]:
    """Bodies that may be equal to `body` and cheaper or more stable.

    Args:
        most: operations of a form that is wanted. Quotients that have more additions alone are not even
            written: those of many symbols have hundreds of terms.
    """
    yield from _rational_forms(body, held, most)
    yield from _in_exponentials(body, held, most)
    yield from _term_by_term(body, held, most)
    yield from _without_roots(body, most)
    yield from _powers(body, held, most)
    yield from _through_logarithms(body, held, most)
    yield from _by_sign(body, held, most)


def _rational_forms(body: sp.Expr, held: Held, most: float) -> Iterator[sp.Expr]:
    names = [sp.Symbol(f"a{k}", real=True) for k in range(len(held))]
    r = rational([body, *held.values()])
    many = len(set().union(*(b.free_symbols for b in r.bodies))) > SYMBOLS
    found = None if many else fractions(r.bodies, names)
    if found is None:
        return
    field, (whole, *values) = found
    meaning = dict(r.meaning) | dict(zip(names, held, strict=True))
    back = Substitution(meaning)
    if _reads(whole.numer, whole.denom, meaning) - 1 + _calls(whole, meaning) <= most:
        for form in _written(whole, r, most):
            yield back(form)
    fixed = [k for k, symbol in enumerate(field.symbols) if not accesses(meaning[symbol])]
    varying = [k for k in range(len(field.symbols)) if k not in fixed]
    for a, value in zip(names, values, strict=True):
        # Without a constant, a form reads more entries than without an entry.
        without_entry = [*_eliminated(field, whole, a, value, varying)]
        for above, below in without_entry or _eliminated(field, whole, a, value, fixed):
            joined = _reads(above, below, meaning) - 1
            if joined > most:
                continue
            quotient = field.new(above, below)
            if joined + _calls(quotient, meaning) <= most:
                for form in _written(quotient, r, most):
                    yield back(form)


def _reads(above: Any, below: Any, meaning: Mapping[sp.Symbol, sp.Expr]) -> int:
    """Distinct entries that a quotient reads at least however it is written; an operation fewer joins them.

    What has not the same degree above and below the line does not cancel. In a product of exponentials or
    powers, entries may cancel that several of them read.
    """
    degrees = zip(above.ring.symbols, above.degrees(), below.degrees(), strict=True)
    kept = [symbol for symbol, p, q in degrees if p != q] if above else []
    powers = {symbol for symbol, node in meaning.items() if isinstance(node, sp.exp | sp.Pow)}
    readers = Counter(entry for symbol in powers for entry in accesses(meaning[symbol]))
    read = ((entry, symbol in powers) for symbol in kept for entry in accesses(meaning[symbol]))
    return len({entry for entry, cancels in read if not (cancels and readers[entry] > 1)})


def _calls(quotient: FracElement, meaning: Mapping[sp.Symbol, sp.Expr]) -> int:
    """Exponentials that a quotient in lowest terms calls at least however it is written.

    It is a function of so many independent products of them: of t and s for 1 + t + s, of t s for 1 + t s.
    Counted are exponentials each of which reads an entry that no later one reads.
    """
    symbols = quotient.numer.ring.symbols
    left = {k: accesses(meaning[s]) for k, s in enumerate(symbols) if isinstance(meaning.get(s), sp.exp)}
    own: list[int] = []
    while left:
        readers = Counter(entry for entries in left.values() for entry in entries)
        found = [k for k, entries in left.items() if any(readers[entry] == 1 for entry in entries)]
        if not found:
            break
        own += found
        left = {k: entries for k, entries in left.items() if k not in found}
    if not own or not quotient:
        return 0
    powers = np.array([*quotient.numer.monoms(), *quotient.denom.monoms()])[:, own]
    return int(np.linalg.matrix_rank(powers - powers[0]))


def _term_by_term(body: sp.Expr, held: Held, most: float) -> Iterator[sp.Expr]:
    """Every term of a sum in its cheapest form: written over one line, three products may be nine terms."""
    terms = sp.Add.make_args(body)
    calls = [any(isinstance(n, EXPONENTIAL) for n in postorder([t])) for t in terms]
    if not held or not 1 < len(terms) <= FEW_TERMS or not any(calls):
        return
    chosen = list(terms)
    for k in sorted(range(len(terms)), key=lambda k: -operations(terms[k])):
        if calls[k]:
            forms = [terms[k], *_rational_forms(terms[k], held, most)]
            chosen[k] = min(forms, key=lambda f: (cost(f), length(f)))
        if operations(chosen[k]) > most:
            return  # the sum is no shorter
    yield sp.Add(*chosen)


def _in_exponentials(body: sp.Expr, held: Held, most: float) -> Iterator[sp.Expr]:
    """With tanh(z/2) as (exp(z) - 1)/(exp(z) + 1), where another function of exp(z) can meet it."""
    calls = {n.func for n in postorder([body, *held.values()]) if isinstance(n, EXPONENTIAL)}
    if len(calls) > 1:
        forms = {a: in_exponentials(f) for a, f in held.items()}
        yield from _rational_forms(in_exponentials(body), forms, most)


def fractions(bodies: Sequence[sp.Expr], extra: Sequence[sp.Symbol]) -> tuple[Any, list[FracElement]] | None:
    """The bodies as elements of the field of fractions over their symbols and `extra`."""
    symbols = sorted(set().union(*(b.free_symbols for b in bodies)), key=lambda s: int(s.name[1:]))
    if not symbols:
        return None
    field = FracField((*symbols, *extra), sp.QQ, lex)
    found = quotients(bodies, symbols, field.ring, DEGREE)
    if found is None:
        return None
    elements = [field.new(above, _product_of(below, field.ring.one)) for above, below in found]
    if any(max(len(e.numer), len(e.denom)) > TERMS for e in elements):
        return None
    return field, elements


def _product_of(powers: Mapping[Any, int], whole: Any) -> Any:
    for factor, n in powers.items():
        whole *= factor**n
    return whole


def _eliminated(
    field: Any, whole: FracElement, a: sp.Symbol, value: FracElement, which: Sequence[int]
) -> Iterator[tuple]:
    """Numerator and denominator of `whole` without one of its symbols, where `a = value` is linear in a power
    of it; common factors are not cancelled."""
    equation = value.denom * field.ring(a) - value.numer
    for k in which:
        n = max((m[k] for m in equation.monoms()), default=0)
        if not n or not any(m[k] for e in (whole.numer, whole.denom) for m in e.monoms()):
            continue
        if any(m[k] % n for e in (equation, whole.numer, whole.denom) for m in e.monoms()):
            continue
        constant, slope = (_coefficient(equation, k, power) for power in (0, n))
        (above, p), (below, q) = (_put(e, k, n, -constant, slope) for e in (whole.numer, whole.denom))
        if below:
            yield above * slope ** max(q - p, 0), below * slope ** max(p - q, 0)


def _coefficient(polynomial: Any, k: int, power: int) -> Any:
    """What stands at a power of the k-th symbol, a polynomial in the others."""
    terms = {(*m[:k], 0, *m[k + 1 :]): c for m, c in polynomial.terms() if m[k] == power}
    return polynomial.ring.from_dict(terms)


def _put(polynomial: Any, k: int, n: int, above: Any, below: Any) -> tuple[Any, int]:
    """The polynomial with above/below for the n-th power of the k-th symbol, times `below` to a power.

    Polynomials alone: a field of fractions would look for common factors after every sum and product.
    """
    powers = sorted({m[k] // n for m in polynomial.monoms()})
    top = powers[-1]
    terms = (_coefficient(polynomial, k, p * n) * above**p * below ** (top - p) for p in powers)
    return sum(terms, polynomial.ring.zero), top


def _written(quotient: FracElement, r: Rational, most: float) -> Iterator[sp.Expr]:
    """Ways to write a quotient in lowest terms that may have no more than `most` operations."""
    above, below = quotient.numer, quotient.denom
    if max(len(above), len(below)) > TERMS:
        return
    if _fewest(above, r) + _fewest(below, r) <= most:
        top, bottom = _factored(above), _factored(below)
        yield top / bottom
        if len(below) == 1 and len(above) > 1:
            yield sp.Add(*(_monomial(above, m, c) / bottom for m, c in above.terms()))
    for k, symbol in enumerate(above.ring.symbols):
        if symbol not in r.exponentials or not any(m[k] for m in below.monoms()):
            continue
        # Only below the line does an exponential that overflows mean 0: c t^k / Q is c / (Q t^-k).
        parts = {power: _coefficient(above, k, power) for power in sorted({m[k] for m in above.monoms()})}
        if sum(_fewest(part, r) + _additions(below, r) + 1 for part in parts.values()) - 1 > most:
            continue
        terms = []
        for power, part in parts.items():
            scaled = (_monomial(below, m, c) * symbol**-power for m, c in below.terms())
            terms.append(_factored(part) / sp.Add(*scaled))
        yield sp.Add(*terms)
    if len(above.ring.symbols) <= 3 and len(below) > 1:
        top, bottom = _factored(above), _factored(below)
        exponential = [s for s in above.ring.symbols if s in r.exponentials and bottom.has(s)]
        if exponential:
            t = exponential[0]
            yield sp.apart(top / bottom, t)
            yield sp.apart(sp.together((top / bottom).subs(t, 1 / t)), t).subs(t, 1 / t)


def _fewest(polynomial: Any, r: Rational) -> int:
    """Additions that the polynomial has at least, as `_factored` writes it."""
    return 0 if _is_small(polynomial) else _additions(polynomial, r)


def _additions(polynomial: Any, r: Rational) -> int:
    """Additions of the polynomial written out; terms that differ by a constant such as pi may be one."""
    varying = [
        k for k, s in enumerate(polynomial.ring.symbols) if s not in r.meaning or accesses(r.meaning[s])
    ]
    return len({tuple(m[k] for k in varying) for m in polynomial.monoms()}) - 1


def _monomial(polynomial: Any, monomial: tuple, coefficient: Any) -> sp.Expr:
    ring = polynomial.ring
    factors = (s**e for s, e in zip(ring.symbols, monomial, strict=True) if e)
    return sp.Mul(ring.domain.to_sympy(coefficient), *factors)


def factors(polynomial: Any) -> list[Any]:
    """Factors of a polynomial that are no constants: those of a small one are irreducible."""
    if _is_small(polynomial):
        return [f for f, _ in polynomial.factor_list()[1]]
    symbols = [
        x
        for x, n in zip(polynomial.ring.gens, map(min, zip(*polynomial.monoms(), strict=True)), strict=True)
        if n
    ]
    return [*symbols, polynomial]


def _is_small(polynomial: Any) -> bool:
    """Whether factoring it is cheap: that takes exponential time in the number of variables."""
    return len(polynomial) <= FACTOR and len([d for d in polynomial.degrees() if d]) <= 3


def _factored(polynomial: Any) -> sp.Expr:
    """Powers of symbols in front; small polynomials are factored completely."""
    if len(polynomial) <= 1:
        return polynomial.as_expr()
    if _is_small(polynomial):
        return _product(polynomial)
    common = tuple(min(column) for column in zip(*polynomial.monoms(), strict=True))
    front = _monomial(polynomial, common, polynomial.ring.domain.one)
    rest = sp.Add(
        *(
            _monomial(polynomial, tuple(e - d for e, d in zip(m, common, strict=True)), c)
            for m, c in polynomial.terms()
        )
    )
    return sp.Mul(front, rest)


def _product(polynomial: Any) -> sp.Expr:
    coefficient, factors = polynomial.factor_list()
    return sp.Mul(polynomial.ring.domain.to_sympy(coefficient), *(f.as_expr() ** n for f, n in factors))


def _without_roots(body: sp.Expr, most: float) -> Iterator[sp.Expr]:
    """Over one line, with powers of roots made small: 1/r - x^2/r^3 with r^2 = 1 + x^2 is 1/r^3."""
    exponents = {n.base: n.exp.q for n in postorder([body]) if is_root(n)}
    r = rational([body, *exponents])
    found = None if not exponents or len(r.meaning) > SYMBOLS else fractions(r.bodies, [])
    if found is None:
        return
    field, (whole, *bases) = found
    reduced = field(whole.numer)
    for (base, q), value in zip(exponents.items(), bases, strict=True):
        for k, symbol in enumerate(field.symbols):
            if r.meaning[symbol] == sp.Pow(base, sp.Rational(1, q)):
                reduced = _mod_power(field, reduced.numer, k, q, value) / reduced.denom
    reduced /= whole.denom
    if reduced != whole:
        for form in _written(reduced, r, most):
            yield r.back(form)


def _mod_power(field: Any, polynomial: Any, k: int, q: int, value: FracElement) -> FracElement:
    """The polynomial with the q-th power of the k-th symbol replaced."""
    powers = sorted({m[k] for m in polynomial.monoms()})
    terms = (
        field(_coefficient(polynomial, k, p)) * field.gens[k] ** (p % q) * value ** (p // q) for p in powers
    )
    return sum(terms, field(0))


def _powers(body: sp.Expr, held: Held, most: float) -> Iterator[sp.Expr]:
    """Derivatives of powers: (x^p)' = p a / x."""
    for a, value in held.items():
        if not any(
            isinstance(n, sp.Pow) and not n.exp.is_Integer and accesses(n) for n in postorder([value])
        ):
            continue
        r = rational([body, value])
        found = fractions(r.bodies, [])
        if found is None or not found[1][1]:
            continue
        _, (top, bottom) = found
        for ratio, factor in ((top / bottom, a), (top * bottom, 1 / a)):
            for form in _written(ratio, r, most):
                yield r.back(form) * factor


def _through_logarithms(body: sp.Expr, held: Held, most: float) -> Iterator[sp.Expr]:
    """Of a = log(g): with exp(a) = g held, (log(1 + e^x))' = e^x/(1 + e^x) is 1 - exp(-a)."""
    for a, value in held.items():
        if isinstance(value, sp.log):
            inside = Access("inside")
            for form in _rational_forms(body, {inside: value.args[0]}, most):
                yield substitute(form, {inside: sp.exp(a)})


def _by_sign(body: sp.Expr, held: Held, most: float) -> Iterator[sp.Expr]:
    """Of odd functions: with x = s m, m = |x|, f(x) = s g(m) and f'(x) = h(m), search h through g = |f|."""
    for a, value in held.items():
        found = accesses(value)
        if len(found) != 1 or sp.Abs(found[0]) not in postorder([value]):
            continue
        x, m, s = found[0], Access("m"), Access("s")
        swap = {sp.Abs(x): m, sp.sign(x): s, x: s * m}
        even, odd = (_mod_square(_swapped(e, swap), s) for e in (body, value))
        if even is None or odd is None or s in accesses(even) or s in accesses(odd / s):
            continue
        size = Access("size")
        for form in _rational_forms(even, {size: odd / s}, most):
            yield substitute(form, {size: sp.Abs(a), m: sp.Abs(x)})


def _swapped(body: sp.Expr, swap: dict) -> sp.Expr:
    return body.xreplace(swap)


def _mod_square(body: sp.Expr, s: Access) -> sp.Expr | None:
    """The body with s^2 = 1."""
    r = rational([body])
    name = next((k for k, v in r.meaning.items() if v == s), None)
    found = fractions(r.bodies, [])
    if found is None:
        return None
    field, (quotient,) = found
    if name is None:
        return body
    k = field.symbols.index(name)

    def reduced(polynomial: Any) -> FracElement:
        terms: dict[tuple, Any] = {}
        for m, c in polynomial.terms():
            m = (*m[:k], m[k] % 2, *m[k + 1 :])
            terms[m] = terms.get(m, 0) + c
        return field(field.ring.from_dict({m: c for m, c in terms.items() if c}))

    above, below = reduced(quotient.numer), reduced(quotient.denom)
    return r.back((above / below).as_expr()) if below else None
