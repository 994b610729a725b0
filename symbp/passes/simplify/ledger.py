"""The ledger: what was rewritten where, what it saved, and how it was verified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from symbp.ir.nodes import Index, Statement

BY_CONSTRUCTION = "by construction"
"""How a rewrite is verified that is an identity whatever its parts are."""


@dataclass(frozen=True)
class Step:
    """One accepted rewrite.

    Attributes:
        rule: its name, as in "reuse of the output".
        target: the tensor whose equation it acted on.
        before, after: the body, or the part of it that changed, over accesses.
        saved: cost saved per entry, in multiplications (see `symbp.passes.cost`); below 0 where a
            stable form costs more than the one it replaces.
        verified: how: "symbolically", "at 7 points to 40 digits", "by construction".
        loss: what accuracy it gives up, in words; empty where none.
        indices, bound: where `before` is what a sum over `bound` adds up, that sum's own indices and those.
        sums: the sums that `before` reads and that have no equation of their own any more.
    """

    rule: str
    target: str
    before: sp.Expr
    after: sp.Expr
    saved: int
    verified: str
    loss: str = ""
    indices: tuple[Index, ...] = ()
    bound: tuple[Index, ...] = ()
    sums: tuple[Statement, ...] = ()


class Ledger:
    """The steps of one derivation, in the order in which they were taken."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self.steps = list(steps)

    def note(self, step: Step) -> None:
        """Add a step; the same rewrite of the same equation is noted once."""
        if step not in self.steps[-64:]:
            self.steps.append(step)
