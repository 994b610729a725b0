"""Chapter 6: backpropagation through several layers, as formulas and as numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from account import save, table

import symbp as sb

model = sb.compile(sb.mlp([3, 4, 4, 2], activation="sigmoid", output="sigmoid", loss="squared_error"))
text = str(model.derivation)
print(text, "\n")

lines = [line.strip() for line in text.splitlines()]
assert "delta3 = (a3 - y) ⊙ a3 ⊙ (1 - a3)" in lines
for layer in (2, 1):
    delta = f"delta{layer} = (W{layer + 1}.T*delta{layer + 1}) ⊙ a{layer} ⊙ (1 - a{layer})"
    assert delta in lines, delta
for layer, below in ((3, "a2"), (2, "a1"), (1, "x")):
    assert f"dE/dW{layer} = delta{layer}*{below}.T" in lines
    assert f"dE/db{layer} = delta{layer}" in lines

# The same by hand, with NumPy.
random = np.random.default_rng(0)
X, Y = random.normal(size=(5, 3)), random.uniform(size=(5, 2))
theta = model.init(seed=1)
w = model.params(theta)
activations, total = [X], {}
for layer in (1, 2, 3):
    activations.append(1 / (1 + np.exp(-(activations[-1] @ w[f"W{layer}"].T + w[f"b{layer}"]))))
delta = (activations[3] - Y) * activations[3] * (1 - activations[3])
for layer in (3, 2, 1):
    total[f"W{layer}"] = delta.T @ activations[layer - 1] / len(X)
    total[f"b{layer}"] = delta.mean(axis=0)
    delta = (delta @ w[f"W{layer}"]) * activations[layer - 1] * (1 - activations[layer - 1])
loss, gradient = model.value_and_grad(theta, x=X, y=Y)
for name, part in model.params(gradient).items():
    assert np.allclose(part, total[name], rtol=1e-10, atol=1e-14), name
print("The compiled gradient of every W and b is that of the formulas written out in NumPy.\n")

# What a ⊙ (1 - a) <= 1/4 does to the gradient, layer by layer.
norms = {}
for activation in ("sigmoid", "tanh"):
    deep = sb.compile(sb.mlp([8] * 8 + [1], activation=activation, loss="squared_error"))
    X, Y = random.normal(size=(64, 8)), random.normal(size=(64, 1))
    _, gradient = deep.value_and_grad(deep.init(seed=0), x=X, y=Y)
    parts = deep.params(gradient)
    norms[activation] = [float(np.linalg.norm(parts[f"W{k}"])) for k in range(1, 9)]
table(["layer", *norms], [[k + 1, *values] for k, values in enumerate(zip(*norms.values(), strict=True))])
assert norms["sigmoid"][0] < 1e-3 * norms["sigmoid"][-1]
assert norms["tanh"][0] > 10 * norms["sigmoid"][0]
figure, ax = plt.subplots(figsize=(5, 3))
for activation, values in norms.items():
    ax.semilogy(range(1, 9), values, "o-", label=activation)
ax.set(xlabel="layer", ylabel=r"$\|\partial E/\partial W\|$", title="how much of the error reaches a layer")
ax.legend()
save(figure, "06_multilayer")
