"""Chapter 1: logic gates. One sigmoid neuron is AND or OR; two layers of them are XNOR."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import save, table

import symbp as sb

x1, x2 = sp.symbols("x1 x2")
gate_and = sb.compile(sb.sigmoid(-30 + 20 * x1 + 20 * x2), wrt=[x1, x2])
gate_or = sb.compile(sb.sigmoid(-10 + 20 * x1 + 20 * x2), wrt=[x1, x2])

# XNOR = (x1 AND x2) OR (NOT x1 AND NOT x2): the hidden layer holds the two brackets.
x = sb.vector("x", 2)
W1, b1, W2, b2 = sb.matrix("W1", 2, 2), sb.vector("b1", 2), sb.matrix("W2", 1, 2), sb.vector("b2", 1)
a1, a2 = sb.vector("a1", 2), sb.vector("a2", 1)
net = sb.Network(
    [sp.Eq(a1, sb.sigmoid(W1 * x + b1)), sp.Eq(a2, sb.sigmoid(W2 * a1 + b2))],
    inputs=[x],
    parameters=[W1, b1, W2, b2],
    name="xnor",
)
xnor = sb.compile(net)
theta = xnor.init(seed=0)
weights = xnor.params(theta)
weights["W1"][:] = [[20, 20], [-20, -20]]
weights["b1"][:] = [-30, 10]
weights["W2"][:] = [[20, 20]]
weights["b2"][:] = [-10]

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
and_, or_ = gate_and(X[:, 0], X[:, 1]), gate_or(X[:, 0], X[:, 1])
layers = xnor.forward(theta, x=X)
hidden, out = layers["a1"], layers["a2"][:, 0]

print("AND = g(-30 + 20 x1 + 20 x2)    OR = g(-10 + 20 x1 + 20 x2)    g: the sigmoid\n")
table(
    ["x1", "x2", "AND", "OR", "a1[0]", "a1[1]", "XNOR"],
    [[int(p), int(q), *(round(float(v), 4) for v in row)]
     for (p, q), *row in zip(X, and_, or_, hidden[:, 0], hidden[:, 1], out, strict=True)],
)  # fmt: skip
assert np.array_equal(np.round(and_), [0, 0, 0, 1])
assert np.array_equal(np.round(or_), [0, 1, 1, 1])
assert np.array_equal(np.round(hidden), [[0, 1], [0, 0], [0, 0], [1, 0]])
assert np.array_equal(np.round(out), [1, 0, 0, 1])
assert np.abs(and_ - np.round(and_)).max() < 1e-4

side = np.linspace(-0.5, 1.5, 201)
P, Q = np.meshgrid(side, side)
points = np.column_stack([P.ravel(), Q.ravel()])
maps = {"AND": gate_and(P, Q), "OR": gate_or(P, Q)}
maps["XNOR"] = xnor.forward(theta, x=points)["a2"].reshape(P.shape)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
for ax, (name, values), truth in zip(axes, maps.items(), (and_, or_, out), strict=True):
    ax.contourf(P, Q, values, levels=20, cmap="RdBu", vmin=0, vmax=1)
    ax.scatter(*X.T, s=160, color="white", edgecolors="black")
    for point, value in zip(X, truth, strict=True):
        ax.annotate(f"{value:.0f}", point, ha="center", va="center")
    ax.set(title=name, xlabel="$x_1$")
axes[0].set_ylabel("$x_2$")
save(figure, "01_logic_gates")
