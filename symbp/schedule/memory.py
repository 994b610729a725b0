"""Where every tensor lives, and how many samples a tile holds."""

from __future__ import annotations

from math import prod

from symbp.schedule.fuse import fuse, reads_of
from symbp.schedule.kernel import Kernel
from symbp.schedule.looptree import Place, Schedule, Stage

TILE_BYTES = 128 * 1024
"""What the buffers of one tile may take: about half of a second-level cache."""

TILE_MOST = 256
ALIGN = 8


def plan_kernel(kernel: Kernel) -> Schedule:
    """Stages and places for a kernel."""
    program = kernel.program
    if program.outputs != (*kernel.results, *kernel.gradient):
        program = type(program)(program.tensors, program.statements, (*kernel.results, *kernel.gradient))
    stages = fuse(program)
    places = _outside(kernel)
    inside = _stored(program, stages)
    later = _crossing(program, stages)
    long = []
    tile_row = 0
    tiled: list[str] = []
    once: list[str] = []
    for name in inside:
        tensor = program.tensors[name]
        if name in places:
            continue
        if tensor.batched and name in later:
            places[name] = Place(f"long:{name}", 0, True)
            long.append(name)
        elif tensor.batched:
            tiled.append(name)
            tile_row += tensor.row_size
        else:
            once.append(name)
    width = 4 if kernel.dtype == "float32" else 8
    tile = max(1, min(TILE_MOST, TILE_BYTES // max(1, tile_row * width)))
    if tile_row > 1 and tile > ALIGN:
        tile -= tile % ALIGN
    used = 0
    for name in tiled + once:
        tensor = program.tensors[name]
        places[name] = Place("work", used)
        size = tensor.row_size * (tile if tensor.batched else 1)
        used += -(-size // ALIGN) * ALIGN
    return Schedule(program, stages, places, tile, used, tuple(long))


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
