"""Value and gradient of networks beyond dense layers, in index notation: attention, recurrence, images.

Weights are shared there, between positions or steps, and tensors have more axes than two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
            `relu`, `softmax` and `log_softmax` of the last axis, `convolve`, and `pool`, the maxima of 2 x 2.
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


def images(
    size: int = 28, channels: Sequence[int] = (6, 16), window: int = 5, samples: int = 32
) -> Structure:
    """Two layers of windows with relu, each followed by the maxima of 2 x 2, and ten classes: a LeNet."""
    random = np.random.default_rng(8)
    x, y = nn.indexed("x", 1, size, size), nn.one_hot("y", 10)
    before, depth, equations = x, 1, list[Any]()
    symbols, parameters = list[Any](), dict[str, np.ndarray]()
    p, q = nn.index("p", window), nn.index("q", window)
    for number, many in enumerate(channels, start=1):
        inside = size - window + 1
        size = inside // 2
        k, b = nn.indexed(f"k{number}", many, depth, window, window), nn.indexed(f"b{number}", many)
        a, m = nn.indexed(f"a{number}", many, inside, inside), nn.indexed(f"m{number}", many, size, size)
        c, d, i, j = (
            nn.index(name, n) for name, n in zip("cdij", (many, depth, inside, inside), strict=True)
        )
        limits = (d, 0, depth - 1), (p, 0, window - 1), (q, 0, window - 1)
        terms = sp.Sum(k[c, d, p, q] * before[d, i + p, j + q], *limits)
        equations.append(sp.Eq(a[c, i, j], sp.Max(0, terms + b[c])))
        i, j = nn.index("i", size), nn.index("j", size)
        around = [a[c, 2 * i + u, 2 * j + v] for u in (0, 1) for v in (0, 1)]
        equations.append(sp.Eq(m[c, i, j], sp.Max(*around)))
        symbols += [k, b]
        fan = np.float32((depth * window**2) ** 0.5)
        parameters[str(k)] = _normal(random, many, depth, window, window) / fan
        parameters[str(b)] = _normal(random, many)
        before, depth = m, many
    W, z, E = nn.indexed("W", 10, depth, size, size), nn.indexed("z", 10), nn.scalar("E")
    o, r = nn.index("o", 10), sp.Symbol("r", integer=True)
    c, i, j = nn.index("c", depth), nn.index("i", size), nn.index("j", size)
    made = sp.Sum(W[o, c, i, j] * before[c, i, j], (c, 0, depth - 1), (i, 0, size - 1), (j, 0, size - 1))
    log_sum = sp.log(sp.Sum(sp.exp(z[r]), (r, 0, 9)))
    equations += [
        sp.Eq(z[o], made),
        sp.Eq(E, sp.Sum(y[o, 0] * (log_sum - z[o]), (o, 0, 9))),
    ]
    parameters["W"] = _normal(random, 10, depth, size, size) / np.float32(depth**0.5 * size)
    data = {
        "x": _normal(random, samples, *map(int, x.shape)),
        "y": np.eye(10, dtype="f4")[np.arange(samples) % 10],
    }

    def loss(f, p, given):
        found = given["x"]
        for number in range(1, len(channels) + 1):
            found = f.convolve(found, p[f"k{number}"]) + p[f"b{number}"][None, :, None, None]
            found = f.pool(f.relu(found))
        z = found.reshape(samples, -1) @ p["W"].reshape(10, -1).T
        return -(given["y"] * f.log_softmax(z)).sum(1).mean()

    network = sb.Network(equations, inputs=[x, y], parameters=[*symbols, W], loss=E)
    text = f"images {x.shape[1]} x {x.shape[2]} {'-'.join(map(str, channels))}-10 N={samples}"
    return Structure(text, network, parameters, data, loss)


STRUCTURES = {"attention": attention, "recurrence": recurrence, "convolution": convolution, "images": images}


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

    def pool(x):
        n, c, h, w = x.shape  # several times as fast as lax.reduce_window and its gradient
        return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))

    functions = SimpleNamespace(
        tanh=jnp.tanh,
        relu=jax.nn.relu,
        softmax=partial(jax.nn.softmax, axis=-1),
        log_softmax=partial(jax.nn.log_softmax, axis=-1),
        convolve=convolve,
        pool=pool,
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
        log_softmax=partial(torch.log_softmax, dim=-1),
        convolve=torch.nn.functional.conv2d,
        pool=partial(torch.nn.functional.max_pool2d, kernel_size=2),
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
