"""Expressions and equations as networks."""

import pytest
import sympy as sp

import symbp as sb
from symbp.network import symbol_name
from symbp.view.circuit.models import all_numbers, as_network

x, y, f = sp.symbols("x y f")


def test_expressions():
    net = as_network(x * y)
    assert (net.defined, [s.name for s in net.inputs], net.loss) == (("f",), ["x", "y"], "f")
    assert as_network(x * f).defined == ("f_",)
    assert as_network(2.5).inputs == ()


def test_inputs_come_in_natural_order():
    assert [s.name for s in as_network(sp.Add(*sp.symbols("w10 w2 b w1"))).inputs] == ["b", "w1", "w2", "w10"]


def test_equations_in_index_notation():
    i, j = sp.symbols("i j", integer=True)
    v, W, u, E = sb.indexed("v", 3), sb.indexed("W", 3, 3), sb.indexed("u", 3), sp.Symbol("E")
    net = as_network(
        [sp.Eq(u[i], sp.Sum(W[i, j] * v[j], (j, 0, 2)) * v[i]), sp.Eq(E, sp.Sum(u[i] ** 2, (i, 0, 2)))]
    )
    assert [symbol_name(s) for s in net.inputs] == ["W", "v"]
    assert sb.circuit(net).per == "equation"


def test_networks_stay_as_they_are():
    net = sb.mlp([2, 1])
    assert as_network(net) is net
    assert not all_numbers(net)
    assert all_numbers(as_network(x * y))


@pytest.mark.parametrize("lhs", [sp.Symbol("a") + 1, sp.Integer(3)])
def test_equations_define_names(lhs):
    with pytest.raises(sb.NetworkError):
        as_network(sp.Eq(lhs, x, evaluate=False))
