import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.errors import DataError, GradientError, NetworkError
from symbp.runtime.check_hessian import check_function_hessian, check_model_hessian
from tests.catalogue import CATALOGUE

x, y = sp.symbols("x y")


class Broken:
    """A model or function one of whose methods gives something wrong."""

    def __init__(self, what, method, change):
        self.what, self.method, self.change = what, method, change

    def __getattr__(self, name):
        found = getattr(self.what, name)
        return (lambda *a, **k: self.change(found(*a, **k))) if name == self.method else found


@pytest.fixture(scope="module")
def function():
    return sb.compile(sp.sin(x * y) + x**2, cache=False)


@pytest.fixture(scope="module")
def model():
    return sb.compile(sb.mlp([3, 4, 2], activation="tanh", loss="softmax_cross_entropy"), cache=False)


def test_right_ones_pass(function, model):
    for report in (function.check_hessian(), function.check_hessian(0.5, np.ones(4)), model.check_hessian()):
        assert report.passed
        assert [row.method for row in report.rows] == ["complex step", "central differences"]
        assert str(report).startswith("Hessian of ")
    assert model.check_hessian().entries == model.size


@pytest.mark.parametrize("name", ["attention", "convolution", "labels_softmax", "l2_penalty"])
def test_networks(name):
    model = sb.compile(CATALOGUE[name].network())
    values = CATALOGUE[name].values(model.derivation.forward_program)
    data = {n: np.stack([values[n]] * 2) for n in model._names}
    assert model.check_hessian(model.pack({n: values[n] for n in model._layout.names}), **data).passed


def test_float32_some_parameters_and_open_dimensions():
    net = sb.mlp([3, 4, 2], activation="tanh", loss="mean_squared_error")
    part = sb.compile(net, dtype="float32", wrt=[net.parameters[0], net.inputs[0]])
    assert part.check_hessian().entries == 12
    n = sp.Symbol("n", integer=True)
    v = sp.MatrixSymbol("v", n, 1)
    assert sb.compile((v.T * v) * (v.T * v), wrt=[v]).check_hessian(np.array([1.0, 2.0])).entries == 2
    A, u = sb.matrix("A", 3, 3), sb.vector("u", 3)
    assert sb.compile(sb.sigmoid(u.T * A * u), wrt=[u]).check_hessian().passed


def test_wrong_ones_do_not(function, model):
    def wrong(found):
        found = np.array(found)
        found.flat[-1] += 0.01
        return found

    with pytest.raises(GradientError, match="the Hessian is wrong at y of sample 2"):
        check_function_hessian(Broken(function, "hessian", wrong))
    with pytest.raises(GradientError, match=r"the Hessian is wrong at b2\[1\]"):
        check_model_hessian(Broken(model, "hvp", wrong))
    calls = []

    def changing(found):
        calls.append(None)
        return found * (1 + 1e-15 * len(calls))

    with pytest.raises(GradientError, match="different bits"):
        check_model_hessian(Broken(model, "hvp", changing))


def test_errors(function, model):
    with pytest.raises(NetworkError, match="several values"):
        sb.compile([x, y]).check_hessian()
    with pytest.raises(DataError):
        function.check_hessian(1.0)
    with pytest.raises(DataError):
        model.check_hessian(np.ones(3))
