"""symbp itself, as its README says: called from Python, and an epoch inside of a user's own function."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

import symbp as sb
from benchmarks.workloads import Workload


def _compiled(workload: Workload) -> tuple[Any, np.ndarray]:
    model = sb.compile(workload.network, dtype="float32")
    return model, _packed(model, workload.parameters)


def _packed(model: Any, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    values = {}
    for k, (W, b) in enumerate(pairs, start=1):
        values |= {f"W{k}": W, f"b{k}": b}
    return model.pack(values)


def gradient(workload: Workload):
    model, theta = _compiled(workload)
    x, y = workload.data
    return lambda: model.value_and_grad(theta, x=x, y=y), lambda: model.value_and_grad(theta, x=x, y=y)


def product(workload: Workload):
    model, theta = _compiled(workload)
    vector = _packed(model, workload.direction)
    x, y = workload.data
    return lambda: model.hvp(theta, vector, x=x, y=y), lambda: model.hvp(theta, vector, x=x, y=y)


def inference(workload: Workload):
    model, theta = _compiled(workload)
    x, last = workload.data[0], f"z{workload.depth}"

    def call():
        return model.forward(theta, x=x, outputs=(last,))

    return call, lambda: call()[last]


def epoch(task):
    """The whole epoch is one compiled loop around the kernel, as JAX's is."""
    model, start = _compiled(task.workload)
    value_and_grad_into = model.kernel.value_and_grad_into
    rate, theta = np.float32(task.rate), start.copy()
    inputs, targets = (np.stack(arrays) for arrays in zip(*task.batches, strict=True))

    @njit
    def descend(theta, inputs, targets, rate):
        loss, gradient = np.empty(1, theta.dtype), np.empty_like(theta)
        for k in range(len(inputs)):
            value_and_grad_into(theta, inputs[k], targets[k], loss, gradient)
            for n in range(theta.size):  # an expression of arrays would get memory for the product each time
                theta[n] -= rate * gradient[n]

    def call():
        descend(theta, inputs, targets, rate)

    def result():
        theta[:] = start
        call()
        return theta.copy()

    return call, result
