import pytest
import sympy as sp

import symbp as sb
from symbp.view.circuit.wiring import Wiring, natural, placeholder


def test_equal_operations_are_one_gate():
    wiring = Wiring()
    wiring.symbol("x", "input")
    x = wiring.symbols["x"]
    first = wiring.add("exp", sp.exp(placeholder(0)), (x,))
    assert wiring.add("exp", sp.exp(placeholder(0)), (x,)) == first
    assert wiring.add("sin", sp.sin(placeholder(0)), (x,)) != first


def test_names_avoid_those_of_the_user():
    g1, f = sp.symbols("g1 f")
    c = sb.circuit(sp.sin(g1 * f) + 1)
    assert [g.name for g in c] == ["f", "g1", "g2", "g3", "f_"]


def test_only_what_is_needed_is_kept():
    wiring = Wiring()
    wiring.symbol("x", "input")
    wiring.symbol("unused", "input")
    wiring.add("sin", sp.sin(placeholder(0)), (0,))
    wiring.name(wiring.add("exp", sp.exp(placeholder(0)), (0,)), "f")
    assert [g.name for g in wiring.gates(["f"])] == ["x", "f"]


def test_two_equations_with_one_right_hand_side():
    x, a, b, E = sp.symbols("x a b E")
    net = sb.Network([sp.Eq(a, x**2), sp.Eq(b, x**2), sp.Eq(E, a * b)], inputs=[x], loss=E)
    c = sb.circuit(net, {x: 3})
    assert [(g.name, g.operation, g.inputs) for g in c][1:] == [
        ("a", "^2", ("x",)), ("b", "=", ("a",)), ("E", "*", ("b", "a")),
    ]  # fmt: skip
    assert [c[n].gradient for n in "abx"] == [18, 9, 108]


def test_no_more_than_four_hundred_gates():
    symbols = sp.symbols("s1:401")
    assert len(sb.circuit(sp.Add(*symbols[:399]))) == 400
    with pytest.raises(sb.UnsupportedError, match="more than 400 gates") as caught:
        sb.circuit(sp.Add(*symbols))
    assert 'per="equation"' in caught.value.hint


def test_natural_order():
    assert sorted(["w10", "w2", "w1_10", "w1_2"], key=natural) == ["w1_2", "w1_10", "w2", "w10"]
    assert sorted(["²", "", "9" * 300, "x\n1"], key=natural)[0] == ""
