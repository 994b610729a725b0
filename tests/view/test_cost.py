"""Costs are counted per equation, and the table tells them."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import accesses
from symbp.passes.count import arithmetic, statement_calls, statement_operations
from symbp.view.cost import MAX_ROWS
from tests.catalogue import CATALOGUE, NAMES

K, J = Index("k", 3), Index("j", 4)


def mlp(*sizes, **options):
    return sb.derive(sb.mlp(sizes, **options))


def test_arithmetic_of_a_dense_layer():
    d = mlp(10, 20)
    # 2*10*20 for the product, then the bias, and (a - y)**2 summed and halved
    assert 400 + 20 <= arithmetic(d.forward_program) <= 400 + 20 + 4 * 20 + 1


def test_statements():
    product = Statement("z", (K,), Access("W", K, J) * Access("x", J), "sum", (J,))
    assert statement_operations(product) == 2 * 3 * 4
    assert statement_calls(product) == 0
    sigmoid = Statement("a", (K,), 1 / (1 + sp.exp(-Access("z", K))))
    assert statement_calls(sigmoid) == 3
    # a condition k = label visits one k only
    pinned = Statement("g", (K, J), 2 * Access("x", J), where=(sp.Eq(K, Access("label")),))
    assert statement_operations(pinned) == 4


def test_the_sigmoid_network_by_hand():
    cost = mlp(3, 4, 2, activation="sigmoid", output="sigmoid").cost
    rows = {r.equation.target: (r.operations, r.transcendental) for r in cost.rows}
    assert rows["z1"] == (4 * 2 * 3 + 4, 0)
    assert rows["a1"] == (4 * 4, 4)
    assert rows["dE/dW1"] == (12, 0)
    assert rows["dE/db1"] == (0, 0)
    assert cost.transcendental("forward") == 6
    assert cost.transcendental("backward") == 0  # a(1 - a)
    assert dict(cost.stored) == {"a1": 4, "a2": 2}
    assert cost.bytes() == 48
    assert cost.bytes(4) == 24
    assert cost.ratio == pytest.approx(cost.backward / cost.forward)


@pytest.mark.parametrize("name", NAMES)
def test_rows_add_up_to_the_program(name):
    d = CATALOGUE[name].derivation
    forward = d.forward_program.statement_of()
    assert d.cost.forward == arithmetic(d.forward_program)
    own = {s.target: s for s in d.backward_program.statements if s.target not in forward}
    covered = {n for r in d.cost.rows if r.phase == "backward" for n in r.equation.covers}
    assert d.cost.backward == sum(statement_operations(own[n]) for n in covered)
    # What no backward equation covers is a part of forward equations that got a name.
    for statement in d.backward_program.statements:
        if statement.target in covered:
            assert not {a.name for a in accesses(statement.body)} & (set(own) - covered)


def test_the_table():
    cost = mlp(2, 2, 1, activation="sigmoid", output="sigmoid").cost
    text = str(cost)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["per", "sample", "operations", "transcendental"]
    assert f"backward/forward   {cost.ratio:.2f}" in lines
    assert f"XNOR 2-2-1 {cost.ratio:.2f}" in text  # the same network, for comparison
    assert "3 numbers, 24 bytes in float64" in text
    assert "differentiate" in text


def test_deep_networks_are_cut():
    d = mlp(*[2] * 60)
    assert len(str(d.cost).splitlines()) < 2 * MAX_ROWS + 15
    assert "more equations" in str(d.cost)


def test_without_a_loss():
    x, a = sb.vector("x", 3), sb.vector("a", 3)
    cost = sb.derive(sb.Network([sp.Eq(a, sb.tanh(x))], inputs=[x])).cost
    assert (cost.forward, cost.backward, cost.ratio) == (3, 0, None)
    assert "backward" not in str(cost)


def test_labels_and_large_models_cost_what_they_do():
    big = mlp(784, 128, 10, activation="relu", loss="softmax_cross_entropy", labels=True).cost
    products = 2 * (784 * 128 + 128 * 10)
    assert products < big.forward < 1.1 * products
    assert np.isclose(big.bytes() / 8, sum(big.stored.values()))
