import copy
import pickle
import threading
import warnings

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.errors import DataError, NetworkError, ShapeError
from symbp.network import Network
from symbp.runtime import cache
from symbp.runtime.model import Model

X = np.random.default_rng(0).normal(size=(5, 3))
Y = np.random.default_rng(1).normal(size=(5, 2))


def linear(n=3, m=2, **settings):
    x, y, a = nn.vector("x", n), nn.vector("y", m), nn.vector("a", m)
    W, b, E = nn.matrix("W", m, n), nn.vector("b", m), sp.Symbol("E")
    equations = [sp.Eq(a, W * x + b), sp.Eq(E, nn.squared_error(a, y))]
    return Network(equations, inputs=[x, y], parameters=[W, b], loss=E, **settings)


def expected(theta, x=X, y=Y):
    W, b = theta[:6].reshape(2, 3), theta[6:]
    d = x @ W.T + b - y
    return 0.5 * (d**2).sum() / len(x), np.concatenate([(d.T @ x).ravel(), d.sum(0)]) / len(x)


@pytest.fixture(scope="module")
def model():
    return Model(linear(), cache=False)


@pytest.fixture(scope="module")
def theta(model):
    return model.init(0)


def test_loss_and_gradient(model, theta):
    loss, gradient = model.value_and_grad(theta, x=X, y=Y)
    want, slope = expected(theta)
    assert isinstance(loss, float)
    assert loss == pytest.approx(want, rel=1e-13)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)
    assert model.value(theta, x=X, y=Y) == pytest.approx(want, rel=1e-13)
    assert model.loss(theta, x=X, y=Y) == model.value(theta, x=X, y=Y)


def test_out_is_written(model, theta):
    out = np.empty(model.size)
    _, gradient = model.value_and_grad(theta, x=X, y=Y, out=out)
    assert gradient is out
    np.testing.assert_allclose(out, expected(theta)[1], rtol=1e-12)
    frozen = np.empty(8)
    frozen.flags.writeable = False
    for bad in (np.empty(7), np.empty(8, np.float32), np.empty(16)[::2], frozen, [0] * 8):
        with pytest.raises(DataError, match="out must"):
            model.value_and_grad(theta, x=X, y=Y, out=bad)


def test_forward_gives_what_the_inputs_are_enough_for(model, theta):
    found = model.forward(theta, x=X)
    assert set(found) == {"a"}
    np.testing.assert_allclose(found["a"], X @ theta[:6].reshape(2, 3).T + theta[6:], rtol=1e-12)
    assert set(model.forward(theta, x=X, y=Y)) == {"a", "E"}
    assert set(model.forward(theta, x=X, y=Y, outputs=["a"])) == {"a"}
    with pytest.raises(DataError, match="'y' is missing"):
        model.forward(theta, x=X, outputs=["E"])
    for outputs in ([], ["nothing"], 3, [None]):
        with pytest.raises(DataError):
            model.forward(theta, x=X, outputs=outputs)
    with pytest.raises(DataError, match="no equation can be computed"):
        model.forward(theta, y=Y)


def test_the_door(model, theta):
    for wrong in (
        {"x": X},
        {"x": X, "y": Y, "z": Y},
        {"x": X, "y": Y[:4]},
        {"x": X[:0], "y": Y[:0]},
        {"x": X[0], "y": Y[0]},
        {"x": X, "y": None},
        {"x": X, "y": X},
    ):
        with pytest.raises(DataError):
            model.value_and_grad(theta, **wrong)
    for bad in (None, theta[:3], theta[None], "theta", theta + 0j):
        with pytest.raises(DataError, match="theta"):
            model.value_and_grad(bad, x=X, y=Y)
    with pytest.raises(DataError, match="nan"):
        model.value_and_grad(theta, x=X * np.nan, y=Y, check_finite=True)
    assert np.isnan(model.value_and_grad(theta, x=X * np.nan, y=Y)[0])


def test_other_layouts_and_types(model, theta):
    want = model.value_and_grad(theta, x=X, y=Y)
    frozen = X.copy()
    frozen.flags.writeable = False
    read_only = theta.copy()
    read_only.flags.writeable = False
    for x in (frozen, np.asfortranarray(X), np.repeat(X, 2, 0)[::2], X.tolist()):
        loss, gradient = model.value_and_grad(read_only, data={"x": x}, y=Y)
        assert loss == want[0]
        assert np.array_equal(gradient, want[1])
    assert model.value_and_grad(theta, x=X > 0, y=Y)[0] == pytest.approx(expected(theta, X > 0)[0])


