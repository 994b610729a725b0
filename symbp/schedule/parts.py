"""Parts: the sums over the samples of one tile, which are added up afterwards.

Where they are small, threads take whole tiles, each with a part of its own, and parts are added in the
order of the samples, so that the numbers do not depend on who computed them. What one thread computes
for its samples stays in its caches. Larger parts are worth it for tiles of many samples, where there are
several: a call of one tile has its products shared. The largest sums are not worth a copy per tile:
threads share the rows of each of them instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from symbp.ir.nodes import Program, Statement
from symbp.ir.walk import accesses
from symbp.schedule.looptree import MULTIPLY, Nest, Place, Stage, sums_batch

SMALL_PART = 8192
"""Entries of a part that stays in a first-level cache beside a tile of few samples."""

LARGEST_PART = 128 * 1024
"""Entries of a part that stays in a second-level cache beside a tile of many."""

FAR_PART = 1024 * 1024
"""Entries of a part of a long stage, where threads could share nothing else: adding it takes a tenth of the
time of its tile."""

MOST_NESTS = 40
"""Of a stage: longer ones are cut into several functions."""

MOST_SHARED = 3 * MOST_NESTS
"""Of a stage whose tiles threads share; of longer ones they take whole tiles. Shared, a network of 25 layers
takes three seconds to compile, one of 50 nine."""

MOST_TENSORS = 24
"""Of a nest: those of more address whole buffers, as thousands of views compile slowly; there nothing
can be put elsewhere."""

PARTS = 16
"""Parts that are kept at a time: so many tiles can be computed at once."""


GRADIENT, OTHERS = "part", "others"
"""The two arrays of a part: like the gradient vector, and what is summed up elsewhere. A call for no more
samples than a tile sums up in the gradient vector itself."""


def sums_of(stages: Iterable[Stage]) -> list[Statement]:
    """The sums over the samples."""
    return [s for stage in stages if stage.tiled for n in stage.nests for s in n.statements if sums_batch(s)]


def may_be_whole(stages: Iterable[Stage]) -> bool:
    """Whether threads may take whole tiles, each in its own buffers: not where loops address whole ones."""
    nests = [nest for stage in stages if stage.tiled for nest in stage.nests if nest.form != MULTIPLY]
    return all(_tensors(nest) <= MOST_TENSORS for nest in nests)


def may_be_cut(stages: Iterable[Stage]) -> bool:
    """Whether threads may also share what is computed for one tile: not where stages are too long."""
    return all(len(stage.nests) <= MOST_SHARED for stage in stages if stage.tiled)


def is_whole(stages: Iterable[Stage], part: float) -> bool:
    """Whether threads take whole tiles only."""
    stages = list(stages)
    if not may_be_cut(stages):
        return part <= FAR_PART if sums_of(stages) else may_be_whole(stages)
    return part <= SMALL_PART


def part_size(program: Program, stages: tuple[Stage, ...], gradient: int) -> float:
    """Entries of a part; infinite where sums over the samples cannot be kept as parts.

    Args:
        gradient: entries of the gradient vector.
    """
    sums = sums_of(stages)
    if not sums or any(s.reduce != "sum" for s in sums) or not may_be_whole(stages):
        return inf
    return max(gradient, sum(program.tensors[s.target].row_size for s in sums))


def _tensors(nest: Nest) -> int:
    names = nest.targets
    for s in nest.statements:
        names |= {a.name for part in (s.body, *s.where) for a in accesses(part)}
    return len(names)


def parts(program: Program, stages: tuple[Stage, ...], places: Mapping[str, Place]) -> dict[str, Place]:
    """Where each sum over the samples lives in a part."""
    names = {s.target for s in sums_of(stages)}
    found, end = {}, 0
    for name in sorted(names, key=lambda n: (places[n].buffer, places[n].offset, n)):
        if places[name].buffer == "gradient":
            found[name] = Place(GRADIENT, places[name].offset)
        else:
            found[name] = Place(OTHERS, end)
            end += program.tensors[name].row_size
    return found
