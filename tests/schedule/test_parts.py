"""Which sums over the samples are kept as parts, and where."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from benchmarks.structures import convolution, images
from symbp.ir.nodes import BATCH, Index, Program, Statement, Tensor
from symbp.pipeline import derive, forward_kernel, gradient_kernel
from symbp.runtime.crew import crew
from symbp.schedule.fuse import fuse
from symbp.schedule.memory import PRODUCT_LEAST, plan_kernel
from symbp.schedule.parts import (
    GRADIENT,
    LARGEST_PART,
    MOST_SHARED,
    OTHERS,
    PARTS,
    SMALL_PART,
    may_be_cut,
    may_be_whole,
    part_size,
)


def planned(sizes, **more):
    return plan_kernel(replace(gradient_kernel(derive(sb.mlp(sizes, loss="mean_squared_error"))), **more))


def test_parts_hold_all_sums_side_by_side():
    schedule = planned([4, 8, 3])
    size = 4 * 8 + 8 + 8 * 3 + 3
    assert schedule.part == (size, 1)
    for buffer, whole in ((GRADIENT, size), (OTHERS, 1)):
        own = [(p.offset, n) for n, p in schedule.parts.items() if p.buffer == buffer]
        ends = sorted((at, at + schedule.program.tensors[n].row_size) for at, n in own)
        assert (ends[0][0], ends[-1][1]) == (0, whole)
        assert all(a[1] == b[0] for a, b in pairwise(ends))
    assert schedule.workspace >= schedule.parts_at + sum(schedule.part)
    together = planned([4, 8, 3], threads=2)
    assert together.workspace >= together.parts_at + PARTS * sum(together.part)


def test_large_sums_and_chosen_tiles_have_none():
    assert not planned([LARGEST_PART // 8, 8, 1]).parts
    assert planned([LARGEST_PART // 8 - 3, 8, 1]).even
    assert planned([SMALL_PART // 8, 8, 1]).even
    assert planned([SMALL_PART // 8 - 3, 8, 1]).parts
    assert not planned([SMALL_PART // 8 - 3, 8, 1]).even
    assert not planned([4, 8, 3], schedule=64).parts
    assert not planned([4, 8, 3], schedule="layerwise").parts
    assert planned([4, 8, 3], schedule="fused").parts
    derivation = derive(sb.mlp([4, 8, 3], loss="mean_squared_error"))
    assert not plan_kernel(forward_kernel(derivation, ["a1"])).parts


def test_a_maximum_over_the_samples_has_none():
    n, x = Index("n", BATCH), Tensor("x", (BATCH,), "input")
    for kind, size in (("sum", 1), ("max", inf)):
        s = Statement("s", (), sp.exp(x[n]), kind, (n,))
        program = Program({"x": x, "s": Tensor("s", ())}, (s,), ("s",))
        assert part_size(program, fuse(program), 0) == size
        assert part_size(program, fuse(program), 100) == max(size, 100)


@pytest.mark.parametrize("inputs", [5, 270])
@pytest.mark.parametrize("samples", [1, 63, 64, 65, 256, 257, 600, 1023, 1025, 2500, 9000])
def test_numbers_do_not_depend_on_threads(inputs, samples):
    net = sb.mlp([inputs, 33, 2], activation="tanh", loss="mean_squared_error")
    random = np.random.default_rng(samples)
    x, y = random.normal(size=(samples, inputs)), random.normal(size=(samples, 2))
    alone, shared = (sb.compile(net, threads=t) for t in (1, 2))
    theta = alone.init(0)
    loss, gradient = alone.value_and_grad(theta, x=x, y=y)
    other = shared._gradient_kernel()
    assert other.call._make is not None
    results = np.empty(1), np.empty(theta.size)
    other.call._make().run(crew(), samples, (theta, x, y, *results), np.dtype(float), 2)
    assert results[0][0] == loss
    np.testing.assert_array_equal(results[1], gradient)


def test_stages_of_many_nests_are_taken_whole():
    """Pieces of what is computed for one tile, each a function, would take too long to compile."""
    for layers, width, cut in ((5, 7, True), (MOST_SHARED, 7, False), (MOST_SHARED, 16, False)):
        derivation = derive(sb.mlp([width] * layers + [2], activation="tanh", loss="mean_squared_error"))
        predictions = plan_kernel(forward_kernel(derivation, [f"z{layers}"]))
        assert may_be_whole(predictions.stages)
        assert may_be_cut(predictions.stages) is cut
        assert predictions.whole is not cut
        assert bool(predictions.even) is cut
        found = plan_kernel(gradient_kernel(derivation))
        assert found.whole
        assert found.parts
        assert not found.even


def test_threads_find_several_tiles_of_long_stages():
    layers = MOST_SHARED // 4
    for width, whole in ((64, True), (200, False)):
        derivation = derive(sb.mlp([width] * layers + [2], activation="tanh", loss="mean_squared_error"))
        found = plan_kernel(gradient_kernel(derivation))
        assert not may_be_cut(found.stages)
        assert found.whole is whole
        assert (sum(found.part) > LARGEST_PART // 2) is whole
        assert (found.tile <= PRODUCT_LEAST) is whole


def test_tiles_of_large_samples_are_small():
    """Their buffers stay in a cache; matrices are loaded for each tile, which takes less."""
    assert plan_kernel(gradient_kernel(derive(convolution(48, 8).network))).tile < 8
    assert plan_kernel(gradient_kernel(derive(images().network))).tile < 8
    assert planned([784, 128, 10]).tile > 64
