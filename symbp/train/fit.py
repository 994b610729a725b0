"""Optimizers over a model's flat parameter vector: L-BFGS and plain, stochastic and Adam descent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbp.errors import DataError
from symbp.spec import TrainOptions
from symbp.train.data import Arrays, Samples

Progress = Callable[[int, int, float], None]
"""Called after each step with the steps done, the steps planned and the loss."""


@dataclass(frozen=True)
class Fit:
    """The result of training.

    Attributes:
        theta: the trained parameters.
        loss: of the training samples, at the end.
        steps: steps taken (epochs of sgd and adam).
        calls: calls of value_and_grad.
        seconds: time that training took.
        train_accuracy: share of training samples classified rightly; None without classes.
        test_accuracy: the same for the test samples.
        train_r2: coefficient of determination of the training samples, 1 - (sum of squared errors) /
            (sum of squared deviations from the mean); None with classes.
        test_r2: the same for the test samples.
    """

    theta: np.ndarray
    loss: float
    steps: int
    calls: int
    seconds: float
    train_accuracy: float | None
    test_accuracy: float | None
    train_r2: float | None = None
    test_r2: float | None = None


def fit(
    model: Any,
    samples: Samples,
    options: TrainOptions,
    *,
    theta: np.ndarray | None = None,
    progress: Progress = lambda step, steps, loss: None,
) -> Fit:
    """Train a model.

    Args:
        model: what `symbp.compile(network)` returned.
        samples: the data.
        options: the table [train].
        theta: parameters to start from; `model.init(options.seed)` unless given.
        progress: called after each step, or epoch.

    Raises:
        DataError: the data does not fit the model or the options, or the loss is no longer a finite number.
    """
    if options.accuracy is not None and samples.classes is None:
        raise DataError("train.accuracy needs classes, and the targets are numbers", hint="leave it out")
    start = time.perf_counter()
    theta = np.array(model.init(seed=options.seed) if theta is None else theta)
    loop = {"lbfgs": _lbfgs, "gd": _gradient_descent, "sgd": _stochastic, "adam": _stochastic}
    theta, steps, calls = loop[options.optimizer](model, samples.train, options, theta, progress)
    loss = float(model.value_and_grad(theta, data=samples.train)[0])
    seconds = time.perf_counter() - start
    if not np.isfinite(loss):
        raise DataError(
            f"training diverged: the loss is {loss} after {steps} steps",
            hint="a smaller rate, or scaled data",
        )
    measure = determination if samples.classes is None else accuracy
    on_train, on_test = (measure(model, theta, p, options.output) for p in (samples.train, samples.test))
    if samples.classes is None:
        return Fit(theta, loss, steps, calls, seconds, None, None, on_train, on_test)
    return Fit(theta, loss, steps, calls, seconds, on_train, on_test)


def accuracy(model: Any, theta: np.ndarray, data: Arrays, output: str | None = None) -> float | None:
    """The share of samples whose prediction is of the right class.

    The prediction is the equation `output`; unless given, the last one whose shape per sample is that of
    the target, or for class labels the last vector.
    """
    predicted, target = _prediction(model, theta, data, output)
    if predicted is None:
        return None
    if predicted.ndim == 1 or predicted.shape[1] == 1:
        wanted = target.reshape(len(target)) > 0.5
        return float(np.mean((predicted.reshape(len(target)) > 0.5) == wanted))
    classes = target if target.ndim == 1 else target.argmax(axis=1)
    return float(np.mean(predicted.argmax(axis=1) == classes))


def determination(model: Any, theta: np.ndarray, data: Arrays, output: str | None = None) -> float | None:
    """R^2, the share of the variance of the targets that the prediction explains; None without a prediction.

    1 is a perfect fit, 0 is no better than the mean. The prediction is that of `accuracy`.
    """
    predicted, target = _prediction(model, theta, data, output)
    if predicted is None or not target.size:
        return None
    deviations = float(np.sum((target - target.mean(axis=0)) ** 2))
    errors = float(np.sum((predicted.reshape(target.shape) - target) ** 2))
    return None if deviations == 0 else 1 - errors / deviations


def _prediction(
    model: Any, theta: np.ndarray, data: Arrays, output: str | None
) -> tuple[np.ndarray | None, np.ndarray]:
    """What is predicted, None where no equation is a prediction, and the target: the second input."""
    features, *targets = data.values()
    if not targets:
        return None, features
    target = targets[0]
    given = dict(list(data.items())[:1])
    if output is not None:
        value = np.asarray(model.forward(theta, data=given, outputs=[output])[output])
        if not _fits(value, target):
            raise DataError(
                f"train.output is {output!r} of shape {value.shape}, and the target has shape {target.shape}",
                hint="name the equation that predicts the target",
            )
        return value, target
    try:
        results = model.forward(theta, data=given)
    except DataError:  # every equation needs the target, so none is a prediction
        return None, target
    values = [np.asarray(results[name]) for name in reversed(list(results))]
    return next((v for v in values if v.ndim and _fits(v, target)), None), target


def _fits(value: np.ndarray, target: np.ndarray) -> bool:
    """Whether these can be predictions: scores for class labels, else a number for each of the target's."""
    if target.dtype.kind == "i":
        return value.ndim == 2 and len(value) == len(target)
    return value.shape in (target.shape, (*target.shape, 1)) or target.shape == (*value.shape, 1)


def _lbfgs(model, data, options, theta, progress):
    from scipy.optimize import minimize

    calls, best = 0, np.nan

    def objective(point):
        nonlocal calls, best
        calls += 1
        value, gradient = model.value_and_grad(point.astype(theta.dtype, copy=False), data=data)
        best = float(value)
        return best, np.asarray(gradient, dtype=np.float64)

    step = 0

    def report(_):
        nonlocal step
        step += 1
        progress(step, options.iterations, best)

    settings = {"maxiter": options.iterations, "maxfun": 20 * options.iterations}
    found = minimize(
        objective, theta.astype(np.float64), jac=True, method="L-BFGS-B", callback=report, options=settings
    )
    return found.x.astype(theta.dtype), step, calls


def _gradient_descent(model, data, options, theta, progress):
    for step in range(options.iterations):
        loss, gradient = model.value_and_grad(theta, data=data)
        theta -= options.rate * np.asarray(gradient)
        progress(step + 1, options.iterations, float(loss))
    return theta, options.iterations, options.iterations


def _stochastic(model, data, options, theta, progress):
    random = np.random.default_rng(options.seed)
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    calls = 0
    for epoch in range(options.epochs):
        losses = []
        for batch in _batches(data, options.batch, random):
            loss, gradient = model.value_and_grad(theta, data=batch)
            gradient = np.asarray(gradient)
            losses.append(float(loss))
            calls += 1
            if options.optimizer == "adam":  # Kingma and Ba, 2015, with their beta1, beta2 and epsilon
                first = 0.9 * first + 0.1 * gradient
                second = 0.999 * second + 0.001 * gradient**2
                step = first / (1 - 0.9**calls)
                gradient = step / (np.sqrt(second / (1 - 0.999**calls)) + 1e-8)
            theta -= options.rate * gradient
        progress(epoch + 1, options.epochs, float(np.mean(losses)))
    return theta, options.epochs, calls


def _batches(data: Arrays, size: int, random: np.random.Generator) -> Iterator[Arrays]:
    count = len(next(iter(data.values())))
    order = random.permutation(count)
    for start in range(0, count, size):
        chosen = order[start : start + size]
        yield {name: values[chosen] for name, values in data.items()}
