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
    net = sb.mlp([40, 64, 3], activation="tanh", loss="mean_squared_error")
    return emit([replace(gradient_kernel(derive(net)), parallel=True)])


def function(text, name):
    return re.search(rf"^def {name}\(.*?(?=^@njit|\Z)", text, re.DOTALL | re.MULTILINE)[0]


def test_buffers_and_counters_are_arguments(text):
    head = function(text, "value_and_grad_into").splitlines()[0]
    assert head == "def value_and_grad_into(theta, x, y, mean_E, gradient, work, counters, bell, number):"
    assert "np.empty" not in text
    assert "room(" not in text


def test_all_that_writes_is_a_piece(text):
    """A thread that comes late draws no ticket, and touches nothing."""
    lines = function(text, "value_and_grad_into").splitlines()
    calls = [k for k, line in enumerate(lines) if re.match(r"\s+value_and_grad_\w+\(", line)]
    assert len(calls) >= 4
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
