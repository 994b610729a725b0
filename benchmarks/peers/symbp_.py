"""symbp itself, called from Python as its README says."""

from __future__ import annotations

from typing import Any

import numpy as np

import symbp as sb
from benchmarks.workloads import Workload


def _compiled(workload: Workload) -> tuple[Any, np.ndarray]:
    model = sb.compile(workload.network, dtype="float32")
    values = {}
    for k, (W, b) in enumerate(workload.parameters, start=1):
        values |= {f"W{k}": W, f"b{k}": b}
    return model, model.pack(values)


def gradient(workload: Workload):
    model, theta = _compiled(workload)
    x, y = workload.data
    return lambda: model.value_and_grad(theta, x=x, y=y), lambda: model.value_and_grad(theta, x=x, y=y)


def inference(workload: Workload):
    model, theta = _compiled(workload)
    x, last = workload.data[0], f"z{workload.depth}"

    def call():
        return model.forward(theta, x=x, outputs=(last,))

    return call, lambda: call()[last]


def epoch(task):
    model, start = _compiled(task.workload)
    batches, rate = task.batches, np.float32(task.rate)
    theta = start.copy()

    def call():
        for x, y in batches:
            theta[:] -= rate * model.value_and_grad(theta, x=x, y=y)[1]

    def result():
        theta[:] = start
        call()
        return theta.copy()

    return call, result
