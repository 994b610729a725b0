"""Text of how parts of sums over the samples are made and added; see `symbp.schedule.parts`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from symbp.codegen.own_source import own_source
from symbp.codegen.support import view
from symbp.ir.nodes import Tensor
from symbp.machine.vocabulary import njit
from symbp.schedule.looptree import MULTIPLY, Nest, Schedule, Stage, sums_batch
from symbp.schedule.memory import aligned
from symbp.schedule.parts import GRADIENT, OTHERS

CHUNK = 1024
"""Entries of sums that one thread adds at a time."""

NAMES = frozenset({GRADIENT, OTHERS, "tile", "pairs", "tile_rows", "turn", "add_parts"})
"""What parts are called in generated modules."""


@njit(nogil=True)
def add_parts(total, at, work, begin, step, count, low, high, first):
    """Add entries low ... high-1 of `count` parts, `step` apart in the workspace, to those of a total; or
    begin it where `first`."""
    entries = high - low
    sums = view(total, at + low, (entries,))
    start, fours = begin + low, count - count % 4
    # Four at a time: parts come from the caches of other processors, which takes as long for one as for four.
    for number in range(0, fours, 4):
        a = view(work, start + number * step, (entries,))
        b = view(work, start + (number + 1) * step, (entries,))
        c = view(work, start + (number + 2) * step, (entries,))
        d = view(work, start + (number + 3) * step, (entries,))
        if first and number == 0:
            for k in range(entries):
                sums[k] = a[k] + b[k] + c[k] + d[k]
        else:
            for k in range(entries):
                sums[k] = sums[k] + a[k] + b[k] + c[k] + d[k]
    for number in range(fours, count):
        part = view(work, start + number * step, (entries,))
        if first and number == 0:
            for k in range(entries):
                sums[k] = part[k]
        else:
            for k in range(entries):
                sums[k] += part[k]


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

    def __init__(self, schedule: Schedule, tensors: Mapping[str, Tensor]):
        self.schedule, self.tensors = schedule, tensors
        self.step = aligned(sum(schedule.part))

    def tile(self) -> tuple[int | str, list[str]]:
        """The samples of a tile, a number or a variable, and the lines that define that.

        Two threads have as much to do where tiles are of about equal size and their number is even.
        """
        most = self.schedule.tile
        if not self.schedule.even:
            return most, []
        size = "(samples + 16*pairs - 1)//(16*pairs)*8"
        return "tile_rows", [
            f"pairs = (samples + {2 * most - 1})//{2 * most}",
            f"tile_rows = {most} if samples <= {self.schedule.even} else {size}",
        ]

    def arrays(self, number: str = "") -> list[str]:
        """The lines that name the arrays of a part; of the only one where it has no number."""
        begin, (gradient, others) = self.schedule.parts_at, self.schedule.part
        shift = f" + {self.step}*{number}" if number else ""
        lines = []
        if gradient:
            text = f"view(work, at({begin}){shift}, ({gradient},))"
            lines.append(f"{GRADIENT} = {text}" if number else f"{GRADIENT} = {self._alone(text)}")
        if others:
            lines.append(f"{OTHERS} = view(work, at({begin + gradient}){shift}, ({others},))")
        return lines

    def names(self) -> list[str]:
        """The arrays of a part."""
        return [name for name, size in zip((GRADIENT, OTHERS), self.schedule.part, strict=True) if size]

    def _alone(self, text: str) -> str:
        return f"gradient if samples <= {self.schedule.tile} else {text}"

    def fills(self, stage: Stage) -> list[str]:
        """Zeros for what is summed up in loops, neighbours in one line; products write their sums."""
        loops = [nest for nest in stage.nests if nest.form != MULTIPLY]
        places = [(n, self.schedule.parts[n]) for n in self._targets(loops)]
        spans = _joined(Span(p.buffer, p.offset, p.offset, self.tensors[n].row_size) for n, p in places)
        return [f"{s.buffer}[{s.low}:{s.low + s.size}] = 0.0" for s in spans]

    def spans(self, stage: Stage) -> list[Span]:
        """The sums of a stage, neighbours together."""
        found = []
        for name in self._targets(stage.nests):
            place, part = self.schedule.places[name], self.schedule.parts[name]
            at = part.offset + (self.schedule.part[0] if part.buffer == OTHERS else 0)
            found.append(Span(place.buffer, place.offset, at, self.tensors[name].row_size))
        return _joined(found)

    def add(self, span: Span, total: str, count: str, chunk: str = "") -> str:
        """The call that adds the parts of so many tiles, or one chunk of their entries."""
        low, high = "0", f"at({span.size})"
        if chunk and span.size > CHUNK:
            low, high = f"{CHUNK}*{chunk}", f"min({CHUNK}*{chunk} + {CHUNK}, {span.size})"
        begin = self.schedule.parts_at + span.at
        arguments = [total, f"at({span.low})", "work", f"at({begin})", self.step, count, low, high]
        return f"add_parts({', '.join(map(str, [*arguments, 'start == 0']))})"

    def added(self, stage: Stage, flat: Callable[[str], str]) -> list[str]:
        """The calls that add the part of one tile.

        Args:
            flat: the array that holds a buffer.
        """
        lines = []
        for span in self.spans(stage):
            call = self.add(span, flat(span.buffer), "1")
            here = [f"if samples > {self.schedule.tile}:", "    " + call]
            lines += here if span.buffer == "gradient" else [call]
        return lines

    def _targets(self, nests: Iterable[Nest]) -> list[str]:
        return [s.target for nest in nests for s in nest.statements if sums_batch(s)]


def _joined(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        last = merged[-1] if merged else None
        if last and (last.buffer, last.low + last.size, last.at + last.size) == span[:3]:
            merged[-1] = last._replace(size=last.size + span.size)
        else:
            merged.append(span)
    return merged


def sources() -> list[str]:
    """What a module carries for parts."""
    return [own_source(add_parts)]
