"""Products of Hessians of networks with vectors."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

import symbp as sb
from symbp.errors import DataError, NetworkError
from symbp.runtime.often import OFTEN
from tests.catalogue import CATALOGUE

random = np.random.default_rng(0)


def small(**options):
    net = sb.mlp([3, 4, 2], activation="tanh", loss="softmax_cross_entropy")
    model = sb.compile(net, **options)
    labels = np.eye(2)[random.integers(0, 2, 9)]
    return model, model.init(0), {"x": random.normal(size=(9, 3)), "y": labels}


def differences(model, theta, vector, data, step=1e-5):
    up, down = (model.value_and_grad(theta + s * vector, **data)[1] for s in (step, -step))
    return (up - down) / (2 * step)


def test_against_differences_of_the_gradient():
    model, theta, data = small()
    vector = random.normal(size=theta.size)
    found = model.hvp(theta, vector, **data)
    np.testing.assert_allclose(found, differences(model, theta, vector, data), rtol=1e-7, atol=1e-9)
    for _ in range(2 * OFTEN):  # by the short way, too
        np.testing.assert_array_equal(model.hvp(theta, vector, **data), found)
    np.testing.assert_array_equal(model.hvp(theta, vector, data=data), found)
    np.testing.assert_array_equal(model.hvp([*theta], [*vector], **data), found)


@pytest.mark.parametrize("name", ["convolution", "attention", "labels_softmax", "dense_in_indices"])
def test_kernels_of_other_networks(name):
    model = sb.compile(CATALOGUE[name].network())
    values = CATALOGUE[name].values(model.derivation.forward_program)
    data = {n: np.stack([values[n]] * 3) for n in model._names}
    theta = model.pack({n: values[n] for n in model._layout.names})
    vector = random.normal(size=theta.size)
    found = model.hvp(theta, vector, **data)
    right = differences(model, theta, vector, data)
    np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-8 * np.abs(right).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_nothing(dtype):
    net = sb.mlp([20, 40, 3], activation="tanh", loss="mean_squared_error")
    one, two = (sb.compile(net, dtype=dtype, threads=t) for t in (1, 2))
    theta, x, y = one.init(0), random.normal(size=(2000, 20)), random.normal(size=(2000, 3))
    vector = random.normal(size=theta.size).astype(dtype)
    data = {"x": x.astype(dtype), "y": y.astype(dtype)}
    found = one.hvp(theta, vector, **data)
    for _ in range(2 * OFTEN):
        np.testing.assert_array_equal(two.hvp(theta, vector, **data), found)
    assert found.dtype == dtype


def test_the_whole_hessian():
    model, theta, data = small()
    found = model.hessian(theta, **data)
    assert found.shape == (theta.size, theta.size)
    np.testing.assert_allclose(found, found.T, rtol=1e-12, atol=1e-14)
    vector = random.normal(size=theta.size)
    np.testing.assert_allclose(found @ vector, model.hvp(theta, vector, **data), rtol=1e-11, atol=1e-13)


def test_newton_with_conjugate_gradients():
    model, theta, data = small()
    penalty = 0.01

    def value_and_grad(t):
        loss, gradient = model.value_and_grad(t, **data)
        return loss + penalty * t @ t / 2, gradient + penalty * t

    def product(t, v):
        return model.hvp(t, np.ascontiguousarray(v), **data) + penalty * v

    options = {"method": "trust-ncg", "options": {"gtol": 1e-9}}
    found = minimize(value_and_grad, theta, jac=True, hessp=product, **options)
    assert found.success
    assert np.abs(found.jac).max() < 1e-8


def test_some_of_the_parameters():
    net = sb.mlp([3, 4, 2], activation="tanh", loss="mean_squared_error")
    W2, x = net.parameters[2], net.inputs[0]
    whole, part = sb.compile(net), sb.compile(net, wrt=[W2, x])
    theta, data = whole.init(0), {"x": random.normal(size=(5, 3)), "y": random.normal(size=(5, 2))}
    vector = random.normal(size=8)
    full = np.zeros_like(theta)
    whole.params(full)["W2"][...] = vector.reshape(2, 4)
    right = whole.params(whole.hvp(theta, full, **data))["W2"].ravel()
    for _ in range(2 * OFTEN):
        np.testing.assert_allclose(part.hvp(theta, vector, **data), right, rtol=1e-12)
    assert part.hessian(theta, **data).shape == (8, 8)


def test_nothing_to_differentiate_for():
    net = sb.mlp([3, 2], loss="mean_squared_error")
    model = sb.compile(net, wrt=[net.inputs[0]])
    data = {"x": np.ones((2, 3)), "y": np.ones((2, 2))}
    assert model.hvp(model.init(0), np.empty(0), **data).shape == (0,)
    assert model.hessian(model.init(0), **data).shape == (0, 0)


def test_open_dimensions():
    n = sp.Symbol("n", integer=True)
    x, w, E = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("w", n, 1), sp.Symbol("E")
    net = sb.Network([sp.Eq(E, sb.tanh((w.T * x)[0, 0]))], inputs=[x], parameters=[w], loss=E)
    model = sb.compile(net)
    data = {"x": random.normal(size=(4, 5))}
    theta = model.init(0, **data)
    vector = np.ones(5)
    right = differences(model, theta, vector, data)
    np.testing.assert_allclose(model.hvp(theta, vector, **data), right, rtol=1e-7, atol=1e-9)
    assert model.hessian(theta, **data).shape == (5, 5)


def test_bad_arguments():
    model, theta, data = small()
    vector = np.ones_like(theta)
    for _ in range(2 * OFTEN):
        model.hvp(theta, vector, **data)
    bad = [
        (theta[:-1], vector, data),
        (theta, vector[:-1], data),
        (theta[:-1], np.ones(theta.size + 1), data),  # together of the right length
        (theta, vector + 1j, data),
        (theta, None, data),
        (np.ones((theta.size, theta.size)), np.array(1.0), data),
        (theta, vector.reshape(1, -1), data),
        (theta, vector, {"x": data["x"]}),
        (theta, vector, {**data, "x": data["x"][:, :2]}),
        (theta, vector, {"x": data["x"][:0], "y": data["y"][:0]}),
    ]
    for one, other, given in bad:
        with pytest.raises(DataError):
            model.hvp(one, other, **given)
    with pytest.raises(DataError):
        model.hvp(theta, vector * np.nan, check_finite=True, **data)
    forward = sb.compile(sb.Network([sp.Eq(sp.Symbol("z"), sp.Symbol("t") ** 2)], inputs=[sp.Symbol("t")]))
    for call in (lambda: forward.hvp(None, None, t=np.ones(2)), lambda: forward.hessian(None, t=np.ones(2))):
        with pytest.raises(NetworkError, match="no loss"):
            call()


def test_from_several_threads():
    model, theta, data = small(cache=False)
    vectors = random.normal(size=(4, theta.size))
    right = [model.hvp(theta, v, **data) for v in vectors]
    wrong = []

    def work(k):
        for _ in range(50):
            if not np.array_equal(model.hvp(theta, vectors[k], **data), right[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_inside_compiled_code():
    model, theta, data = small()
    vector = random.normal(size=theta.size)
    slope, product = model.kernel.hvp(np.concatenate((theta, vector)), data["x"], data["y"])
    np.testing.assert_array_equal(product, model.hvp(theta, vector, **data))
    assert slope == pytest.approx(model.value_and_grad(theta, **data)[1] @ vector, rel=1e-12)
