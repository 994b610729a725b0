"""Tiles fit the cache; the workspace does not grow with the batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

import symbp as sb
from symbp.ir import BATCH, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses
from symbp.pipeline import derive, gradient_kernel
from symbp.schedule.kernel import Kernel
from symbp.schedule.looptree import Place
from symbp.schedule.memory import PRODUCT_LEAST, TILE_BYTES, TILE_MOST, plan_kernel

N = Index("n", BATCH)


def schedule(width, dtype="float64"):
    i, j = Index("i", width), Index("j", width)
    x = Tensor("x", (BATCH, width), "input")
    a, s, t = Tensor("a", (BATCH, width)), Tensor("s", (BATCH,)), Tensor("t", ())
    statements = (
        Statement("a", (N, i), x[N, i] ** 2),
        Statement("s", (N,), a[N, j] / 2, "sum", (j,)),
        Statement("t", (), s[N], "sum", (N,)),
    )
    program = Program({v.name: v for v in (x, a, s, t)}, statements, ("t",))
    return plan_kernel(Kernel("f", program, ("x",), (), ("t",), (), dtype))


@pytest.mark.parametrize("width", [1, 10, 100, 1000, 50_000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_tile_fits(width, dtype):
    plan = schedule(width, dtype)
    size = 8 if dtype == "float64" else 4
    assert 1 <= plan.tile <= 256
    assert plan.tile == 1 or plan.tile * (width + 1) * size <= TILE_BYTES
    assert plan.workspace >= plan.tile * (width + 1)


def test_places_do_not_overlap():
    plan = schedule(10)
    a, s = plan.places["a"], plan.places["s"]
    assert (a.buffer, s.buffer) == ("tile", "tile")
    assert s.offset >= a.offset + 10 * plan.tile
    assert plan.places["x"].streamed
    assert not plan.long


def gradient_plan(sizes, **options):
    net = sb.mlp(sizes, activation="tanh", **options)
    return plan_kernel(replace(gradient_kernel(derive(net)), dtype="float32"))


def lifetimes(plan):
    """(name, nest that computes it, last nest that reads it) of what lives in the buffers of a tile."""
    nests = [nest for stage in plan.stages if stage.tiled for nest in stage.nests]
    first, last = {}, {}
    for k, nest in enumerate(nests):
        for s in nest.statements:
            first[s.target] = k
            last |= {a.name: k for a in accesses(s.body)} | {s.target: max(k, last.get(s.target, k))}
    tensors = plan.program.tensors
    tiled = [n for n in first if tensors[n].batched and plan.places.get(n, NOWHERE).buffer == "tile"]
    return nests, [(n, first[n], last[n]) for n in tiled]


NOWHERE = Place("nowhere")


@pytest.mark.parametrize("sizes", [(4, 8, 3), (5, 16, 16, 16, 2), (3, *[7] * 12, 3)])
def test_entries_in_use_are_not_overwritten(sizes):
    plan = gradient_plan(sizes, loss="softmax_cross_entropy", normalized=False)
    nests, known = lifetimes(plan)
    assert len(known) > 3
    starts = {name: plan.places[name].offset for name, _, _ in known}
    spans = {n: (at, at + plan.tile * plan.program.tensors[n].row_size) for n, at in starts.items()}
    for name, first, last in known:
        assert spans[name][1] <= plan.tile_room <= plan.workspace
        for other, begin, end in known:
            overlap = spans[name][0] < spans[other][1] and spans[other][0] < spans[name][1]
            if name == other or not overlap or begin > last or first > end:
                continue
            # Only a nest that computes entry by entry may take over what it reads for the last time.
            heir, given, at = (other, name, begin) if begin >= first else (name, other, first)
            assert at == next(e for n, _, e in known if n == given)
            assert spans[name] == spans[other]
            (reads,) = {a.indices for s in nests[at].statements for a in accesses(s.body) if a.name == given}
            assert reads in {s.indices for s in nests[at].statements}
            assert nests[at].statements[-1].target == heir


def test_buffers_are_used_again():
    deep, shallow = gradient_plan([8] * 12), gradient_plan([8] * 3)
    row = sum(plan_row(deep, name) for name, _, _ in lifetimes(deep)[1])
    assert deep.tile_room / deep.tile < row  # fewer entries than one buffer for each
    assert shallow.tile_room < deep.tile_room


def plan_row(plan, name):
    return plan.program.tensors[name].row_size


def test_gradients_add_up_where_they_will_be():
    plan = gradient_plan([3, 8, 2])
    assert plan.places["mean dE/dW1"].buffer == "gradient"
    assert plan.places["total mean dE/db2"] == plan.places["mean dE/db2"]
    assert plan.places["total mean E"].buffer == "work"


def test_matrices_ask_for_many_samples():
    assert gradient_plan([8, 64, 64, 1]).tile >= PRODUCT_LEAST
    assert gradient_plan([8, 600, 600, 1]).tile == TILE_MOST


@pytest.mark.parametrize("asked", ["fused", "layerwise", 1, 100, None])
def test_tiles_are_what_a_schedule_asks_for(asked):
    derivation = derive(sb.mlp([300, 400, 200]))
    plan = plan_kernel(replace(gradient_kernel(derivation), schedule=asked))
    if asked == "fused":
        assert plan.tile < PRODUCT_LEAST
        assert plan.workspace * 8 <= 1.2 * TILE_BYTES
    else:
        assert plan.tile == (asked if isinstance(asked, int) else TILE_MOST)


@pytest.mark.parametrize(("width", "even"), [(40_000, False), (10_000, False), (1000, True)])
def test_tiles_that_are_no_round_number_are_not_evened_out(width, even):
    """Equal tiles are rounded up, which must not be more than a tile has room for."""
    i, j = Index("i", width), Index("j", width)
    x, a, s = Tensor("x", (BATCH, width), "input"), Tensor("a", (BATCH, width)), Tensor("s", (BATCH,))
    statements = (Statement("a", (N, i), x[N, i] ** 2), Statement("s", (N,), a[N, j] / 2, "sum", (j,)))
    program = Program({v.name: v for v in (x, a, s)}, statements, ("s",))
    plan = plan_kernel(Kernel("f", program, ("x",), (), ("s",), ()))
    assert plan.even == (plan.tile // 2 if even else 0)
    assert (plan.tile % 8 == 0) is even
