"""Bodies as rational functions: what is not rational becomes a symbol of its own.

    (exp(z) - exp(-z))/(exp(z) + exp(-z))  ->  (t - 1/t)/(t + 1/t)  with t = exp(z)

Exponentials of rational multiples of one argument are powers of one symbol, so that identities between
them are identities of rational functions, which polynomial arithmetic decides. SymPy's own choice of
generators relates fewer of them, and tries algebraic extensions that can take minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import gcd, lcm
from typing import Any

import sympy as sp
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing

from symbp.ir.walk import is_leaf, postorder, rebuild, substitute
from symbp.passes.simplify.quotients import quotients

MOST = 12
"""Symbols of a rational function up to which it is simplified."""
DEGREE = 24
"""Exponents up to which powers are written out."""


@dataclass(frozen=True)
class Rational:
    """Bodies over symbols, and what each symbol stands for.

    Attributes:
        bodies: sums, products and integer powers of symbols and numbers.
        meaning: symbol -> node of the original bodies.
        exponentials: the symbols that stand for exponentials; they are never zero, and positive.
    """

    bodies: tuple[sp.Expr, ...]
    meaning: Mapping[sp.Symbol, sp.Expr]
    exponentials: frozenset[sp.Symbol]

    def back(self, body: sp.Expr) -> sp.Expr:
        """A body over the symbols in terms of the original nodes again."""
        return substitute(body, self.meaning)


def rational(bodies: Iterable[sp.Expr]) -> Rational:
    """Write bodies as rational functions; equal nodes become equal symbols across all of them."""
    bodies = tuple(bodies)
    order = list(postorder(bodies))
    units = _units(order)
    symbols: dict[Any, sp.Symbol] = {}
    meaning: dict[sp.Symbol, sp.Expr] = {}

    def symbol(node: sp.Expr, positive: bool = False) -> sp.Symbol:
        if node not in symbols:
            symbols[node] = sp.Symbol(f"r{len(symbols)}", real=True, positive=positive or None)
            meaning[symbols[node]] = node
        return symbols[node]

    done: dict[sp.Basic, Any] = {}
    exponentials = set()
    for node in order:
        if node.is_Rational:
            done[node] = node
        elif is_leaf(node):
            done[node] = symbol(node)  # type: ignore[arg-type]
        elif isinstance(node, sp.exp):
            argument, factor = exponent(node)
            unit = units[argument]
            t = symbol(sp.exp(unit * argument), positive=True)
            exponentials.add(t)
            done[node] = t ** (factor / unit)
        elif isinstance(node, sp.Add | sp.Mul) or (isinstance(node, sp.Pow) and node.exp.is_Integer):
            done[node] = rebuild(node, tuple(done[a] for a in node.args))
        elif isinstance(node, sp.Pow) and node.exp.is_Rational:
            done[node] = symbol(sp.Pow(node.base, sp.Rational(1, node.exp.q))) ** node.exp.p
        else:
            done[node] = symbol(node)  # type: ignore[arg-type]
    used = set().union(*(done[b].free_symbols for b in bodies)) if bodies else set()
    kept = {s: node for s, node in meaning.items() if s in used}
    return Rational(tuple(done[b] for b in bodies), kept, frozenset(exponentials & used))


def cancelled(body: sp.Expr) -> sp.Expr | None:
    """The quotient of two polynomials without common factors; None where that cannot be had cheaply."""
    if len(body.free_symbols) > MOST:
        return None
    try:
        return sp.cancel(sp.together(body))
    except (sp.PolynomialError, NotImplementedError, ValueError, ZeroDivisionError):
        return None


def vanishes(body: sp.Expr) -> bool:
    """Whether a body over symbols is 0 as a rational function, as far as that can be found out cheaply.

    Its numerator is written out, over the powers of all that stands below a line: nothing need be cancelled
    for that, and looking for common factors is what takes SymPy long.
    """
    symbols = sorted(body.free_symbols, key=str)
    if not symbols or len(symbols) > MOST:
        return cancelled(body) == 0
    found = quotients([body], symbols, PolyRing(symbols, sp.QQ, lex), DEGREE)
    return cancelled(body) == 0 if found is None else not found[0][0]


def exponent(node: sp.Function) -> tuple[sp.Expr, sp.Rational]:
    """The exponent of exp(u), or u of tanh(u), as (argument, rational factor): of c*u and -c*u the same."""
    factor, argument = node.args[0].as_coeff_Mul(rational=True)
    if isinstance(argument, sp.Add) and argument.could_extract_minus_sign():
        factor, argument = -factor, -argument
    return argument, factor


def _units(order: list[sp.Basic]) -> dict[sp.Expr, sp.Rational]:
    """For every argument the greatest common divisor of the factors it has in exponents."""
    factors: dict[sp.Expr, list[sp.Rational]] = {}
    for node in order:
        if isinstance(node, sp.exp):
            argument, factor = exponent(node)
            factors.setdefault(argument, []).append(factor)
    return {
        a: sp.Rational(gcd(*(int(f.p) for f in fs)), lcm(*(int(f.q) for f in fs)))
        for a, fs in factors.items()
    }
