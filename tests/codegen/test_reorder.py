"""Sums of products may be reordered; values that keep their digits in one order only may not."""

from __future__ import annotations

import pytest
import sympy as sp

from symbp.codegen.reorder import reorderable
from symbp.ir import Access, Index, Statement
from symbp.ir.functions import compensated_exp
from symbp.schedule.looptree import Nest

i, j = Index("i", 3), Index("j", 4)
Z, M = Access("z", i), Access("m")
W, X = Access("W", i, j), Access("x", j)


def nest(body: sp.Expr, *bound: Index) -> Nest:
    return Nest((3,), statements=[Statement("r", (i,), body, "sum" if bound else "", bound)])


@pytest.mark.parametrize(
    "body", [sp.exp(Z) * M, 2 * Z + M, sp.exp(Z - M), 1 + sp.exp(Z), 3 * Z * sp.tanh(Z) ** 2]
)
def test_products_and_functions_may_be_reordered(body):
    assert reorderable(nest(body))


def test_a_sum_of_products_may_be_reordered():
    assert reorderable(nest(W * X, j))


@pytest.mark.parametrize(
    "body", [Z - M - sp.log(M), Z + sp.exp(Z), Z * sp.log(M) + M, compensated_exp(-(Z**2))]
)
def test_sums_with_values_of_functions_keep_their_order(body):
    assert not reorderable(nest(body))
