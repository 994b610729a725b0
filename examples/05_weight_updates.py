"""Chapter 5: gradient descent moves the neuron's output from 0.73 to the wanted 0.43."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import save, table

import symbp as sb

x0, x1, w0, w1, w2, f, y, E = sp.symbols("x0 x1 w0 w1 w2 f y E")
net = sb.Network(
    [sp.Eq(f, sb.sigmoid(w0 * x0 + w1 * x1 + w2)), sp.Eq(E, sb.squared_error(f, y))],
    inputs=[x0, x1, y],
    parameters=[w0, w1, w2],
    loss=E,
    name="neuron",
)
model = sb.compile(net)
print(model.derivation, "\n")

sample = {"x0": np.array([-1.0]), "x1": np.array([-2.0]), "y": np.array([0.43])}
theta = np.array([2.0, -3.0, -3.0])
history = []
for step in range(20):
    value = float(np.squeeze(model.forward(theta, **sample)["f"]))
    history.append([step, *(float(w) for w in theta), value])
    loss, gradient = model.value_and_grad(theta, **sample)
    theta = theta - gradient  # the rate is 1

table(["round", "w0", "w1", "w2", "f"], [[r[0], *(f"{v:.2f}" for v in r[1:])] for r in history])


def rounded(step: int) -> list[float]:
    return [round(v, 2) for v in history[step][1:]]


assert rounded(0) == [2.0, -3.0, -3.0, 0.73]
assert rounded(1) == [2.06, -2.88, -3.06, 0.66]
assert rounded(2) == [2.11, -2.78, -3.11, 0.58]
assert rounded(3) == [2.15, -2.70, -3.15, 0.53]  # the slides cut 2.1476 to 2.14
assert rounded(19) == [2.21, -2.57, -3.21, 0.43]

figure, axes = plt.subplots(1, 2, figsize=(9, 3))
rounds = [r[0] for r in history]
axes[0].plot(rounds, [r[4] for r in history], "o-")
axes[0].axhline(0.43, color="gray", linestyle=":")
axes[0].set(xlabel="round", ylabel="f")
for k in (1, 2, 3):
    axes[1].plot(rounds, [r[k] for r in history], "o-", label=f"$w_{k - 1}$")
axes[1].set(xlabel="round")
axes[1].legend()
save(figure, "05_weight_updates")
