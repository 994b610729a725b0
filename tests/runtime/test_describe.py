"""The description of a kernel is plain data, and enough to call it."""

from __future__ import annotations

import json
from dataclasses import replace

import symbp as sb
from symbp.codegen.pointwise import straight
from symbp.pipeline import derive, gradient_kernel
from symbp.runtime.compiled import slot_of
from symbp.runtime.describe import describe, operations_per_sample
from symbp.schedule.memory import plan_kernel


def described(net, **options):
    derivation = derive(net)
    kernel = replace(gradient_kernel(derivation), **options)
    return describe(kernel, derivation, straight(kernel) or plan_kernel(kernel)), kernel


def test_it_survives_the_way_to_disk_and_back():
    meta, _ = described(sb.mlp([3, 4, 2]), dtype="float32")
    assert json.loads(json.dumps(meta)) == meta


def test_it_names_arrays_and_their_types():
    meta, kernel = described(sb.mlp([3, 4, 2], loss="softmax_cross_entropy", labels=True), dtype="float32")
    assert [(s.name, s.shape, s.role) for s in map(slot_of, meta["inputs"])] == [
        ("x", (3,), "input"),
        ("y", (), "label"),
    ]
    types = meta["compile"]["value_and_grad_into"]
    assert types == [["float32", 1], ["float32", 2], ["int64", 1], ["float32", 1], ["float32", 1]]
    assert [name for name, _ in meta["gradient"]] == list(kernel.gradient)


def test_threads_are_given_buffers():
    net = sb.mlp([400, 64, 3], loss="mean_squared_error")
    alone, shared = (described(net, threads=n)[0] for n in (1, 2))
    assert alone["room"] == []
    workspace, rows, fewest = shared["room"]
    assert workspace > 0
    assert rows == []
    assert fewest == 1  # products of one tile are cut
    assert len(shared["compile"]["value_and_grad_into"]) > len(alone["compile"]["value_and_grad_into"])


def test_one_tile_is_one_piece_where_threads_take_whole_tiles():
    meta, kernel = described(sb.mlp([8, 64, 64, 1], loss="mean_squared_error"), threads=2)
    plan = plan_kernel(kernel)
    assert plan.parts
    assert not plan.even
    assert meta["room"][2] == plan.tile + 1


def test_work_grows_with_the_layers():
    small, large = (operations_per_sample(described(sb.mlp([8, n, 1]))[1].program) for n in (16, 160))
    assert 5 * small < large < 15 * small


def test_products_of_matrices():
    assert described(sb.mlp([8, 16, 4]), dtype="float32")[0]["products"] == ["float32"]
    assert described(sb.mlp([1, 2, 1]))[0]["products"] == []
