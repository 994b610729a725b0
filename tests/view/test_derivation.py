"""The whole derivation of a network reads as in a lecture."""

from __future__ import annotations

import sympy as sp

from symbp import nn
from symbp.network import Network
from symbp.pipeline import derive
from symbp.view.cost import arithmetic
from symbp.view.derivation import derivation_latex, derivation_text


def mlp(*sizes, **options):
    m = nn.mlp_equations(sizes, **options)
    return derive(Network(m.equations, inputs=m.inputs, parameters=m.parameters, loss=m.loss))


def test_the_lecture_formulas():
    text = derivation_text(mlp(3, 4, 2, activation="sigmoid", output="sigmoid"))
    assert text == (
        "Forward\n"
        "  z1 = W1*x + b1\n"
        "  a1 = 1/(1 + exp(-z1))\n"
        "  z2 = W2*a1 + b2\n"
        "  a2 = 1/(1 + exp(-z2))\n"
        "  E = sum((a2 - y)**2)/2\n"
        "\n"
        "Backward\n"
        "  delta2 = (a2 - y) ⊙ a2 ⊙ (1 - a2)\n"
        "  delta1 = (W2.T*delta2) ⊙ a1 ⊙ (1 - a1)\n"
        "  dE/dW1 = delta1*x.T\n"
        "  dE/db1 = delta1\n"
        "  dE/dW2 = delta2*a1.T\n"
        "  dE/db2 = delta2"
    )


def test_latex_is_balanced():
    text = derivation_latex(mlp(3, 4, 2, activation="elu", loss="huber"))
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert text.count(r"\begin{align*}") == text.count(r"\end{align*}") == 2
    assert r"\begin{cases}" in text


def test_without_a_loss_there_is_no_backward():
    x, a = nn.vector("x", 3), nn.vector("a", 3)
    text = derivation_text(derive(Network([sp.Eq(a, nn.tanh(x))], inputs=[x])))
    assert text == "Forward\n  a = tanh(x)"


def test_deep_networks_are_cut_in_the_middle():
    text = derivation_text(mlp(*[4] * 160))
    assert "more equations" in text
    assert len(text.splitlines()) < 900


def test_arithmetic_of_a_dense_layer():
    d = mlp(10, 20)
    # 2*10*20 for the product, then the bias, and (a - y)**2 summed and halved
    assert 400 + 20 <= arithmetic(d.forward_program) <= 400 + 20 + 4 * 20 + 1
