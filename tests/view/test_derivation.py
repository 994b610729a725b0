"""The whole derivation of a network reads as in a lecture."""

from __future__ import annotations

import sympy as sp

from symbp import nn
from symbp.network import Network
from symbp.passes.count import statement_operations
from symbp.pipeline import derive
from symbp.view.derivation import derivation_latex, derivation_text
from symbp.view.html import derivation_html
from tests.calls import calls
from tests.catalogue import CATALOGUE


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
        "  dE/db2 = delta2\n"
        "\n"
        "Rewrites\n"
        "  a2, a1: exp(-z2)/(1 + exp(-z2))**2  ->  a2 ⊙ (1 - a2)"
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
    d = mlp(*[4] * 160)
    for text in (derivation_text(d), derivation_latex(d)):
        assert "more equations" in text
        assert len(text.splitlines()) < 1000
    html = derivation_html(d)
    assert html.count("more equations") == 1  # of the backward section
    assert html.count("<tr>") < 900


def test_conditions_say_what_holds_elsewhere():
    z, y, E = nn.vector("z", 4), nn.label("y"), nn.scalar("E")
    inverse = sp.Eq(E, 1 / z[y, 0])
    d = derive(Network([inverse], inputs=[y], parameters=[z], loss=E))
    assert "= -1/z[y]**2  where k == y, else 0" in str(d)
    assert "else 0" not in str(CATALOGUE["convolution"].derivation).replace("if z > 0 else 0", "")
    assert r"\text{, else } 0" in d.latex()


def test_a_label_takes_one_from_its_probability():
    d = CATALOGUE["labels_softmax"].derivation
    assert "delta2 = u_1/s_E - one_hot(y)\n" in str(d)
    assert r"- \mathbf{1}_{y}" in d.latex()
    (delta,) = [e for e in d.backward if str(e.lhs).startswith("delta2")]
    assert delta.rhs.has(sp.KroneckerDelta)


def test_explicit_matrices_are_shown():
    d = CATALOGUE["explicit_constants"].derivation
    assert str(d).startswith(
        "Constants\n  c = [[1, 0.5, -1], [0, 2, 3.14159265359]]\n  c_2 = [1, -2]\n\nForward\n"
    )
    assert r"c &= \left[\begin{array}{ccc} 1 & 0.5 & -1" in d.latex()
    x, E = nn.vector("x", 20), sp.Symbol("E")
    large = sp.Matrix(20, 20, lambda i, j: i * j)
    net = Network([sp.Eq(E, nn.squared_norm(large * x))], inputs=[x], loss=E)
    assert "c = <20 x 20 numbers>" in str(derive(net, wrt=[x]))


def test_notebooks_get_markup_without_scripts():
    html = mlp(3, 4, 2, activation="tanh")._repr_html_()
    assert html.count("<math") > 20
    assert "<script" not in html
    assert "1 rewrites" not in html
    assert mlp(3, 4, 2)._repr_latex_().startswith("% Forward\n\\begin{align*}")


def test_text_takes_time_linear_in_the_program():
    def work(depth):
        d = mlp(*[3] * depth)
        return calls(lambda: (str(d), d.latex(), d.forward, d.backward, str(d.ledger), str(d.cost)))

    work(10)
    assert work(160) < 5 * work(40)


def test_what_an_activation_shares_with_the_loss_is_written_out_in_both():
    d = mlp(3, 4, 2, activation="sigmoid", output="sigmoid", loss="binary_cross_entropy")
    text = str(d)
    assert "  a2 = 1/(1 + exp(-z2))\n" in text
    assert "u_" not in text
    # The kernel's own count: the shared sum is evaluated once.
    assert d.cost.forward == sum(statement_operations(s) for s in d.forward_program.statements)


def test_a_division_by_a_number_is_no_line_of_its_own():
    """The kernel multiplies by 1/T and 1/T^2, which it evaluates once; a person divides."""
    w, p, T, E = nn.indexed("w", 3), nn.indexed("p", 3), sp.Symbol("T"), sp.Symbol("E")
    y, i, j = nn.one_hot("y", 3), nn.index("i", 3), nn.index("j", 3)
    equations = [
        sp.Eq(p[i], sp.exp(w[i] / T) / sp.Sum(sp.exp(w[j] / T), (j, 0, 2))),
        sp.Eq(E, -sp.Sum(y[i, 0] * sp.log(p[i]), (i, 0, 2))),
    ]
    d = derive(Network(equations, inputs=[y], parameters=[w, T], loss=E))
    assert "Backward\n  dE/dw = (p - y)/T\n  dE/dT = sum(w ⊙ (y - p))/T**2\n" in str(d)
    assert "u_" not in str(d)
    assert "  s_p = sum(exp(w/T - m_p))\n  p = exp(w/T - m_p)/s_p\n" in str(d)


def test_a_sum_of_negative_terms_has_its_sign_in_front():
    z, p, y = (nn.indexed(name, 3) for name in "zpy")
    E, i = sp.Symbol("E"), nn.index("i", 3)
    likelihood = sp.Sum(sp.log(p[i] ** y[i] * (1 - p[i]) ** (1 - y[i])), (i, 0, 2))
    equations = [sp.Eq(p[i], 1 / (1 + sp.exp(-z[i]))), sp.Eq(E, -likelihood)]
    d = derive(Network(equations, inputs=[y], parameters=[z], loss=E))
    assert "E = sum((1 - y) ⊙ log(1 + exp(z)) + y ⊙ log(1 + exp(-z)))\n" in str(d)
