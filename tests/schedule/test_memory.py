"""Tiles fit the cache; the workspace does not grow with the batch."""

from __future__ import annotations

import pytest

from symbp.ir import BATCH, Index, Program, Statement, Tensor
from symbp.schedule import Kernel, plan_kernel
from symbp.schedule.memory import TILE_BYTES

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
    assert (a.buffer, s.buffer) == ("work", "work")
    assert s.offset >= a.offset + 10 * plan.tile
    assert plan.places["x"].streamed
    assert not plan.long
