"""Compiled models of every kind against the interpreter."""

import numpy as np
import pytest

import symbp as sb
from symbp.ir import evaluate
from symbp.pipeline import gradient_kernel
from tests.catalogue import CATALOGUE

COMPILED = (
    "logic_gate", "gamma_family", "user_function", "labels_softmax", "convolution", "attention",
    "triangular_sum", "l2_penalty",
)  # fmt: skip


@pytest.mark.parametrize("name", COMPILED)
def test_kernels_agree_with_the_interpreter(name):
    entry = CATALOGUE[name]
    kernel = gradient_kernel(entry.derivation)
    values = entry.values(kernel.program, 5)
    reference = evaluate(kernel.program, values)
    model = sb.compile(entry.network(), cache=False)
    theta = model.pack({n: values[n] for n in kernel.parameters})
    loss, gradient = model.value_and_grad(theta, data={n: values[n] for n in kernel.inputs})
    right = np.concatenate([np.ravel(reference[n]) for n in kernel.gradient])
    assert loss == pytest.approx(float(np.squeeze(reference[kernel.results[0]])), rel=1e-12)
    np.testing.assert_allclose(gradient, right, rtol=1e-12, atol=1e-12 * max(1, np.abs(right).max()))


def test_options_override_the_network():
    net = sb.mlp((2, 2))
    assert sb.compile(net, reduction="sum", cache=False).network.reduction == "sum"
    assert sb.compile(net, batch=False, cache=False).network.batch is False
    assert sb.compile(net, cache=False).network is net
