"""No simplification costs operations: counted as a whole, with what equations share."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import pipeline
from symbp.ir import evaluate
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.passes import differentiate
from symbp.passes.count import arithmetic
from symbp.passes.simplify import fewest as module
from symbp.passes.simplify.fewest import fewest, saves, settled
from symbp.passes.simplify.ledger import Ledger, Step
from tests.catalogue import CATALOGUE, NAMES

i, j, n = sb.index("i", 4), sb.index("j", 3), 4
X, V, Z = sb.indexed("X", 3), sb.indexed("V", n, 3), sb.indexed("Z", n)
A, B, Y, U = (sb.indexed(name, n) for name in "ABYU")
E, Sum, Eq, e = sp.Symbol("E"), sp.Sum, sp.Eq, sp.exp
w, b, v, c, x, y, a, q = sp.symbols("w b v c x y a q")


def layer(*equations, parameters=(V,), inputs=(X, Y, U)):
    first = Eq(Z[i], Sum(V[i, j] * X[j], (j, 0, 2)))
    return sb.Network([first, *equations], inputs=inputs, parameters=parameters, loss=E)


def ratio():
    """exp(a)/(exp(a) + exp(q)) is in both derivatives, and simpler by itself in each."""
    loss = (e(a) / (e(a) + e(q)) - y) ** 2 + (v**2 + w**2) / 10
    return sb.Network(
        [Eq(a, sp.Max(0, w * x + b)), Eq(q, v * a + c), Eq(E, loss)],
        inputs=[x, y], parameters=[w, b, v, c], loss=E,
    )  # fmt: skip


def pair(f, g):
    """Two functions of the same entries, one of which is a part of the derivative of the other."""
    return layer(Eq(A[i], f(Z[i])), Eq(B[i], g(Z[i])), Eq(E, Sum(A[i] * Y[i] + B[i] * U[i], (i, 0, n - 1))))


def softmax(kind):
    p, k = sb.indexed("p", n), sb.index("k", n)
    label = sb.label("t")
    loss = {
        "label": -sp.log(p[label]),
        "numbers": -Sum(Y[i] * sp.log(p[i]), (i, 0, n - 1)),
        "squares": Sum((p[i] - Y[i]) ** 2, (i, 0, n - 1)),
    }[kind]
    inputs = [X, label] if kind == "label" else [X, Y]
    return layer(Eq(p[i], e(Z[i]) / Sum(e(Z[k]), (k, 0, n - 1))), Eq(E, loss), inputs=inputs)


# fmt: off
NETWORKS = {
    "ratio": ratio(),
    "inverse and its square": pair(lambda t: 1 / t, lambda t: 1 / t**2),
    "softsign": pair(lambda t: 1 / (1 + sp.Abs(t)), lambda t: 1 / (1 + sp.Abs(t)) ** 2),
    "rational": pair(lambda t: t / (1 + t**2), sp.tanh),
    "several operands": sb.Network(
        [Eq(a, e(-sp.Abs(w * x + b))), Eq(q, sp.tanh(v * a + c)), Eq(E, (q - y) ** 2 / 2)],
        inputs=[x, y], parameters=[w, b, v, c], loss=E,
    ),
    "softmax, label": softmax("label"),
    "softmax, numbers": softmax("numbers"),
    "softmax, squares": softmax("squares"),
}
# fmt: on


def plain(network, monkeypatch):
    """The derivation with nothing simplified."""
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "simplify_adjoints", lambda program, *_: program)
        patch.setattr(differentiate, "through_output", lambda *_: None)
        return sb.derive(network)


def total(derivation, named=()):
    """Operations for loss and gradient, and for equations that another program reads."""
    program = derivation.backward_program
    known = derivation.forward_program.statement_of()
    extra = [known[name] for name in named if name not in program.tensors]
    return arithmetic(replace(program, statements=(*program.statements, *extra)))


@pytest.mark.parametrize("name", NETWORKS)
def test_simplified_counts_are_never_higher(name, monkeypatch):
    network = NETWORKS[name]
    assert total(sb.derive(network)) <= total(plain(network, monkeypatch))


@pytest.mark.parametrize("name", NAMES)
def test_nor_are_those_of_the_catalogue(name, monkeypatch):
    network = CATALOGUE[name].network()
    if network.loss is None:
        pytest.skip("nothing to differentiate")
    short = CATALOGUE[name].derivation
    named = short.backward_program.tensors.keys() & set(short.forward_program.outputs)
    assert total(short) <= total(plain(network, monkeypatch), sorted(named))


@pytest.mark.parametrize("name", ["ratio", "inverse and its square"])
def test_without_it_they_would_be(name, monkeypatch):
    network = NETWORKS[name]
    monkeypatch.setattr(pipeline, "fewest", lambda before, after, *_: after)
    monkeypatch.setattr(pipeline, "saves", lambda *_: True)
    assert total(sb.derive(network)) > total(plain(network, monkeypatch))


def test_what_is_taken_back_is_not_in_the_ledger():
    targets = [
        step.target for step in sb.derive(NETWORKS["ratio"]).ledger if step.rule.startswith("one form")
    ]
    assert not {"dE/dq", "dE/da"} & set(targets)
    rules = {step.target for step in sb.derive(NETWORKS["inverse and its square"]).ledger}
    assert "A" not in rules


def test_an_equation_with_a_name_counts_in_any_case():
    """The loss is log(1 + exp(z)) - y z: p is read by p - y alone, and dearer than the quotient there."""
    p = sb.indexed("p", n)
    loss = -Y[i] * sp.log(p[i] / (1 - p[i])) - sp.log(1 - p[i])
    text = str(sb.derive(layer(Eq(p[i], (1 + sp.tanh(Z[i] / 2)) / 2), Eq(E, Sum(loss, (i, 0, n - 1))))))
    assert "dE/dV = (p - Y)*X.T" in text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_counted_is_what_comes_out(name, monkeypatch):
    counted = []

    def noted(*given):
        counted.append(arithmetic(settled(fewest(*given))))
        return fewest(*given)

    monkeypatch.setattr(pipeline, "fewest", noted)
    derivation = sb.derive(CATALOGUE[name].network())
    assert not counted or counted[-1] == arithmetic(derivation.backward_program)


K = Index("i", 5)
u, s, held = Access("u", K), Access("s"), Access("held", K)


def program(body):
    """h = u/s for readers, and a derivative that may read it or not."""
    tensors = [Tensor("u", (5,), "input"), Tensor("s", (), "input")]
    tensors += [Tensor(t, (5,)) for t in ("held", "d", "f", "g")]
    h = Statement("held", (K,), sp.exp(u) * s)
    f, g = Statement("f", (K,), 3 * sp.exp(u)), Statement("g", (K,), Access("d", K) * 2)
    statements = (h, f, Statement("d", (K,), body), g)
    return Program({t.name: t for t in tensors}, statements, ("f", "g"))


BEFORE, AFTER = program(sp.exp(u) * s), program(held)
WRITTEN_OUT = held * (1 + u) - held * u
DEARER = program(WRITTEN_OUT)


def noted(required=False):
    step = Step("a rule", "d", sp.exp(u) * s, WRITTEN_OUT, 1, "symbolically", required=required)
    return Ledger([Step("before", "d", s, s, 0, ""), step])


def test_a_rewrite_that_costs_is_taken_back():
    ledger = noted()
    assert fewest(BEFORE, DEARER, (), ledger, 1).statement_of()["d"] == BEFORE.statement_of()["d"]
    assert [step.rule for step in ledger.steps] == ["before"]
    assert not saves(BEFORE, DEARER, ())


def test_one_that_costs_nothing_stays():
    ledger = noted()
    assert fewest(BEFORE, AFTER, (), ledger, 1) is AFTER
    assert len(ledger.steps) == 2
    assert saves(BEFORE, AFTER, ())


def test_one_that_accuracy_needs_stays():
    ledger = noted(required=True)
    assert fewest(BEFORE, DEARER, (), ledger, 1) is DEARER
    assert len(ledger.steps) == 2


def test_only_what_is_dearer_by_itself_is_taken_back():
    """Of two rewrites, the one whose loss lowers the count."""

    def both(d, g):
        whole = program(d)
        return whole.rebuilt(s.with_body(g) if s.target == "g" else s for s in whole.statements)

    before = both(sp.exp(u) * s, Access("d", K) * u + Access("d", K) * s)
    after = both(WRITTEN_OUT, Access("d", K) * (u + s))
    found = fewest(before, after, (), noted(), 1).statement_of()
    assert found["d"] == before.statement_of()["d"]
    assert found["g"] == after.statement_of()["g"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_accuracy_needs_is_not_given_up_for_operations(dtype):
    """As it stands, the derivative shares 1 + erf with the value, and neither has a stable form then."""
    x = sp.Symbol("x", real=True)
    f = sb.compile(sp.log((1 + sp.erf(x / sp.sqrt(2))) / 2), cache=False, dtype=dtype)
    value, (slope,) = f.value_and_grad(-1000.0)
    assert value == pytest.approx(-500007.826695, rel=1e-6)
    assert slope == pytest.approx(1000.001, rel=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_right(name):
    network = NETWORKS[name]
    model = sb.compile(network, cache=False)
    model.check()


def test_the_same_numbers():
    values = {"u": np.linspace(-1, 1, 5), "s": np.array(2.0)}
    found = fewest(BEFORE, DEARER, (), noted(), 1)
    for name in ("f", "g"):
        np.testing.assert_allclose(evaluate(found, values)[name], evaluate(BEFORE, values)[name])


def test_only_what_differs_is_counted(monkeypatch):
    """Statements that are equal are not counted, whether they are the same objects or not."""
    sizes = []
    monkeypatch.setattr(module, "settled", lambda p: sizes.append(len(p.statements)) or settled(p))
    again = program(sp.exp(u) * s)
    assert all(one is not other for one, other in zip(again.statements, BEFORE.statements, strict=True))
    assert saves(BEFORE, again, ())
    assert sizes == [0, 0]
