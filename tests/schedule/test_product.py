"""What is seen as a matrix product."""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import BATCH, Index, Statement, Tensor
from symbp.schedule.product import product_of, products_of, without_single_terms
from tests.codegen.kernels import program_of

N, M, K = Index("n", BATCH), Index("i", 8), Index("j", 6)
X, D = Tensor("x", (BATCH, 6), "input"), Tensor("d", (BATCH, 8), "input")
W = Tensor("W", (8, 6), "parameter")


def found_in(statement, *tensors):
    """The products of a statement over some tensors."""
    target = Tensor(statement.target, tuple(i.extent for i in statement.indices))
    return products_of(statement, {t.name: t for t in (X, D, W, Q, V, *tensors, target)})


def single(statement, *tensors):
    target = Tensor(statement.target, tuple(i.extent for i in statement.indices))
    return product_of(statement, {t.name: t for t in (X, D, W, Q, V, *tensors, target)})


def axes(product):
    """Rows, columns and depth of a product as their indices."""
    return tuple(
        axis and axis.indices[0 if len(axis.indices) == 1 else slice(None)]
        for axis in (product.rows, product.columns, product.depth)
    )


T, S, HEAD = Index("t", 16), Index("s", 12), Index("h", 4)
Q, V = Tensor("q", (BATCH, 4, 16, 8), "input"), Tensor("v", (BATCH, 4, 12, 8), "input")


def test_factors_by_their_part():
    found = single(Statement("g", (M, K), X[N, K] * D[N, M], "sum", (N,)))
    assert (found.left, found.right) == (D[N, M], X[N, K])
    assert axes(found) == (M, K, N)
    one, long = Index("k", 1), Index("j", 64)
    row = Tensor("r", (1, 64), "parameter")
    assert single(Statement("t", (N, long), row[one, long] * D[N, one], "sum", (one,)), row) is None


def test_sums_of_rows_are_products_with_ones():
    found = single(Statement("b", (M,), D[N, M], "sum", (N,)))
    assert (found.left, found.right, axes(found)) == (None, D[N, M], (None, M, N))
    short, k = Tensor("e", (BATCH, 3), "input"), Index("k", 3)
    assert single(Statement("b", (k,), short[N, k], "sum", (N,)), short) is None
    assert single(Statement("s", (N,), D[N, M], "sum", (M,))) is None
    assert single(Statement("b", (M,), D[N, M], "max", (N,))) is None


def test_what_is_none():
    long = Index("l", 64)
    v = Tensor("v", (64,), "parameter")
    for statement in (
        Statement("z", (N, K), W[M, K] * D[N, M], "max", (M,)),
        Statement("z", (N, K), W[M, K] * D[N, M] * 2, "sum", (M,)),
        Statement("z", (N, K), W[M, K] * sp.tanh(D[N, M]), "sum", (M,)),
        Statement("z", (N, K), W[M, K] * D[N, M], "sum", (M,), (sp.Lt(M, K),)),
        Statement("z", (N, K), W[M, 5 - K] * D[N, M], "sum", (M,)),
        Statement("s", (N,), v[long] * X[N, K], "sum", (long, K)),
        Statement("s", (long,), v[long] * X[N, K], "sum", (N, K)),
    ):
        assert single(statement, v) is None


def test_rows_along_the_sum():
    for body in (W[M, K] * X[N, K], X[N, K] * W[M, K]):
        found = single(Statement("z", (N, M), body, "sum", (K,)))
        assert (found.left, found.right, found.turned) == (X[N, K], W[M, K], True)
    vector = Tensor("w", (6,), "parameter")
    found = single(Statement("z", (M,), W[M, K] * vector[K], "sum", (K,)), vector)
    assert (found.left, found.right, found.rows, found.turned) == (vector[K], W[M, K], None, True)
    assert not single(Statement("z", (N, K), W[M, K] * D[N, M], "sum", (M,))).turned


def test_axes_that_are_evenly_spaced_are_one():
    """Of a layer that takes images, its gradients, and one for every position."""
    c, i, j = (Index(name, n) for name, n in zip("cij", (16, 4, 4), strict=True))
    images, layer = Tensor("p", (BATCH, 16, 4, 4), "input"), Tensor("L", (8, 16, 4, 4), "parameter")
    made = single(
        Statement("z", (N, M), layer[M, c, i, j] * images[N, c, i, j], "sum", (j, i, c)), images, layer
    )
    assert axes(made) == (N, M, (c, i, j))
    assert made.turned
    back = single(Statement("g", (N, c, i, j), D[N, M] * layer[M, c, i, j], "sum", (M,)), layer)
    assert axes(back) == (N, (c, i, j), M)
    slope = single(Statement("G", (M, c, i, j), D[N, M] * images[N, c, i, j], "sum", (N,)), images)
    assert axes(slope) == (M, (c, i, j), N)
    Y, m = Tensor("Y", (BATCH, 16, 8), "input"), Index("m", 64)
    weights = Tensor("U", (8, 64), "parameter")
    made = single(Statement("z", (N, T, m), Y[N, T, M] * weights[M, m], "sum", (M,)), Y, weights)
    assert (axes(made), made.turned) == (((N, T), m, M), False)
    # The sum over samples too, in the gradient of what every position uses.
    E = Tensor("E", (BATCH, 16, 64), "input")
    slope = single(Statement("g", (M, m), Y[N, T, M] * E[N, T, m], "sum", (T, N)), Y, E)
    assert axes(slope) == (M, m, (N, T))


