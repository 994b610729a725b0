"""Sums over the samples of sums, as one."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.ir.nodes import BATCH, Index, Statement, Tensor
from symbp.schedule.joined_sums import with_joined_sums
from symbp.schedule.product import products_of
from tests.codegen.kernels import program_of

N, M, J = Index("n", BATCH), Index("i", 8), Index("j", 12)
A, B = Tensor("a", (BATCH, 16, 8), "input"), Tensor("b", (BATCH, 16, 12), "input")
G, ROW = Tensor("g", (8, 12)), Tensor("row", (BATCH, 8, 12))


def program(row, outputs=("g",), total=None):
    total = total or Statement("g", (M, J), ROW[N, M, J], "sum", (N,))
    return program_of([A, B, ROW, G], [row, total], outputs)


def test_terms_of_a_row_become_terms_of_the_sum():
    row = Statement("row", (N, M, J), A[N, 0, M] * B[N, 0, J] + A[N, 1, M] * B[N, 1, J])
    (found,) = with_joined_sums(program(row)).statements
    assert found == Statement("g", (M, J), row.body, "sum", (N,))
    assert len(products_of(found)) == 2


def test_sums_of_a_row_go_over_the_samples_too():
    # The index of its sum is called as one of the total's.
    i, t = Index("p", 8), Index("i", 16)
    row = Statement("row", (N, i, J), A[N, t, i] * B[N, t, J], "sum", (t,))
    (found,) = with_joined_sums(program(row)).statements
    other = Index("i_", 16)
    assert found == Statement("g", (M, J), A[N, other, M] * B[N, other, J], "sum", (N, other))


def test_what_others_read_or_is_no_product_stays():
    row = Statement("row", (N, M, J), A[N, 0, M] * B[N, 0, J] + A[N, 1, M] * B[N, 1, J])
    for plain in (
        program(row, ("g", "row")),
        program(row.with_body(sp.tanh(A[N, 0, M]) * B[N, 0, J])),
        program(row, total=Statement("g", (M, J), ROW[N, M, J] ** 2, "sum", (N,))),
        program(row, total=Statement("g", (M, J), ROW[N, M, J], "max", (N,))),
    ):
        assert with_joined_sums(plain) is plain


def recurrence(steps=5, width=24):
    x, w, u = nn.indexed("x", steps, 8), nn.indexed("W", width, 8), nn.indexed("U", width, width)
    b, E = nn.indexed("b", width), nn.scalar("E")
    i, j, e = nn.index("i", width), nn.index("j", width), nn.index("e", 8)
    equations, before = [], None
    for t in range(steps):
        state = nn.indexed(f"h{t}", width)
        z = sp.Sum(w[i, e] * x[t, e], (e, 0, 7)) + b[i]
        if before is not None:
            z += sp.Sum(u[i, j] * before[j], (j, 0, width - 1))
        equations.append(sp.Eq(state[i], sp.tanh(z)))
        before = state
    equations.append(sp.Eq(E, sp.Sum(before[i] ** 2, (i, 0, width - 1))))
    return sb.Network(equations, inputs=[x], parameters=[w, u, b], loss=E)


def attention(places=12, width=16):
    t, s, r = nn.index("t", places), nn.index("s", places), sp.Symbol("r", integer=True)
    d, e = nn.index("d", width), nn.index("e", width)
    X, Q, K, V = nn.indexed("X", places, width), *(nn.indexed(n, width, width) for n in "QKV")
    q, k, v = (nn.indexed(n, places, width) for n in "qkv")
    S, A, Z, E = (
        *(nn.indexed(n, places, places) for n in "SA"),
        nn.indexed("Z", places, width),
        nn.scalar("E"),
    )
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
    return sb.Network(equations, inputs=[X], parameters=[Q, K, V], loss=E)


def convolution(size=18, channels=8, window=3):
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
    total = sp.Sum(z[c, i, j] ** 2, (c, 0, channels - 1), (i, 0, inside - 1), (j, 0, inside - 1))
    equations = [sp.Eq(z[c, i, j], sp.tanh(terms + b[c])), sp.Eq(E, total / inside**2)]
    return sb.Network(equations, inputs=[x], parameters=[k, b], loss=E)


def long_recurrence():
    return recurrence(30, 8)


@pytest.mark.parametrize("samples", [1, 2, 7, 70, 200])
@pytest.mark.parametrize("make", [recurrence, long_recurrence, attention, convolution])
def test_gradients_of_what_is_shared(make, samples):
    """Against central differences, for tiles of every length; threads change no digit."""
    network = make()
    model = sb.compile(network, threads=1)
    random = np.random.default_rng(samples)
    theta = random.normal(0, 0.3, model.init(seed=0).shape)
    (symbol,) = network.inputs
    data = {str(symbol): random.normal(size=(samples, *map(int, symbol.shape)))}
    _, gradient = model.value_and_grad(theta, data=data)
    direction = random.normal(size=theta.shape)
    step = 1e-5
    ends = [model.value_and_grad(theta + k * step * direction, data=data)[0] for k in (1, -1)]
    assert gradient @ direction == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-7)
    assert "multiply(" in model.source
    shared = sb.compile(network, threads=2)
    for _ in range(20):
        _, other = shared.value_and_grad(theta, data=data)
        np.testing.assert_array_equal(other, gradient)


def test_no_gradient_per_sample_is_kept():
    source = sb.compile(recurrence()).source
    assert "dE_dU" not in source.replace("mean_dE_dU", "").replace("mean dE/dU", "")
