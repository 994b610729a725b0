"""What is seen as a matrix product."""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import BATCH, Index, Statement, Tensor
from symbp.schedule.product import product_of, products_of, without_single_terms
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


T, S, HEAD = Index("t", 16), Index("s", 12), Index("h", 4)
Q, V = Tensor("q", (BATCH, 4, 16, 8), "input"), Tensor("v", (BATCH, 4, 12, 8), "input")


def test_loops_around_products():
    """Of scores for samples and heads, and of rows that have more than one axis."""
    (found,) = products_of(Statement("S", (N, HEAD, T, S), Q[N, HEAD, T, M] * V[N, HEAD, S, M], "sum", (M,)))
    assert (found.rows, found.columns, found.depth, found.loops) == (T, S, M, (N, HEAD))
    assert (found.left, found.turned) == (Q[N, HEAD, T, M], True)
    X, m = Tensor("X", (BATCH, 16, 8), "input"), Index("m", 64)
    weights = Tensor("U", (8, 64), "parameter")
    (found,) = products_of(Statement("z", (N, T, m), X[N, T, M] * weights[M, m], "sum", (M,)))
    assert (found.rows, found.columns, found.loops, found.turned) == (T, m, (N,), False)
    # The sum over samples too, in the gradient of what every position uses.
    D = Tensor("D", (BATCH, 16, 64), "input")
    (found,) = products_of(Statement("g", (M, m), X[N, T, M] * D[N, T, m], "sum", (N, T)))
    assert (found.rows, found.columns, found.depth, found.loops) == (M, m, T, (N,))


def test_windows_may_overlap():
    c, i, j, p, q = (Index(name, n) for name, n in zip("cijpq", (8, 26, 26, 3, 3), strict=True))
    x, k = Tensor("x", (BATCH, 28, 28), "input"), Tensor("k", (8, 3, 3), "parameter")
    d = Tensor("d", (BATCH, 8, 26, 26), "input")
    (found,) = products_of(
        z_of := Statement("z", (N, c, i, j), k[c, p, q] * x[N, i + p, j + q], "sum", (q, p))
    )
    assert (found.rows, found.columns, found.depth, found.turned) == (c, j, q, False)
    assert found.loops == (N, i, p)
    (found,) = products_of(Statement("g", (c, p, q), d[N, c, i, j] * x[N, i + p, j + q], "sum", (N, i, j)))
    assert (found.rows, found.columns, found.loops, found.turned) == (c, q, (p, N, j), False)
    twice = z_of.with_body(k[c, p, q] * x[N, i + p, 2 * j + q])
    assert products_of(twice) == products_of(z_of.with_body(k[c, p, q] * x[N, p + p, j + q])) == []


def test_sums_of_products():
    both = Statement("g", (M, K), X[N, K] * D[N, M] + D[N, M] * W[M, K], "sum", (N,))
    assert products_of(both) == []
    Y = Tensor("y", (BATCH, 6), "input")
    found = products_of(Statement("g", (M, K), X[N, K] * D[N, M] + Y[N, K] * D[N, M], "sum", (N,)))
    assert sorted(p.right.name for p in found) == ["x", "y"]
    assert all((p.rows, p.columns, p.depth, p.loops) == (M, K, N, ()) for p in found)
    single = Statement("g", (M, K), X[N, K] * D[N, M], "sum", (N,))
    assert products_of(single) == [product_of(single)]


def test_what_is_no_product_in_loops():
    few = Index("f", 4)
    for statement in (
        # Few terms, for each of which there would be a call.
        Statement("S", (N, T, few), Q[N, 0, T, few] * V[N, 0, few, few], "sum", (M,)),
        Statement("S", (N, HEAD, T), Q[N, HEAD, T, M] * V[N, HEAD, 0, M], "sum", (M,)),
        # Axes that no stride describes, and no rows of their own.
        Statement("S", (N, T, S), Q[N, 0, T, M] * V[N, 0, S, M + 0 * S] * 2, "sum", (M,)),
        Statement("S", (N, T, S), Q[N, 0, T, M] * V[N, 0, S, M], "max", (M,)),
        Statement("S", (N, T, S), Q[N, 0, T, M] * V[N, 0, S, M], "sum", (M,), (sp.Lt(M, T),)),
        Statement("S", (N, T, M), Q[N, 0, T, M] * V[N, 0, S, M], "sum", (S,)),
    ):
        assert products_of(statement) == []


def test_sums_of_one_term_are_written_out():
    one = Index("k", 1)
    v, t = Tensor("v", (BATCH, 1), "input"), Tensor("t", (BATCH, 6))
    row = Tensor("r", (1, 6), "parameter")
    statement = Statement("t", (N, K), row[one, K] * v[N, one], "sum", (one,))
    (found,) = without_single_terms(program_of([v, row, t], [statement], ("t",))).statements
    assert found == Statement("t", (N, K), row[0, K] * v[N, 0])
