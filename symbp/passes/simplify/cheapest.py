"""The cheapest verified form of a body that may be written through held values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.canonical import canonical_order
from symbp.ir.forms import form_of
from symbp.ir.nodes import Access, Index
from symbp.ir.walk import accesses, is_leaf, is_undefined, length, operations, postorder, substitute
from symbp.passes.cost import cost
from symbp.passes.hoist import WORTH
from symbp.passes.simplify.candidates import candidates
from symbp.passes.simplify.divisors import divides_by_no_other
from symbp.passes.simplify.floats import exact, has_floats, rounded
from symbp.passes.simplify.reads import fewest_reads
from symbp.passes.simplify.scaled import with_number, without_number
from symbp.passes.simplify.stable import stable_body
from symbp.passes.simplify.verify import EXTREMES, FAR, LARGE, adds_nan, answers_nan, losses, verified

EXACT = 8.0
"""Errors of a form, in units of the last place of the value, that count as rounding."""
BELOW_TOP = 4.0
"""Errors of a lossy form in units of the last place of the largest value."""
LOSS = "relative accuracy where the derivative is small; the error stays below the rounding of its maximum"


@dataclass(frozen=True)
class Found:
    """A form, how it was verified, and the accuracy it gives up, in words.

    Attributes:
        required: whether the body is wrong somewhere in float64 where the form is better.
        shares: whether it takes more operations than the body beside the formulas that are held: what those
            evaluate anyway comes for nothing.
    """

    form: sp.Expr
    verified: str
    loss: str
    required: bool = False
    shares: bool = False


@dataclass(frozen=True)
class Problem:
    """A body, and (access, formula) for the values that are held.

    Attributes:
        price: the cost that a form has to stay below.
        operations: the operations that it may not exceed.
        lossy: whether a form may lose relative accuracy where the value is small against its largest.
    """

    body: sp.Expr
    held: tuple[tuple[Access, sp.Expr], ...]
    lossy: bool
    price: int
    operations: int


def cheapest(problem: Problem) -> Found | None:
    """The cheapest verified form that costs less than the price, or None.

    Where the body answers with nan at an extreme argument, a form that does not may cost more. Where the
    body itself loses relative accuracy that is asked for, the form that loses least wins over cheaper
    ones: (1 - |a|)^2 is no worse than 1/(1 + |x|) - |x|/(1 + |x|)^2, but 1/(1 + |x|)^2 is right. No form
    divides by what the body does not divide by. Bodies that differ only in the names of their tensors
    and indices are solved once, and those that differ in the number in front.
    """
    long = long_exponents(problem.body, *(formula for _, formula in problem.held))
    if long:
        held = tuple((access, substitute(formula, long)) for access, formula in problem.held)
        found = cheapest(replace(problem, body=substitute(problem.body, long), held=held))
        back = {name: argument for argument, name in long.items()}
        return None if found is None else replace(found, form=substitute(found.form, back))
    number, rest = without_number(problem.body, [f for _, f in problem.held])
    if number != 1 and problem.operations and problem.price:
        less = replace(problem, body=rest, price=problem.price - 1, operations=problem.operations - 1)
        found = cheapest(less)
        form = None if found is None else with_number(number, found.form)
        if found is None or form is not None:
            return None if found is None else replace(found, form=form)
    problem = _ordered(problem)
    # Most problems of a long program look like one that was solved before: that is found without renaming.
    form = _form(problem)
    known = () if form is None else _KNOWN.get(form, ())
    if known:
        found, order = known
        names = dict(zip(_leaves(problem), order, strict=True))
    else:
        names = _neutral(problem)
        found = _solved(_renamed(problem, names))
        if form is not None:
            if len(_KNOWN) >= REMEMBERED:
                _KNOWN.clear()
            _KNOWN[form] = found, tuple(names[leaf] for leaf in _leaves(problem))
    if found is None:
        return None
    back = {v: k for k, v in names.items()}
    return replace(found, form=substitute(found.form, back))


REMEMBERED = 4096
_KNOWN: dict[tuple, tuple[Found | None, tuple[Access, ...]]] = {}
"""By the form of a problem, what was found, and the neutral names of what is in the problem."""


def _form(problem: Problem) -> tuple | None:
    """What problems share that differ in the names of their tensors alone; None of large ones."""
    form = form_of(sp.Tuple(problem.body, *(e for pair in problem.held for e in pair)))
    return None if form is None else (form[0], problem.lossy, problem.price, problem.operations)


def long_exponents(*parts: sp.Expr) -> dict[sp.Expr, Access]:
    """Names for exponents of several entries that stand nowhere else: z + c - m is one variable then."""
    arguments = dict.fromkeys(n.args[0] for n in postorder(parts) if isinstance(n, sp.exp))
    named = {u: Access(f"exponent{k}") for k, u in enumerate(arguments) if len(accesses(u)) > 1}
    if not named:
        return {}
    rest = postorder(parts, leaf=lambda n: is_leaf(n) or n in named)
    outside = {a for n in rest if isinstance(n, Access) for a in accesses(n)}
    counts = Counter(a for u in arguments for a in accesses(u))
    return {u: n for u, n in named.items() if all(counts[a] == 1 and a not in outside for a in accesses(u))}


def _ordered(problem: Problem) -> Problem:
    """The problem with what is held in the order in which the body reads the same entries.

    Components of a sum have one problem each, in which they change places.
    """
    place = {access: k for k, access in enumerate(accesses(problem.body))}
    held = sorted(problem.held, key=lambda pair: [place.get(a, len(place)) for a in accesses(pair[1])])
    return replace(problem, held=tuple(held))


def _leaves(problem: Problem) -> list[Any]:
    """The entries in a problem, and indices that stand outside of entries, as in a condition i = 3."""
    parts = [problem.body, *(e for pair in problem.held for e in pair)]
    leaves = dict.fromkeys(leaf for part in parts for leaf in accesses(part))
    return [*leaves, *dict.fromkeys(n for n in postorder(parts) if isinstance(n, Index))]


def _neutral(problem: Problem) -> dict[Any, Access]:
    """Names for the leaves in which only their places count."""
    pairs = [sp.Tuple(*pair) for pair in problem.held]
    order = canonical_order([problem.body, *pairs], _leaves(problem))
    return {leaf: Access(f"v{k}") for k, leaf in enumerate(order)}


def _renamed(problem: Problem, names: Mapping[Any, Access]) -> Problem:
    number = {name: k for k, name in enumerate(names.values())}
    held = [(names[a], substitute(f, names)) for a, f in problem.held]
    held.sort(key=lambda pair: number[pair[0]])
    return replace(problem, body=substitute(problem.body, names), held=tuple(held))


@lru_cache(maxsize=REMEMBERED)
def _solved(problem: Problem) -> Found | None:
    held = dict(problem.held)
    if is_undefined(problem.body, *held.values()):
        return None
    if fewest_reads(problem.body, held) > problem.operations + 1:
        return None
    found = _held_as_it_is(problem)
    if found is not None:
        return found
    judge = _Judge(problem.body, held, LARGE if problem.lossy else FAR)
    best, best_key = None, (np.inf, True, np.inf)
    floats = has_floats(problem.body, *held.values())
    body, known = (
        (exact(problem.body), {a: exact(f) for a, f in held.items()}) if floats else (problem.body, held)
    )
    for candidate in candidates(body, known, problem.operations):
        form = rounded(candidate) if floats else candidate
        most = _key(problem.body, judge.is_nan, problem.price)
        at_best = _key(form, False)
        if is_undefined(form) or at_best >= most or (0.0, *at_best) >= best_key:
            continue
        if operations(form) > problem.operations:
            continue
        if not divides_by_no_other(form, problem.body, held):
            continue
        relative, absolute = judge.losses(form)
        kept = relative <= (EXACT if judge.is_nan else max(EXACT, judge.own()))
        own = _key(form, relative == np.inf)
        key = (0.0 if problem.lossy or relative <= EXACT else judge.lost(form), *own)
        if own >= most or key >= best_key or not (kept or (problem.lossy and absolute <= BELOW_TOP)):
            continue
        how = None if judge.adds_nan(form) else verified(body, candidate, known)
        if how is not None:
            best, best_key = Found(form, how, "" if kept else LOSS), key
    if best is None:
        return None
    shares = operations(best.form) > _operations_beside(problem.body, held)
    return replace(best, required=judge.needs(best.form, problem.lossy), shares=shares)


def _held_as_it_is(problem: Problem) -> Found | None:
    """The value that is the body, or its negative: nothing is cheaper, and it evaluates to the same."""
    if not accesses(problem.body):
        return None
    for sign in (1, -1):
        for access, formula in problem.held:
            form = sign * access
            if sign * formula == problem.body and cost(form) < problem.price:
                return Found(form, "symbolically", "") if operations(form) <= problem.operations else None
    return None


def _operations_beside(body: sp.Expr, held: Mapping[Access, sp.Expr]) -> int:
    """Operations of a body but for what the formulas evaluate, where that is worth a name; see `hoist`."""
    costly = [n for n in postorder(held.values()) if n.args and cost(n) >= WORTH]
    shared = {n: Access(f"shared{k}") for k, n in enumerate(costly)}
    return operations(substitute(body, shared))


class _Judge:
    """Measures the accuracy of forms of one body, and what is needed only when it is asked for."""

    def __init__(self, body: sp.Expr, held: dict, extremes: tuple[float, ...]):
        self.body, self.extremes = body, extremes
        self.given = held
        self.known: dict[sp.Expr, tuple[float, float]] = {}

    @cached_property
    def held(self) -> dict[Access, sp.Expr]:
        return {a: stable_body(f) for a, f in self.given.items()}

    @cached_property
    def is_nan(self) -> bool:
        return answers_nan(stable_body(self.body), self.held)

    def adds_nan(self, form: sp.Expr) -> bool:
        return adds_nan(stable_body(form), stable_body(self.body), self.held)

    def losses(self, form: sp.Expr) -> tuple[float, float]:
        if form not in self.known:
            self.known[form] = losses(stable_body(form), self.body, self.held, self.extremes)
        return self.known[form]

    def needs(self, form: sp.Expr, lossy: bool) -> bool:
        """Whether the body itself is less accurate than is asked for, and the form is better."""
        own, better = self.losses(self.body)[lossy], self.losses(form)[lossy]
        return better < own and own > (BELOW_TOP if lossy else EXACT)

    def own(self) -> float:
        """The relative error of the body. Where squares overflow it may be nan, which is no measure."""
        own, _ = self.losses(self.body)
        return own if own < np.inf else self.lost(self.body) or EXACT

    def lost(self, form: sp.Expr) -> float:
        """The relative error where no square leaves float64, 0 where it is rounding."""
        relative, _ = losses(stable_body(form), self.body, self.held, EXTREMES)
        return relative if relative > EXACT else 0.0


def _key(form: sp.Expr, is_nan: bool, price: int | None = None) -> tuple:
    """What forms compete by: no nan, then the lowest cost, then a product, which joins other products,
    then the shortest. A body that has its price is beaten by no form just because that is shorter."""
    if price is not None:
        return is_nan, price, isinstance(form, sp.Add), 0
    return is_nan, cost(form), isinstance(form, sp.Add), length(form)
