import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.errors import DataError
from symbp.network import Network
from symbp.pipeline import forward_kernel, gradient_kernel
from symbp.runtime.compiled import named_results, scalar_or_array
from symbp.runtime.kernels import KernelSet
from symbp.runtime.parameters import Layout
from symbp.runtime.validate import Slot

x, W, a = nn.vector("x", 3), nn.matrix("W", 2, 3), nn.vector("a", 2)
s, u, E = sp.symbols("s u E")
NETWORK = Network(
    [sp.Eq(a, W * x), sp.Eq(E, s * nn.total(a) ** 2)], inputs=[x, u], parameters=[s, W], loss=E, name="small"
)
X = np.arange(12.0).reshape(4, 3)
THETA = np.arange(1.0, 8.0)


def kernels(dtype="float64"):
    return KernelSet(NETWORK, [s, W, x], {}, dtype, reuse=True, cache=False)


@pytest.fixture(scope="module")
def gradient():
    return kernels().get("gradient", gradient_kernel)


def test_what_it_takes_and_returns(gradient):
    assert gradient.name == "value_and_grad"
    assert [(i.name, i.shape, i.batched) for i in gradient.inputs] == [("x", (3,), True), ("u", (), True)]
    assert gradient.parameters == Layout(("s", "W"), ((), (2, 3)))
    assert gradient.gradient.shapes == ((), (2, 3))
    assert sorted(gradient.wrt.values()) == ["W", "s", "x"]
    assert [r.shape for r in gradient.results] == [(), (3,)]
    assert gradient.loaded.meta["compile"].keys() == {"value_and_grad_into"}


def test_run(gradient):
    (loss, slope), flat = gradient.run(THETA, [X, np.zeros(4)], 4, gradient.parameters)
    total = THETA[1:].reshape(2, 3).sum(0) @ X.T
    assert loss[0] == pytest.approx(np.mean(total**2))
    assert flat[0] == pytest.approx(np.mean(total**2))
    np.testing.assert_allclose(flat[1:4], np.mean(2 * total[:, None] * X, axis=0))
    np.testing.assert_allclose(slope, 2 * total[:, None] * THETA[1:].reshape(2, 3).sum(0))
    out = np.empty(7)
    assert gradient.run(THETA, [X, np.zeros(4)], 4, gradient.parameters, out)[1] is out
    assert np.array_equal(out, flat)


def test_theta_of_another_layout_is_rearranged(gradient):
    whole = Layout(("W", "unused", "s"), ((2, 3), (5,), ()))
    theta = np.concatenate([THETA[1:], np.full(5, np.nan), THETA[:1]])
    given = [X, np.zeros(4)]
    assert (
        gradient.run(theta, given, 4, whole)[0][0] == gradient.run(THETA, given, 4, gradient.parameters)[0][0]
    )


def test_a_kernel_without_gradient():
    forward = kernels("float32").get("forward", lambda d: forward_kernel(d, ("a",)))
    results, flat = forward.run(THETA.astype("f4"), [X.astype("f4")], 4, forward.parameters)
    assert flat.size == 0
    assert results[0].dtype == np.float32
    np.testing.assert_allclose(results[0], X @ THETA[1:].reshape(2, 3).T)


def test_ready_arrays_pass(gradient):
    arrays, samples = gradient.admit_ready({"u": np.zeros(4), "x": X})
    assert samples == 4
    assert arrays[0] is X


@pytest.mark.parametrize(
    "given",
    [
        {"x": X},
        {"x": X, "v": np.zeros(4)},
        {"x": X, "u": np.zeros(5)},
        {"x": X, "u": np.zeros((4, 1))},
        {"x": X.astype("f4"), "u": np.zeros(4)},
        {"x": np.asfortranarray(X), "u": np.zeros(4)},
        {"x": X.tolist(), "u": np.zeros(4)},
        {"x": X[:, :2].copy(), "u": np.zeros(4)},
        {"x": X[:0], "u": np.zeros(0)},
        {"x": np.ma.masked_array(X), "u": np.zeros(4)},
        {"x": np.broadcast_to(X[0], (4, 3)), "u": np.zeros(4)},
    ],
)
def test_others_are_left_to_the_door(gradient, given):
    assert gradient.admit_ready(given) is None


def test_memory_that_is_not_there_is_a_data_error(gradient, monkeypatch):
    def exhausted(*_):
        raise MemoryError("Allocation failed (probably too large).")

    monkeypatch.setattr(gradient, "call", exhausted)
    with pytest.raises(DataError, match="results of 4 samples do not fit into memory: Allocation failed"):
        gradient.run(THETA, [X, np.zeros(4)], 4, gradient.parameters)
    with pytest.raises(DataError, match="memory"):
        gradient.run(THETA, [X, np.zeros(4)], 2**60, gradient.parameters)


def test_results_as_users_get_them():
    one, rows = Slot("one", (), batched=False), Slot("rows", ())
    assert scalar_or_array(one, np.array([3.0])) == 3.0
    assert np.ndim(scalar_or_array(one, np.array([3.0]))) == 0
    assert named_results([one, rows], [np.array([3.0]), np.ones(2)])["rows"].shape == (2,)
