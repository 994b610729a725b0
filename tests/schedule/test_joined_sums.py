"""Sums over the samples of sums, as one."""

from __future__ import annotations

import re

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


def test_several_rows_that_labels_choose_and_what_is_beside_them():
    labels = [Tensor(name, (BATCH,), "label", bound=8) for name in "lm"]
    rows = [Tensor(f"r{k}", (BATCH, 8, 12)) for k in range(2)]
    chosen = [
        Statement(row.name, (N, M, J), A[N, k, 0] * B[N, 0, J], where=(sp.Eq(M, label[N]),))
        for k, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]
    added = rows[0][N, M, J] + rows[1][N, M, J]
    for beside in (0, sp.tanh(A[N, 0, M])):
        total = Statement("g", (M, J), added + beside, "sum", (N,))
        found = with_joined_sums(program_of([A, B, *labels, *rows, G], [*chosen, total], ("g",)))
        *parts, whole = found.statements
        assert [(s.bound, s.where) for s in parts[:2]] == [((N,), s.where) for s in chosen]
        assert {s.body for s in parts[2:]} == ({beside} - {0})
        assert (whole.reduce, whole.body) == ("none", sp.Add(*(s.access for s in parts)))


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


def test_rows_of_a_table_are_summed_where_labels_say():
    """Each label has a sum of its own, and so has what else the weights are used for; none is per sample."""
    table, out = nn.indexed("W", 30, 4), nn.indexed("h", 4)
    first, second, E = nn.label("a"), nn.label("b"), nn.scalar("E")
    e, k = nn.index("e", 4), nn.index("k", 30)
    chosen = sp.Eq(out[e], sp.tanh(table[first, e] + 2 * table[second, e]))
    decay = sp.Sum(table[k, e] ** 2, (k, 0, 29), (e, 0, 3))
    loss = sp.Eq(E, sp.Sum(out[e] ** 2, (e, 0, 3)) + decay / 50)
    model = sb.compile(sb.Network([chosen, loss], inputs=[first, second], parameters=[table], loss=E))
    random = np.random.default_rng(0)
    for samples in (1, 100, 1000):
        a, b = random.integers(0, 30, size=(2, samples))
        theta = random.normal(size=120)
        W = theta.reshape(30, 4)
        h = np.tanh(W[a] + 2 * W[b])
        slope = 2 * h * (1 - h**2) / samples
        want = W / 25
        np.add.at(want, a, slope)
        np.add.at(want, b, 2 * slope)
        loss, gradient = model.value_and_grad(theta, a=a, b=b)
        assert loss == pytest.approx((h**2).sum(1).mean() + (W**2).sum() / 50, rel=1e-13)
        np.testing.assert_allclose(gradient, want.ravel(), rtol=1e-11, atol=1e-15)
    assert not re.search(r"rows, 30, 4\)", model.source)


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
