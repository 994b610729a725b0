"""Each library runs the derived equations, and gives what the compiled kernel gives."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import symbp as sb
from symbp.versus.peers import PEERS


@pytest.fixture(scope="module")
def model():
    return sb.compile(sb.mlp([3, 5, 2], activation="silu", loss="huber"), cache=False)


@pytest.mark.parametrize("name", [n for n in PEERS if n != "sklearn" and find_spec(n) is not None])
def test_loss_and_gradient(model, name):
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=(7, 3)), "y": random.normal(size=(7, 2))}
    theta = model.init(seed=0)
    loss, gradient = PEERS[name](model, theta, data)()
    want = model.value_and_grad(theta, **data)
    assert float(loss) == pytest.approx(want[0], rel=1e-12)
    np.testing.assert_allclose(np.asarray(gradient), want[1], rtol=1e-10, atol=1e-14)


def test_a_library_without_such_a_call(model):
    with pytest.raises(sb.SymbpError):
        PEERS["sklearn"](model, model.init(seed=0), {})
