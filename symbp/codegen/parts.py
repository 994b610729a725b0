"""Text of how parts of sums over the samples are made and added; see `symbp.schedule.parts`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import NamedTuple

from numba import njit

from symbp.ir.nodes import Tensor
from symbp.schedule.looptree import MULTIPLY, Schedule, Stage, sums_batch
from symbp.schedule.memory import aligned

CHUNK = 1024
"""Entries of sums that one thread adds at a time."""

NAMES = frozenset({"part", "tile", "add_parts"})
"""What parts are called in generated modules."""


@njit(nogil=True)
def add_parts(total, at, work, part, step, count, entries, first):
    """Add `count` parts, `step` apart in the workspace, to entries of a total; or begin it where `first`."""
    done = 0
    if first:
        for k in range(entries):
            total[at + k] = work[part + k]
        done = 1
    for number in range(done, count):
        for k in range(entries):
            total[at + k] += work[part + number * step + k]


class Span(NamedTuple):
    """Sums side by side.

    Attributes:
        buffer, low: where they live, and from which entry on.
        at: where they begin in a part.
        size: entries.
    """

    buffer: str
    low: int
    at: int
    size: int


class Parts:
    """Writes the text for the parts of one schedule."""

    def __init__(self, schedule: Schedule, tensors: dict[str, Tensor]):
        self.schedule, self.tensors = schedule, tensors
        self.size = schedule.part
        self.step = aligned(self.size)

    def own(self, number: str = "") -> str:
        """The line that names the part of a tile."""
        shift = f" + {self.step}*{number}" if number else ""
        return f"part = view(work, at({self.schedule.parts_at}){shift}, ({self.size},))"

    def fills(self, stage: Stage) -> list[str]:
        """Zeros for what is summed up in loops, neighbours in one line; products write their sums."""
        loops = [nest for nest in stage.nests if nest.form != MULTIPLY]
        names = [s.target for nest in loops for s in nest.statements if sums_batch(s)]
        begins = {self.schedule.parts[n]: self.schedule.parts[n] + self.tensors[n].row_size for n in names}
        merged: list[list[int]] = []
        for low, high in sorted(begins.items()):
            if merged and merged[-1][1] == low:
                merged[-1][1] = high
            else:
                merged.append([low, high])
        return [f"part[{low}:{high}] = 0.0" for low, high in merged]

    def spans(self, stage: Stage, most: int | None = None) -> list[Span]:
        """The sums of a stage, neighbours together, in spans of at most so many entries."""
        names = [s.target for nest in stage.nests for s in nest.statements if sums_batch(s)]
        whole = self._spans(names)
        if most is None:
            return whole
        return [
            Span(s.buffer, s.low + k, s.at + k, min(most, s.size - k))
            for s in whole
            for k in range(0, s.size, most)
        ]

    def add(self, span: Span, total: str, count: str) -> str:
        """The call that adds the parts of so many tiles."""
        begin = self.schedule.parts_at + span.at
        arguments = [total, f"at({span.low})", "work", f"at({begin})", self.step, count]
        return f"add_parts({', '.join(map(str, [*arguments, f'at({span.size})', 'start == 0']))})"

    def _spans(self, names: Iterable[str]) -> list[Span]:
        merged: list[Span] = []
        for name in sorted(names, key=lambda n: self.schedule.parts[n]):
            place, size = self.schedule.places[name], self.tensors[name].row_size
            span = Span(place.buffer, place.offset, self.schedule.parts[name], size)
            last = merged[-1] if merged else None
            if last and (last.buffer, last.low + last.size, last.at + last.size) == span[:3]:
                merged[-1] = last._replace(size=last.size + size)
            else:
                merged.append(span)
        return merged


def sources() -> list[str]:
    """What a module carries for parts."""
    return [inspect.getsource(add_parts.py_func).rstrip()]
