"""Shares of a whole that are close to 1: what is left of the whole is the sum of the other weights.

    p[i] = w[i]/s,  s = sum_k w[k]     log(1 - p[i])   ->   l if p[i] > 3/4, else log(1 - p[i])
                                       r = sum_k (0 if p[k] > 3/4 else w[k]),    l = log(r) - log(s)

Of 1 - p no digit is left where p rounds to 1. Only one share can be above 3/4, so that r holds all other
weights where it is read, and no entry needs a sum and a logarithm of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses, postorder, substitute
from symbp.passes.simplify.rational import Rational

LARGE_SHARE = sp.Rational(3, 4)
"""Two shares cannot both be above it, not even when they are rounded; below, 1 - p has its digits."""

MOST = 200
"""Ways in which a weight may be one of those of a sum that are tried."""


@dataclass(frozen=True)
class Left:
    """whole - weight, by its parts.

    Attributes:
        whole, share, small: entries of the sum, of the weight divided by it, and of log(1 - share) where
            the share is large.
        definitions: these in terms of the weight and the sum of the others.
    """

    whole: Access
    share: Access
    small: Access
    definitions: dict[Access, sp.Expr]

    @property
    def logarithm(self) -> sp.Expr:
        """log(1 - share)."""
        large = sp.Gt(self.share, LARGE_SHARE, evaluate=False)
        return sp.Piecewise((self.small, large), (sp.log(1 - self.share), True))


class Wholes:
    """The sums of positive weights that are defined so far, and their shares.

    Attributes:
        sums: by name.
        weights: what they add up, as it is written out.
        made: statements for what is left of them that do not stand yet, by target.
        known: what is left, by the logarithm of its share.
    """

    def __init__(self, program: Program):
        self.taken = set(program.tensors)
        self.sums: dict[str, Statement] = {}
        self.weights: dict[str, sp.Expr] = {}
        self.elementwise: list[Statement] = []
        self.made: dict[str, Statement] = {}
        self.known: dict[sp.Expr, Left] = {}
        self.parts: dict[str, tuple[str, str, str]] = {}

    def learn(self, s: Statement) -> None:
        """Remember what may be the shares of a sum."""
        if s.reduce == "none":
            self.elementwise.append(s)

    def learn_sum(self, s: Statement, weight: sp.Expr) -> None:
        """Remember a sum of positive weights."""
        self.sums[s.target], self.weights[s.target] = s, weight

    def is_concerned(self, body: sp.Expr) -> bool:
        """Whether a body reads a sum."""
        return any(a.name in self.sums for a in accesses(body))

    def choices(self, body: sp.Expr) -> dict[sp.Expr, Left]:
        """The logarithms in a body that were written by `left`."""
        nodes = postorder([body]) if self.known else []
        return {n: self.known[n] for n in nodes if n in self.known}

    def left(self, difference: sp.Expr, r: Rational) -> Left | None:
        """A polynomial over symbols as a whole without one of its weights; None where it is none."""
        for symbol in sorted(difference.free_symbols, key=str):
            whole = r.meaning[symbol]
            if isinstance(whole, Access) and whole.name in self.sums and difference.diff(symbol) == 1:
                weight = r.back(symbol - difference)
                at = self.place(whole, weight)
                if at is not None:
                    share, rest, small = self.parts_of(self.sums[whole.name])
                    own = Access(share, *at.values())
                    others, small = (Access(name, *whole.indices) for name in (rest, small))
                    total = others + weight
                    given = {whole: total, own: weight / total, small: sp.log(others) - sp.log(total)}
                    found = Left(whole, own, small, given)
                    self.known[found.logarithm] = found
                    return found
        return None

    def place(self, whole: Access, weight: sp.Expr) -> dict[Index, sp.Expr] | None:
        """The values of a sum's indices at which its body is the weight."""
        s = self.sums[whole.name]
        at = dict(zip(s.indices, whole.indices, strict=True))
        places = list(dict.fromkeys(i for a in accesses(weight) for i in a.indices))
        if len(places) ** len(s.bound) > MOST:
            return None
        for tried in itertools.product(places, repeat=len(s.bound)):
            found = at | dict(zip(s.bound, tried, strict=True))
            if substitute(self.weights[s.target], found) == weight:
                return found
        return None

    def parts_of(self, s: Statement) -> tuple[str, str, str]:
        """Names for the shares of a sum, for the sum of its small ones, and for the logarithm of theirs."""
        if s.target not in self.parts:
            share = self.shares(s)
            large = sp.Gt(Access(share, *s.domain), LARGE_SHARE, evaluate=False)
            others = replace(s, target=self.free(f"{s.target}_rest"), body=_unless(large, s.body))
            small = sp.log(others.access) - sp.log(s.access)
            logarithm = Statement(self.free(f"l_{s.target}"), s.indices, small, origin=s.origin)
            self.parts[s.target] = share, self.define(others), self.define(logarithm)
        return self.parts[s.target]

    def shares(self, s: Statement) -> str:
        """The statement of the shares of a sum: one that is there, or a new one."""
        body = s.body / s.access
        for known in self.elementwise:
            extents = [i.extent for i in known.indices]
            at = dict(zip(known.indices, s.domain, strict=False))
            if extents == [i.extent for i in s.domain] and substitute(known.body, at) == body:
                return known.target
        name = self.free(f"{s.target}_share")
        return self.define(Statement(name, s.domain, body, origin=s.origin))

    def define(self, s: Statement) -> str:
        self.made[s.target] = s
        return s.target

    def free(self, wish: str) -> str:
        names = itertools.chain([wish], (f"{wish}_{k}" for k in itertools.count(2)))
        name = next(n for n in names if n not in self.taken)
        self.taken.add(name)
        return name

    def new(self, s: Statement) -> list[Statement]:
        """The statements that one reads and that do not stand yet, in order; the others are forgotten."""
        read = {a.name for a in accesses(s.body)}
        for made in reversed(self.made.values()):
            if made.target in read:
                read |= {a.name for a in accesses(made.body)}
        found = [m for m in self.made.values() if m.target in read]
        for m in found:
            del self.made[m.target]
        return found

    @staticmethod
    def tensor(s: Statement) -> Tensor:
        return Tensor(s.target, tuple(i.extent for i in s.indices))


def _unless(condition: sp.Basic, weight: sp.Expr) -> sp.Expr:
    """A positive weight, 0 where the condition holds; exponentials stay such."""
    if isinstance(weight, sp.exp):
        return sp.exp(sp.Piecewise((-sp.oo, condition), (weight.args[0], True)))
    return sp.Piecewise((0, condition), (weight, True))
