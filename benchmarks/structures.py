"""Value and gradient of networks beyond dense layers, in index notation: attention, recurrence, convolution.

Weights are shared there, between positions or steps, and tensors have more axes than two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy as sp

import symbp as sb
from benchmarks.contest import contest
from benchmarks.measure import Budget
from benchmarks.records import Run
from symbp import nn

TOLERANCE = 3e-4
"""Of float32 gradients that are summed in different orders."""

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Structure:
    """A network with its numbers, and its loss as it is written for arrays of a batch.

    Attributes:
        loss: (functions of a library, parameters, data) -> the mean over the samples; functions are `tanh`,
            `relu`, `softmax` of the last axis, and `convolve`.
    """

    text: str
    network: sb.Network
    parameters: Arrays
    data: Arrays
    loss: Callable[[Any, Arrays, Arrays], Any]


def attention(places: int = 64, width: int = 64, samples: int = 16) -> Structure:
    """One head of self-attention; the loss is the sum of squares of its output."""
    t, s, r = nn.index("t", places), nn.index("s", places), sp.Symbol("r", integer=True)
    d, e = nn.index("d", width), nn.index("e", width)
    X, Q, K, V = nn.indexed("X", places, width), *(nn.indexed(n, width, width) for n in "QKV")
    q, k, v, Z = (nn.indexed(n, places, width) for n in "qkvZ")
    S, A, E = *(nn.indexed(n, places, places) for n in "SA"), nn.scalar("E")
    made = [
        sp.Eq(part[t, d], sp.Sum(X[t, e] * M[e, d], (e, 0, width - 1)))
        for part, M in ((q, Q), (k, K), (v, V))
    ]
    equations = [
        *made,
        sp.Eq(S[t, s], sp.Sum(q[t, d] * k[s, d], (d, 0, width - 1)) / sp.sqrt(width)),
        sp.Eq(A[t, s], sp.exp(S[t, s]) / sp.Sum(sp.exp(S[t, r]), (r, 0, places - 1))),
        sp.Eq(Z[t, d], sp.Sum(A[t, s] * v[s, d], (s, 0, places - 1))),
        sp.Eq(E, sp.Sum(Z[t, d] ** 2, (t, 0, places - 1), (d, 0, width - 1))),
    ]

    def loss(f, p, given):
        x = given["X"]
        weights = f.softmax((x @ p["Q"]) @ (x @ p["K"]).mT / width**0.5)
        return ((weights @ (x @ p["V"])) ** 2).sum((1, 2)).mean()

    random = np.random.default_rng(5)
    parameters = {name: _normal(random, width, width) / np.float32(width**0.5) for name in "QKV"}
    network = sb.Network(equations, inputs=[X], parameters=[Q, K, V], loss=E)
    text = f"attention {places} x {width} N={samples}"
    return Structure(text, network, parameters, {"X": _normal(random, samples, places, width)}, loss)


def recurrence(steps: int = 16, inputs: int = 8, width: int = 32, samples: int = 64) -> Structure:
    """A recurrent layer of tanh units over a sequence; the loss is the sum of squares of its last state."""
    x, W, U = nn.indexed("x", steps, inputs), nn.indexed("W", width, inputs), nn.indexed("U", width, width)
    b, E = nn.indexed("b", width), nn.scalar("E")
    i, j, e = nn.index("i", width), nn.index("j", width), nn.index("e", inputs)
    equations: list[Any] = []
    before = None
    for step in range(steps):
        state = nn.indexed(f"h{step}", width)
        z = sp.Sum(W[i, e] * x[step, e], (e, 0, inputs - 1)) + b[i]
        if before is not None:
            z += sp.Sum(U[i, j] * before[j], (j, 0, width - 1))
        equations.append(sp.Eq(state[i], sp.tanh(z)))
        before = state
    assert before is not None
    equations.append(sp.Eq(E, sp.Sum(before[i] ** 2, (i, 0, width - 1))))

    def loss(f, p, given):
        h = f.tanh(given["x"][:, 0] @ p["W"].T + p["b"])
        for step in range(1, steps):
            h = f.tanh(given["x"][:, step] @ p["W"].T + h @ p["U"].T + p["b"])
        return (h**2).sum(1).mean()

    random = np.random.default_rng(6)
    parameters = {
        "W": _normal(random, width, inputs) / np.float32(inputs**0.5),
        "U": _normal(random, width, width) / np.float32(width**0.5),
        "b": _normal(random, width),
    }
    network = sb.Network(equations, inputs=[x], parameters=[W, U, b], loss=E)
    text = f"recurrence {steps} steps {inputs}-{width} N={samples}"
    return Structure(text, network, parameters, {"x": _normal(random, samples, steps, inputs)}, loss)


def convolution(size: int = 28, channels: int = 8, window: int = 3, samples: int = 32) -> Structure:
    """A layer of windows over images, with relu; the loss is the sum of squares of its output."""
    inside = size - window + 1
    c, i, j = nn.index("c", channels), nn.index("i", inside), nn.index("j", inside)
    p, q = nn.index("p", window), nn.index("q", window)
    x, k, b = (
        nn.indexed("x", size, size),
        nn.indexed("k", channels, window, window),
        nn.indexed("b", channels),
    )
    z, E = nn.indexed("z", channels, inside, inside), nn.scalar("E")
    terms = sp.Sum(k[c, p, q] * x[i + p, j + q], (p, 0, window - 1), (q, 0, window - 1))
    equations = [
        sp.Eq(z[c, i, j], sp.Max(0, terms + b[c])),
        sp.Eq(E, sp.Sum(z[c, i, j] ** 2, (c, 0, channels - 1), (i, 0, inside - 1), (j, 0, inside - 1))),
    ]

    def loss(f, p, given):
        z = f.relu(f.convolve(given["x"][:, None], p["k"][:, None]) + p["b"][None, :, None, None])
        return (z**2).sum((1, 2, 3)).mean()

    random = np.random.default_rng(7)
    parameters = {"k": _normal(random, channels, window, window), "b": _normal(random, channels)}
    network = sb.Network(equations, inputs=[x], parameters=[k, b], loss=E)
    text = f"convolution {size} x {size} x {channels} N={samples}"
    return Structure(text, network, parameters, {"x": _normal(random, samples, size, size)}, loss)


STRUCTURES = {"attention": attention, "recurrence": recurrence, "convolution": convolution}


def structures(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    for name, make in STRUCTURES.items():
        if chosen(name):
            made = make()
            makers = {
                peer: partial(prepare, made)
                for peer, prepare in {"symbp": _symbp, "jax": _jax, "torch": _torch}.items()
            }
            contest(run, "structures", made.text, makers, budget, TOLERANCE)


def _symbp(made: Structure):
    model = sb.compile(made.network, dtype="float32")
    theta = model.pack(made.parameters)
    return lambda: model.value_and_grad(theta, data=made.data), lambda: model.value_and_grad(
        theta, data=made.data
    )


def _jax(made: Structure):
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None

    def convolve(x, k):
        return jax.lax.conv_general_dilated(x, k, (1, 1), "VALID")

    functions = SimpleNamespace(
        tanh=jnp.tanh, relu=jax.nn.relu, softmax=partial(jax.nn.softmax, axis=-1), convolve=convolve
    )
    parameters, data = (
        {n: jnp.asarray(a) for n, a in given.items()} for given in (made.parameters, made.data)
    )
    run = jax.jit(jax.value_and_grad(partial(made.loss, functions)))

    def call():
        return jax.block_until_ready(run(parameters, data))

    def result():
        value, slopes = call()
        return value, _flat(slopes[name] for name in parameters)

    return call, result


def _torch(made: Structure):
    try:
        import torch
    except ImportError:
        return None

    functions = SimpleNamespace(
        tanh=torch.tanh,
        relu=torch.relu,
        softmax=partial(torch.softmax, dim=-1),
        convolve=torch.nn.functional.conv2d,
    )
    parameters = {n: torch.tensor(a, requires_grad=True) for n, a in made.parameters.items()}
    data = {n: torch.tensor(a) for n, a in made.data.items()}

    def call():
        value = made.loss(functions, parameters, data)
        return value, torch.autograd.grad(value, list(parameters.values()))

    def result():
        value, slopes = call()
        return value.detach().numpy(), _flat(s.numpy() for s in slopes)

    return call, result


def _flat(slopes: Any) -> np.ndarray:
    return np.concatenate([np.asarray(s).ravel() for s in slopes])


def _normal(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)
