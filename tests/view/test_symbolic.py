"""The equations as SymPy are those that are compiled: a plain evaluator gets the same numbers from them."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.ir import evaluate
from symbp.network import Network, symbol_name
from symbp.pipeline import derive
from tests.catalogue import CATALOGUE, NAMES
from tests.view.plain import run

Eq = sp.Eq


def evaluated(derivation, values):
    """All equations by the plain evaluator, from data in the shapes of the symbols."""
    shaped = {name: np.asarray(v, dtype=float) for name, v in values.items()}
    for e in (*derivation.forward, *derivation.backward):
        for symbol in e.atoms(sp.MatrixSymbol):
            if symbol.name in shaped:
                shaped[symbol.name] = shaped[symbol.name].reshape(tuple(map(int, symbol.shape)))
    return run([*derivation.forward, *derivation.backward], shaped)


def assert_same(name, got, want):
    want = np.asarray(want)
    scale = max(1.0, float(np.max(np.abs(want), initial=0)))
    np.testing.assert_allclose(
        np.reshape(got, want.shape), want, rtol=1e-11, atol=1e-12 * scale, err_msg=name
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_equations_are_those_of_the_program(name):
    entry = CATALOGUE[name]
    d = entry.derivation
    values = {**entry.values(d.forward_program), **entry.values(d.backward_program)}
    got = evaluated(d, values)
    for program in (d.forward_program, d.backward_program):
        for tensor, want in evaluate(program, values).items():
            if tensor in got:
                assert_same(tensor, got[tensor], want)
    assert {*d.network.defined, *d.gradients.values()} <= set(got)


COMPILED = (
    "dense_elu", "loss_softmax_cross_entropy", "labels_probabilities", "attention", "choices",
    "explicit_constants",
)  # fmt: skip
"""Compiling every model takes minutes: the others are compared with the interpreter, as kernels are."""


@pytest.mark.parametrize("name", COMPILED)
def test_and_those_of_the_kernel(name):
    entry = CATALOGUE[name]
    model = sb.compile(entry.network())
    values = entry.values(model.derivation.forward_program)
    theta = model.pack({n: values[n] for n in map(symbol_name, model.parameters)})
    data = {n: np.asarray(values[n])[None] for n in map(symbol_name, model.inputs)}
    loss, gradient = model.value_and_grad(theta, data=data)
    got = evaluated(model.derivation, values)
    assert_same("loss", got[model.derivation.loss], loss)
    for parameter, part in model.params(gradient).items():
        assert_same(parameter, got[model.derivation.gradients[parameter]], part)


def dense():
    net = sb.mlp([3, 4, 2], activation="sigmoid", output="sigmoid")
    return net, derive(net)


def test_names_and_notation_are_those_of_a_textbook():
    net, d = dense()
    assert [e.lhs.name for e in d.forward] == ["z1", "a1", "z2", "a2", "E"]
    names = ["delta2", "delta1", "dE/dW1", "dE/db1", "dE/dW2", "dE/db2"]
    assert [e.lhs.name for e in d.backward] == names
    W1, b1, x = net.parameters[0], net.parameters[1], net.inputs[0]
    z1 = sp.MatrixSymbol("z1", 4, 1)
    assert d.forward[0] == Eq(z1, W1 * x + b1)
    assert d.forward[1].rhs == nn.sigmoid(z1)
    delta1, delta2, a1 = (sp.MatrixSymbol(n, m, 1) for n, m in (("delta1", 4), ("delta2", 2), ("a1", 4)))
    error = net.parameters[2].T * delta2
    ones = sp.OneMatrix(4, 1)
    assert d.backward[1] == Eq(delta1, sp.HadamardProduct(error, a1, ones - a1))
    assert d.backward[2].rhs == delta1 * x.T
    assert all(isinstance(e, sp.Eq) for e in (*d.forward, *d.backward))


def test_symbols_are_the_users_own():
    x, w, E = sp.Symbol("x", real=True), sp.Symbol("w"), sp.Symbol("E", positive=True)
    d = derive(Network([Eq(E, sp.exp(w * x))], inputs=[x], parameters=[w], loss=E))
    assert d.forward == [Eq(E, sp.exp(w * x))]
    assert d.backward == [Eq(sp.Symbol("dE/dw"), E * x)]


def test_index_notation_stays_index_notation():
    d = CATALOGUE["dense_in_indices"].derivation
    assert not any(e.atoms(sp.MatrixSymbol) for e in (*d.forward, *d.backward))
    assert str(d.forward[0]) == "Eq(z[i], b[i] + Sum(W[i, k]*x[k], (k, 0, 2)))"


def test_conditions_become_deltas_or_choices():
    d = CATALOGUE["labels_softmax"].derivation
    i, y = sp.Symbol("i", integer=True), d.network.inputs[1]
    (delta,) = [e for e in d.backward if e.rhs.has(sp.KroneckerDelta)]
    assert delta.rhs.coeff(sp.KroneckerDelta(i, y)) == -1
    triangular = CATALOGUE["triangular_sum"].derivation.forward[0]
    assert triangular.rhs.has(sp.Sum)
    assert triangular.rhs.has(sp.Piecewise)


def test_no_loss_no_backward():
    x, a = nn.vector("x", 3), nn.vector("a", 3)
    d = derive(Network([Eq(a, nn.tanh(x))], inputs=[x]))
    assert d.backward == []
    assert len(d.forward) == 1


def test_indices_are_told_from_symbols_of_the_same_name():
    i = nn.index("i", 3)
    A, z, s, E = nn.indexed("A", 3), nn.indexed("z", 3), nn.scalar("i"), nn.scalar("E")
    equations = [Eq(z[i], A[i] * s), Eq(E, sp.Sum(z[i] ** 2, (i, 0, 2)))]
    d = derive(Network(equations, parameters=[A, s], loss=E, batch=False))
    assert str(d.forward[0]) == "Eq(z[i_], i*A[i_])"
    got = evaluated(d, {"A": [1, 2, 3], "i": 2.0})
    assert got["E"] == 4 * 14
    np.testing.assert_allclose(got["dE/dA"], [8, 16, 24])


def test_three_axes_and_one():
    i, j, k = (nn.index(n, 2) for n in "ijk")
    T, x, E = nn.indexed("T", 2, 2, 2), nn.indexed("x", 1), nn.scalar("E")
    loss = sp.Sum(sp.tanh(T[i, j, k]) * x[0], (i, 0, 1), (j, 0, 1), (k, 0, 1))
    d = derive(Network([Eq(E, loss)], inputs=[x], parameters=[T], loss=E))
    values = np.linspace(-1, 1, 8).reshape(2, 2, 2)
    got = evaluated(d, {"T": values, "x": [0.5]})
    np.testing.assert_allclose(got["dE/dT"], (1 - np.tanh(values) ** 2) / 2)


def test_large_bodies_keep_their_shared_parts():
    x, w, E = nn.scalar("x"), nn.scalar("w"), nn.scalar("E")
    body = w * x
    for _ in range(60):  # as a tree 2**60 nodes
        body = sp.sin(body) * sp.cos(body) + body
    d = derive(Network([Eq(E, body)], inputs=[x], parameters=[w], loss=E))
    equations = [*d.forward, *d.backward]
    assert {e.lhs.name for e in equations} >= {"E", "dE/dw"}


def test_one_over_a_formula_of_two_arrays():
    """The derivative of log(1 + exp(sigmoid(z))) divides by a product of a temporary and a formula of z."""
    z, x, W, a, E = (
        nn.vector("z", 3),
        nn.vector("x", 2),
        nn.matrix("W", 3, 2),
        nn.vector("a", 3),
        nn.scalar("E"),
    )
    nested = z.applyfunc(lambda t: sp.log(1 + sp.exp(1 / (1 + sp.exp(-t)))))
    net = Network(
        [Eq(z, W * x), Eq(a, nested), Eq(E, nn.total(a))], inputs=[x], parameters=[W], loss=E
    )  # fmt: skip
    d = derive(net)
    rng = np.random.default_rng(3)
    values = {"x": rng.normal(size=(2, 1)), "W": rng.normal(size=(3, 2))}
    found = run([*d.forward, *d.backward], values)["dE/dW"]
    own = evaluate(d.backward_program, {"x": values["x"][:, 0], "W": values["W"]})["dE/dW"]
    np.testing.assert_allclose(found, own, rtol=1e-13)
