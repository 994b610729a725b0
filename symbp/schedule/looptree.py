"""The loop tree: stages run one after the other, nests inside, statements inside those.

A kernel alternates between stages that run once and stages that run for every tile of samples:

    once:  nests over unbatched tensors
    tile:  for every tile of T samples: nests over batched tensors, sums over the batch
    once:  nests over what was summed
    ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symbp.ir.nodes import BATCH, Program, Statement
from symbp.ir.walk import accesses

DOT = "dot"
"""Free loops outside, scalar accumulators, reduction loops inside."""

ACCUMULATE = "accumulate"
"""Reduction loops outside, the last free index innermost: target[...] += ..."""

SCATTER = "scatter"
"""Loops over the terms of sums, each of which is added to the entry that it names: target[i + p] += ...; see
`symbp.schedule.scatter`. Such sums may stand before the statement that adds them up."""

MULTIPLY = "multiply"
"""One matrix product, computed by micro-kernels; see `symbp.schedule.product`."""

ENTRIES = "entries"
"""Single entries one after the other, each with its own body; see `symbp.ir.entries`."""


@dataclass
class Nest:
    """Statements over one free domain (`extents`), computed in the same loops."""

    extents: tuple[Any, ...]
    form: str = DOT
    statements: list[Statement] = field(default_factory=list)

    @property
    def targets(self) -> set[str]:
        return {s.target for s in self.statements}


@dataclass
class Stage:
    """Nests run in order, once or per tile."""

    tiled: bool
    nests: list[Nest] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a tensor lives: `offset` entries into a flat buffer.

    Where `streamed`, the buffer holds all samples, and the tile that starts at sample s begins
    s rows further.
    """

    buffer: str
    offset: int = 0
    streamed: bool = False


@dataclass(frozen=True)
class Schedule:
    """All that is decided before text is written.

    Attributes:
        stages: in execution order.
        places: of every tensor that is stored; the others are scalar locals of one nest.
        tile: the number of samples T of a tile.
        workspace: entries of the workspace, whatever the batch length.
        long: batched tensors that must be kept for all samples (used in a later stage).
        tile_room: entries at the start of the workspace that hold one tile.
        parts: where sums over the samples live in a part, see `symbp.schedule.parts`; none where there are
            no parts.
        part: entries of the two arrays of a part.
        parts_at: where parts begin in the workspace.
        whole: whether threads take whole tiles only, as what is computed for one is too little, or too long a
            text, to be shared.
        even: more samples than these are cut into an even number of about equal tiles, of which threads take
            whole ones; for fewer they share what is computed for a tile. 0 where there is no such number.
    """

    program: Program
    stages: tuple[Stage, ...]
    places: Mapping[str, Place]
    tile: int
    workspace: int
    long: tuple[str, ...]
    tile_room: int = 0
    parts: Mapping[str, Place] = field(default_factory=dict)
    part: tuple[int, int] = (0, 0)
    parts_at: int = 0
    whole: bool = False
    even: int = 0


def read_counts(program: Program) -> Counter[str]:
    """How many entries of each tensor statements read."""
    return Counter(a.name for s in program.statements for part in (s.body, *s.where) for a in accesses(part))


def sums_batch(statement: Statement) -> bool:
    """Whether a statement reduces over the samples."""
    return any(index.extent == BATCH for index in statement.bound)


def batched(statement: Statement) -> bool:
    """Whether a statement defines one row per sample."""
    return bool(statement.indices) and statement.indices[0].extent == BATCH
