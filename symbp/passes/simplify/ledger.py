"""The ledger: what was rewritten where, what it saved, and how it was verified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symbp.ir.names import unshifted
from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import accesses, substitute
from symbp.passes.simplify.renamed import renamed_body

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
        sums: the sums that it reads and that have no equation of their own any more.
        required: whether accuracy needs it: it stands even where it costs operations.
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
    required: bool = False

    def without(self, gone: Mapping[str, Statement], call: Callable[[str], str] = unshifted) -> Step:
        """The step where these sums have no equation any more: it says itself what they were.

        Args:
            call: what it calls them, for others have their names.
        """
        read = [a for body in (self.before, self.after) for a in accesses(body) if a.name in gone]
        if not read:
            return self
        swap = {a: Access(call(a.name), *a.indices) for a in read}
        names = dict.fromkeys(a.name for a in read)
        sums = (*self.sums, *(replace(gone[n], target=call(n)) for n in names))
        before, after = (substitute(body, swap) for body in (self.before, self.after))
        return replace(self, before=before, after=after, sums=sums)


class Ledger:
    """The steps of one derivation, in the order in which they were taken."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self.steps = list(steps)

    def lost(self, gone: Mapping[str, Statement], call: Callable[[str], str] = unshifted) -> None:
        """From here on, these sums have no equation; see `Step.without`."""
        self.steps = [step.without(gone, call) for step in self.steps]

    def renamed(self, names: Mapping[str, str]) -> None:
        """From here on, these tensors are called otherwise."""
        if names:
            self.steps = [_renamed(step, names) for step in self.steps]

    def note(self, step: Step) -> None:
        """Add a step; the same rewrite of the same equation is noted once."""
        if step not in self.steps[-64:]:
            self.steps.append(step)


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    of, slash, by = step.target.partition("/d")
    target = f"{of}{slash}{names.get(by, by)}" if slash else names.get(of, of)
    before, after = (renamed_body(body, names) for body in (step.before, step.after))
    return replace(step, target=target, before=before, after=after)
