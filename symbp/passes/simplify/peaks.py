"""Peaks: the greatest exponents of sums of exponentials, each defined once.

s                     m = max_k b_k
1 + s                 m = max_k max(0, b_k)
2 exp(c) + s + t      m' = max_k max(c, b_k),  m = max_j max(m', d_j)
3 + s^2               m = max_k max(0, b_k), of which the whole has the double
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symbp.ir.functions import finite
from symbp.ir.names import peak_of
from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import accesses, index_symbols, substitute
from symbp.passes.simplify.exponential_sums import Term, base_of, greatest, terms_of

Define = Callable[[Statement, str], str]
"""Defines a statement under a name like the one wished for, and returns that."""


@dataclass(frozen=True)
class Total:
    """A statement that sums exponentials, and their base."""

    statement: Statement
    base: sp.Expr


@dataclass(frozen=True)
class Peak:
    """The entry that holds a greatest exponent, and the base that is raised to it."""

    access: Access
    base: sp.Expr


def is_peak(s: Statement) -> bool:
    """Whether a statement defines a greatest exponent; nothing else is a maximum or made finite."""
    return s.reduce == "max" or isinstance(s.body, finite)


class Peaks:
    """The peaks that are defined so far.

    Attributes:
        sums: of exponentials, by name.
    """

    def __init__(self, sums: Mapping[str, Total], define: Define):
        self.sums, self.define = sums, define
        self.known: dict[Any, str] = {}

    def of(self, divisor: sp.Expr) -> Peak | None:
        """The greatest exponent in a sum that reads sums of exponentials in one power; else None."""
        summed: list[tuple[Access, sp.Expr]] = []
        extras: list[sp.Expr] = []
        powers: set[Any] = set()
        for part in sp.Add.make_args(divisor):
            entries = [f for f in sp.Mul.make_args(part) if self.is_power(f)]
            rest = sp.Mul(*(f for f in sp.Mul.make_args(part) if not self.is_power(f)))
            if len(entries) > 1 or any(map(self.is_sum, accesses(rest))):
                return None
            if entries:
                entry, n = entries[0].as_base_exp()
                summed.append((entry, rest))
                powers.add(n)
            else:
                extras.append(rest)
        if len(powers) > 1:
            return None
        power = powers.pop()
        bases = {self.sums[a.name].base for a, _ in summed}
        bases |= {b for e in (*extras, *(c for _, c in summed)) if (b := base_of(e)) is not None}
        base = bases.pop() if len(bases) == 1 else sp.E
        first, _ = summed[0]
        at = _places(self.sums[first.name].statement, first)
        back = {i: k for k, i in at.items() if isinstance(i, Index)}
        constants = terms_of(substitute(sp.Add(*extras), back), base)
        if constants is None or not _indices(constants) <= at.keys():
            return None
        found: Access | None = None
        for access, factor in summed:
            s = self.sums[access.name].statement
            swap = {k: substitute(i, back) for k, i in _places(s, access).items()}
            factors = terms_of(substitute(factor, back), base)
            if factors is None or len(factors) != 1 or not _indices(factors) <= at.keys():
                return None
            if not {i for e in swap.values() for i in index_symbols(e)} <= at.keys():
                return None
            s = _renamed(s, set(at))
            own = [
                Term(
                    factors[0].exponent / power + substitute(t.exponent, swap),
                    _at(t, swap) | factors[0].conditions,
                )
                for t in terms_of(s.body, base) or ()
            ]
            before = [Term(t.exponent / power, t.conditions) for t in constants]
            before = before if found is None else [Term(found)]
            wish, where = peak_of(first.name), tuple(substitute(w, swap) for w in s.where)
            if where and before:
                # Conditions leave out points, and what is added to the sum with them.
                alone = replace(s, body=greatest(own), where=where)
                own, where = [Term(self.defined(alone, tuple(at), wish))], ()
            statement = replace(s, body=greatest([*before, *own]), where=where)
            found = self.defined(statement, tuple(at), wish)
        assert found is not None
        return Peak(substitute(found, at), base)

    def is_power(self, node: sp.Basic) -> bool:
        """Whether it is a sum of exponentials or a whole power of one."""
        base, n = node.as_base_exp()  # type: ignore[attr-defined]
        return self.is_sum(base) and bool(n.is_Integer and n.is_positive)

    def is_sum(self, node: sp.Basic) -> bool:
        return isinstance(node, Access) and node.name in self.sums

    def defined(self, s: Statement, free: tuple[Any, ...], wish: str) -> Access:
        """The entry that holds the maximum of a body."""
        used = set(index_symbols(sp.Tuple(s.body, *s.where)))
        free = tuple(i for i in free if i in used)
        names = {i: Index(f"_{k}", i.extent) for k, i in enumerate((*free, *s.bound))}
        parts = tuple(substitute(part, names) for part in (s.body, *s.where))
        key = parts, tuple(i.extent for i in names)
        if key not in self.known:
            maximum = replace(s, indices=free, reduce="max")
            if not s.bound:
                maximum = replace(maximum, reduce="none", body=finite(s.body))
            self.known[key] = self.define(maximum, wish)
        return Access(self.known[key], *free)


def _places(s: Statement, access: Access) -> dict[Any, Any]:
    return dict(zip(s.indices, access.indices, strict=True))


def _indices(terms: list[Term]) -> set[Index]:
    return {i for t in terms for part in (t.exponent, *t.conditions) for i in index_symbols(part)}


def _at(term: Term, swap: Mapping[Any, Any]) -> frozenset[sp.Basic]:
    return frozenset(substitute(c, swap) for c in term.conditions)


def _renamed(s: Statement, taken: set[Any]) -> Statement:
    """The statement with bound indices that are not among those taken."""
    swap = {i: Index(f"{i.name}_", i.extent) for i in s.bound if i in taken}
    if not swap:
        return s
    bound = tuple(swap.get(i, i) for i in s.bound)
    return replace(
        s, body=substitute(s.body, swap), bound=bound, where=tuple(substitute(w, swap) for w in s.where)
    )