def test_parameters(model, theta):
    assert model.size == 8
    assert {n: v.shape for n, v in model.params(theta).items()} == {"W": (2, 3), "b": (2,)}
    assert np.array_equal(model.pack(model.params(theta)), theta)
    assert np.array_equal(model.pack(**model.params(theta)), theta)
    assert not model.params(theta)["b"].any()
    assert [str(s) for s in model.parameters] == ["W", "b"]


def test_source_and_kernel(model, theta, tmp_path):
    assert "def value_and_grad_into" in model.source
    assert model.save_source(tmp_path / "kernel.py").read_text() == model.source
    loss, gradient = model.kernel.value_and_grad(theta, X, Y)
    assert loss == model.value_and_grad(theta, x=X, y=Y)[0]
    assert gradient.shape == (8,)
    assert isinstance(model.kernel.forward(theta, X, Y), tuple)
    with pytest.raises(AttributeError):
        model.kernel.nothing  # noqa: B018


def test_single_precision():
    model = Model(linear(), dtype=np.float32, cache=False)
    theta = model.init(0)
    assert theta.dtype == np.float32
    loss, gradient = model.value_and_grad(theta, x=X, y=Y)
    assert gradient.dtype == np.float32
    assert loss == pytest.approx(expected(theta.astype(float))[0], rel=1e-5)
    for dtype in ("float16", "nothing", int, object()):
        with pytest.raises(DataError, match="dtype"):
            Model(linear(), dtype=dtype)


def test_gradients_for_inputs():
    net = linear()
    model = Model(net, wrt=[*net.parameters, net.inputs[0]], cache=False)
    theta = model.init(0)
    _, gradient, inputs = model.value_and_grad(theta, x=X, y=Y)
    np.testing.assert_allclose(gradient, expected(theta)[1], rtol=1e-12)
    W, b = theta[:6].reshape(2, 3), theta[6:]
    np.testing.assert_allclose(inputs["x"], (X @ W.T + b - Y) @ W / 5, rtol=1e-12)
    with pytest.raises(NetworkError):
        Model(net, wrt=[sp.Symbol("nobody")])


def test_second_model_comes_from_disk_without_derivation(monkeypatch):
    from symbp import pipeline

    theta = Model(linear()).init(0)
    cache.clear_memory()
    calls = []
    derive = pipeline.derive
    monkeypatch.setattr(pipeline, "derive", lambda *a, **k: calls.append(1) or derive(*a, **k))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Model(linear())
    assert model.value_and_grad(theta, x=X, y=Y)[0] == pytest.approx(expected(theta)[0])
    assert not calls
    assert "E" in str(model.derivation)
    assert calls == [1]


def test_symbolic_dimensions_come_from_data():
    n, m = sp.symbols("n m", integer=True, positive=True)
    model = Model(linear(n, m), cache=False)
    assert "open" in repr(model)
    with pytest.raises(ShapeError, match="dims="):
        model.init(0)
    theta = model.init(0, x=X, y=Y)
    assert theta.shape == (8,)
    assert model.value_and_grad(theta, x=X, y=Y)[0] == pytest.approx(expected(theta)[0])
    assert model.params(theta)["W"].shape == (2, 3)
    assert len(model._instances.made) == 1
    with pytest.raises(DataError):
        model.value_and_grad(theta, x=X[0], y=Y)


def test_symbolic_dimensions_of_theta():
    n, m = sp.symbols("n m", integer=True, positive=True)
    model = Model(linear(n, m), cache=False)
    values = {"W": np.arange(6.0).reshape(2, 3), "b": np.ones(2)}
    theta = model.pack(values)
    assert np.array_equal(model.params(theta)["W"], values["W"])
    # The data alone does not show m; theta fits only one of the models made so far.
    np.testing.assert_allclose(model.forward(theta, x=X)["a"], X @ values["W"].T + 1)
    assert model.check(theta, x=X, y=Y).passed
    # As long a theta, other shapes: no guess.
    other = Model(linear(n, m), cache=False)
    other.pack({"W": np.ones((2, 5)), "b": np.ones(2)})
    other.pack({"W": np.ones((3, 3)), "b": np.ones(3)})
    with pytest.raises(ShapeError, match="several values"):
        other.params(np.ones(12))
    assert other.forward(np.ones(12), x=X)["a"].shape == (5, 3)


def test_a_single_column_of_a_symbolic_matrix_is_a_vector():
    n, m = sp.symbols("n m", integer=True, positive=True)
    A, E = sp.MatrixSymbol("A", n, m), sp.Symbol("E")
    model = Model(Network([sp.Eq(E, sp.Trace(A.T * A))], inputs=[A], loss=E), wrt=[A], cache=False)
    assert model.value_and_grad(A=np.ones((2, 3, 4)))[2]["A"].shape == (2, 3, 4)
    loss, _, inputs = model.value_and_grad(A=np.full((2, 3, 1), 2.0))
    assert loss == 12
    assert np.array_equal(inputs["A"], np.full((2, 3), 2.0))


