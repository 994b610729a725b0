"""The text of kernels that threads share."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import symbp as sb
from symbp.codegen.module import emit
from symbp.codegen.shared import PIECE
from symbp.pipeline import derive, gradient_kernel


@pytest.fixture(scope="module")
def text():
    """Of a network whose sums over the samples are large: their rows are cut."""
    net = sb.mlp([400, 64, 3], activation="tanh", loss="mean_squared_error")
    return emit([replace(gradient_kernel(derive(net)), parallel=True)])


@pytest.fixture(scope="module")
def small():
    """Of one whose sums are small: each tile has a part of them."""
    net = sb.mlp([40, 64, 3], activation="tanh", loss="mean_squared_error")
    return emit([replace(gradient_kernel(derive(net)), parallel=True)])


def function(text, name):
    return re.search(rf"^def {name}\(.*?(?=^@njit|\Z)", text, re.DOTALL | re.MULTILINE)[0]


def test_buffers_and_counters_are_arguments(text):
    head = function(text, "value_and_grad_into").splitlines()[0]
    assert head == "def value_and_grad_into(theta, x, y, mean_E, gradient, work, counters, bell, number):"
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
        assert lines[k + 1].strip() == "count_up(counters, 1)"
    assert not [line for line in lines if re.match(r"\s+(work|gradient|mean_E)\w*\[", line)]


def test_samples_and_rows_of_sums_are_cut(text):
    rows, sums = function(text, "value_and_grad_rows"), function(text, "value_and_grad_sums")
    assert f"base = {PIECE}*piece" in rows
    assert re.search(r"multiply\(work, at\(\d+\) \+ base\*64, ", rows)
    assert "start == 0" not in rows
    assert sums.count("multiply(gradient, ") >= 3
    assert "count = min(16, 64 - low)" in sums  # four pieces of two tiles each
    assert len(re.findall(r"if piece < \d+:", sums)) == 5


def test_small_sums_are_kept_in_parts(small):
    tiles, added = function(small, "value_and_grad_tiles"), function(small, "value_and_grad_added")
    assert re.search(r"tile = room\(\d+, 0.0\)", tiles)
    assert re.search(r"part = view\(work, at\(\d+\) \+ 2824\*piece, \(2819,\)\)", tiles)
    assert re.search(r"others = view\(work, at\(\d+\) \+ 2824\*piece, \(1,\)\)", tiles)
    assert "gradient" not in re.sub(r"^def .*", "", tiles)
    assert tiles.count("multiply(part, ") >= 3
    assert "start == 0" not in tiles
    calls = re.findall(r"add_parts\((\w+), at\((\d+)\), .*, at\((\d+)\), start == 0\)", added)
    assert calls[:3] == [("gradient", "0", "1024"), ("gradient", "1024", "1024"), ("gradient", "2048", "771")]
    assert calls[3][0] == "work"
    assert calls[3][2] == "1"
