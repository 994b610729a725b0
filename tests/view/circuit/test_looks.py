"""How single gates look."""

import pytest
import sympy as sp

import symbp as sb
from symbp.view.circuit import Gate
from symbp.view.circuit.bands import LINK
from symbp.view.circuit.looks import look
from tests.view.circuit.pictures import PICTURES, chain_rule


def seen(c, name, exported=False):
    return look(c[name], c, exported)


def test_kinds():
    c = PICTURES["scalar_network"]()
    assert [seen(c, n).kind for n in ("x", "v", "u", "E")] == ["input", "parameter", "gate", "output"]
    link = look(Gate("a", LINK), c, False)
    assert (link.kind, link.texts[0].text, link.texts[0].bold) == ("link", "a", False)


def test_captions():
    c = chain_rule()
    assert seen(c, "g1").caption == ""
    assert seen(c, "g1", exported=True).caption == "g1"
    named = PICTURES["scalar_network"]()
    assert (seen(named, "u").caption, seen(named, "E").caption) == ("u", "")


def test_many_wires_make_a_tall_gate():
    few, many = (sb.circuit(sp.Add(*sp.symbols(f"s1:{n + 1}"))) for n in (3, 30))
    assert seen(few, "f").height == 2 * seen(few, "f").radius
    assert seen(many, "f").height > 250
    assert seen(many, "f").room > seen(many, "f").height


def test_a_box_is_as_wide_as_its_text():
    c = PICTURES["network"]()
    assert seen(c, "E").width > seen(c, "z1").width > seen(c, "b1").width
    assert seen(c, "z1").tail > 12 == seen(sb.circuit(sb.mlp([64, 32, 10])), "z1").tail


@pytest.mark.parametrize("name", ["x" * 500, "字" * 40])
def test_long_names_make_no_wide_box(name):
    c = sb.circuit(sp.Symbol(name) + 1)
    assert seen(c, name).width < 200