def test_without_parameters_and_without_batch():
    x, E = sp.Symbol("x"), sp.Symbol("E")
    model = Model(Network([sp.Eq(E, x**2)], inputs=[x], loss=E, batch=False), wrt=[x], cache=False)
    loss, gradient, inputs = model.value_and_grad(x=3)
    assert (loss, gradient.shape, inputs["x"]) == (9.0, (0,), 6.0)
    assert model.forward(x=3) == {"E": 9.0}


def test_unused_inputs_are_checked(theta):
    x, u, E, w = *sp.symbols("x u"), sp.Symbol("E"), sp.Symbol("w")
    model = Model(Network([sp.Eq(E, w * x)], inputs=[x, u], parameters=[w], loss=E), cache=False)
    assert model.value(np.array([2.0]), x=[1, 2], u=[1, 2]) == 3
    with pytest.raises(DataError):
        model.value(np.array([2.0]), x=[1, 2], u=[1, 2, 3])


def test_no_loss():
    x, a = sp.symbols("x a")
    model = Model(Network([sp.Eq(a, sp.sin(x))], inputs=[x]), cache=False)
    np.testing.assert_allclose(model.forward(x=[1, 2])["a"], np.sin([1, 2]))
    with pytest.raises(NetworkError, match="no loss"):
        model.value_and_grad(x=[1])


def test_threads(model, theta):
    want = model.value_and_grad(theta, x=X, y=Y)
    wrong = []

    def work():
        for _ in range(200):
            loss, gradient = model.value_and_grad(theta, x=X, y=Y)
            if loss != want[0] or not np.array_equal(gradient, want[1]):
                wrong.append(loss)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_pickles(again):
    network = linear()
    model = Model(network, dtype="float32", wrt=[network.parameters[1], network.inputs[0]], cache=False)
    other = again(model)
    theta = np.arange(8, dtype=np.float32)
    assert (other.dtype, other.size) == ("float32", 8)
    for mine, its in zip(
        model.value_and_grad(theta, x=X, y=Y), other.value_and_grad(theta, x=X, y=Y), strict=True
    ):
        np.testing.assert_equal(its, mine)


def test_open_dimensions_are_open_in_a_copy():
    n = sp.Symbol("n", integer=True, positive=True)
    model = pickle.loads(pickle.dumps(Model(linear(n), cache=False)))
    theta = np.arange(8.0)
    loss, gradient = model.value_and_grad(theta, x=X, y=Y)
    assert loss == pytest.approx(expected(theta)[0])
    np.testing.assert_allclose(gradient, expected(theta)[1])


def test_what_it_says_of_itself(model):
    assert repr(model) == "Model 'network': 2 equations, 8 parameters, float64"


def test_a_declared_total_is_checked_at_the_door():
    model = sb.compile(sb.mlp([2, 3], loss="softmax_cross_entropy"))
    theta, x = model.init(0), np.ones((2, 2))
    soft = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    _, gradient = model.value_and_grad(theta, x=x, y=soft)
    free = sb.compile(sb.mlp([2, 3], loss="softmax_cross_entropy", normalized=False))
    np.testing.assert_allclose(gradient, free.value_and_grad(theta, x=x, y=soft)[1], rtol=1e-14, atol=1e-16)
    assert model.check(theta).passed
    for wrong in (soft.tolist(), soft.astype(np.float32), soft):
        wrong = np.array(wrong) * 1.5
        for call in (model.value_and_grad, model.value, model.check):
            with pytest.raises(DataError, match=r"'y' add up to 1\.5 in sample 0"):
                call(theta, x=x, y=wrong)
        assert np.isfinite(free.value(theta, x=x, y=wrong))


def test_schedules_change_roundings_only():
    net = sb.mlp([5, 16, 3], loss="softmax_cross_entropy")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(100, 5)), np.eye(3)[random.integers(0, 3, 100)]
    theta = sb.compile(net).init(seed=0)
    want = sb.compile(net).value_and_grad(theta, x=x, y=y)
    for schedule in ("fused", "layerwise", 7):
        model = sb.compile(net, schedule=schedule)
        loss, gradient = model.value_and_grad(theta, x=x, y=y)
        assert loss == pytest.approx(want[0], rel=1e-13)
        np.testing.assert_allclose(gradient, want[1], rtol=1e-10, atol=1e-14)
        assert pickle.loads(pickle.dumps(model)).schedule == schedule
    assert "range(0, samples, 7)" in sb.compile(net, schedule=7).source
    with pytest.raises(sb.DataError, match="for networks"):
        sb.compile(sp.sin(sp.Symbol("t")), schedule="fused")
