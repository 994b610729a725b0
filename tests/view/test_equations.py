"""Statements come out as the equations a textbook shows."""

from __future__ import annotations

import pytest
import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.view.equations import equations
from symbp.view.latex import LatexPrinter
from symbp.view.mathml import MathMLPrinter
from symbp.view.text import TextPrinter

L, J, K = Index("i", 3), Index("j", 4), Index("k", 2)
VECTORS = {"x": 4, "delta1": 3, "b1": 3, "a1": 3, "delta2": 2, "u": 3}
TENSORS = [Tensor(n, (s,), "input") for n, s in VECTORS.items()]
TENSORS += [Tensor(n, s, "parameter") for n, s in {"W1": (3, 4), "W2": (2, 3), "c": ()}.items()]
TENSORS += [Tensor("label", (), "label", bound=3)]
x, d1, b1, a1, u = (Access(n, i) for n, i in (("x", J), ("delta1", L), ("b1", L), ("a1", L), ("u", L)))
W1, W2, d2, c = Access("W1", L, J), Access("W2", K, L), Access("delta2", K), Access("c")


def program(*statements: Statement, outputs=()) -> Program:
    defined = [Tensor(s.target, tuple(i.extent for i in s.indices)) for s in statements]
    return Program(
        {t.name: t for t in [*TENSORS, *defined]}, statements, tuple(outputs) or (statements[-1].target,)
    )


def lines(p: Program, printer=None) -> list[str]:
    printer = printer or TextPrinter()
    return [f"{printer.show(e.left)} = {printer.show(e.right)}" for e in equations(p)]


def one(indices, body, bound=(), reduce=None):
    s = Statement("r", tuple(indices), body, reduce or ("sum" if bound else "none"), tuple(bound))
    return lines(program(s))[0]


@pytest.mark.parametrize(
    ("indices", "body", "bound", "text"),
    [
        ([L], W1 * x, [J], "r = W1*x"),
        ([L], W2 * d2, [K], "r = W2.T*delta2"),
        ([L, J], d1 * x, [], "r = delta1*x.T"),
        ([J, L], d1 * x, [], "r = x*delta1.T"),
        ([L], 1 / (1 + sp.exp(-a1)), [], "r = 1/(1 + exp(-a1))"),
        ([L], a1 * (1 - a1), [], "r = a1 ⊙ (1 - a1)"),
        ([L], a1 + b1, [], "r = a1 + b1"),
        ([L], c * a1, [], "r = c*a1"),
        ([], (a1 - u) ** 2 / 2, [L], "r = sum((a1 - u)**2)/2"),
        ([], a1 * u, [L], "r = a1.T*u"),
        ([], W1**2, [L, J], "r = sum(W1**2)"),
        ([], W1**2, [J, L], "r = sum(W1**2)"),
        ([], a1 * W1 * x, [L, J], "r = a1.T*W1*x"),
        ([L], -2 * a1, [], "r = -2*a1"),
        ([J, L], W1, [], "r = W1.T"),
        ([K, J], W2 * W1, [L], "r = W2*W1"),
        ([], Access("a1", Access("label")) - 1, [], "r = a1[label] - 1"),
        ([L], a1 * Access("u", 2), [], "r = u[2]*a1"),
        ([L], sp.Max(0, a1), [], "r = max(0, a1)"),
        ([L], sp.Piecewise((a1, a1 > 0), (0, True)), [], "r = a1 if a1 > 0 else 0"),
        ([L], sp.sqrt(a1) / sp.sqrt(u), [], "r = sqrt(a1)/sqrt(u)"),
        ([L], W1, [J], "r[i] = sum_{j} W1[i, j]"),
        ([L], a1 * L, [], "r[i] = i*a1[i]"),
        ([L, J], a1 + x, [], "r[i, j] = a1[i] + x[j]"),
        ([L], sp.Integer(1), [], "r = 1"),
    ],
)
def test_notation(indices, body, bound, text):
    assert one(indices, body, bound) == text


