import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.walk import accesses
from symbp.passes.partials import partials
from symbp.passes.reuse import through_output

x, a = Access("x"), Access("a")
FORMULAS = [
    nn.sigmoid(x), sp.tanh(x), sp.exp(x), sp.sqrt(x), nn.softplus(x), nn.elu(x), nn.selu(x), nn.silu(x), nn.gelu(x),
    sp.tan(x), x**3, 1 / x, sp.exp(-x * x), nn.softsign(x), sp.loggamma(x), 1 / (1 + sp.exp(-2 * x)),
]  # fmt: skip


@pytest.mark.parametrize("body", FORMULAS, ids=str)
def test_every_form_is_the_derivative(body):
    slope = partials(body)[x]
    v = np.array([0.3, 0.9, 2.1])
    value = evaluate_body(body, {"x": v})
    got = evaluate_body(through_output(body, slope, a), {"x": v, "a": value})
    np.testing.assert_allclose(got, evaluate_body(slope, {"x": v}), rtol=1e-12)


@pytest.mark.parametrize("body", [nn.sigmoid(x), sp.tanh(x), sp.exp(x)], ids=str)
def test_the_value_alone_is_enough(body):
    assert accesses(through_output(body, partials(body)[x], a)) == [a]


def test_bodies_of_two_accesses_are_left_alone():
    body = sp.exp(x * Access("y"))
    slope = partials(body)[x]
    assert through_output(body, slope, a) is slope
