"""The text of kernels that threads share."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import symbp as sb
from symbp.codegen.module import emit
from symbp.codegen.shared import PIECE, is_large
from symbp.machine.gate import DONE
from symbp.pipeline import derive, gradient_kernel
from symbp.runtime.crew import crew
from symbp.schedule.parts import MOST_SHARED
from tests.runtime.test_threads import models, share_everything


@pytest.fixture(scope="module")
def text():
    """Of a network whose sums over the samples are too large for parts: they are cut themselves."""
    net = sb.mlp([2100, 64, 3], activation="tanh", loss="mean_squared_error")
    return emit([replace(gradient_kernel(derive(net)), threads=2)])


@pytest.fixture(scope="module")
def small():
    """Of one whose sums are small: each tile has a part of them."""
    net = sb.mlp([40, 64, 3], activation="tanh", loss="mean_squared_error")
    return emit([replace(gradient_kernel(derive(net)), threads=2)])


def function(text, name):
    return re.search(rf"^def {name}\(.*?(?=^@njit|\Z)", text, re.DOTALL | re.MULTILINE)[0]


def test_buffers_and_the_gate_are_arguments(text):
    head = function(text, "value_and_grad_into").splitlines()[0]
    assert head == "def value_and_grad_into(theta, x, y, mean_E, gradient, work, gate, number, ticket):"
    assert "np.empty" not in text
    assert "room(" not in text


@pytest.mark.parametrize(("net", "least"), [("text", 4), ("small", 3)])
def test_all_that_writes_is_a_piece(net, least, request):
    """A thread that comes late draws no ticket, and touches nothing."""
    lines = function(request.getfixturevalue(net), "value_and_grad_into").splitlines()
    calls = [k for k, line in enumerate(lines) if re.match(r"\s+value_and_grad_\w+\(", line)]
    assert len(calls) >= least
    for k in calls:
        assert lines[k - 2].strip() == "while ticket < end:"
        assert lines[k + 1].strip() == f"count_up(gate, {DONE})"
    assert not [line for line in lines if re.match(r"\s+(work|gradient|mean_E)\w*\[", line)]


def test_columns_samples_and_rows_of_sums_are_cut(text):
    columns, rows = function(text, "value_and_grad_rows"), function(text, "value_and_grad_rows_2")
    sums = function(text, "value_and_grad_sums")
    assert f"base = {PIECE}*(piece//1)" in columns
    assert "count = 64\n" in columns
    assert re.search(r"multiply_turned\(work, at\(\d+\) \+ base\*64 \+ low\*1, ", columns)
    assert re.search(r" at\(0\) \+ low\*2100, 2100, rows, count, 2100,", columns)
    assert f"base = {PIECE}*piece" in rows
    assert re.search(r"multiply\w*\(work, at\(\d+\) \+ base\*64, ", rows)
    assert "low" not in rows
    assert "start == 0" not in rows
    assert sums.count("multiply(gradient, ") >= 3
    assert "count = 64 if (piece - 1) < 32 else 2100 - low" in sums
    assert len(re.findall(r"if piece < \d+:", sums)) == 5


def test_sums_of_few_columns_are_cut_into_four_pieces_of_rows():
    net = sb.mlp([100, 130, 10], activation="relu", loss="mean_squared_error")
    kernel = replace(gradient_kernel(derive(net)), threads=2)
    text = emit([kernel])
    sums = function(text, "value_and_grad_sums")
    into = function(text, "value_and_grad_into")
    assert re.search(r"if samples <= \d+:", into)  # of more each tile has a part
    assert "count = min(40, 130 - low)" in sums  # whole tiles of registers


@pytest.mark.parametrize(
    ("inputs", "columns", "dtype"),
    [(150, 160, "float32"), (150, 161, "float32"), (290, 161, "float32"), (310, 200, "float64")],
)
def test_columns_that_are_no_whole_panels(inputs, columns, dtype):
    """Pieces are computed as the whole is: equal bits, for any number of samples."""
    net = sb.mlp([inputs, columns, 2], activation="tanh", loss="mean_squared_error")
    alone, shared = (sb.compile(net, dtype=dtype, threads=n, cache=False) for n in (1, 2))
    call = shared._gradient_kernel().call
    function, random = call._make(), np.random.default_rng(0)
    theta = alone.init(0)
    for samples in (1, 63, 64, 300):
        x, y = (random.normal(size=(samples, n)).astype(dtype) for n in (inputs, 2))
        want = alone.value_and_grad(theta, x=x, y=y)
        loss, gradient = np.empty(1, dtype), np.empty_like(theta)
        function.run(crew(), samples, (theta, x, y, loss, gradient), np.dtype(dtype), 1)
        assert loss[0] == want[0]
        np.testing.assert_array_equal(gradient, want[1])


@pytest.mark.parametrize("samples", [1, 2, 7])
def test_one_sample_is_shared_by_columns(samples):
    net = sb.mlp([300, 310, 130, 3], activation="relu", loss="softmax_cross_entropy")
    alone, shared = (sb.compile(net, threads=n, cache=False) for n in (1, 2))
    assert shared._kernels.gradient().loaded.meta["columns"]
    theta, x = alone.init(0), np.random.default_rng(0).normal(size=(samples, 300))
    outputs = ("z3",)
    kernel = shared._forward_kernel(outputs)
    want = alone.forward(theta, x=x, outputs=outputs)["z3"]
    got = np.zeros_like(want)
    kernel.call._make().run(crew(), samples, (theta, x, got), np.dtype(float), 2)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("samples", [100, 128, 129, 256, 300, 513, 2500])
def test_predictions_of_many_samples_are_cut_into_tiles_alone(samples):
    net = sb.mlp([30, 310, 130, 3], activation="relu", loss="softmax_cross_entropy")
    alone, shared = (sb.compile(net, threads=n) for n in (1, 2))
    theta, x = alone.init(0), np.random.default_rng(0).normal(size=(samples, 30))
    kernel = shared._forward_kernel(("z3",))
    want = alone.forward(theta, x=x, outputs=("z3",))["z3"]
    got = np.zeros_like(want)
    kernel.call._make().run(crew(), samples, (theta, x, got), np.dtype(float), 2)
    np.testing.assert_array_equal(got, want)


def test_products_with_small_matrices_are_not_large():
    programs = [gradient_kernel(derive(sb.mlp([n, n, 3]))).program for n in (100, 130)]
    assert [any(is_large(s, p.tensors) for s in p.statements) for p in programs] == [False, True]


def test_small_sums_are_kept_in_parts(small):
    tiles, added = function(small, "value_and_grad_tiles"), function(small, "value_and_grad_added")
    assert re.search(r"tile = room\(\d+, 0.0\)", tiles)
    assert re.search(r"part = view\(work, at\(\d+\) \+ 2824\*piece, \(2819,\)\)", tiles)
    assert re.search(r"others = view\(work, at\(\d+\) \+ 2824\*piece, \(1,\)\)", tiles)
    assert "gradient" not in re.sub(r"^def .*", "", tiles)
    assert tiles.count("multiply(part, ") >= 3
    assert "start == 0" not in tiles
    chunks, others = (line.strip() for line in added.splitlines() if "add_parts(" in line)
    assert "if piece < 3:" in added
    assert chunks.startswith("add_parts(gradient, at(0), work, ")
    assert chunks.endswith(", 1024*piece, min(1024*piece + 1024, 2819), start == 0)")
    assert others.startswith("add_parts(work, ")
    assert others.endswith(", 0, at(1), start == 0)")


def deep(layers, width=24):
    return sb.mlp([width] * (layers + 1), activation="tanh", loss="mean_squared_error")


def test_deep_networks_are_cut_too():
    """What is computed of rows, and sums, is in functions of no more nests than others have."""
    found = emit([replace(gradient_kernel(derive(deep(12, 40))), threads=2)])
    assert len(set(re.findall(r"^def (value_and_grad_rows\w*)\(", found, re.MULTILINE))) > 1
    assert "piece" in function(found, "value_and_grad_sums")


def test_the_deepest_networks_are_shared_by_whole_tiles():
    kernel = replace(gradient_kernel(derive(deep(MOST_SHARED))), threads=2)
    for schedule, shared in ((None, True), (64, False)):
        found = emit([replace(kernel, schedule=schedule)])
        assert "value_and_grad_rows" not in found
        assert ("piece" in function(found, "value_and_grad_tiles")) is shared


def test_long_tiles_are_cut_into_functions_that_know_their_part():
    found = emit([replace(gradient_kernel(derive(deep(12))), threads=2)])
    assert "value_and_grad_rows" not in found
    called = re.findall(
        r"^    (value_and_grad_part_\d+)\((.*)\)$", function(found, "value_and_grad_tiles"), re.M
    )
    assert len(called) > 1
    assert all({"part", "others", "tile"} <= {*arguments.split(", ")} for _, arguments in called)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layers", "width"), [(9, 24), (9, 136), (26, 24)])
def test_the_numbers_of_deep_networks_do_not_depend_on_the_threads(layers, width, dtype, monkeypatch):
    share_everything(monkeypatch)
    one, *more = models(deep(layers, width), dtype=dtype, cache=False)
    theta = one.init(seed=0)
    random = np.random.default_rng(0)
    for samples in (1, 63, 65, 300):
        x, y = (random.normal(size=(samples, width)).astype(dtype) for _ in "xy")
        want = one._gradient_kernel().run(theta, [x, y], samples, one._layout)
        for model in more:
            found = model._gradient_kernel().run(theta, [x, y], samples, one._layout)
            assert found[0][0] == want[0][0]
            np.testing.assert_array_equal(found[1], want[1])