def test_loops_around_products():
    """Of scores for samples and heads."""
    (found,) = found_in(Statement("S", (N, HEAD, T, S), Q[N, HEAD, T, M] * V[N, HEAD, S, M], "sum", (M,)))
    assert (*axes(found), found.loops) == (T, S, M, (N, HEAD))
    assert (found.left, found.turned) == (Q[N, HEAD, T, M], True)
    assert single(Statement("S", (N, HEAD, T, S), Q[N, HEAD, T, M] * V[N, HEAD, S, M], "sum", (M,))) is None


def test_samples_are_rows_where_each_has_few():
    few, e = Index("t", 2), Index("e", 32)
    x, U = Tensor("a", (BATCH, 4, 2, 8), "input"), Tensor("U", (4, 8, 32), "parameter")
    (found,) = found_in(
        Statement("z", (N, few, HEAD, e), x[N, HEAD, few, M] * U[HEAD, M, e], "sum", (M,)), x, U
    )
    assert (*axes(found), found.loops) == (N, e, M, (few, HEAD))
    (found,) = found_in(Statement("z", (N, HEAD, T, e), Q[N, HEAD, T, M] * U[HEAD, M, e], "sum", (M,)), U)
    assert (*axes(found), found.loops) == (T, e, M, (N, HEAD))


def test_windows_may_overlap():
    c, i, j, p, q = (Index(name, n) for name, n in zip("cijpq", (8, 26, 26, 3, 3), strict=True))
    x, k = Tensor("x", (BATCH, 28, 28), "input"), Tensor("k", (8, 3, 3), "parameter")
    d = Tensor("d", (BATCH, 8, 26, 26), "input")
    z_of = Statement("z", (N, c, i, j), k[c, p, q] * x[N, i + p, j + q], "sum", (q, p))
    (found,) = found_in(z_of, x, k)
    assert (*axes(found), found.turned) == (c, j, q, False)
    assert found.loops == (N, i, p)
    (found,) = found_in(Statement("g", (c, p, q), d[N, c, i, j] * x[N, i + p, j + q], "sum", (N, i, j)), x, d)
    assert (*axes(found), found.loops, found.turned) == (c, q, i, (p, N, j), False)
    # Rows may be taken in steps, columns not.
    (found,) = found_in(z_of.with_body(k[c, p, q] * x[N, 2 * i + p, j + q]), x, k)
    assert axes(found) == (c, j, q)
    (found,) = found_in(z_of.with_body(k[c, p, q] * x[N, i + p, 2 * j + q]), x, k)
    assert (*axes(found), found.turned) == (c, j, q, True)
    assert found_in(z_of.with_body(k[c, p, q] * x[N, i + p, j + 2 * q + 3 * j]), x, k) == []


def test_sums_of_products():
    both = Statement("g", (M, K), X[N, K] * D[N, M] + D[N, M] * W[M, K], "sum", (N,))
    assert found_in(both) == []
    Y = Tensor("y", (BATCH, 6), "input")
    found = found_in(Statement("g", (M, K), X[N, K] * D[N, M] + Y[N, K] * D[N, M], "sum", (N,)), Y)
    assert sorted(p.right.name for p in found) == ["x", "y"]
    assert all((*axes(p), p.loops) == (M, K, N, ()) for p in found)
    alone = Statement("g", (M, K), X[N, K] * D[N, M], "sum", (N,))
    assert found_in(alone) == [single(alone)]


def test_what_is_no_product_in_loops():
    few = Index("f", 4)
    for statement in (
        # Few terms, for each of which there would be a call.
        Statement("S", (N, T, few), Q[N, 0, T, few] * V[N, 0, few, few], "sum", (M,)),
        Statement("S", (N, HEAD, T), Q[N, HEAD, T, M] * V[N, HEAD, 0, M], "sum", (M,)),
        # What is no product, and no rows of their own.
        Statement("S", (N, T, S), Q[N, 0, T, M] * V[N, 0, S, M] * 2, "sum", (M,)),
        Statement("S", (N, T, S), Q[N, 0, T, M] * V[N, 0, S, M], "max", (M,)),
        Statement("S", (N, T, S), Q[N, 0, T, M] * V[N, 0, S, M], "sum", (M,), (sp.Lt(M, T),)),
        Statement("S", (N, T, M), Q[N, 0, T, M] * V[N, 0, S, M], "sum", (S,)),
    ):
        assert found_in(statement) == []


def test_sums_of_one_term_are_written_out():
    one = Index("k", 1)
    v, t = Tensor("v", (BATCH, 1), "input"), Tensor("t", (BATCH, 6))
    row = Tensor("r", (1, 6), "parameter")
    statement = Statement("t", (N, K), row[one, K] * v[N, one], "sum", (one,))
    (found,) = without_single_terms(program_of([v, row, t], [statement], ("t",))).statements
    assert found == Statement("t", (N, K), row[0, K] * v[N, 0])
