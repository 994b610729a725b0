"""Heights on the page."""

from itertools import pairwise

import pytest
import sympy as sp

import symbp as sb
from symbp.view.circuit.layers import layers
from symbp.view.circuit.rows import rows
from tests.view.circuit.pictures import PICTURES, x, y, z


def placed_rows(c, gate=40.0, dummy=20.0):
    placed = layers(c.gates)
    heights = [gate + 4 * (k % 5) for k in range(len(c))] + [dummy] * len(placed.pieces)
    return placed, heights, rows(placed, heights)


@pytest.mark.parametrize("name", PICTURES)
def test_vertices_of_a_column_keep_order_and_distance(name):
    placed, heights, at = placed_rows(PICTURES[name]())
    for column in placed.order:
        for a, b in pairwise(column):
            assert at[b] - at[a] >= (heights[a] + heights[b]) / 2 - 1e-6
    assert min(y - h / 2 for y, h in zip(at, heights, strict=True)) == pytest.approx(0, abs=1e-6)


def test_a_gate_stands_in_the_middle_of_its_operands():
    c = sb.circuit((x + y) * z)
    at = dict(zip([g.name for g in c], rows(layers(c.gates), [40.0] * 5), strict=True))
    assert at["g1"] == pytest.approx((at["x"] + at["y"]) / 2)
    assert at["f"] == pytest.approx((at["g1"] + at["z"]) / 2)


@pytest.mark.parametrize("name", ["chain", "mixed"])
def test_long_wires_are_straight(name):
    c = PICTURES[name]()
    placed, _, at = placed_rows(c)
    bends = [abs(at[a] - at[b]) > 1e-6 for a, b in placed.pieces if a >= len(c)]
    assert sum(bends) == 0
    if name == "chain":
        assert max(at) - min(at) < 1e-6


def test_one_gate_alone():
    assert rows(layers(sb.circuit(sp.Integer(3)).gates), [30.0]) == [15.0]
