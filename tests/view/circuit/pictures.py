"""Circuits of every kind, for the tests of how they are drawn."""

from __future__ import annotations

import itertools
import random
from functools import cache

import numpy as np
import sympy as sp

import symbp as sb
from symbp.view.circuit import Circuit

x, y, z = sp.symbols("x y z")
w0, w1, w2, x0, x1 = sp.symbols("w0 w1 w2 x0 x1")
NEURON = {w0: 2, w1: -3, w2: -3, x0: -1, x1: -2}


def chain_rule() -> Circuit:
    return sb.circuit((x + y) * z, {x: -2, y: 5, z: -4})


def neuron() -> Circuit:
    return sb.circuit(1 / (1 + sp.exp(-(w0 * x0 + w1 * x1 + w2))), NEURON, binary=True)


def forty() -> Circuit:
    """Two layers of neurons in scalars: 49 gates and inputs."""

    def unit(inputs, k):
        weights = sp.symbols(f"w{k}_1:{len(inputs) + 1}")
        return sb.sigmoid(sum(a * b for a, b in zip(weights, inputs, strict=True)) + sp.Symbol(f"b{k}"))

    hidden = [unit([x0, x1], k) for k in (1, 2, 3)]
    loss = (unit(hidden, 4) - y) ** 2 / 2
    draw = np.random.default_rng(0)
    names = sorted(s.name for s in loss.free_symbols)
    return sb.circuit(loss, dict(zip(names, draw.normal(size=len(names)), strict=True)))


def mixed() -> Circuit:
    """Shared inputs, long wires, wide labels, many operands."""
    a, b = sp.symbols("a b")
    guarded = sp.Piecewise((a * sp.log(a), a > 0), (0, True))
    f = (a - b) ** 2 / 2 / (a * b**3) + sp.Max(0, a) + guarded + 2**a + a**b + sp.Abs(a) + sp.sqrt(2) * b
    return sb.circuit(f, {a: 2, b: 3})


def network(sizes=(64, 32, 10)) -> Circuit:
    net = sb.mlp(sizes, activation="sigmoid", loss="softmax_cross_entropy")
    draw = np.random.default_rng(0)
    theta = 0.3 * draw.normal(size=sum((m + 1) * n for m, n in itertools.pairwise(sizes)))
    return sb.circuit(net, {"x": draw.normal(size=sizes[0]), "y": np.eye(sizes[-1])[0]}, theta=theta)


def deep_network() -> Circuit:
    return network((16, 32, 32, 32, 16, 8, 4))


def scalar_network() -> Circuit:
    a, t, v, b, E, u = sp.symbols("a t v b E u")
    equations = [sp.Eq(u, v * x + b), sp.Eq(a, sp.tanh(u)), sp.Eq(E, (a - t) ** 2)]
    net = sb.Network(equations, inputs=[x, t], parameters=[v, b], loss=E)
    return sb.circuit(net, {x: 0.5, t: 1, v: -2, b: 0.25})


def tangle(seed: int = 0) -> Circuit:
    """A random graph with wires over many columns."""
    draw = random.Random(seed)
    pool = list(sp.symbols("v1:7"))
    for _ in range(60):
        a, b = draw.choice(pool), draw.choice(pool[-20:])
        pool.append(
            draw.choice(
                [
                    sp.Mul(a, b, evaluate=False),
                    sp.Add(a, b, evaluate=False),
                    sp.sin(a, evaluate=False),
                    sp.Pow(b, 2, evaluate=False),
                ]
            )
        )
    return sb.circuit(sp.Add(*pool[-25:], evaluate=False))


def chain() -> Circuit:
    e = x
    for _ in range(60):
        e = sp.sin(e, evaluate=False)
    return sb.circuit(e, {x: 1})


MAKERS = (chain_rule, neuron, forty, mixed, network, deep_network, scalar_network, tangle, chain)
PICTURES = {maker.__name__: cache(maker) for maker in MAKERS}
