"""Spans: neighbours in a buffer that are computed alike become one loop.

The means of all gradients are sums divided by the number of samples, side by side in one vector.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses, substitute
from symbp.schedule.looptree import DOT, Nest, Place, Schedule, Stage


def joined_spans(schedule: Schedule) -> Schedule:
    """The schedule with such neighbours joined; nests that run per tile stay as they are."""
    program, places = schedule.program, dict(schedule.places)
    stages = []
    for stage in schedule.stages:
        nests = list(stage.nests)
        if not stage.tiled:
            nests = []
            for key, group in groupby(_numbered(stage, schedule), lambda item: item[0]):
                run = [nest for _, nest in group]
                if key is not None and len(run) > 1:
                    program, nest = _joined(program, places, run)
                    run = [nest]
                nests += run
        stages.append(Stage(stage.tiled, nests))
    return replace(schedule, program=program, places=places, stages=tuple(stages))


def _numbered(stage: Stage, schedule: Schedule) -> list[tuple[Any, Nest]]:
    """Nests with a key that neighbours of one span share; None where a nest stays alone."""
    result: list[tuple[Any, Nest]] = []
    run, end = 0, None
    for nest in stage.nests:
        body = _alike(nest, schedule)
        if body is None:
            result.append((None, nest))
            end = None
            continue
        place = schedule.places[nest.statements[0].target]
        here = (body, place.buffer, place.offset)
        if here != end:
            run += 1
        end = (
            body,
            place.buffer,
            place.offset + schedule.program.tensors[nest.statements[0].target].row_size,
        )
        result.append((run, nest))
    return result


_VALUE = Access("value")


def _alike(nest: Nest, schedule: Schedule) -> Any:
    """The body of a statement that updates entries where they are, as a function of the value there."""
    s = nest.statements[0]
    read = {a.name for a in accesses(s.body)}
    if len(nest.statements) > 1 or nest.form != DOT or s.bound or s.where or len(read) != 1:
        return None
    (name,) = read
    own = Access(name, *s.indices)
    if set(accesses(s.body)) != {own} or schedule.places.get(name) != schedule.places.get(s.target):
        return None
    body = substitute(s.body, {own: _VALUE})
    return None if any(i in body.free_symbols for i in s.indices) else body


def _joined(program: Program, places: dict[str, Place], run: list[Nest]) -> tuple[Program, Nest]:
    """One nest for a run of neighbours, and the program with the tensors it speaks of."""
    first, last = run[0].statements[0], run[-1].statements[0]
    size = sum(program.tensors[nest.statements[0].target].row_size for nest in run)
    (name,) = {a.name for a in accesses(first.body)}
    source, target = (
        Tensor(f"{x} to {y}", (size,)) for x, y in ((name, last.target), (first.target, last.target))
    )
    k = Index("k", size)
    body = substitute(first.body, {Access(name, *first.indices): source[k]})
    s = Statement(target.name, (k,), body, origin=first.origin)
    places[source.name] = places[target.name] = places[first.target]
    tensors = {**program.tensors, source.name: source, target.name: target}
    return Program(tensors, program.statements, program.outputs), Nest((size,), DOT, [s])
