"""Small models in every notation, with data in the domain of their functions.

`CATALOGUE` maps a name to an `Entry`; `Entry.network()` builds the model anew, `Entry.values(program)`
draws its data from a fixed seed.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.ir import BATCH, Program
from symbp.network import Network
from symbp.pipeline import Derivation, derive

Eq = sp.Eq


@dataclass(frozen=True)
class Entry:
    """A model and where its data lies: `domain` maps a name to (low, high), others are normal."""

    name: str
    build: Callable[[], Network]
    domain: dict[str, tuple[float, float]] = field(default_factory=dict)

    def network(self) -> Network:
        return self.build()

    @cached_property
    def derivation(self) -> Derivation:
        return derive(self.network())

    def values(self, program: Program, samples: int = 1) -> dict[str, np.ndarray]:
        """Data for the inputs and parameters of a program; the same for every stage of a model."""
        found = {}
        for tensor in program.by_role("input", "label", "parameter"):
            random = np.random.default_rng(zlib.crc32(f"{self.name} {tensor.name}".encode()))
            shape = tuple(samples if n == BATCH else n for n in tensor.shape)
            if tensor.role == "label":
                found[tensor.name] = random.integers(0, tensor.bound, size=shape)
            elif tensor.total is not None:
                weights = random.exponential(size=shape)
                found[tensor.name] = tensor.total * weights / weights.sum(axis=-1, keepdims=True)
            elif tensor.name in self.domain:
                found[tensor.name] = random.uniform(*self.domain[tensor.name], size=shape)
            else:
                found[tensor.name] = 0.7 * random.normal(size=shape)
        return found


CATALOGUE: dict[str, Entry] = {}


def model(**domain: tuple[float, float]) -> Callable:
    """Enter the decorated function; keywords give the range of the data of a name."""

    def enter(build: Callable[[], Network]) -> Callable[[], Network]:
        CATALOGUE[build.__name__] = Entry(build.__name__, build, domain)
        return build

    return enter


def scalars(names: str) -> Any:
    found = [nn.scalar(n) for n in names.split()]
    return found[0] if len(found) == 1 else found


def scalar_model(formula: Callable, inputs: str = "x", parameters: str = "w", **options: Any) -> Network:
    """E = formula(*inputs, *parameters)."""
    ins, pars = [[nn.scalar(n) for n in names.split()] for names in (inputs, parameters)]
    E = nn.scalar("E")
    return Network([Eq(E, formula(*ins, *pars))], inputs=ins, parameters=pars, loss=E, **options)


# ---- examples of a lecture, in scalars


@model()
def logic_gate():
    x1, x2, y, w1, w2, b, z, a, E = scalars("x1 x2 y w1 w2 b z a E")
    equations = [Eq(z, w1 * x1 + w2 * x2 + b), Eq(a, nn.sigmoid(z)), Eq(E, (a - y) ** 2 / 2)]
    return Network(equations, inputs=[x1, x2, y], parameters=[w1, w2, b], loss=E)


@model()
def chain_rule():
    x, w, u, v, E = scalars("x w u v E")
    return Network(
        [Eq(u, w * x), Eq(v, sp.sin(u) + u**2), Eq(E, sp.exp(v / 4))], inputs=[x], parameters=[w], loss=E
    )


@model()
def one_line_neuron():
    return scalar_model(
        lambda x1, x2, x3, y, w1, w2, w3, b: (nn.sigmoid(w1 * x1 + w2 * x2 + w3 * x3 + b) - y) ** 2 / 2,
        "x1 x2 x3 y",
        "w1 w2 w3 b",
    )


@model()
def two_layers_in_scalars():
    x, y, w1, b1, w2, b2, z1, a1, z2, a2, E = scalars("x y w1 b1 w2 b2 z1 a1 z2 a2 E")
    equations = [
        Eq(z1, w1 * x + b1),
        Eq(a1, sp.tanh(z1)),
        Eq(z2, w2 * a1 + b2),
        Eq(a2, nn.sigmoid(z2)),
        Eq(E, nn.binary_cross_entropy(a2, y)),
    ]
    return Network(equations, inputs=[x, y], parameters=[w1, b1, w2, b2], loss=E)


@model()
def kepler():
    return scalar_model(lambda t, y, e, m: (t - e * sp.sin(t) - m - y) ** 2, "t y", "e m")


@model()
def rosenbrock():
    a, b, E = scalars("a b E")
    return Network([Eq(E, (1 - a) ** 2 + 100 * (b - a**2) ** 2)], parameters=[a, b], loss=E, batch=False)


@model()
def shared_subexpressions():
    u = lambda x, w: sp.sin(w * x)  # noqa: E731
    return scalar_model(lambda x, w, v: u(x, w) * v + sp.exp(u(x, w)) * v**2 + u(x, w) ** 3, "x", "w v")


# ---- functions


@model()
def smooth_functions():
    return scalar_model(
        lambda x, w, v: (
            sp.cos(w * x)
            + sp.sinh(w)
            + sp.cosh(v) * sp.atan(x * w)
            + sp.asinh(w + x)
            + sp.asin(sp.tanh(w)) * sp.acos(sp.tanh(v) / 2)
            + sp.atanh(sp.tanh(v) / 2)
        ),
        "x",
        "w v",
    )


@model()
def reciprocal_functions():
    return scalar_model(
        lambda x, w: sp.sech(w * x) + sp.sec(sp.tanh(w)) + sp.coth(w + 9) + sp.acot(w + 5) + sp.sinc(w + 1)
    )


@model()
def error_function():
    return scalar_model(lambda x, w, v: sp.erf(w * x + v) ** 2 + sp.erfc(v), "x", "w v")


@model(k=(0.5, 3), x=(0.5, 3))
def gamma_family():
    return scalar_model(
        lambda x, k: sp.gamma(k) * x + sp.loggamma(k * x) + sp.digamma(k + x) + sp.polygamma(1, k), "x", "k"
    )


@model(a=(1, 2), b=(1, 2), x=(0.1, 0.9))
def beta_likelihood():
    def loss(x, a, b):
        norm = sp.loggamma(a) + sp.loggamma(b) - sp.loggamma(a + b)
        return norm - (a - 1) * sp.log(x) - (b - 1) * sp.log(1 - x)

    return scalar_model(loss, "x", "a b")


@model()
def angle():
    return scalar_model(lambda x, y, w, v: sp.atan2(w * y, v * x + 2) ** 2, "x y", "w v")


@model(x=(0.5, 2), w=(0.5, 2))
def variable_exponent():
    return scalar_model(
        lambda x, w, p: (x**p * w ** (p + x) + 2**p + w ** sp.Rational(-3, 2)) / 3, "x", "w p"
    )


@model()
def steps():
    return scalar_model(
        lambda x, w, v: sp.floor(3 * w) * v + sp.ceiling(x) * v**2 + sp.sign(w) * x + sp.Heaviside(v) * w,
        "x",
        "w v",
    )


@model()
def extremes():
    return scalar_model(
        lambda x, y, w, v: sp.Max(w * x, v * y, sp.Rational(1, 10)) + sp.Min(w, v) * sp.Max(0, w - y),
        "x y",
        "w v",
    )


@model()
def absolute_values():
    return scalar_model(lambda x, w, b: sp.Abs(w * x + b) * sp.Abs(b) + sp.Abs(w) ** 3, "x", "w b")


@model()
def choices():
    def loss(x, y, w, b):
        z = w * x + b
        return sp.Piecewise((z**2, z < -1), (sp.sin(z) * y, sp.And(z < 1, b > 0)), (sp.exp(-z), True))

    return scalar_model(loss, "x y", "w b")


@model(w=(-0.5, 2))
def guarded_logarithm():
    return scalar_model(lambda x, w: sp.Piecewise((w * sp.log(w), w > 0), (0, True)) * x)


class Swish(sp.Function):
    """x sigmoid(x), with its derivative in terms of itself."""

    nargs = 1

    def fdiff(self, argindex=1):
        s = 1 / (1 + sp.exp(-self.args[0]))
        return self + s * (1 - self)

    def _eval_rewrite_as_exp(self, x, **_):
        return x / (1 + sp.exp(-x))


@model()
def user_function():
    return scalar_model(lambda x, y, w, b: (Swish(w * x + b) - y) ** 2, "x y", "w b")


# ---- dense networks


def dense(activation: Any, loss: Any, output: Any = None, sizes: tuple = (3, 4, 2), **options: Any):
    return lambda: sb.mlp(sizes, activation=activation, loss=loss, output=output, **options)


for _name in nn.ACTIVATIONS:
    CATALOGUE[f"dense_{_name}"] = Entry(f"dense_{_name}", dense(_name, "squared_error"))

_OUTPUTS = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}
for _name in nn.LOSSES:
    CATALOGUE[f"loss_{_name}"] = Entry(
        f"loss_{_name}", dense("tanh", _name, _OUTPUTS.get(_name)), {"y": (0.1, 0.9)}
    )

for _name, _build in {
    "labels_softmax": dense("relu", "softmax_cross_entropy", labels=True),
    "labels_probabilities": dense("tanh", "cross_entropy", "softmax", labels=True),
    "sum_reduction": dense("tanh", "squared_error", reduction="sum"),
    "single_output": dense("sigmoid", "binary_cross_entropy", "sigmoid", sizes=(3, 2, 1)),
    "all_ones": dense("silu", "squared_error", "softplus", sizes=(1, 1, 1)),
    "deep": dense("softplus", "squared_error", sizes=(2, 3, 2, 3, 2)),
}.items():
    CATALOGUE[_name] = Entry(_name, _build, {"y": (0.1, 0.9)})


@model()
def l2_penalty():
    net = sb.mlp((3, 4, 2))
    E, F = nn.scalar("E"), nn.scalar("F")
    weights = [p for p in net.parameters if p.name.startswith("W")]
    equations = [*net.equations, Eq(F, E + nn.l2_penalty(0.1, *weights))]
    return Network(equations, inputs=net.inputs, parameters=net.parameters, loss=F)


# ---- matrix notation


@model()
def linear_regression():
    x, w, y, b, E = nn.vector("x", 4), nn.vector("w", 4), nn.scalar("y"), nn.scalar("b"), nn.scalar("E")
    return Network([Eq(E, (nn.dot(w, x) + b - y) ** 2)], inputs=[x, y], parameters=[w, b], loss=E)


@model()
def normal_equations():
    X, y, w, E = nn.matrix("X", 5, 3), nn.vector("y", 5), nn.vector("w", 3), nn.scalar("E")
    return Network(
        [Eq(E, nn.squared_norm(X * w - y) / 5)], inputs=[X, y], parameters=[w], loss=E, batch=False
    )


@model()
def product_chain():
    x, A, B, C = nn.vector("x", 2), nn.matrix("A", 3, 4), nn.matrix("B", 4, 5), nn.matrix("C", 5, 2)
    z, E = nn.vector("z", 3), nn.scalar("E")
    return Network(
        [Eq(z, A * B * C * x), Eq(E, nn.squared_norm(z) / 2)], inputs=[x], parameters=[A, B, C], loss=E
    )


@model()
def traces():
    A, B, X, E = nn.matrix("A", 3, 3), nn.matrix("B", 3, 2), nn.matrix("X", 2, 3), nn.scalar("E")
    return Network(
        [Eq(E, sp.Trace(A * B * X) + sp.Trace(A) ** 2 + sp.Trace(A.T * A))],
        inputs=[X],
        parameters=[A, B],
        loss=E,
    )


@model()
def hadamard_and_transpose():
    X, A, B, M = (nn.matrix(n, *s) for n, s in zip("XABM", [(2, 3), (3, 2), (2, 3), (2, 3)], strict=True))
    E = nn.scalar("E")
    equations = [Eq(M, sp.HadamardProduct(A.T, X) + 2 * B), Eq(E, nn.total(nn.tanh(M)) + nn.dot(M, B))]
    return Network(equations, inputs=[X], parameters=[A, B], loss=E)


@model()
def explicit_constants():
    x, w, z, E = nn.vector("x", 3), nn.vector("w", 3), nn.vector("z", 2), nn.scalar("E")
    T = sp.Matrix([[1, sp.Rational(1, 2), -1], [0, 2, sp.pi]])
    equations = [
        Eq(z, T * sp.HadamardProduct(w, x) + sp.Matrix([1, -2])),
        Eq(E, nn.total(nn.square(z)) + sp.Matrix([[3, 1, 2]]).dot(sp.Matrix([1, 2, 3])) * w[1, 0]),
    ]
    return Network(equations, inputs=[x], parameters=[w], loss=E)


@model()
def rotation():
    p, q, r, t, E = nn.vector("p", 2), nn.vector("q", 2), nn.vector("r", 2), nn.scalar("t"), nn.scalar("E")
    R = sp.Matrix([[sp.cos(t), -sp.sin(t)], [sp.sin(t), sp.cos(t)]])
    return Network([Eq(r, R * p), Eq(E, nn.squared_error(r, q))], inputs=[p, q], parameters=[t], loss=E)


@model()
def matrix_power():
    A, x, z, E = nn.matrix("A", 3, 3), nn.vector("x", 3), nn.vector("z", 3), nn.scalar("E")
    equations = [Eq(z, (A**2 + sp.Identity(3)) * x), Eq(E, nn.squared_norm(z))]
    return Network(equations, inputs=[x], parameters=[A], loss=E)


@model()
def quadratic_form():
    x, A, E = nn.vector("x", 3), nn.matrix("A", 3, 3), nn.scalar("E")
    return Network([Eq(E, nn.dot(x, A * x) + nn.mean(A))], inputs=[x], parameters=[A], loss=E)


@model()
def shared_weights():
    x, y, W, b = nn.vector("x", 3), nn.vector("y", 3), nn.matrix("W", 3, 3), nn.vector("b", 3)
    a = [x, *(nn.vector(f"h{k}", 3) for k in range(1, 5))]
    E = nn.scalar("E")
    equations = [Eq(new, nn.tanh(W * old + b)) for old, new in itertools.pairwise(a)]
    return Network([*equations, Eq(E, nn.squared_error(a[-1], y))], inputs=[x, y], parameters=[W, b], loss=E)


# ---- index notation


@model()
def dense_in_indices():
    i, j = nn.index("i", 4), nn.index("j", 3)
    x, W, b, y, z = (
        nn.indexed(n, *s) for n, s in zip("xWbyz", [(3,), (4, 3), (4,), (4,), (4,)], strict=True)
    )
    E = nn.scalar("E")
    equations = [
        Eq(z[i], sp.Sum(W[i, j] * x[j], (j, 0, 2)) + b[i]),
        Eq(E, sp.Sum((sp.tanh(z[i]) - y[i]) ** 2, (i, 0, 3)) / 2),
    ]
    return Network(equations, inputs=[x, y], parameters=[W, b], loss=E)


@model()
def triangular_sum():
    i, j = sp.symbols("i j", integer=True)
    x, W, z, E = nn.indexed("x", 5), nn.indexed("W", 5, 5), nn.indexed("z", 5), nn.scalar("E")
    equations = [
        Eq(z[i], sp.Sum(W[i, j] * x[j], (j, 0, i))),
        Eq(E, sp.Sum(z[i] ** 2, (i, 0, 4))),
    ]
    return Network(equations, inputs=[x], parameters=[W], loss=E)


@model()
def convolution():
    i, p = nn.index("i", 6), nn.index("p", 3)
    x, k, z, E = nn.indexed("x", 8), nn.indexed("k", 3), nn.indexed("z", 6), nn.scalar("E")
    b = nn.scalar("b")
    equations = [
        Eq(z[i], sp.Sum(k[p] * x[i + p], (p, 0, 2)) + b),
        Eq(E, sp.Sum(sp.Max(0, z[i]) ** 2, (i, 0, 5))),
    ]
    return Network(equations, inputs=[x], parameters=[k, b], loss=E)


@model()
def two_convolutions():
    i, l, p = nn.index("i", 6), nn.index("l", 4), nn.index("p", 3)  # noqa: E741
    x, k, c = nn.indexed("x", 8), nn.indexed("k", 3), nn.indexed("c", 3)
    u, v, E = nn.indexed("u", 6), nn.indexed("v", 4), nn.scalar("E")
    equations = [
        Eq(u[i], sp.tanh(sp.Sum(k[p] * x[i + p], (p, 0, 2)))),
        Eq(v[l], sp.Sum(c[p] * u[l + p], (p, 0, 2))),
        Eq(E, sp.Sum(v[l] ** 2, (l, 0, 3))),
    ]
    return Network(equations, inputs=[x], parameters=[k, c], loss=E)


@model()
def image_convolution():
    i, j, p, q = nn.index("i", 3), nn.index("j", 4), nn.index("p", 2), nn.index("q", 2)
    x, k, z, E = nn.indexed("x", 4, 5), nn.indexed("k", 2, 2), nn.indexed("z", 3, 4), nn.scalar("E")
    equations = [
        Eq(z[i, j], sp.Sum(k[p, q] * x[i + p, j + q], (p, 0, 1), (q, 0, 1))),
        Eq(E, sp.Sum(sp.tanh(z[i, j]), (i, 0, 2), (j, 0, 3))),
    ]
    return Network(equations, inputs=[x], parameters=[k], loss=E)


@model()
def attention():
    t, s, d, e = nn.index("t", 3), nn.index("s", 3), nn.index("d", 2), nn.index("e", 2)
    X, Q, K, q, k = (nn.indexed(n, *shape) for n, shape in
                     [("X", (3, 2)), ("Q", (2, 2)), ("K", (2, 2)), ("q", (3, 2)), ("k", (3, 2))])  # fmt: skip
    S, A, Z, E = nn.indexed("S", 3, 3), nn.indexed("A", 3, 3), nn.indexed("Z", 3, 2), nn.scalar("E")
    r = sp.Symbol("r", integer=True)
    equations = [
        Eq(q[t, d], sp.Sum(X[t, e] * Q[e, d], (e, 0, 1))),
        Eq(k[t, d], sp.Sum(X[t, e] * K[e, d], (e, 0, 1))),
        Eq(S[t, s], sp.Sum(q[t, d] * k[s, d], (d, 0, 1)) / sp.sqrt(2)),
        Eq(A[t, s], sp.exp(S[t, s]) / sp.Sum(sp.exp(S[t, r]), (r, 0, 2))),
        Eq(Z[t, d], sp.Sum(A[t, s] * X[s, d], (s, 0, 2))),
        Eq(E, sp.Sum(Z[t, d] ** 2, (t, 0, 2), (d, 0, 1))),
    ]
    return Network(equations, inputs=[X], parameters=[Q, K], loss=E)


@model()
def recurrence():
    x, w, u, b, E = nn.indexed("x", 5), *scalars("w u b E")
    h = [sp.S.Zero, *scalars("h1 h2 h3 h4 h5")]
    equations = [Eq(h[k + 1], sp.tanh(w * h[k] + u * x[k] + b)) for k in range(5)]
    return Network([*equations, Eq(E, h[5] ** 2)], inputs=[x], parameters=[w, u, b], loss=E)


@model()
def kronecker():
    i, j = nn.index("i", 3), nn.index("j", 3)
    A, x, z, E = nn.indexed("A", 3, 3), nn.indexed("x", 3), nn.indexed("z", 3), nn.scalar("E")
    equations = [
        Eq(z[i], sp.Sum((A[i, j] + 2 * sp.KroneckerDelta(i, j)) * x[j], (j, 0, 2))),
        Eq(
            E,
            sp.Sum(A[i, j] ** 2 * sp.KroneckerDelta(i, j), (i, 0, 2), (j, 0, 2))
            + sp.Sum(z[i] ** 3, (i, 0, 2)),
        ),
    ]
    return Network(equations, inputs=[x], parameters=[A], loss=E)


@model()
def embedding():
    c, x, T, E = nn.label("c"), nn.indexed("x", 2), nn.indexed("T", 4, 2), nn.scalar("E")
    d = nn.index("d", 2)
    return Network([Eq(E, sp.Sum((T[c, d] - x[d]) ** 2, (d, 0, 1)))], inputs=[c, x], parameters=[T], loss=E)


@model()
def contraction():
    i, j, k = nn.index("i", 3), nn.index("j", 4), nn.index("k", 5)
    x, A, B, z, E = (
        nn.indexed("x", 5),
        nn.indexed("A", 3, 4),
        nn.indexed("B", 4, 5),
        nn.indexed("z", 3),
        nn.scalar("E"),
    )
    equations = [
        Eq(z[i], sp.Sum(A[i, j] * B[j, k] * x[k], (j, 0, 3), (k, 0, 4))),
        Eq(E, sp.Sum(z[i] ** 2, (i, 0, 2))),
    ]
    return Network(equations, inputs=[x], parameters=[A, B], loss=E)


@model(t=(0.1, 0.9))
def polynomial():
    n = sp.Symbol("n", integer=True)
    t, y, a, E = nn.scalar("t"), nn.scalar("y"), nn.indexed("a", 5), nn.scalar("E")
    return Network([Eq(E, (sp.Sum(a[n] * t**n, (n, 0, 4)) - y) ** 2)], inputs=[t, y], parameters=[a], loss=E)


@model()
def mixed_notations():
    x, W, z, s, E = nn.vector("x", 3), nn.matrix("W", 2, 3), nn.vector("z", 2), nn.scalar("s"), nn.scalar("E")
    k = nn.index("k", 2)
    equations = [Eq(z, W * x), Eq(E, s * sp.Sum(sp.exp(z[k, 0]), (k, 0, 1)) + sp.sin(s) * z[1, 0])]
    return Network(equations, inputs=[x], parameters=[W, s], loss=E)


@model()
def log_sum_exp():
    k = nn.index("k", 4)
    x, w, E = nn.indexed("x", 4), nn.indexed("w", 4), nn.scalar("E")
    return Network(
        [Eq(E, sp.log(sp.Sum(sp.exp(w[k] * x[k]), (k, 0, 3))) - w[2])], inputs=[x], parameters=[w], loss=E
    )


@model()
def unused_results():
    x, w, v, u, E = scalars("x w v u E")
    return Network([Eq(u, sp.exp(w)), Eq(E, sp.sin(w * x))], inputs=[x], parameters=[w, v], loss=E)


def entry(name: str) -> Entry:
    return CATALOGUE[name]


NAMES = tuple(CATALOGUE)
