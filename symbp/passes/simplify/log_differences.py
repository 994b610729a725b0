"""Differences of an exponent and the logarithm of a sum with it: a - log(e^a + e^b) = -log(1 + e^(b - a)).

At a = b = 1000 the left side has lost three digits, and at a = 1000, b = 0 all of them. Of two exponentials
the right side is a function of one; of more it is written only where the logarithm has no other reader,
since every exponent would need one of its own.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import sympy as sp

from symbp.ir.walk import is_large, is_leaf, postorder, rebuild
from symbp.passes.simplify.several_exponentials import Term, terms_of

LARGE = 400
"""Bodies with more nodes, counted as a tree, are left as they are."""


def relative_logarithms(body: sp.Expr) -> sp.Expr:
    """The body with every such difference as one logarithm; the body itself where there is none."""
    if is_large(body, LARGE):
        return body
    order = postorder([body])
    if not any(isinstance(n, sp.log) and _positive_terms(n) for n in order):
        return body
    readers = Counter(a for n in order if not is_leaf(n) for a in n.args)
    terms = Counter(t.as_coeff_Mul()[1] for n in order if isinstance(n, sp.Add) for t in n.args)
    done: dict[sp.Basic, Any] = {}
    for node in order:
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        if isinstance(node, sp.Add) and isinstance(new, sp.Add):
            new = _relative(new, readers, terms)
        done[node] = new
    return done[body]


def _relative(total: sp.Add, readers: Counter, terms: Counter) -> sp.Expr:
    for term in total.args:
        factor, log = _split(term)
        found = _positive_terms(log) if log is not None else None
        if found is None or (len(found) > 2 and (readers[log] > 1 or terms[log] > 1)):
            continue
        for _, exponent in found:
            rest = [t for t in total.args if t is not term]
            wanted = sp.Add.make_args(sp.expand(-factor * exponent)) if exponent != 0 else ()
            if wanted and all(w in rest for w in wanted):
                rest = [t for t in rest if t not in wanted]
                inside = sp.Add(*(c * sp.exp(sp.expand(e - exponent)) for c, e in found))
                return sp.Add(*rest, factor * sp.log(inside))
    return total


def _split(term: sp.Expr) -> tuple[sp.Expr, Any]:
    """A term as a factor and a logarithm; no logarithm where it has none."""
    factors = sp.Mul.make_args(term)
    log = next((f for f in factors if isinstance(f, sp.log)), None)
    return sp.Mul(*(f for f in factors if f is not log)), log


def _positive_terms(log: sp.Expr) -> list[Term] | None:
    found = terms_of(log.args[0]) if isinstance(log, sp.log) else None
    return found if found and all(c.is_positive for c, _ in found) else None
