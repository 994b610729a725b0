"""Fewest: no rewrite of an adjoint may cost operations elsewhere.

    da = (g(u)/2 - 1) f(u),  b = f(u)/s  with  f(u)/s  held     ->  each simpler, and together dearer

A body is simplified by itself, but parts that it shares with others are evaluated once, and what it reads of
the forward pass may be kept for it alone. So the program is counted as a whole, before and after. Where it
has become dearer, rewrites are taken back: those whose loss lowers the count, else all of them, except what
accuracy needs. Such rewrites belong to both sides of the comparison, and so do the equations that have been
given a name: p is computed whether p - y reads it or not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import replace

from symbp.ir.nodes import Program, Statement
from symbp.ir.walk import accesses
from symbp.passes.contract import contract
from symbp.passes.count import arithmetic
from symbp.passes.define import define
from symbp.passes.extremes import roll_maxima
from symbp.passes.hoist import hoist_outermost, shareable
from symbp.passes.prune import prune
from symbp.passes.share import share
from symbp.passes.simplify.common_numbers import common_numbers
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.steady import as_steady

GROUPS = 8
"""Groups of rewrites that are taken back one by one."""


def settled(program: Program) -> Program:
    """The program after the passes that follow simplification, which share what occurs repeatedly."""
    shared = share(roll_maxima(hoist_outermost(prune(program))))
    return common_numbers(define(prune(contract(shared))))


def fewest(
    before: Program,
    after: Program,
    named: Collection[str],
    ledger: Ledger,
    known: int,
    lossy: bool = True,
) -> Program:
    """The rewritten program, without rewrites that make it dearer than before as a whole.

    Args:
        before, after: programs that define the same tensors; `after` may have more of them.
        named: tensors that have an equation whether they are read or not.
        ledger: its steps from number `known` on tell of the rewrites; those taken back are struck off.
        lossy: see `as_steady`.
    """
    old = {s.target: s for s in before.statements}
    rewritten = [s.target for s in after.statements if s is not old.get(s.target, s)]
    if not rewritten:
        return after
    required = {step.target for step in ledger.steps[known:] if step.required}
    choice = [target for target in rewritten if target not in required]
    part = _cut(after, *_touched(before, after, named))

    def count(back: Set[str]) -> int:
        return _count(_mixed(old, part, back))

    back: set[str] = set()
    best, limit = count(back), count(set(choice))
    size = -(-len(choice) // GROUPS)
    for start in range(0, len(choice), size or 1):
        if best <= limit:
            break
        tried = back.union(choice[start : start + size])
        number = count(tried)
        if number < best:
            back, best = tried, number
    if best > limit:
        back = set(choice)
    if back and not as_steady(settled(_mixed(old, after, back)), settled(after), lossy):
        return after
    ledger.steps[known:] = [step for step in ledger.steps[known:] if step.target not in back]
    return _mixed(old, after, back)


def saves(before: Program, after: Program, named: Collection[str]) -> bool:
    """Whether a program takes no more operations after a rewrite than before; see `fewest`."""
    touched, kept = _touched(before, after, named)
    return _count(_cut(after, touched, kept)) <= _count(_cut(before, touched, kept))


def _count(program: Program) -> int:
    return arithmetic(settled(program))


def _mixed(old: Mapping[str, Statement], program: Program, back: Set[str]) -> Program:
    """The program with the definitions of some tensors as they were."""
    if not back:
        return program
    return program.rebuilt(old[s.target] if s.target in back else s for s in program.statements)


def _touched(before: Program, after: Program, named: Collection[str]) -> tuple[set[str], set[str]]:
    """What rewrites may make cheaper or dearer, and which of it others read.

    That is what is computed in another way or for one of the programs alone, and what shares an expression
    with it, or may be equal.
    """
    statements = {id(s): s for program in (before, after) for s in program.statements}
    reads = {key: _reads(s) for key, s in statements.items()}
    read = _needed(after, after.outputs, reads)
    kept = {*after.outputs, *(n for n in named if n in read)}
    old, new = (_needed(program, kept, reads) for program in (before, after))
    changed = {t for t in old.keys() | new.keys() if old.get(t) != new.get(t)}
    rewritten = [side[t] for side in (old, new) for t in changed & side.keys()]
    near = set().union(*(reads[id(s)] for s in rewritten))
    equal = {reads[id(s)] for s in rewritten}
    parts = set().union(*map(shareable, rewritten))

    def meets(own: Set[str], s: Statement) -> bool:
        shares = not near.isdisjoint(own) and not parts.isdisjoint(shareable(s))
        return shares or own in equal

    touched = changed.union(t for t, s in new.items() if t not in changed and meets(reads[id(s)], s))
    kept.update(name for t, s in new.items() if t not in touched for name in reads[id(s)])
    return touched, kept


def _cut(program: Program, touched: Set[str], kept: Set[str]) -> Program:
    """Some statements as a program of their own."""
    own = tuple(s for s in program.statements if s.target in touched)
    used = set(touched).union(*map(_reads, own))
    tensors = {
        name: t if name in touched or t.role != "defined" else replace(t, role="input")
        for name, t in program.tensors.items()
        if name in used
    }
    return Program(tensors, own, tuple(s.target for s in own if s.target in kept))


def _needed(
    program: Program, outputs: Collection[str], reads: Mapping[int, Set[str]]
) -> dict[str, Statement]:
    """The statements that the outputs need, by what they define."""
    needed, found = set(outputs), {}
    for s in reversed(program.statements):
        if s.target in needed:
            found[s.target] = s
            needed |= reads[id(s)]
    return found


def _reads(s: Statement) -> frozenset[str]:
    return frozenset(a.name for part in (s.body, *s.where) for a in accesses(part))
