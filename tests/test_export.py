"""A derivation written out as a module: its functions, and how they are called."""

import numpy as np
import pytest
import sympy as sp

from symbp import Network, derive, nn
from symbp.errors import SpecError
from symbp.export import export

x, y, W, v = nn.vector("x", 3), nn.label("y"), nn.matrix("W", 4, 3), nn.vector("v", 3)
z, E = nn.vector("z", 4), sp.Symbol("E")
EQUATIONS = [sp.Eq(z, W * x), sp.Eq(E, nn.softmax_cross_entropy(z, y))]


@pytest.fixture(scope="module")
def labels():
    return derive(Network(EQUATIONS, inputs=[x, y], parameters=[W], loss=E, name="labels"))


def functions(text: str) -> dict:
    memory: dict = {}
    exec(text.replace(", cache=True", ""), memory)
    return memory


def test_the_module_computes_what_the_equations_say(labels):
    module = functions(export(labels, "float64").text)
    theta, data = np.arange(12.0) / 10, np.array([[1.0, 2.0, 3.0]])
    want = theta.reshape(4, 3) @ data[0]
    np.testing.assert_allclose(module["forward"](theta, data, np.array([1]))[0][0], want)
    loss, gradient = module["value_and_grad"](theta, data, np.array([1]))
    assert loss == pytest.approx(np.log(np.exp(want).sum()) - want[1])
    assert gradient.shape == (12,)


def test_usage_names_arguments_results_shapes_and_types(labels):
    lines = export(labels, "float32").usage.splitlines()
    assert lines[:5] == [
        "forward(theta, x, y) -> z, E",
        "value_and_grad(theta, x, y) -> mean E, gradient",
        "  theta  (12,) float32: W (4, 3)",
        "  x      (N, 3) float32",
        "  y      (N,) int64",
    ]


def test_forward_of_some_equations_takes_what_they_need(labels):
    made = export(labels, "float64", ["z", "z"])
    assert made.usage.startswith("forward(theta, x) -> z\n")
    assert functions(made.text)["forward"](np.zeros(12), np.ones((2, 3)))[0].shape == (2, 4)
    with pytest.raises(SpecError, match="no equation: 'u'"):
        export(labels, "float64", ["u"])


def test_no_loss_no_gradient_and_no_parameters_no_theta():
    net = Network([sp.Eq(z, nn.matrix("B", 4, 3) * x)], inputs=[nn.matrix("B", 4, 3), x])
    usage = export(derive(net), "float64").usage
    assert usage.startswith("forward(B, x) -> z\n")
    assert "theta" not in usage
    assert "value_and_grad" not in usage
