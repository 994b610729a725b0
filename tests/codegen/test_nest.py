"""Loops with conditions: solved indices, limits, guards; reads never leave a tensor."""

from __future__ import annotations

import numpy as np
import sympy as sp

from symbp.codegen.module import emit
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import load, program_of

N = Index("n", BATCH)


def test_convolution_and_its_transpose(agree):
    x, w = Tensor("x", (BATCH, 8), "input"), Tensor("w", (3,), "parameter")
    o, k, p = Index("o", 6), Index("k", 3), Index("p", 8)
    z, dx, dw, padded = (
        Tensor("z", (BATCH, 6)),
        Tensor("dx", (BATCH, 8)),
        Tensor("dw", (3,)),
        Tensor("pad", (BATCH, 8)),
    )
    statements = [
        Statement("z", (N, o), w[k] * x[N, o + k], "sum", (k,)),
        Statement("dx", (N, p), w[k] * z[N, o], "sum", (o, k), (sp.Eq(p, o + k),)),
        Statement("dw", (k,), z[N, o] * x[N, o + k], "sum", (N, o)),
        Statement(
            "pad", (N, p), x[N, p + k - 1] * w[k], "sum", (k,), (sp.Ge(p + k - 1, 0), sp.Lt(p + k - 1, 8))
        ),
    ]
    text = agree(program_of([x, w, z, dx, dw, padded], statements, ("dx", "dw", "pad")), ("dx", "dw", "pad"))
    assert "range(max(0, " in text


def test_triangular_sums_and_guarded_entries(agree):
    x = Tensor("x", (BATCH, 5), "input")
    i, j, k = Index("i", 5), Index("j", 5), Index("k", 5)
    below, above, lower, pair = (
        Tensor(n, s)
        for n, s in zip(("below", "above", "lower", "pair"), ((BATCH, 5),) * 3 + ((),), strict=True)
    )
    statements = [
        Statement("below", (N, i), x[N, j], "sum", (j,), (sp.Le(j, i),)),
        Statement("above", (N, i), x[N, j], "max", (j,), (sp.Gt(j, i),)),
        Statement("lower", (N, i), x[N, i - 1] * 2, where=(sp.Ge(i - 1, 0),)),
        Statement("pair", (), x[N, j] * x[N, k], "sum", (N, j, k), (sp.Lt(j, k), sp.Ne(j + k, 4))),
    ]
    names = ("below", "above", "lower", "pair")
    text = agree(program_of([x, below, above, lower, pair], statements, names), names)
    assert "for j in range(min(5, " in text


def test_strided_pooling_with_solved_indices(agree):
    x, g = Tensor("x", (BATCH, 7), "input"), Tensor("g", (BATCH, 3), "input")
    o, k, p = Index("o", 3), Index("k", 2), Index("p", 7)
    y, back = Tensor("y", (BATCH, 3)), Tensor("back", (BATCH, 7))
    statements = [
        Statement("y", (N, o), x[N, 2 * o + k], "max", (k,)),
        Statement("back", (N, p), g[N, o] * (k + 1), "sum", (o, k), (sp.Eq(p, 2 * o + k),)),
    ]
    agree(program_of([x, g, y, back], statements, ("y", "back")), ("y", "back"))


def test_guarded_value_used_again_in_its_nest(agree):
    x = Tensor("x", (BATCH, 4), "input")
    i = Index("i", 4)
    a, b = Tensor("a", (BATCH, 4)), Tensor("b", (BATCH, 4))
    statements = [
        Statement("a", (N, i), sp.log(x[N, i]), where=(sp.Gt(i, 1),)),
        Statement("b", (N, i), a[N, i] + 1),
    ]
    values = np.abs(np.random.default_rng(0).normal(size=(3, 4)))
    agree(program_of([x, a, b], statements, ("b",)), ("b",), samples=(3,), values={"x": values})


def test_reads_guarded_by_a_piecewise_stay_inside(tmp_path):
    """Both branches of a select are evaluated: the address is clamped."""
    x = Tensor("x", (BATCH, 4), "input")
    i = Index("i", 4)
    a = Tensor("a", (BATCH, 4))
    body = sp.Piecewise((x[N, i + 2], i < 2), (0, True))
    kernel = Kernel(
        "shift", program_of([x, a], [Statement("a", (N, i), body)], ("a",)), ("x",), (), ("a",), ()
    )
    text = emit([kernel])
    assert "min(max(i + 2, 0), 3)" in text
    values = np.arange(8.0).reshape(2, 4)
    assert load(text, tmp_path).shift(values)[0].tolist() == [[2, 3, 0, 0], [6, 7, 0, 0]]


def test_index_names_may_collide(agree):
    """Fused statements use the same letters for different loops."""
    x, w = Tensor("x", (BATCH, 3), "input"), Tensor("w", (3, 3), "parameter")
    i, j = Index("i", 3), Index("j", 3)
    n2 = Index("i", BATCH)
    a, b, c = Tensor("a", (BATCH, 3)), Tensor("b", (BATCH, 3)), Tensor("c", (BATCH,))
    statements = [
        Statement("a", (N, i), w[i, j] * x[N, j], "sum", (j,)),
        Statement("b", (n2, j), a[n2, j] + w[j, i] * x[n2, i], "sum", (i,)),
        Statement("c", (n2,), b[n2, i], "sum", (i,)),
    ]
    agree(program_of([x, w, a, b, c], statements, ("c",)), ("c",))


def test_equal_reductions_share_their_loop(agree):
    x = Tensor("x", (BATCH, 3), "input")
    i, j = Index("i", 3), Index("j", 3)
    a, b = Tensor("a", (BATCH,)), Tensor("b", (BATCH,))
    statements = [
        Statement("a", (N,), x[N, i] ** 2, "sum", (i,)),
        Statement("b", (N,), x[N, j] ** 3, "max", (j,)),
    ]
    text = agree(program_of([x, a, b], statements, ("a", "b")), ("a", "b"))
    assert text.count("for i in range(3)") == 1
    assert "for j in" not in text


def test_number_of_samples_and_indices_as_values(agree):
    x = Tensor("x", (BATCH, 3), "input")
    i = Index("i", 3)
    a, b = Tensor("a", (BATCH, 3)), Tensor("b", (3,))
    statements = [
        Statement("a", (N, i), x[N, i] * i / sp.sqrt(BATCH) + sp.Rational(1, 3)),
        Statement("b", (i,), a[N, i] * (i + 1), "sum", (N,)),
    ]
    for dtype in ("float64", "float32"):
        agree(program_of([x, a, b], statements, ("a", "b")), ("a", "b"), dtype=dtype)
