"""Parts of sums over the samples, as text and as numbers."""

from __future__ import annotations

import numpy as np
import pytest

import symbp as sb
from symbp.codegen.parts import CHUNK, Parts, Span
from symbp.pipeline import derive, gradient_kernel
from symbp.schedule.memory import plan_kernel
from tests.codegen.under_numba import under_numba

add_parts = under_numba("symbp.codegen.parts").add_parts


@pytest.mark.parametrize("first", [True, False])
def test_parts_are_added_in_their_order(first):
    work = np.arange(20.0)
    total = np.full(6, 100.0)
    add_parts(total, 1, work, 4, 4, 3, 1, 3, first)
    sums = [work[5 + k] + work[9 + k] + work[13 + k] for k in range(2)]
    np.testing.assert_array_equal(total, [100, 100, *[s + (0 if first else 100) for s in sums], 100, 100])


def test_a_total_begins_with_the_first_part():
    work, total = np.array([np.inf, 1.0]), np.array([np.nan, np.nan])
    add_parts(total, 0, work, 0, 2, 1, 0, 2, True)
    np.testing.assert_array_equal(total, work)


@pytest.fixture(scope="module")
def schedule():
    return plan_kernel(gradient_kernel(derive(sb.mlp([4, 8, 3], loss="mean_squared_error"))))


def test_neighbours_are_one_span(schedule):
    (stage,) = (s for s in schedule.stages if s.tiled)
    parts = Parts(schedule, schedule.program.tensors)
    size = 4 * 8 + 8 + 8 * 3 + 3
    spans = parts.spans(stage)
    assert spans[0] == Span("gradient", 0, 0, size)
    assert spans[1][2:] == (size, 1)
    assert parts.step % 8 == 0


def test_threads_add_chunks_of_a_span():
    schedule = plan_kernel(gradient_kernel(derive(sb.mlp([64, 40, 3], loss="mean_squared_error"))))
    parts, size = Parts(schedule, schedule.program.tensors), 64 * 40 + 40 + 40 * 3 + 3
    call = parts.add(Span("gradient", 0, 0, size), "gradient", "tiles", "piece")
    assert call.endswith(f"tiles, {CHUNK}*piece, min({CHUNK}*piece + {CHUNK}, {size}), start == 0)")
    assert parts.add(Span("work", 0, 0, 7), "work", "tiles", "piece").endswith("tiles, 0, at(7), start == 0)")


@pytest.mark.parametrize("samples", [1, 256, 257, 300, 512, 513, 1000, 7681, 100_000])
def test_tiles_of_large_parts_are_equal_and_of_an_even_number(samples):
    schedule = plan_kernel(gradient_kernel(derive(sb.mlp([200, 100, 3], loss="mean_squared_error"))))
    assert schedule.even == schedule.tile
    most, (size, lines) = schedule.tile, Parts(schedule, schedule.program.tensors).tile()
    names = {"samples": samples}
    exec("\n".join(lines), names)
    rows = names[size]
    tiles = -(-samples // rows)
    assert rows % 8 == 0
    if samples <= most:
        assert tiles == 1
    else:
        assert samples / rows > tiles - 1  # none is empty
        assert rows <= most
        assert tiles % 2 == 0 or tiles > 16
        assert tiles <= -(-samples // most) * 1.2 + 1


def test_only_loops_need_zeros(schedule):
    (stage,) = (s for s in schedule.stages if s.tiled)
    lines = Parts(schedule, schedule.program.tensors).fills(stage)
    assert lines
    assert all(line.startswith(("part[", "others[")) and line.endswith("] = 0.0") for line in lines)


def test_few_samples_are_summed_in_the_gradient_itself(schedule):
    (stage,) = (s for s in schedule.stages if s.tiled)
    parts = Parts(schedule, schedule.program.tensors)
    assert parts.arrays()[0].startswith("part = gradient if samples <= 64 else view(work, ")
    assert parts.arrays("piece")[0].startswith("part = view(work, ")
    lines = parts.added(stage, lambda buffer: buffer)
    assert lines[0] == "if samples > 64:"
    assert lines[1].startswith("    add_parts(gradient, at(0), ")
    assert lines[2].startswith("add_parts(work, ")
