"""Optimizers, on a model made by hand so that only the loops are tested."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from symbp.errors import DataError
from symbp.spec import DataSource, TrainOptions
from symbp.train import Samples, fit
from symbp.train.fit import accuracy, determination

SOURCE = DataSource("npz", "made.npz")


class Logistic:
    """Logistic regression with its gradient by hand."""

    network = SimpleNamespace(defined=("p", "E"), loss="E")

    def init(self, seed):
        return np.zeros(3)

    def forward(self, theta, *, data, outputs=None):
        return {"p": 1 / (1 + np.exp(-(data["x"] @ theta[:2] + theta[2])))}

    def value_and_grad(self, theta, *, data):
        p, y = self.forward(theta, data=data)["p"], data["y"]
        loss = -np.mean(y * np.log(p + 1e-300) + (1 - y) * np.log(1 - p + 1e-300)) + 0.01 * theta @ theta
        error = (p - y) / len(y)
        return loss, np.append(data["x"].T @ error, error.sum()) + 0.02 * theta


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 2))
    y = (x @ [2.0, -1.0] + 0.3 > 0).astype(float)
    parts = [{"x": x[s], "y": y[s]} for s in (slice(150), slice(150, None))]
    return Samples(*parts, y[150:].astype(int))


@pytest.mark.parametrize(
    "options",
    [
        TrainOptions(SOURCE),
        TrainOptions(SOURCE, optimizer="gd", rate=1.0, iterations=300),
        TrainOptions(SOURCE, optimizer="sgd", rate=0.2, epochs=100),
        TrainOptions(SOURCE, optimizer="adam", rate=0.05, epochs=100),
    ],
    ids=lambda o: o.optimizer,
)
def test_optimizers_find_the_minimum(samples, options):
    seen = []
    result = fit(Logistic(), samples, options, progress=lambda *state: seen.append(state))
    best = fit(Logistic(), samples, TrainOptions(SOURCE, iterations=1000)).loss
    assert result.loss < best + 2e-3
    assert result.test_accuracy > 0.95
    assert seen[-1][0] == result.steps == len(seen)
    again = fit(Logistic(), samples, options)
    assert np.array_equal(again.theta, result.theta)


def test_divergence_is_an_error(samples):
    class Diverges(Logistic):
        def value_and_grad(self, theta, *, data):
            return np.nan, np.zeros(3)

    with pytest.raises(DataError, match="diverged"):
        fit(Diverges(), samples, TrainOptions(SOURCE, optimizer="gd", rate=1.0, iterations=2))


def test_accuracy_of_classes():
    class Scores:
        def forward(self, theta, *, data, outputs=None):
            return {"z": np.eye(3)[[0, 1, 2, 2]], "s": np.zeros(4)}

    x = np.zeros((4, 1))
    assert accuracy(Scores(), np.zeros(1), {"x": x, "y": np.array([0, 1, 2, 0])}) == 0.75
    assert accuracy(Scores(), np.zeros(1), {"x": x, "y": np.eye(3)[[0, 1, 2, 2]]}, "z") == 1.0
    assert accuracy(Scores(), np.zeros(1), {"x": x}) is None


class Line:
    """Least squares for y = theta x, which predicts p, and twice as much as h."""

    def init(self, seed):
        return np.zeros(1)

    def forward(self, theta, *, data, outputs=None):
        p = data["x"] @ theta
        return {"p": p, "h": 2 * p, "v": np.stack([p, p], axis=1), "column": p[:, None]}

    def value_and_grad(self, theta, *, data):
        error = data["x"] @ theta - data["y"]
        return 0.5 * np.mean(error**2), data["x"].T @ error / len(error)


@pytest.fixture
def numbers():
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 1))
    y = 3 * x[:, 0] + 0.5 * random.normal(size=60)
    return Samples(*({"x": x[s], "y": y[s]} for s in (slice(40), slice(40, None))), None)


def test_r2_of_numbers(numbers):
    result = fit(Line(), numbers, TrainOptions(SOURCE, output="p"))
    x, y = numbers.test["x"], numbers.test["y"]
    assert result.test_r2 == pytest.approx(1 - np.var(y - x @ result.theta) / np.var(y), rel=0.05)
    assert 0.9 < result.train_r2 < 1
    assert result.train_accuracy is result.test_accuracy is None


def test_the_output_decides_what_predicts(numbers):
    theta = fit(Line(), numbers, TrainOptions(SOURCE)).theta
    of = {name: determination(Line(), theta, numbers.test, name) for name in ("p", "h", "column")}
    assert of["p"] == of["column"] > of["h"]
    with pytest.raises(DataError, match=r"'v' of shape \(20, 2\)"):
        determination(Line(), theta, numbers.test, "v")
    assert determination(Line(), theta, {"x": numbers.test["x"]}) is None
    constant = {"x": numbers.test["x"], "y": np.ones(20)}
    assert determination(Line(), theta, constant, "p") is None


def test_accuracy_is_not_asked_of_numbers(numbers):
    with pytest.raises(DataError, match="needs classes"):
        fit(Line(), numbers, TrainOptions(SOURCE, accuracy=0.9))
