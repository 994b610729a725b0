"""Which statements run in which stage, and which share a loop nest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir.nodes import BATCH, Access, Program, Statement
from symbp.ir.walk import accesses, postorder
from symbp.schedule.looptree import DOT, SCATTER, Nest, Stage, batched, sums_batch
from symbp.schedule.parts import MOST_TENSORS
from symbp.schedule.reduction import best_form
from symbp.schedule.scatter import joined_scatters

Reads = dict[str, list[Access]]


def reads_of(program: Program) -> Reads:
    """The accesses of every statement, by target."""
    return {s.target: [a for part in (s.body, *s.where) for a in accesses(part)] for s in program.statements}


def live_statements(program: Program, reads: Reads) -> list[Statement]:
    """The statements some output needs."""
    needed = set(program.outputs)
    kept = []
    for statement in reversed(program.statements):
        if statement.target in needed:
            kept.append(statement)
            needed.update(a.name for a in reads[statement.target])
    return kept[::-1]


def fuse(program: Program) -> tuple[Stage, ...]:
    """Stages of nests that compute every live statement, producers first."""
    reads = reads_of(program)
    level: dict[str, int] = {}
    stages: dict[int, Stage] = {}
    home: dict[str, int] = {}
    kinds: Mapping[int, set[str]] = defaultdict(set)
    live = live_statements(program, reads)
    for statement in live:
        level[statement.target] = _level(program, statement, reads, level)
    together = _together(program, level)
    parts = {part.target for some in together.values() for part in some}
    for statement in live:
        if statement.target in parts:
            continue
        at = level[statement.target]
        stage = stages.setdefault(at, Stage(tiled=at % 2 == 1))
        if statement.target in together:
            some = [*together[statement.target], statement]
            home |= {s.target: len(stage.nests) for s in some}
            stage.nests.append(Nest(tuple(i.extent for i in statement.indices), SCATTER, some))
            continue
        home[statement.target] = _place(program, statement, stage, reads, home, level, at, kinds)
    for stage in stages.values():
        for nest in stage.nests:
            nest.statements = _ordered(nest, reads)
        # Nothing in a stage reads its sums over the batch: they come last, when all rows are there.
        stage.nests.sort(key=lambda nest: sums_batch(nest.statements[0]))
    return tuple(stages[at] for at in sorted(stages))


def _together(program: Program, level: Mapping[str, int]) -> dict[str, list[Statement]]:
    """Sums of the same stage that are computed together with what adds them up; see `joined_scatters`."""
    return {
        target: [part for part in parts if level.get(part.target) == level[target]]
        for target, parts in joined_scatters(program).items()
        if target in level and any(level.get(part.target) == level[target] for part in parts)
    }


def _level(program: Program, statement: Statement, reads: Reads, level: dict[str, int]) -> int:
    """Number of the stage: even ones run once, odd ones per tile."""
    tiled = batched(statement) or sums_batch(statement)
    if (batched(statement) and sums_batch(statement)) or any(
        i.extent == BATCH for i in statement.indices[1:]
    ):
        raise UnsupportedError(
            f"{statement.target} relates samples of a batch to each other", equation=statement.origin
        )
    result = 1 if tiled else 0
    for access in reads[statement.target]:
        tensor = program.tensors[access.name]
        if tensor.batched and not tiled:
            raise UnsupportedError(
                f"{statement.target} reads single samples of {access.name}", equation=statement.origin
            )
        if access.name in level:
            before = level[access.name]
            after_loop = before % 2 == 1 and not tensor.batched
            least = before + 1 if after_loop else before
            result = max(result, least if least % 2 == int(tiled) else least + 1)
    return result


def _place(
    program: Program,
    statement: Statement,
    stage: Stage,
    reads: Reads,
    home: dict[str, int],
    level: dict[str, int],
    at: int,
    kinds: Mapping[int, set[str]],
) -> int:
    """Put a statement into the earliest nest that may hold it; the number of that nest.

    Args:
        kinds: what the statements of each nest are, see `_beside`.
    """
    extents = tuple(i.extent for i in statement.indices)
    kind, stopped = _beside(statement)
    form = best_form(statement, program.tensors)
    producers = {a.name for a in reads[statement.target] if level.get(a.name) == at}
    first = max((home[name] for name in producers), default=0)
    if form == DOT:
        for number in range(first, len(stage.nests)):
            nest = stage.nests[number]
            if (
                nest.form == DOT
                and nest.extents == extents
                and _related(statement, nest, reads)
                and _pointwise(statement, nest, reads, home, number, producers)
                and stopped not in kinds[id(nest)]
                and _fits(statement, nest, reads)
            ):
                nest.statements.append(statement)
                kinds[id(nest)].add(kind)
                return number
    nest = Nest(extents, form, [statement])
    stage.nests.append(nest)
    kinds[id(nest)].add(kind)
    return len(stage.nests) - 1


def _related(statement: Statement, nest: Nest, reads: Reads) -> bool:
    """Whether sharing loops saves traffic: they read something in common, or one reads the other.

    Loops over samples alone hold all scalars. Without this rule equal loops of unrelated layers
    would grow into one function as long as the network is deep.
    """
    if all(extent == BATCH for extent in nest.extents):
        return True
    mine = {a.name for a in reads[statement.target]}
    theirs = {a.name for s in nest.statements for a in reads[s.target]} | {s.target for s in nest.statements}
    return bool(mine & theirs)


def _fits(statement: Statement, nest: Nest, reads: Reads) -> bool:
    """Whether a nest with the statement has few enough tensors for a view of each; scalars need none."""
    if all(extent == BATCH for extent in nest.extents):
        return True
    statements = (statement, *nest.statements)
    names = {a.name for s in statements for a in reads[s.target]} | {s.target for s in statements}
    return len(names) <= MOST_TENSORS


def _pointwise(
    statement: Statement, nest: Nest, reads: Reads, home: dict[str, int], number: int, producers: set[str]
) -> bool:
    inside = {name for name in producers if home[name] == number}
    return all(a.indices == statement.indices for a in reads[statement.target] if a.name in inside)


def _beside(statement: Statement) -> tuple[str, str]:
    """What a statement over samples alone is, and what it would stop from being computed in vectors.

    Vectors along the samples compute a function of one number per sample for as many at a time as a register
    holds; where a sum over rows stands beside it, which has a loop of its own inside, it is computed for one
    after the other.
    """
    if len(statement.indices) != 1 or statement.indices[0].extent != BATCH:
        return "", "nothing"
    if statement.bound:
        return "sum", "function"
    slow = any(isinstance(node, sp.Function | sp.Pow) for node in postorder([statement.body]))
    return ("function", "sum") if slow else ("", "nothing")


def _ordered(nest: Nest, reads: Reads) -> list[Statement]:
    """Alternate between all ready pointwise statements and all ready reductions.

    Reductions that stand next to each other can share one loop.
    """
    if nest.form != DOT:
        return nest.statements
    waiting = list(nest.statements)
    result: list[Statement] = []
    while waiting:
        for reducing in (False, True):
            blocked = {s.target for s in waiting}
            rest = []
            for s in waiting:
                ready = not any(a.name in blocked for a in reads[s.target])
                if ready and bool(s.bound) == reducing:
                    result.append(s)
                    if not reducing:
                        blocked.discard(s.target)
                else:
                    rest.append(s)
            waiting = rest
    return result
