"""Chapter 7: the worked example of two inputs, two hidden and two output units, number by number.

https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import save, table

import symbp as sb

x, y = sb.vector("x", 2), sb.vector("y", 2)
W1, W2 = sb.matrix("W1", 2, 2), sb.matrix("W2", 2, 2)
a1, a2, E = sb.vector("a1", 2), sb.vector("a2", 2), sp.Symbol("E")
b1, b2 = sp.Matrix([0.35, 0.35]), sp.Matrix([0.60, 0.60])  # constants: only the weights are trained
net = sb.Network(
    [
        sp.Eq(a1, sb.sigmoid(W1 * x + b1)),
        sp.Eq(a2, sb.sigmoid(W2 * a1 + b2)),
        sp.Eq(E, sb.squared_error(a2, y)),
    ],
    inputs=[x, y],
    parameters=[W1, W2],
    loss=E,
    name="worked example",
)
model = sb.compile(net)
print(model.derivation, "\n")

X, Y, rate = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]), 0.5
theta = np.array([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55])
loss, gradient = model.value_and_grad(theta, x=X, y=Y)
outputs = model.forward(theta, x=X)["a2"][0]
after = theta - rate * gradient
table(
    ["weight", "before", "gradient", "after one step"],
    [
        [f"w{k + 1}", *(f"{v:.9f}" for v in row)]
        for k, row in enumerate(zip(theta, gradient, after, strict=True))
    ],
)
losses = [float(loss)]
theta = after
for _ in range(9_999):
    value, gradient = model.value_and_grad(theta, x=X, y=Y)
    losses.append(float(value))
    theta = theta - rate * gradient
losses.append(float(model.value_and_grad(theta, x=X, y=Y)[0]))
steps = [0, 1, 10, 100, 1000, 10_000]
table(["steps", "E"], [[k, f"{losses[k]:.9g}"] for k in steps])

assert np.allclose(outputs, [0.75136507, 0.772928465], atol=5e-9)
assert round(losses[0], 9) == 0.298371109
assert round(after[4], 9) == 0.358916480
assert round(after[0], 9) == 0.149780716
assert round(losses[1], 9) == 0.291027774
assert f"{losses[10_000]:.7e}" == "3.5101878e-05"

figure, ax = plt.subplots(figsize=(5, 3))
ax.loglog(np.arange(1, len(losses)), losses[1:])
ax.set(xlabel="step", ylabel="E", title="the worked example")
ax.grid(alpha=0.3)
save(figure, "07_worked_example")
