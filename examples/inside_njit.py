"""Gradient descent that runs wholly inside a user's own @njit function."""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
from account import save, table
from numba import njit

import symbp as sb

model = sb.compile(sb.mlp([1, 12, 1], activation="tanh", loss="squared_error"))
value_and_grad = model.kernel.value_and_grad


@njit
def descend(theta, x, y, rate, steps):
    """Heavy-ball gradient descent; no Python object is touched between the steps."""
    losses = np.empty(steps)
    velocity = np.zeros_like(theta)
    for step in range(steps):
        loss, gradient = value_and_grad(theta, x, y)
        losses[step] = loss
        for k in range(theta.size):
            velocity[k] = 0.9 * velocity[k] - rate * gradient[k]
            theta[k] += velocity[k]
    return losses


X = np.linspace(-3, 3, 64)[:, None]
Y = np.sin(2 * X) * np.exp(-(X**2) / 4)
theta = model.init(seed=0)
descend(theta.copy(), X, Y, 0.05, 1)  # compiles
start = time.perf_counter()
losses = descend(theta, X, Y, 0.05, 20_000)
seconds = time.perf_counter() - start
table(["steps", "loss"], [[k, float(losses[k])] for k in (0, 10, 100, 1000, 10_000, 19_999)])
print(f"{seconds / len(losses) * 1e6:.2f} µs per step on {len(X)} samples, {theta.size} parameters\n")
assert losses[-1] < 0.01 * losses[0]

loss, gradient = model.value_and_grad(theta, x=X, y=Y)
assert losses[-1] >= float(loss) - 1e-6
figure, axes = plt.subplots(1, 2, figsize=(9, 3))
axes[0].loglog(np.arange(1, len(losses) + 1), losses)
axes[0].set(xlabel="step", ylabel="loss")
axes[1].plot(X, Y, "k.", label="data")
out = model.forward(theta, x=X)["z2"]
axes[1].plot(X, out, label="network")
axes[1].legend()
save(figure, "inside_njit")
