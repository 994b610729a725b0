"""NumPy by hand: what a careful person writes, with the products in BLAS and in-place arithmetic."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads import Workload, flat


def _forward(x, parameters, activation):
    """The input of each layer, and the last pre-activation."""
    inputs = []
    for W, b in parameters[:-1]:
        inputs.append(x)
        x = x @ W.T
        x += b
        if activation == "tanh":
            np.tanh(x, out=x)
        else:
            np.maximum(x, 0, out=x)
    inputs.append(x)
    W, b = parameters[-1]
    z = x @ W.T
    z += b
    return inputs, z


def _value_and_grad(x, y, parameters, activation, loss):
    inputs, z = _forward(x, parameters, activation)
    samples = np.float32(len(x))
    if loss == "squared_error":
        z -= y
        value, delta = np.vdot(z, z) / (2 * samples), z
    else:
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        s = p.sum(axis=1, keepdims=True)
        value = (np.log(s).sum() - np.vdot(y, z)) / samples
        p /= s
        p -= y
        delta = p
    delta /= samples
    gradients = []
    for k in range(len(parameters) - 1, -1, -1):
        a = inputs[k]
        gradients.append((delta.T @ a, delta.sum(axis=0)))
        if k:
            delta = delta @ parameters[k][0]
            delta *= (1 - a * a) if activation == "tanh" else a > 0
    return value, gradients[::-1]


def gradient(workload: Workload):
    x, y = workload.data
    parameters, activation, loss = workload.parameters, workload.activation, workload.loss

    def call():
        return _value_and_grad(x, y, parameters, activation, loss)

    def result():
        value, gradients = call()
        return value, flat(gradients)

    return call, result


def inference(workload: Workload):
    x, parameters, activation = workload.data[0], workload.parameters, workload.activation

    def call():
        return _forward(x, parameters, activation)[1]

    return call, call
