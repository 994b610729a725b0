"""Chapter 4: the circuit of a sigmoid neuron, with the value and the gradient on each of its wires."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import draw, save, table

import symbp as sb

w0, w1, w2, x0, x1 = sp.symbols("w0 w1 w2 x0 x1")
# A probe added to a wire is 0; the derivative by the probe is the gradient on that wire.
circuit = {
    "w0*x0": lambda v: w0 * x0,
    "w1*x1": lambda v: w1 * x1,
    "w0*x0 + w1*x1": lambda v: v[0] + v[1],
    "... + w2": lambda v: v[2] + w2,
    "*(-1)": lambda v: -v[3],
    "exp": lambda v: sp.exp(v[4]),
    "+1": lambda v: v[5] + 1,
    "1/x": lambda v: 1 / v[6],
}
wires = sp.symbols("v0:8")
probes = sp.symbols("p0:8")
equations = [
    sp.Eq(wire, step(wires) + probe)
    for wire, step, probe in zip(wires, circuit.values(), probes, strict=True)
]
names = [w0, w1, w2, x0, x1]
net = sb.Network(equations, parameters=[*names, *probes], loss=wires[-1], batch=False, name="neuron")
model = sb.compile(net)

theta = np.array([2.0, -3.0, -3.0, -1.0, -2.0] + [0.0] * 8)
values = model.forward(theta)
loss, gradient = model.value_and_grad(theta)
slopes = {k: float(v) for k, v in model.params(gradient).items()}

print("f = 1/(1 + exp(-(w0 x0 + w1 x1 + w2)))\n")
shown = [[str(n), float(t), slopes[str(n)]] for n, t in zip(names, theta, strict=False)]
on_wires = [float(np.squeeze(values[str(w)])) for w in wires]
shown += [[gate, value, slopes[str(p)]] for gate, value, p in zip(circuit, on_wires, probes, strict=True)]
table(["wire", "value", "gradient"], shown)

assert np.allclose(on_wires, [-2, 6, 4, 1, -1, 0.37, 1.37, 0.73], atol=0.005)
assert np.allclose([slopes[str(p)] for p in probes], [0.2, 0.2, 0.2, 0.2, -0.2, -0.53, -0.53, 1], atol=0.005)
assert round(float(loss), 2) == 0.73
assert [round(slopes[n], 2) for n in ("w0", "w1", "w2")] == [-0.20, -0.39, 0.20]
assert [round(slopes[n], 2) for n in ("x0", "x1")] == [0.39, -0.59]

# symbp draws the circuit itself, and finds the same numbers through the derivative of each gate.
point = {w0: 2, w1: -3, w2: -3, x0: -1, x1: -2}
drawn = sb.circuit(1 / (1 + sp.exp(-(w0 * x0 + w1 * x1 + w2))), point, binary=True)
gates = [gate for gate in drawn if not gate.is_symbol]
assert [gate.operation for gate in gates] == ["*", "*", "+", "+", "*-1", "exp", "+1", "1/x"]
assert np.allclose([gate.value for gate in gates], on_wires)
assert np.allclose([gate.gradient for gate in gates], [slopes[str(p)] for p in probes])
assert np.allclose([drawn[n].gradient for n in names], [slopes[str(n)] for n in names])
draw(drawn, "04_sigmoid_neuron_circuit")

figure, ax = plt.subplots(figsize=(7, 3.2))
place = np.arange(len(shown))
ax.bar(place - 0.2, [row[1] for row in shown], 0.4, label="value")
ax.bar(place + 0.2, [row[2] for row in shown], 0.4, label="gradient")
ax.set_xticks(place, [row[0] for row in shown], rotation=60, ha="right")
ax.legend()
ax.set_title("the wires of a sigmoid neuron")
save(figure, "04_sigmoid_neuron")
