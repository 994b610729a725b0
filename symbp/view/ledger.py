"""The ledger for people: every rewrite, with equal ones told once.

reuse of the output, in 2 equations
  in        a1 = tanh(z1)
            a2 = tanh(z2)
  before    1 - tanh(z1)**2
  after     1 - a1**2
  saves     40 multiplications per entry
  verified  symbolically
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Program
from symbp.ir.walk import accesses, is_large, substitute
from symbp.passes.simplify.ledger import Step
from symbp.view.equations import Equation, body_term, equations, open_terms, sum_term
from symbp.view.names import printable
from symbp.view.terms import Term, term
from symbp.view.text import TextPrinter

WIDTH = 80
SHOWN = 3
"""Equations that a group names; the others are counted."""
MAX_GROUPS = 100
"""Groups that are shown; the others are counted."""


class Steps(tuple[Step, ...]):
    """The steps of one derivation, in order: a tuple that prints as the ledger.

    Attributes:
        program: the forward pass, whose equations the steps acted on.
        keep: names that have a line of their own in it, see `equations`.
        backward: the forward and backward pass, whose temporaries the steps may speak of.
    """

    program: Program | None
    keep: frozenset[str]
    backward: Program | None

    def __new__(
        cls,
        steps: Iterable[Step] = (),
        program: Program | None = None,
        keep: Iterable[str] = (),
        backward: Program | None = None,
    ) -> Steps:
        self = super().__new__(cls, steps)
        self.program, self.keep, self.backward = program, frozenset(keep), backward
        return self

    def __getnewargs__(self) -> tuple:
        return tuple(self), self.program, self.keep, self.backward

    @property
    def groups(self) -> list[Group]:
        """Equal steps together, in the order of the first of each; those that paper does not tell apart
        from what they act on, as a quotient whose parts are added up before, are left out."""
        lines = equations(self.program, self.keep, often=True) if self.program else []
        formulas = {name: e for e in lines for name in e.covers}
        open = open_terms(self.backward, self.keep) if self.backward else {}
        open |= open_terms(self.program, self.keep, often=True) if self.program else {}
        found: dict[Any, list[Step]] = {}
        for k, step in enumerate(self):
            found.setdefault(_pattern(step) or k, []).append(step)
        groups = [Group(tuple(steps), formulas, open) for steps in found.values()]
        return [g for g in groups if g.before != g.after]

    def __str__(self) -> str:
        groups = self.groups
        blocks = [_block(g) for g in groups[:MAX_GROUPS]]
        if len(groups) > MAX_GROUPS:
            blocks.append(f"... {len(groups) - MAX_GROUPS} more kinds of rewrites")
        return "\n\n".join(blocks) or "Nothing was rewritten."


@dataclass(frozen=True)
class Group:
    """Steps that say the same of different equations."""

    steps: tuple[Step, ...]
    formulas: Mapping[str, Equation]
    open: Mapping[str, Term] = field(default_factory=dict)

    @property
    def first(self) -> Step:
        return self.steps[0]

    @property
    def title(self) -> str:
        """The rule, and in how many equations."""
        count = len(self.steps)
        return self.first.rule + (f", in {count} equations" if count > 1 else "")

    @property
    def before(self) -> Term:
        step = self.first
        if step.bound:
            return sum_term(step.before, step.indices, step.bound, self.known)
        return body_term(step.before, self.known)

    @property
    def known(self) -> dict[str, Term]:
        """What is written in the place of names that have no line."""
        sums = {s.target: sum_term(s.body, s.indices, s.bound, self.open) for s in self.first.sums}
        return {**self.open, **sums}

    @property
    def after(self) -> Term:
        step, before = self.first, self.before
        after = body_term(step.after, self.known)
        if step.bound and after == before:  # the sum without the factor has a name from here on
            old = {a.name for a in accesses(step.before)}
            return body_term(step.after, {n: t for n, t in self.open.items() if n in old})
        return after

    @property
    def places(self) -> list[Equation | Term]:
        """The equations it acted on, of the first few steps; what is derived where it is an adjoint's."""
        found = [self.formulas.get(s.target, self.named(s.target)) for s in self.steps[:SHOWN]]
        return [p for k, p in enumerate(found) if p not in found[:k]]

    def named(self, target: str) -> Term:
        """The name of a tensor; of the adjoint of a temporary, the derivative by what that is."""
        of, _, by = target.partition("/d")
        temporary = self.open.get(by)
        return term("name", data=target) if temporary is None else term("partial", temporary, data=of[1:])

    def shown_name(self, step: Step) -> str:
        """Where a step acted, in a few characters: the equation it is part of."""
        holder = self.formulas.get(step.target)
        return printable(holder.target if holder else TextPrinter().show(self.named(step.target)))

    @property
    def more(self) -> int:
        """How many equations there are besides `places`."""
        return max(0, len(self.steps) - SHOWN)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Label and text of what is known of it: what it saves, how it was verified, what it gives up."""
        saved = self.first.saved
        amount = f"{abs(saved)} multiplication{'s' * (abs(saved) != 1)} per entry" if saved else "nothing"
        return [
            ("saves" if saved >= 0 else "costs", amount),
            ("verified", self.first.verified),
            ("gives up", self.first.loss or "no accuracy"),
        ]


def summary(steps: Steps, width: int = WIDTH) -> list[str]:
    """Lines that tell each group in short: what became what, where."""
    printer = TextPrinter()
    lines = []
    groups = steps.groups
    for group in groups[:MAX_GROUPS]:
        names = ", ".join(map(group.shown_name, group.steps[:SHOWN]))
        where = names + (f" and {group.more} more" if group.more else "")
        change = f"{printer.show(group.before)}  ->  {printer.show(group.after)}"
        lines += textwrap.wrap(f"{where}: {change}", width - 2, subsequent_indent="    ") or [where]
    if len(groups) > MAX_GROUPS:
        lines.append(f"... {len(groups) - MAX_GROUPS} more kinds of rewrites")
    return lines


def _block(group: Group) -> str:
    printer = TextPrinter()
    places = [
        f"{printer.show(p.left)} = {printer.show(p.right)}" if isinstance(p, Equation) else printer.show(p)
        for p in group.places
    ]
    if group.more:
        places.append(f"... and {group.more} more")
    rows = [*zip(["in", *[""] * len(places)], places, strict=False)]
    rows += [("before", printer.show(group.before)), ("after", printer.show(group.after)), *group.facts]
    lines = [group.title]
    for label, text in rows:
        lines += textwrap.wrap(
            text, WIDTH, initial_indent=f"  {label:<9} ", subsequent_indent=" " * 14, break_on_hyphens=False
        )
    return "\n".join(lines)


def _pattern(step: Step) -> tuple | None:
    """What equal steps have in common: all but the names in them. None where that is costly to say."""
    if is_large(step.before) or is_large(step.after):
        return None
    swap: dict[Any, sp.Symbol] = {}
    for body in (step.before, step.after):
        for access in accesses(body):
            own = isinstance(access, Access) and access.name == step.target
            swap.setdefault(access, sp.Symbol("value" if own else f"x{len(swap)}", real=True))
    before, after = (substitute(body, swap) for body in (step.before, step.after))
    return step.rule, before, after, step.saved, step.verified, step.loss, len(step.bound)