def test_temporaries_are_written_where_they_are_used():
    statements = [
        Statement("s", (L,), W2 * d2, "sum", (K,)),
        Statement("delta", (L,), Access("s", L) * a1 * (1 - a1)),
    ]
    assert lines(program(*statements)) == ["delta = (W2.T*delta2) ⊙ a1 ⊙ (1 - a1)"]
    assert len(equations(program(*statements), keep=["s"])) == 2
    twice = [statements[0], Statement("q", (L,), Access("s", L) * (1 - Access("s", L)))]
    assert lines(program(*twice)) == ["s = W2.T*delta2", "q = s ⊙ (1 - s)"]


def test_short_temporaries_are_written_out_more_than_once_on_request():
    total = Statement("t", (L,), 1 + sp.exp(-u))
    t, large = Access("t", L), Statement("t", (L,), sp.Add(*(sp.exp(-u * k) for k in range(1, 6))))
    users = [Statement("p", (L,), 1 / t), Statement("q", (L,), sp.log(t))]

    def shown(first):
        found = equations(program(first, *users, outputs=("p", "q")), often=True)
        return [f"{TextPrinter().show(e.left)} = {TextPrinter().show(e.right)}" for e in found], found

    text, found = shown(total)
    assert text == ["p = 1/(1 + exp(-u))", "q = log(1 + exp(-u))"]
    assert [e.covers for e in found] == [("p", "t"), ("q",)]  # what it costs counts once
    assert lines(program(total, *users, outputs=("p", "q")))[0] == "t = 1 + exp(-u)"
    assert shown(large)[0][1:] == ["p = 1/t", "q = log(t)"]


def test_affine_layer():
    statements = [
        Statement("s", (L,), W1 * x, "sum", (J,)),
        Statement("z1", (L,), Access("s", L) + b1),
        Statement("p", (L,), sp.tanh(Access("z1", L))),
    ]
    assert lines(program(*statements)) == ["z1 = W1*x + b1", "p = tanh(z1)"]


def test_latex():
    s = Statement("t", (L,), W2 * d2, "sum", (K,))
    delta = Statement("delta3", (L,), Access("t", L) * a1 * (1 - a1))
    text = lines(program(s, delta), LatexPrinter())[0]
    assert text == (
        r"\delta^{(3)} = \left(\left(W^{(2)}\right)^{T} \, \delta^{(2)}\right) \odot a^{(1)} \odot "
        r"\left(1 - a^{(1)}\right)"
    )
    g = Statement("dE/dW1", (L, J), d1 * x)
    assert lines(program(g), LatexPrinter()) == [
        r"\frac{\partial E}{\partial W^{(1)}} = \delta^{(1)} \, x^{T}"
    ]


def test_hostile_names_stay_on_one_line():
    s = Statement("a\nb" * 5000, (L,), a1 + b1)
    for printer, longest in ((TextPrinter(), 200), (LatexPrinter(), 400), (MathMLPrinter(), 400)):
        (line,) = lines(program(s), printer)
        assert "\n" not in line
        assert len(line) < longest


def test_huge_bodies_are_named_by_their_size():
    body = c
    for _ in range(40):  # as a tree 2**40 nodes
        body = sp.sin(body) * sp.cos(body)
    deep = c
    for _ in range(20_000):
        deep = sp.Mul(sp.Add(deep, 1, evaluate=False), c, evaluate=False)
    text = lines(program(Statement("p", (), body), Statement("q", (), deep), outputs=("p", "q")))
    assert text[0] == "p = <120 operations on c>"


def test_a_long_chain_of_temporaries_does_not_nest_for_ever():
    statements = [Statement("t0", (), sp.sin(c))]
    for k in range(1, 2000):
        statements.append(Statement(f"t{k}", (), sp.sin(Access(f"t{k - 1}"))))
    text = lines(program(*statements))
    assert 20 < len(text) < 2000
    assert all(len(line) < 400 for line in text)


def test_a_maximum_in_index_notation_leaves_out_what_does_not_vary():
    largest = sp.Max(c, Access("W1", L, J))
    assert one([L], largest, [J], "max") == "r[i] = max(c, max_{j} W1[i, j])"
    condition = Statement("r", (L,), largest, "max", (J,), (sp.Gt(J, 0),))
    assert lines(program(condition)) == ["r[i] = max_{j} max(c, W1[i, j])"]
