import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.network import Network
from symbp.passes.simplify.peak_rules import NOTHING
from symbp.pipeline import derive

Eq, inf = sp.Eq, np.inf
x, W, b, y = nn.vector("x", 3), nn.matrix("W", 4, 3), nn.vector("b", 4), nn.vector("y", 4)
mask, a, p, E = nn.vector("mask", 4), nn.vector("a", 4), nn.vector("p", 4), nn.scalar("E")


def softmax_network(logits, inputs, parameters, before=()):
    equations = [*before, Eq(p, nn.softmax(logits)), Eq(E, nn.squared_error(p, y))]
    return Network(equations, inputs=[*inputs, y], parameters=parameters, loss=E)


def checks(net):
    return NOTHING in str(derive(net).ledger)


PLAIN = {
    "layer": softmax_network(W * x + b, [x], [W, b]),
    "activation": softmax_network(a, [x], [W, b], [Eq(a, nn.tanh(W * x + b))]),
    "log softmax": softmax_network(a, [x], [W], [Eq(a, nn.log_softmax(W * x))]),
    "perceptron": sb.mlp([3, 5, 4], loss="softmax_cross_entropy"),
    "probabilities": sb.mlp([3, 5, 4], output="softmax", loss="cross_entropy", labels=True),
}


@pytest.mark.parametrize("name", PLAIN)
def test_outputs_of_layers_count_always(name):
    assert not checks(PLAIN[name])


MASKED = {
    "data is added": softmax_network(W * x + b + mask, [x, mask], [W, b]),
    "weights alone": softmax_network(b, [], [b]),
    "logarithms": softmax_network(W * x + nn.log(mask), [x, mask], [W]),
    "data alone": softmax_network(mask + b, [mask], [b]),
}


@pytest.mark.parametrize("name", MASKED)
def test_data_may_leave_all_out(name):
    assert checks(MASKED[name])


def test_factors_and_branches_may_leave_all_out():
    i, k = sp.symbols("i k", integer=True)
    h, m, q, F = nn.indexed("h", 4), nn.indexed("m", 4), nn.indexed("q", 4), nn.scalar("F")
    w, v = nn.indexed("w", 4, 3), nn.indexed("v", 3)
    j = sp.Symbol("j", integer=True)
    factor, branch = m[i] * sp.exp(h[i]), sp.Piecewise((sp.exp(h[i]), m[i] > 0), (0, True))
    for weight in (factor, branch):
        net = Network(
            [
                Eq(h[i], sp.Sum(w[i, j] * v[j], (j, 0, 2))),
                Eq(q[i], weight / sp.Sum(weight.subs(i, k), (k, 0, 3))),
                Eq(F, sp.Sum(q[i] ** 2, (i, 0, 3))),
            ],
            inputs=[v, m],
            parameters=[w],
            loss=F,
        )
        assert checks(net)
        model = sb.compile(net, cache=False)
        theta = model.init(0)
        loss, gradient = model.value_and_grad(theta, v=np.ones((1, 3)), m=np.zeros((1, 4)))
        assert loss == 0
        np.testing.assert_array_equal(gradient, 0)


def test_a_row_that_is_masked_entirely():
    model = sb.compile(MASKED["data is added"], cache=False)
    theta = model.init(0)
    data = {"x": np.ones((2, 3)), "mask": np.array([[-inf] * 4, [0, -inf, 0, -inf]]), "y": np.zeros((2, 4))}
    rows = model.forward(theta, x=data["x"], mask=data["mask"])["p"]
    np.testing.assert_array_equal(rows[0], 0)
    assert rows[1].sum() == pytest.approx(1)
    _, both = model.value_and_grad(theta, **data)
    one = {n: v[1:] for n, v in data.items()}
    _, alone = model.value_and_grad(theta, **one)
    np.testing.assert_allclose(both, alone / 2, rtol=1e-12)
