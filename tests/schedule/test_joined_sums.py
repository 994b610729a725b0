"""Sums over the samples of sums, as one."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from benchmarks.structures import attention, convolution, recurrence
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
    joined = with_joined_sums(program(row))
    (found,) = joined.statements
    assert found == Statement("g", (M, J), row.body, "sum", (N,))
    assert len(products_of(found, joined.tensors)) == 2


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


NETWORKS = {
    "recurrence": recurrence(5, 8, 24),
    "long recurrence": recurrence(30, 8, 8),
    "attention": attention(12, 16),
    "convolution": convolution(18, 8),
}


@pytest.mark.parametrize("samples", [1, 2, 7, 70, 200])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_what_is_shared(name, samples):
    """Against central differences, for tiles of every length; threads change no digit."""
    network = NETWORKS[name].network
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
    source = sb.compile(NETWORKS["recurrence"].network).source
    assert "dE_dU" not in source.replace("mean_dE_dU", "").replace("mean dE/dU", "")


@pytest.mark.parametrize("head", ["h", "n", "step", "rows"])
def test_heads_are_called_as_anything(head):
    heads, places, width = 3, 12, 8
    h, t, s, d = (sp.Symbol(name, integer=True) for name in (head, "t", "s", "d"))
    q, k = (nn.indexed(name, heads, places, width) for name in "qk")
    w, S = (nn.indexed(name, heads, places, places) for name in "wS")
    E = nn.scalar("E")
    scores = sp.Eq(S[h, t, s], sp.Sum(q[h, t, d] * k[h, s, d], (d, 0, width - 1)))
    limits = (h, 0, heads - 1), (t, 0, places - 1), (s, 0, places - 1)
    loss = sp.Eq(E, sp.Sum(w[h, t, s] * S[h, t, s] ** 2, *limits))
    model = sb.compile(sb.Network([scores, loss], inputs=[q, k], parameters=[w], loss=E))
    random = np.random.default_rng(0)
    data = {name: random.normal(size=(5, heads, places, width)) for name in "qk"}
    _, gradient = model.value_and_grad(random.normal(size=heads * places**2), data=data)
    want = np.einsum("nhtd,nhsd->nhts", data["q"], data["k"])
    np.testing.assert_allclose(gradient, (want**2).mean(0).ravel(), rtol=1e-12)
