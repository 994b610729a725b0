"""Rules for exponents from which the greatest was subtracted: masked entries, and logarithms close to 0.

w exp(b - m) is 0 where w is 0, however large b is: m is the greatest of the exponents that count
log(exp(-m) + s) = log1p(s) where m = max(0, ...) is 0
a quotient by a sum of exponentials none of which counts is 0, as all that is above the line
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symbp.ir.functions import finite, log1p, times_logarithm
from symbp.ir.nodes import Access, Statement, Tensor
from symbp.ir.walk import accesses, choice, is_large, rebuild, substitute
from symbp.passes.simplify.exponential_sums import exponent_of, weights
from symbp.passes.simplify.nothing_counts import may_be_of_nothing
from symbp.passes.simplify.peaks import is_peak

MASKED = "factors that are 0 where an exponent does not count"
NEAR_ONE = "logarithm near 1"
NOTHING = "nothing counts in a sum of exponentials"
LOWEST = -3e38
"""Greatest exponents below this, in either format, are those of nothing."""

Look = Callable[[Any], Any]


@dataclass(frozen=True)
class Facts:
    """What is known of the greatest exponents of a program, by name.

    Attributes:
        maxima: all of them.
        masked: those of which some exponents do not count.
        weights: the factors that are 0 then, without their indices.
        deciding: other tensors that are 0 then, since they are products with such factors or sums of such.
        from_zero: those that are never negative.
        empty: those that may be minus infinity, where nothing counts.
        sums: sums of exponentials from which the greatest exponent was subtracted, and which one.
    """

    maxima: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    weights: frozenset[sp.Basic] = frozenset()
    deciding: frozenset[str] = frozenset()
    from_zero: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    sums: Mapping[str, tuple[Statement, Access]] = field(default_factory=dict)

    @staticmethod
    def of(statements: Iterable[Statement], tensors: Mapping[str, Tensor] | None = None) -> Facts:
        """The facts of the statements of a program; tensors that are not given may hold anything."""
        statements = list(statements)
        maxima = [s for s in statements if is_peak(s)]
        masks = frozenset(without_indices(w) for s in maxima for w in weights(s.body))
        shifted = _shifted(statements, frozenset(s.target for s in maxima))
        by_name = {s.target: s for s in statements} if maxima else {}
        return Facts(
            frozenset(s.target for s in maxima),
            frozenset(s.target for s in maxima if weights(s.body)),
            masks,
            _deciding(statements, masks),
            frozenset(s.target for s in maxima if _has_zero(s.body)),
            frozenset(
                s.target for s in maxima if may_be_of_nothing(s, by_name, tensors or {}, frozenset(shifted))
            ),
            shifted,
        )


NO_FACTS = Facts()


def _shifted(statements: Iterable[Statement], maxima: frozenset[str]) -> dict[str, tuple[Statement, Access]]:
    """Statements whose terms are exponentials from which one greatest exponent was subtracted, and which."""
    found: dict[str, tuple[Statement, Access]] = {}
    for s in statements if maxima else ():
        m = None if s.target in maxima else subtracted(s.body, maxima, found)
        if m is not None:
            found[s.target] = (s, m)
    return found


def subtracted(
    total: Any, maxima: frozenset[str], known: Mapping[str, tuple[Statement, Access]]
) -> Access | None:
    """The greatest exponent that is subtracted in every term of a sum; None where there is none."""
    parts = [e for e, _ in total.args if e != 0] if isinstance(total, sp.Piecewise) else []
    parts = list(total.args) if isinstance(total, sp.Add) else parts
    if parts:
        found = {subtracted(p, maxima, known) for p in parts}
        return found.pop() if len(found) == 1 else None
    for factor in sp.Mul.make_args(total):
        if isinstance(factor, sp.Piecewise):
            return subtracted(factor, maxima, known)
        if isinstance(factor, Access) and factor.name in known:
            s, m = known[factor.name]
            return substitute(m, dict(zip(s.indices, factor.indices, strict=True)))
        exponent = exponent_of(factor, factor.base if isinstance(factor, sp.Pow) else sp.E)
        for term in sp.Add.make_args(exponent) if exponent is not None else ():
            if isinstance(-term, Access) and (-term).name in maxima:
                return -term
    return None


def counted_divisor(node: Any, written: Any, facts: Facts) -> sp.Expr | None:
    """s^-n with 1 for s where the greatest exponent of the sum is that of nothing: 0/0 would be nan.

    None where something counts always, and s is 1 or more.

    Args:
        written: the node as it was before its operands were rewritten.
    """
    if not (isinstance(written, sp.Pow) and written.exp.is_number and written.exp.is_negative):
        return None
    if not isinstance(node, sp.Pow):
        return None
    s, own = node.base, facts.maxima if isinstance(node.base, Access) else facts.masked
    m = subtracted(written.base, own, facts.sums)
    if m is None or m.name not in own or m.name not in facts.empty:
        return None
    nothing = sp.And(sp.Eq(s, 0, evaluate=False), sp.Lt(m, LOWEST, evaluate=False))
    return rebuild(node, (sp.Piecewise((1, nothing), (s, True)), node.exp))


def _has_zero(body: sp.Expr) -> bool:
    body = body.args[0] if isinstance(body, finite) else body
    return isinstance(body, sp.Max) and 0 in body.args


def _deciding(statements: Iterable[Statement], masks: frozenset[sp.Basic]) -> frozenset[str]:
    found: set[str] = set()
    for s in statements if masks else ():
        if s.reduce == "none" and not is_large(s.body) and _decides(s.body, masks, found):
            found.add(s.target)
    return frozenset(found)


def _decides(body: Any, masks: frozenset[sp.Basic], known: Set[str]) -> bool:
    """Whether an expression is 0 where a factor that masks is."""
    if without_indices(body) in masks or (isinstance(body, Access) and body.name in known):
        return True
    if isinstance(body, sp.Add):
        return all(_decides(t, masks, known) for t in body.args)
    if isinstance(body, sp.Mul):
        return any(_decides(f, masks, known) for f in body.args)
    return isinstance(body, sp.Pow) and bool(body.exp.is_positive) and _decides(body.base, masks, known)


def masked_first(factors: list[Any], look: Look, facts: Facts) -> list[Any]:
    """The factors of a product, 0 times infinity seen to; the same list where there is nothing to see to."""
    infinite = [f for f in factors if not f.is_number and _is_masked(look(f), facts)]
    deciding = [f for f in factors if _decides(f, facts.weights, facts.deciding)] if infinite else []
    if not deciding:
        return factors
    # What else is 0, as 1 by an infinite sum, does not make an infinite exponential count less.
    rest = [f for f in factors if f not in infinite and f not in deciding]
    found = sp.Mul(*deciding)
    for factor in infinite:
        found = times_logarithm(found, factor)
    return [*rest, found]


def without_indices(node: sp.Expr) -> sp.Expr:
    """An expression with tensors instead of their entries."""
    return substitute(node, {a: Access(a.name) for a in accesses(node)})


def _is_masked(factor: sp.Basic, facts: Facts) -> bool:
    exponent = exponent_of(factor, factor.base) if isinstance(factor, sp.Pow) else exponent_of(factor)
    return exponent is not None and any(a.name in facts.masked for a in accesses(exponent))


def logarithm_near_one(node: sp.log, look: Look, facts: Facts) -> sp.Expr | None:
    """log(exp(-m) + s) as log1p(s) where m is 0: of 1 + 1e-20 no digit of s is left."""
    total = look(node.args[0])
    if not isinstance(total, sp.Add):
        return None
    for term in total.args:
        exponent = exponent_of(term, term.base) if isinstance(term, sp.Pow) else exponent_of(term)
        m = None if exponent is None else -exponent
        if isinstance(m, Access) and m.name in facts.from_zero:
            rest = sp.Add(*(t for t in total.args if t is not term))
            return choice((log1p(rest), sp.Le(m, 0, evaluate=False)), (node, True))
    return None
