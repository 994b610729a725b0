"""Chapter 8: more hidden units, and more hidden layers, draw more complex boundaries."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from account import save, table
from scipy.optimize import minimize

import symbp as sb


def two_spirals(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on two arms that wind around each other, and the arm of each."""
    random = np.random.default_rng(seed)
    angle = 0.8 + 2.9 * np.pi * random.uniform(size=count)
    arm = np.arange(count) % 2
    points = (angle / 5)[:, None] * np.column_stack(
        [np.cos(angle + np.pi * arm), np.sin(angle + np.pi * arm)]
    )
    return points + 0.06 * random.normal(size=points.shape), arm


X, arm = two_spirals(300, seed=3)
Y = (2.0 * arm - 1.0)[:, None]  # -1 and +1, the range of tanh
shapes = {"3 hidden": [2, 3, 1], "6 hidden": [2, 6, 1], "20 hidden": [2, 20, 1], "6 + 6 hidden": [2, 6, 6, 1]}
side = np.linspace(-2.2, 2.2, 161)
P, Q = np.meshgrid(side, side)
grid = np.column_stack([P.ravel(), Q.ravel()])
figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), sharey=True)
rows, accuracy = [], {}
for ax, (name, sizes) in zip(axes, shapes.items(), strict=True):
    model = sb.compile(sb.mlp(sizes, activation="tanh", output="tanh", loss="squared_error"))
    best = None
    for seed in range(3):  # the best of three starts
        start = model.init(seed=seed)
        found = minimize(
            lambda t, m=model: m.value_and_grad(t, x=X, y=Y), start, jac=True, method="L-BFGS-B",
            options={"maxiter": 800, "maxfun": 2000},
        )  # fmt: skip
        best = found if best is None or found.fun < best.fun else best
    out = f"a{len(sizes) - 1}"
    right = (model.forward(best.x, x=X)[out] > 0) == (Y > 0)
    accuracy[name] = float(right.mean())
    rows.append([name, best.x.size, float(best.fun), f"{accuracy[name]:.1%}"])
    surface = model.forward(best.x, x=grid)[out].reshape(P.shape)
    ax.contourf(P, Q, surface, levels=[-1.1, 0, 1.1], cmap="RdBu", alpha=0.45)
    ax.contour(P, Q, surface, levels=[0], colors="black", linewidths=1)
    ax.scatter(*X.T, c=arm, cmap="RdBu", s=10, edgecolors="black", linewidths=0.3)
    ax.set_title(f"{name}: {accuracy[name]:.0%}")
table(["units", "parameters", "loss", "accuracy"], rows)
assert accuracy["3 hidden"] < 0.9 < accuracy["6 hidden"]
assert min(accuracy["20 hidden"], accuracy["6 + 6 hidden"]) > 0.97
save(figure, "08_hidden_units")
