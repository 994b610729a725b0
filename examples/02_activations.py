"""Chapter 2: activation functions and their derivatives, which symbp derives from the formulas."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import save, table

import symbp as sb

z = sp.Symbol("z")
functions = {
    "sigmoid": sb.sigmoid(z),
    "ReLU": sb.relu(z),
    "tanh": sb.tanh(z),
    "leaky ReLU": sb.leaky_relu(z),
}
grid = np.linspace(-5, 5, 401)
figure, axes = plt.subplots(1, 4, figsize=(13, 3))
rows = []
for ax, (name, formula) in zip(axes, functions.items(), strict=True):
    f = sb.compile(formula, wrt=[z])
    value, (slope,) = f.value_and_grad(grid)
    ax.plot(grid, value, label="value")
    ax.plot(grid, slope, "--", label="derivative")
    ax.set(title=name, xlabel="z")
    ax.grid(alpha=0.3)
    at = [f.value_and_grad(point) for point in (-2.0, 0.0, 2.0)]
    rows.append([name, *(float(v) for pair in at for v in (pair[0], pair[1][0]))])
axes[0].legend()

table(["function", "f(-2)", "f'(-2)", "f(0)", "f'(0)", "f(2)", "f'(2)"], rows)
print("At the kink of a maximum the slope is that of its first argument, in SymPy's order of arguments.\n")
numbers = {row[0]: row[1:] for row in rows}
s = 1 / (1 + np.exp(-2.0))
assert np.allclose(numbers["sigmoid"], [1 - s, s * (1 - s), 0.5, 0.25, s, s * (1 - s)], rtol=1e-14)
assert numbers["ReLU"] == [0, 0, 0, 0, 2, 1]
slope_2 = 1 - np.tanh(2.0) ** 2
assert np.allclose(numbers["tanh"], [-np.tanh(2.0), slope_2, 0, 1, np.tanh(2.0), slope_2], rtol=1e-13)
assert np.allclose(numbers["leaky ReLU"], [-0.2, 0.1, 0, 0.1, 2, 1], rtol=1e-14)
save(figure, "02_activations")
