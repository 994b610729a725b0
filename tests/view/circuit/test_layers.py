"""Columns and their order."""

import sys

import pytest
import sympy as sp

import symbp as sb
from symbp.view.circuit.layers import columns, layers
from tests.view.circuit.pictures import PICTURES, x, y, z


def crossings(placed):
    """Pairs of pieces of wire between the same columns that cross."""
    rank = {v: k for column in placed.order for k, v in enumerate(column)}
    pieces = {*placed.pieces, *((a, b) for a, b, _ in placed.ends)}
    count = 0
    for a, b in pieces:
        for c, d in pieces:
            if placed.column[a] == placed.column[c] and (rank[a] - rank[c]) * (rank[b] - rank[d]) < 0:
                count += 1
    return count // 2


def test_inputs_stand_beside_their_first_reader():
    c = sb.circuit((x + y) * z)
    assert dict(zip([g.name for g in c], columns(c.gates), strict=True)) == {
        "x": 0,
        "y": 0,
        "z": 1,
        "g1": 1,
        "f": 2,
    }


@pytest.mark.parametrize("name", PICTURES)
def test_every_wire_goes_from_one_column_to_the_next(name):
    c = PICTURES[name]()
    placed = layers(c.gates)
    for a, b, *_ in (*placed.pieces, *placed.ends):
        assert placed.column[b] == placed.column[a] + 1
    assert sorted(v for column in placed.order for v in column) == list(range(len(placed.column)))
    for k, column in enumerate(placed.order):
        assert all(placed.column[v] == k for v in column)
    # From each input backwards along the dummies one comes to the gate that is read.
    before = {b: a for a, b in placed.pieces}
    for a, k, position in placed.ends:
        while a >= len(c.gates):
            a = before[a]
        assert c.gates[a].name == c.gates[k].inputs[position]


def test_wires_of_one_gate_share_their_dummies():
    e = x
    for _ in range(6):
        e = sp.sin(e) * x
    c = sb.circuit(e)
    placed = layers(c.gates)
    assert len(placed.pieces) == max(placed.column) - 1 - placed.column[0]


@pytest.mark.parametrize("name", ["chain_rule", "neuron", "network", "deep_network", "chain"])
def test_trees_have_no_crossings(name):
    assert crossings(layers(PICTURES[name]().gates)) == 0


def test_a_tree_is_read_from_top_to_bottom():
    symbols = sp.symbols("a b c d p q")
    a, b, c, d, p, q = symbols
    circuit = sb.circuit(sp.sin(sp.exp(a * b) + p) * sp.cos(c * d + q))
    placed = layers(circuit.gates)
    assert crossings(placed) == 0
    assert [[circuit.gates[v].name for v in column] for column in placed.order] == [
        ["a", "b"], ["g4", "c", "d"], ["g5", "p", "g1", "q"], ["g6", "g2"], ["g7", "g3"], ["f"],
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "fewer"), [("mixed", 0.6), ("tangle", 0.9), ("forty", 1)])
def test_crossings_are_fewer_than_in_reading_order(name, fewer, monkeypatch):
    gates = PICTURES[name]().gates
    count = crossings(layers(gates))
    monkeypatch.setattr("symbp.view.circuit.layers._sugiyama", lambda column, edges, place: place)
    assert count <= fewer * crossings(layers(gates))


def test_the_layout_is_the_same_each_time():
    for name in ("forty", "mixed", "tangle"):
        gates = PICTURES[name]().gates
        assert layers(gates) == layers(gates)


def test_without_igraph(monkeypatch):
    monkeypatch.setitem(sys.modules, "igraph", None)
    c = sb.circuit(x + y, {x: 1, y: 2})
    with pytest.raises(sb.SymbpError) as caught:
        c.svg()
    assert caught.value.hint == "pip install 'symbp[plot]'"
    assert c._repr_svg_() is None
    assert "3" in c.text()
