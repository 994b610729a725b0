"""What is seen as a matrix product."""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import BATCH, Index, Statement, Tensor
from symbp.schedule.product import product_of, without_single_terms
from tests.codegen.kernels import program_of

N, M, K = Index("n", BATCH), Index("i", 8), Index("j", 6)
X, D = Tensor("x", (BATCH, 6), "input"), Tensor("d", (BATCH, 8), "input")
W = Tensor("W", (8, 6), "parameter")


def test_factors_by_their_part():
    found = product_of(Statement("g", (M, K), X[N, K] * D[N, M], "sum", (N,)))
    assert (found.left, found.right) == (D[N, M], X[N, K])
    assert (found.rows, found.columns, found.depth) == (M, K, N)
    one = Index("k", 1)
    row = Tensor("r", (1, 64), "parameter")
    assert (
        product_of(Statement("t", (N, Index("j", 64)), row[one, Index("j", 64)] * D[N, one], "sum", (one,)))
        is None
    )


def test_sums_of_rows_are_products_with_ones():
    found = product_of(Statement("b", (M,), D[N, M], "sum", (N,)))
    assert (found.left, found.right, found.rows, found.columns, found.depth) == (None, D[N, M], None, M, N)
    short, k = Tensor("e", (BATCH, 3), "input"), Index("k", 3)
    assert product_of(Statement("b", (k,), short[N, k], "sum", (N,))) is None
    assert product_of(Statement("s", (N,), D[N, M], "sum", (M,))) is None
    assert product_of(Statement("b", (M,), D[N, M], "max", (N,))) is None


def test_what_is_none():
    k, long = Index("k", 3), Index("l", 64)
    v = Tensor("v", (64,), "parameter")
    for statement in (
        Statement("z", (N, K), W[M, K] * D[N, M], "max", (M,)),
        Statement("z", (N, K), W[M, K] * D[N, M] * 2, "sum", (M,)),
        Statement("z", (N, K), W[M, K] * sp.tanh(D[N, M]), "sum", (M,)),
        Statement("z", (N, K), W[M, K] * D[N, M], "sum", (M,), (sp.Lt(M, K),)),
        Statement("z", (N, k), W[M, k + 1] * D[N, M], "sum", (M,)),
        Statement("s", (N,), v[long] * D[N, long], "sum", (long,)),
        Statement("s", (long,), v[long] * D[N, long], "sum", (N,)),
    ):
        assert product_of(statement) is None


def test_rows_along_the_sum():
    for body in (W[M, K] * X[N, K], X[N, K] * W[M, K]):
        found = product_of(Statement("z", (N, M), body, "sum", (K,)))
        assert (found.left, found.right, found.turned) == (X[N, K], W[M, K], True)
    vector = Tensor("v", (6,), "parameter")
    found = product_of(Statement("z", (M,), W[M, K] * vector[K], "sum", (K,)))
    assert (found.left, found.right, found.rows, found.turned) == (vector[K], W[M, K], None, True)
    assert not product_of(Statement("z", (N, K), W[M, K] * D[N, M], "sum", (M,))).turned


def test_sums_of_one_term_are_written_out():
    one = Index("k", 1)
    v, t = Tensor("v", (BATCH, 1), "input"), Tensor("t", (BATCH, 6))
    row = Tensor("r", (1, 6), "parameter")
    statement = Statement("t", (N, K), row[one, K] * v[N, one], "sum", (one,))
    (found,) = without_single_terms(program_of([v, row, t], [statement], ("t",))).statements
    assert found == Statement("t", (N, K), row[0, K] * v[N, 0])
