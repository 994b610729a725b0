"""Chapter 3: the chain rule on f(x, y, z) = (x + y) z at (-2, 5, -4)."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import draw, save, table

import symbp as sb

x, y, z = sp.symbols("x y z")
f = sb.compile((x + y) * z, wrt=[x, y, z])
value, gradient = f.value_and_grad(-2.0, 5.0, -4.0)

print("q = x + y,  f = q z,  df/dx = df/dq dq/dx = z\n")
table(["", "x", "y", "z", "f"], [["value", -2, 5, -4, value], ["df/d.", *gradient, 1]])
assert f(-2.0, 5.0, -4.0) == value == -12
assert tuple(gradient) == (-4, -4, 3)

# The same numbers gate by gate: values above the wires, gradients below.
circuit = sb.circuit((x + y) * z, {x: -2, y: 5, z: -4})
assert [gate.value for gate in circuit] == [-2, 5, -4, 3, -12]
assert [gate.gradient for gate in circuit] == [-4, -4, 3, -4, 1]
draw(circuit, "03_chain_rule_circuit")

# Every step against the gradient makes f smaller.
point, rate, path = np.array([-2.0, 5.0, -4.0]), 0.02, []
for _ in range(12):
    value, gradient = f.value_and_grad(*point)
    path.append(float(value))
    point -= rate * np.array(gradient, dtype=float)
assert all(later < earlier for earlier, later in pairwise(path))
figure, ax = plt.subplots(figsize=(5, 3))
ax.plot(path, "o-")
ax.set(xlabel="step against the gradient", ylabel="f", title="f = (x + y) z")
ax.grid(alpha=0.3)
save(figure, "03_chain_rule")
