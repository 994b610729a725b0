"""Networks as one gate per equation."""

import re

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.passes.lower import lower
from tests.catalogue import CATALOGUE, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue(name):
    entry = CATALOGUE[name]
    net, d = entry.network(), entry.derivation
    values = entry.values(d.forward_program)
    forward, backward = evaluate(d.forward_program, values), evaluate(d.backward_program, values)
    c = sb.circuit(net, values, per="equation")
    assert [g.name for g in c if not g.is_symbol] == list(net.defined)
    for gate in c:
        assert np.shape(gate.value) == gate.shape
        if gate.operation != "label":
            assert np.shape(gate.gradient) == gate.shape
        if gate.name in forward:
            np.testing.assert_allclose(gate.value, forward[gate.name], rtol=1e-10, atol=1e-12)
        adjoint = d.gradients.get(gate.name, d.adjoints.get(gate.name))
        if adjoint in backward:
            np.testing.assert_allclose(gate.gradient, backward[adjoint], rtol=1e-9, atol=1e-12)
    assert c[d.loss].gradient == 1


def test_names_operations_and_shapes():
    c = sb.circuit(sb.mlp([4, 3, 2], activation="sigmoid"))
    assert [(g.name, g.operation, g.inputs, g.shape) for g in c] == [
        ("W1", "parameter", (), (3, 4)),
        ("x", "input", (), (4,)),
        ("b1", "parameter", (), (3,)),
        ("z1", "W1*x + b1", ("W1", "x", "b1"), (3,)),
        ("a1", "1/(1 + exp(-z1))", ("z1",), (3,)),
        ("W2", "parameter", (), (2, 3)),
        ("b2", "parameter", (), (2,)),
        ("z2", "W2*a1 + b2", ("W2", "a1", "b2"), (2,)),
        ("y", "input", (), (2,)),
        ("E", "sum((z2 - y)**2)/2", ("y", "z2"), ()),
    ]


def test_gradients_by_hand():
    x, W, z, E = sb.vector("x", 2), sb.matrix("W", 2, 2), sb.vector("z", 2), sp.Symbol("E")
    net = sb.Network([sp.Eq(z, W * x), sp.Eq(E, sb.squared_norm(z))], inputs=[x], parameters=[W], loss=E)
    at_x, at_w = np.array([1.0, 2.0]), np.array([[1.0, 0.0], [-1.0, 3.0]])
    c = sb.circuit(net, {x: at_x}, theta=at_w.ravel())
    np.testing.assert_array_equal(c["z"].value, [1, 5])
    np.testing.assert_array_equal(c["z"].gradient, [2, 10])
    np.testing.assert_array_equal(c["W"].gradient, np.outer([2, 10], at_x))
    np.testing.assert_array_equal(c["x"].gradient, at_w.T @ [2, 10])


def test_an_adjoint_that_is_a_number():
    # dE/da and dE/db are the number 1, which differentiation does not keep.
    x, a, b, E = sp.symbols("x a b E")
    net = sb.Network([sp.Eq(a, x**2), sp.Eq(b, 3 * x), sp.Eq(E, a + b)], inputs=[x], loss=E)
    c = sb.circuit(net, {x: 2}, per="equation")
    assert [c[n].gradient for n in ("E", "a", "b", "x")] == [1, 1, 1, 7]


def test_an_operation_shows_no_name_of_the_compilers():
    entry = CATALOGUE["attention"]
    c = sb.circuit(entry.network())
    assert c["A"].operation == "exp(S[t, s])/Sum(exp(S[t, r]), (r, 0, 2))"
    c = sb.circuit(CATALOGUE["shared_weights"].network())
    assert c["h2"].operation == "tanh(W*h1 + b)"
    assert sb.circuit(CATALOGUE["convolution"].network())["z"].operation.startswith("b + ")


@pytest.mark.parametrize("name", NAMES)
def test_operations_name_what_they_read(name):
    net = CATALOGUE[name].network()
    program = lower(net)
    for gate in sb.circuit(net, per="equation"):
        words = set(re.findall(r"[A-Za-z]\w*", gate.operation))
        assert gate.is_symbol or words & set(program.tensors) == set(gate.inputs)


def test_labels_have_no_gradient():
    entry = CATALOGUE["labels_softmax"]
    c = sb.circuit(entry.network(), entry.values(entry.derivation.forward_program))
    assert c["y"].operation == "label"
    assert c["y"].gradient is None
    assert c["y"].value in (0, 1)


def test_large_logits_do_not_overflow():
    net = sb.mlp([2, 2], loss="softmax_cross_entropy")
    c = sb.circuit(net, {"x": [1000, 0], "y": [1, 0]}, theta=[1, 0, 0, 1, 0, 0])
    assert c["E"].value == 0
    np.testing.assert_allclose(c["z1"].gradient, [0, 0])


def test_too_many_equations():
    x, *names = sp.symbols("x:402")
    chain = [sp.Eq(b, sp.sin(a)) for a, b in zip([x, *names], names, strict=False)]
    net = sb.Network(chain, inputs=[x], loss=names[-1])
    with pytest.raises(sb.UnsupportedError, match="more than 400"):
        sb.circuit(net, per="equation")


def test_deep_equations():
    x, E = sp.symbols("x E")
    deep = x
    for _ in range(800):
        deep = sp.sin(deep, evaluate=False)
    c = sb.circuit(sb.Network([sp.Eq(E, deep, evaluate=False)], inputs=[x], loss=E), {x: 1}, per="equation")
    assert 0 < c["E"].value < 0.1
    assert len(c.svg()) < 10_000
