"""Means over the samples inside the products that sum them."""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import BATCH, Index, Program, Statement, Tensor
from symbp.schedule.means import with_means_inside
from symbp.schedule.product import product_of

N, K, J = Index("n", BATCH), Index("i", 16), Index("j", 16)
D, X = Tensor("d", (BATCH, 16), "input"), Tensor("x", (BATCH, 16), "input")
TOTAL, MEAN = Tensor("total", (16, 16)), Tensor("mean", (16, 16))


def program(mean, outputs=("mean",), body=None):
    body = D[N, K] * X[N, J] if body is None else body
    statements = (Statement("total", (K, J), body, "sum", (N,)), Statement("mean", (K, J), mean))
    return Program({t.name: t for t in (D, X, TOTAL, MEAN)}, statements, outputs)


def test_the_mean_of_a_product_is_one_sum():
    found = with_means_inside(program(TOTAL[K, J] / BATCH))
    (statement,) = found.statements
    assert statement.target == "mean"
    assert statement.body == D[N, K] * X[N, J] / BATCH
    product = product_of(statement, found.tensors)
    assert product is not None
    assert product.mean
    assert "total" not in found.tensors


def test_what_is_more_than_a_mean_stays():
    for mean in (TOTAL[K, J] / BATCH + 1, TOTAL[J, K] / BATCH, TOTAL[K, J], 2 * TOTAL[K, J] / BATCH):
        assert with_means_inside(program(mean)) == program(mean)


def test_a_total_that_others_need_stays():
    whole = program(TOTAL[K, J] / BATCH, ("mean", "total"))
    assert with_means_inside(whole) == whole


def test_sums_that_are_no_products_stay():
    whole = program(TOTAL[K, J] / BATCH, body=sp.exp(D[N, K]) * X[N, J])
    assert with_means_inside(whole) == whole
