"""Where every tensor lives, and how many samples a tile holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from math import inf, prod

from symbp.ir.nodes import Program, Statement
from symbp.ir.walk import accesses
from symbp.schedule.fuse import fuse, reads_of
from symbp.schedule.joined_sums import with_joined_sums
from symbp.schedule.kernel import FUSED, LAYERWISE, Kernel
from symbp.schedule.long_sums import with_sums_in_parts
from symbp.schedule.looptree import DOT, Nest, Place, Schedule, Stage, sums_batch
from symbp.schedule.means import with_means_inside
from symbp.schedule.parts import (
    LARGEST_PART,
    OTHERS,
    PARTS,
    is_whole,
    may_be_whole,
    part_size,
    parts,
    sums_of,
)
from symbp.schedule.product import products_of, without_single_terms
from symbp.schedule.scatter import with_sums_apart
from symbp.schedule.short_rows import with_functions_alone
from symbp.schedule.spans import joined_spans
from symbp.schedule.windows import with_windows

TILE_BYTES = 512 * 1024
"""What the buffers of one tile may take: a part of a second-level cache."""

TILE_MOST = 256
ALIGN = 8

PRODUCT_LEAST = 64
"""Samples per tile that make up for loading matrices from a second-level cache. Where threads always take
whole tiles there are no more, so that each finds some."""

LARGE_BYTES = 512 * 1024
"""Matrices and gradients beyond this are loaded from further away, for TILE_MOST samples at a time."""


COPIED = 4
"""How many times as long a matrix takes that is loaded, and copied, for each tile as buffers do that have
left the second-level cache."""

FAR_BYTES = 12 * 1024 * 1024
"""What the buffers of one tile may take at most: a part of a third-level cache."""


def plan_kernel(kernel: Kernel) -> Schedule:
    """Stages and places for a kernel."""
    program = kernel.program
    if program.outputs != (*kernel.results, *kernel.gradient):
        program = type(program)(program.tensors, program.statements, (*kernel.results, *kernel.gradient))
    program = with_windows(without_single_terms(program))
    program = with_sums_apart(with_means_inside(with_joined_sums(program)))
    program = with_sums_in_parts(program)
    stages = fuse(program)
    gradient = sum(program.tensors[n].row_size for n in kernel.gradient)
    part = part_size(program, stages, gradient) if kernel.schedule in (None, FUSED) else inf
    whole = kernel.schedule in (None, FUSED) and is_whole(stages, part)
    in_parts = part <= LARGEST_PART or (whole and part < inf)
    program, stages = with_functions_alone(program, stages)
    places = _outside(kernel)
    places |= _in_place(program, stages, places)
    later = _crossing(program, stages)
    long = []
    tiled: list[str] = []
    once: list[str] = []
    for name in _stored(program, stages):
        tensor = program.tensors[name]
        if name in places:
            continue
        if tensor.batched and name in later:
            places[name] = Place(f"long:{name}", 0, True)
            long.append(name)
        else:
            (tiled if tensor.batched else once).append(name)
    columns = _columns(program, stages, tiled)
    tile_row = max((column + program.tensors[n].row_size for n, column in columns.items()), default=0)
    tile = _tile(kernel, program, stages, tile_row, whole)
    for name, column in columns.items():
        places[name] = Place("tile", column * tile)
    tile_room = used = aligned(tile_row * tile)
    for name in once:
        places[name] = Place("work", used)
        used += aligned(program.tensors[name].row_size)
    schedule = Schedule(program, stages, places, tile, used, tuple(long), tile_room, whole=whole)
    if in_parts:
        found = parts(program, stages, places)
        others = sum(program.tensors[n].row_size for n, place in found.items() if place.buffer == OTHERS)
        workspace = used + (PARTS if kernel.parallel else 1) * aligned(gradient + others)
        schedule = replace(schedule, workspace=workspace, parts=found, part=(gradient, others))
        even = 0 if whole else _even(tile)
        schedule = replace(schedule, parts_at=used, whole=not even, even=even)
    elif kernel.schedule is None and not whole and not sums_of(stages) and may_be_whole(stages):
        # There is nothing to add, so that half a tile is worth it; matrices are copied for each.
        schedule = replace(schedule, even=_even(tile) // 2)
    return joined_spans(schedule)


def _even(tile: int) -> int:
    """The samples of the largest of even tiles, which are rounded up to ALIGN; 0 where that is more."""
    return 0 if tile % ALIGN else tile


def aligned(entries: int) -> int:
    """So many entries, and what is left of the last cache line."""
    return -(-entries // ALIGN) * ALIGN


def _tile(kernel: Kernel, program: Program, stages: tuple[Stage, ...], row: int, whole: bool) -> int:
    """The number of samples of a tile whose buffers have `row` entries per sample."""
    if isinstance(kernel.schedule, int):
        return kernel.schedule
    width = 4 if kernel.dtype == "float32" else 8
    bytes_each = max(1, row * width)
    tile = max(1, min(TILE_MOST, TILE_BYTES // bytes_each))
    if kernel.schedule == LAYERWISE:
        tile = TILE_MOST
    elif kernel.schedule != FUSED and any(
        _multiplies_samples(nest, program) for stage in stages if stage.tiled for nest in stage.nests
    ):
        matrices = width * sum(prod(program.tensors[n].shape) for n in (*kernel.parameters, *kernel.gradient))
        tile = _worth_loading(tile, bytes_each, matrices)
        tile = min(tile, PRODUCT_LEAST) if whole else tile
    return tile - tile % ALIGN if row > 1 and tile > ALIGN else tile


def _worth_loading(near: int, bytes_each: int, matrices: int) -> int:
    """The samples of a tile that loads all matrices: as many as fit into a cache, or more.

    Args:
        near: samples whose buffers fit into a second-level cache, or 1.
        bytes_each: of the buffers of a sample.
        matrices: bytes of all matrices.
    """
    most = TILE_MOST if matrices > LARGE_BYTES else PRODUCT_LEAST
    far = max(near, min(most, FAR_BYTES // bytes_each))
    spilled = bytes_each if near * bytes_each > TILE_BYTES else 0
    costs = {near: COPIED * matrices / near + spilled, far: COPIED * matrices / far + bytes_each}
    return near if far == near else min(costs, key=lambda tile: costs[tile])


def _multiplies_samples(nest: Nest, program: Program) -> bool:
    """Whether a nest is a product of matrices with a row per sample, not several or one for each, nor a mere
    sum."""
    for p in products_of(nest.statements[0], program.tensors):
        axes = [axis for axis in (p.rows, p.depth) if axis is not None and axis.samples]
        if p.left is not None and any(len(axis.indices) == 1 for axis in axes):
            return True
    return False


def _outside(kernel: Kernel) -> dict[str, Place]:
    """Places of arguments and results."""
    tensors = kernel.program.tensors
    places: dict[str, Place] = {}
    for tensor in tensors.values():
        if tensor.role == "constant":
            places[tensor.name] = Place(f"constant:{tensor.name}")
    for name in (*kernel.inputs, *kernel.results):
        prefix = "input" if name in kernel.inputs else "result"
        places.setdefault(name, Place(f"{prefix}:{name}", 0, tensors[name].batched))
    for buffer, names in (("theta", kernel.parameters), ("gradient", kernel.gradient)):
        offset = 0
        for name in names:
            if buffer == "theta" or name not in kernel.parameters:
                places[name] = Place(buffer, offset)
            offset += prod(tensors[name].shape)
    return places


def _stored(program, stages: tuple[Stage, ...]) -> list[str]:
    """Targets that something outside their nest needs."""
    reads = reads_of(program)
    needed = set(program.outputs)
    for stage in stages:
        for nest in stage.nests:
            targets = nest.targets
            for s in nest.statements:
                needed.update(a.name for a in reads[s.target] if a.name not in targets)
    return [
        s.target for stage in stages for nest in stage.nests for s in nest.statements if s.target in needed
    ]


def _crossing(program, stages: tuple[Stage, ...]) -> set[str]:
    """Targets used in another stage than their own."""
    reads = reads_of(program)
    home = {s.target: k for k, stage in enumerate(stages) for nest in stage.nests for s in nest.statements}
    return {
        a.name for target, k in home.items() for a in reads[target] if a.name in home and home[a.name] != k
    }


def _in_place(program: Program, stages: tuple[Stage, ...], places: dict[str, Place]) -> dict[str, Place]:
    """Sums over the batch that live where a function of them alone will: gradients add up in place."""
    readers: defaultdict[str, list[Statement]] = defaultdict(list)
    sums = set()
    for s in (s for stage in stages for nest in stage.nests for s in nest.statements):
        if sums_batch(s):
            sums.add(s.target)
        for name in {a.name for part in (s.body, *s.where) for a in accesses(part)}:
            readers[name].append(s)
    found: dict[str, Place] = {}
    for name in sums - set(program.outputs) - places.keys():
        if len(readers[name]) == 1:
            (s,) = readers[name]
            own = [a for a in accesses(s.body) if a.name == name]
            if not s.bound and not s.where and all(a.indices == s.indices for a in own):
                place = places.get(s.target)
                if place is not None and place.buffer == "gradient" and place not in found.values():
                    found[name] = place
    return found


def _columns(program: Program, stages: tuple[Stage, ...], names: list[str]) -> dict[str, int]:
    """Offsets of tensors within the buffers of a tile, in entries per sample.

    A tensor takes over the entries of one of its size that is not used any more; also of one whose
    last use is the entry of its own that is computed from it.
    """
    wanted = set(names)
    nests = [nest for stage in stages if stage.tiled for nest in stage.nests]
    last: dict[str, int] = {}
    for k, nest in enumerate(nests):
        for s in nest.statements:
            last[s.target] = k
            last |= {a.name: k for part in (s.body, *s.where) for a in accesses(part)}
    columns: dict[str, int] = {}
    free: defaultdict[int, list[int]] = defaultdict(list)
    end = 0
    for k, nest in enumerate(nests):
        dying = [n for n in columns if last[n] == k]
        heir = nest.statements[-1].target
        for s in nest.statements:
            name = s.target
            if name not in wanted:
                continue
            size = program.tensors[name].row_size
            if name == heir:
                for other in list(dying):
                    if program.tensors[other].row_size == size and _pointwise(nest, other):
                        free[size].append(columns[other])
                        dying.remove(other)
                        break
            if free[size]:
                columns[name] = free[size].pop()
            else:
                columns[name], end = end, end + size
        for other in dying:
            free[program.tensors[other].row_size].append(columns[other])
        for s in nest.statements:
            if s.target in columns and last[s.target] == k:
                free[program.tensors[s.target].row_size].append(columns[s.target])
    return columns


def _pointwise(nest: Nest, name: str) -> bool:
    """Whether the last statement of a nest may overwrite a tensor that the nest reads."""
    return nest.form == DOT and all(
        not s.bound
        and not s.where
        and all(a.indices == s.indices for a in accesses(s.body) if a.name == name)
        for s in nest.statements
    )
