"""Candidates: other ways of writing a body, some of them through tensors that are held already.

With a = sigma(x) held, elimination finds a*(1 - a) for sigma'(x): written as rational functions of
t = exp(x), a*(1 + t) - t = 0 is linear in t, and its solution t = a/(1 - a) put into t/(1 + t)^2 leaves
no exponential. No function is known by name. Nothing here is verified or judged; see `verify`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp

from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, postorder, substitute
from symbp.passes.simplify.rational import Rational, cancelled, rational

Held = Mapping[Access, sp.Expr]
"""What tensors hold, as bodies over other accesses."""


def candidates(body: sp.Expr, held: Held) -> Iterator[sp.Expr]:
    """Bodies that may be equal to `body` and cheaper or more stable."""
    yield from _rational_forms(body, held)
    yield from _powers(body, held)
    yield from _by_sign(body, held)


def _rational_forms(body: sp.Expr, held: Held) -> Iterator[sp.Expr]:
    names = {sp.Dummy(f"a{k}", real=True): access for k, access in enumerate(held)}
    r = rational([body, *held.values()])
    whole, *values = r.bodies

    def back(form: sp.Expr) -> sp.Expr:
        return r.back(form).xreplace(names)

    for form in _arranged(whole, r):
        yield back(form)
    for a, value in zip(names, values, strict=True):
        for form in _eliminated(whole, a, value):
            for arranged in _arranged(form, r):
                yield back(arranged)


def _eliminated(whole: sp.Expr, a: sp.Symbol, value: sp.Expr) -> Iterator[sp.Expr]:
    """`whole` without one of its symbols, where `a = value` is linear in a power of it."""
    above, below = sp.fraction(sp.together(value))
    equation = sp.expand(below * a - above)
    top, bottom = sp.fraction(sp.together(whole))
    for symbol in sorted(equation.free_symbols & whole.free_symbols, key=lambda s: int(s.name[1:])):
        if not all(e.is_polynomial(symbol) for e in (equation, top, bottom)):
            continue
        powers = _powers_of(equation, symbol)
        n = max(powers)
        if powers - {0} != {n} or any(k % n for e in (top, bottom) for k in _powers_of(e, symbol)):
            continue
        unit = sp.Dummy(real=True)
        constant, slope = equation.coeff(symbol, 0), equation.coeff(symbol, n)
        swapped = [sp.expand(e).subs(symbol, unit ** sp.Rational(1, n)) for e in (top, bottom)]
        solved = [sp.powdenest(e, force=True).xreplace({unit: -constant / slope}) for e in swapped]
        yield solved[0] / solved[1]


def _powers_of(polynomial: sp.Expr, symbol: sp.Symbol) -> set[int]:
    return {k for (k,) in sp.Poly(polynomial, symbol).monoms()}


def _arranged(body: sp.Expr, r: Rational) -> Iterator[sp.Expr]:
    """The quotient in lowest terms, expanded and factored; exponentials below the line where they can be."""
    quotient = cancelled(body)
    if quotient is None:
        return
    yield quotient
    above, below = sp.fraction(quotient)
    yield sp.factor_terms(sp.factor(above)) / sp.factor(below)
    if below.is_number and isinstance(above, sp.Add):
        yield sp.Add(*(sp.factor_terms(t) / below for t in above.args))
    for t in sorted(r.exponentials & quotient.free_symbols, key=str):
        # Only below the line does an exponential that overflows mean 0.
        terms = [_reciprocal(term, t) for term in sp.Add.make_args(sp.apart(quotient, t, full=False))]
        yield sp.Add(*terms)
        yield _reciprocal(quotient, t)


def _reciprocal(quotient: sp.Expr, t: sp.Symbol) -> sp.Expr:
    """c t^k / Q(t) as c / (Q(t) t^-k)."""
    above, below = sp.fraction(quotient)
    power = sp.degree(above, t) if above.has(t) else 0
    if not power or sp.expand(above).coeff(t, power) * t**power != sp.expand(above):
        return quotient
    return sp.cancel(above / t**power) / sp.expand(below / t**power)


def _powers(body: sp.Expr, held: Held) -> Iterator[sp.Expr]:
    """Derivatives of powers: (x^p)' = p a / x."""
    for a, value in held.items():
        if not any(isinstance(n, sp.Pow) and not n.exp.is_Integer for n in postorder([value])):
            continue
        r = rational([body, value])
        for ratio, factor in ((r.bodies[0] / r.bodies[1], a), (r.bodies[0] * r.bodies[1], 1 / a)):
            short = cancelled(ratio)
            if short is not None:
                yield r.back(short) * factor


def _by_sign(body: sp.Expr, held: Held) -> Iterator[sp.Expr]:
    """Of odd functions: with x = s m, m = |x|, f(x) = s g(m) and f'(x) = h(m), search h through g = |f|."""
    for a, value in held.items():
        found = accesses(value)
        if len(found) != 1 or not any(
            isinstance(n, sp.Abs) and n.args[0] == found[0] for n in postorder([value])
        ):
            continue
        x, m, s = found[0], Access("m"), sp.Symbol("s", real=True)
        swap = {sp.Abs(x): m, sp.sign(x): s, x: s * m}
        even, odd = (_mod_square(substitute(e, swap), s) for e in (body, value))
        if even is None or odd is None or even.has(s) or (odd / s).has(s):
            continue
        size = Access("size")
        for form in _rational_forms(even, {size: odd / s}):
            yield substitute(form, {size: sp.Abs(a), m: sp.Abs(x)})


def _mod_square(body: sp.Expr, s: sp.Symbol) -> sp.Expr | None:
    """The body with s^2 = 1."""
    r = rational([body])
    quotient = cancelled(r.bodies[0])
    if quotient is None:
        return None
    (name,) = [k for k, v in r.meaning.items() if v == s] or [sp.Dummy()]
    above, below = (sp.rem(e, name**2 - 1, name) if e.has(name) else e for e in sp.fraction(quotient))
    return r.back(sp.cancel(above / below))
