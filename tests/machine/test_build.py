import numpy as np
import pytest

import symbp as sb
from symbp.machine.build import NotCovered, build
from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from tests.machine.texts import HEAD

TEXT = """
@njit
def run(x, out):
    if x.size != out.size:
        raise ValueError("sizes differ")
    for k in range(x.size):
        out[k] = 2*x[k]
"""
KINDS = [("float64", 1), ("float64", 1)]


def test_code_and_messages():
    code, messages = build(HEAD + TEXT, {"run": KINDS})
    assert messages == ["sizes differ"]
    out = np.zeros(3)
    Function(Loaded(code), "run", KINDS, messages)(np.arange(3.0), out)
    assert out.tolist() == [0.0, 2.0, 4.0]


def test_what_is_not_covered():
    with pytest.raises(NotCovered):
        build(HEAD + TEXT.replace("2*x", "x[k]**x"), {"run": KINDS})


NETWORKS = {
    "tanh": sb.mlp((3, 5, 2), activation="tanh", loss="squared_error"),
    "relu": sb.mlp((30, 40, 10), activation="relu", loss="softmax_cross_entropy"),
    "gelu": sb.mlp((4, 9, 3), activation="gelu", loss="mean_squared_error"),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("samples", [1, 7, 300])
def test_networks_give_what_numba_makes_of_the_same_text(name, dtype, samples):
    model = sb.compile(NETWORKS[name], dtype=dtype, threads=1)
    random, kernel = np.random.default_rng(0), model._gradient_kernel()
    assert isinstance(kernel.into.function, Function)
    theta, (x, y) = model.init(0), (random.normal(size=(samples, *s.shape)) for s in kernel.inputs)
    y = np.abs(y) / np.abs(y).sum(axis=1, keepdims=True)
    given = [theta, x.astype(dtype), y.astype(dtype)]
    results = []
    for function in (kernel.into.function, model.kernel.value_and_grad_into):
        loss, gradient = np.zeros(1, dtype), np.zeros_like(theta)
        function(*given, loss, gradient)
        results.append((loss, gradient))
    for ours, numba in zip(*results, strict=True):
        scale = 30 * np.finfo(dtype).eps
        np.testing.assert_allclose(ours, numba, rtol=scale, atol=scale * np.abs(numba).max())
