"""Drawings in characters, as they stand on a terminal."""

import pytest
import sympy as sp
from rich.cells import cell_len

import symbp as sb
from symbp.view.circuit.drawing import drawing
from tests.view.circuit.pictures import NEURON, PICTURES, chain_rule, w0, w1, w2, x, x0, x1, y, z

GOLDEN = {
    "chain rule": (
        chain_rule,
        """
   -2
x ────┐     3
   -4 ├ + ────┐
    5 │    -4 │    -12
y ────┘       ├ * ───── f
   -4         │     1
           -4 │
        z ────┘
            3
""",
    ),
    "structure alone": (
        lambda: sb.circuit((x + y) * z),
        """
x ───┐
     ├ + ───┐
y ───┘      ├ * ─── f
            │
       z ───┘
""",
    ),
    "shared": (
        lambda: sb.circuit(sp.sin(x * y) * x + sp.exp(sp.sin(x * y))),
        """
x ───┐
     ├ * ──── sin ─g2── exp ───┐
y ───┘                         │
                               ├ + ─── f
               g2 ────┐        │
                      ├ * ─────┘
                x ────┘
""",
    ),
    "neuron": (
        lambda: sb.circuit(1 / (1 + sp.exp(-(w0 * x0 + w1 * x1 + w2))), NEURON),
        """
      2
w0 ───────┐      -2
    -0.20 ├ * ───────┐
      -1  │     0.20 │
x0 ───────┘          │
    0.39             │
      -3             │      1           -1          0.37        1.37        0.73
w1 ───────┐       6  ├ + ─────── *-1 ──────── exp ──────── +1 ──────── 1/x ────── f
    -0.39 ├ * ───────┤    0.20        -0.20        -0.53       -0.53          1
      -2  │     0.20 │
x1 ───────┘          │
    -0.59            │
                 -3  │
            w2 ──────┘
                0.20
""",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    make, expected = GOLDEN[name]
    c = make()
    assert str(c) == c.text() == expected.strip("\n")


def test_named_results_stand_on_their_wires():
    text = PICTURES["scalar_network"]().text()
    assert "─a─" in text
    assert "─u─" in text


@pytest.mark.parametrize("name", PICTURES)
def test_a_table_where_a_drawing_does_not_fit(name):
    c = PICTURES[name]()
    for width in (40, 100, 300):
        drawn = drawing(c, width)
        assert c.text(width) == (c.table() if drawn is None else drawn)
        if drawn is not None:
            assert max(map(cell_len, drawn.splitlines())) <= width
            assert len(drawn.splitlines()) <= 48
    assert c.per == "operation" or drawing(c, 10_000) is None
    assert drawing(c, 1) is None


def test_wide_characters_keep_their_columns():
    lines = sb.circuit(sp.Symbol("字") + sp.Symbol("e\u0301"), {"字": 1, "e\u0301": 2}).text().splitlines()
    corners = [cell_len(line[: line.index(sign)]) for line in lines for sign in "┐├┘" if sign in line]
    assert len(corners) == 3
    assert len(set(corners)) == 1


def test_several_outputs_one_below_the_other():
    a, b = sp.symbols("a b")
    text = sb.circuit(sb.Network([sp.Eq(a, x + y), sp.Eq(b, sp.sin(x))], inputs=[x, y])).text()
    assert text.splitlines()[-1].endswith("sin ─── b")
    assert "a" in text


def test_alone():
    assert sb.circuit(x, {x: 3}).text() == "   3      3\nx ──── = ─── f\n   1      1"
    assert sb.circuit(sp.Integer(3)).text() == "3 ─── f"
