"""Matrix products: the sums of products that micro-kernels compute.

    target[m, n]  =  sum over k of  left[m, k] * right[k, n]

or only right[k, n], as if left were 1, with the axes of `left` in any order, and those of `right` so
that n or k is contiguous. A sum over the samples may be divided by their number. Each of m, n and k may be
several indices that are evenly spaced together, as the rows and columns of images.

What has more axes is a loop around such products: one for each sample, as the scores of attention, or for
each head. The sum may be over the index of a loop, too, as in the gradient of weights that every step of a
sequence uses, and windows may overlap, as those of a convolution. A sum of products is one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import substitute
from symbp.schedule.axes import Axis, axes_of, steps_of

SHARE = 1 / BATCH
"""What a sum over the samples is multiplied by to be a mean."""

LEAST = 32
"""Products of fewer terms, for one sample, are ordinary loops."""

LEAST_COLUMNS = 8
"""So are sums over samples of fewer entries, and sums of rows shorter than this."""

LEAST_LOOPED = 512
"""So are products inside of a loop of fewer terms: each takes a call."""

SOME = 8
"""Samples that are expected at least where a product inside of a loop runs through them."""


@dataclass(frozen=True)
class Product:
    """A statement seen as a matrix product.

    Attributes:
        left: None where it is 1.
        rows: the axis m; None where the target is a vector.
        columns: the axis n.
        depth: the axis k.
        turned: whether rows of `right` run along the sum, not along the columns.
        mean: whether the sum, over the samples, is divided by their number.
        loops: indices of loops around the product.
    """

    left: Access | None
    right: Access
    rows: Axis | None
    columns: Axis
    depth: Axis
    turned: bool = False
    mean: bool = False
    loops: tuple[Index, ...] = ()


def product_of(s: Statement, tensors: Mapping[str, Tensor]) -> Product | None:
    """The statement as a single matrix product without loops around it, or None."""
    found = products_of(s, tensors)
    return found[0] if len(found) == 1 and not found[0].loops else None


def products_of(s: Statement, tensors: Mapping[str, Tensor]) -> list[Product]:
    """The statement as matrix products that are added up; none where it is not that."""
    terms = sp.Add.make_args(s.body)
    if s.reduce != "sum" or s.where or not s.indices or (len(terms) > 1 and len(s.indices) == 1):
        return []
    found: list[Product] = []
    for term in terms:
        product = _product(s, term, tensors)
        if product is None:
            return []
        found.append(product)
    return found


def _product(s: Statement, term: sp.Expr, tensors: Mapping[str, Tensor]) -> Product | None:
    """One term of a sum as a matrix product, with loops around it where there are more axes."""
    factors = sp.Mul.make_args(term)
    mean = all(i.extent == BATCH for i in s.bound) and SHARE in factors
    factors = tuple(f for f in factors if not (mean and f == SHARE))
    steps = [steps_of(f, tensors) if isinstance(f, Access) else None for f in factors]
    if len(factors) == 1 and len(s.indices) == len(s.bound) == 1 and steps[0] is not None:
        return _sum_of_rows(factors[0], steps[0][1], s.indices[0], s.bound[0], mean)
    own = steps_of(s.access, tensors)
    domain = {i for i in s.domain if i.extent != 1}
    if len(factors) != 2 or own is None:
        return None
    for left, right in (0, 1), (1, 0):
        first, second = steps[left], steps[right]
        if first is None or second is None or not {*first[1], *second[1]} >= domain:
            return None
        found = _axes(s, own[1], first[1], second[1])
        if found is not None:
            rows, columns, depth, turned = found
            used = {i for axis in (rows, columns, depth) if axis is not None for i in axis.indices}
            loops = tuple(i for i in s.domain if i in domain - used)
            if (_is_worth_a_call if loops else _is_worth_it)(rows, columns, depth):
                return Product(factors[left], factors[right], rows, columns, depth, turned, mean, loops)
    return None


def _axes(s: Statement, target: Any, left: Any, right: Any) -> tuple[Axis | None, Axis, Axis, bool] | None:
    """Rows, columns, depth and whether `right` is turned, for these factors in this order.

    Args:
        target, left, right: the steps of each along the indices.
    """
    steps = (target, left, right)

    def axes(rows: bool, columns: bool, free: bool) -> list[Axis]:
        """Those of indices that are in the factors as given, and in the target or not."""
        some = s.indices if free else s.bound
        return axes_of([i for i in some if (i in left, i in right) == (rows, columns)], steps)

    columns = next((axis for axis in axes(False, True, True) if axis.inner == s.indices[-1]), None)
    own = axes(True, False, True)
    if columns is None or (len(s.indices) > len(columns.indices) and not own):
        return None
    rows = max(own, key=_expected, default=None)
    for depth in sorted(axes(True, True, False), key=_expected, reverse=True):
        if right[columns.inner] == 1:
            return rows, columns, depth, False
        if right[depth.inner] == 1:
            return rows, columns, depth, True
    return None


def _expected(axis: Axis) -> tuple[int, bool]:
    """How long an axis may be, and whether that is known."""
    return axis.size * (SOME if axis.samples else 1), not axis.samples


def _sum_of_rows(
    right: Any, steps: Mapping[Index, int], columns: Index, depth: Index, mean: bool
) -> Product | None:
    """The sum of the rows of a matrix as a product with ones."""
    wide = columns.extent != BATCH and columns.extent >= LEAST_COLUMNS and depth.extent != 1
    plain = wide and {*steps} == {columns, depth} and steps[columns] == 1
    return Product(None, right, None, Axis((columns,)), Axis((depth,)), mean=mean) if plain else None


def _is_worth_it(rows: Axis | None, columns: Axis, depth: Axis) -> bool:
    if columns.samples or columns.size == 1 or depth.indices[0].extent == 1:
        return False
    terms = columns.size * depth.size * (1 if rows is None else rows.size)
    return terms >= (LEAST_COLUMNS if depth.samples else LEAST)


def _is_worth_a_call(rows: Axis | None, columns: Axis, depth: Axis) -> bool:
    if columns.samples or rows is None:
        return False
    sizes = [_expected(axis)[0] for axis in (rows, columns, depth)]
    return 1 not in sizes and prod(sizes) >= LEAST_LOOPED


def without_single_terms(program: Program) -> Program:
    """The program with sums over one term written out."""
    return program.rebuilt([_without_single_terms(s) for s in program.statements])


def _without_single_terms(s: Statement) -> Statement:
    single = {i: sp.S.Zero for i in s.bound if i.extent == 1}
    if not single or s.where:
        return s
    bound = tuple(i for i in s.bound if i not in single)
    reduce = s.reduce if bound else "none"
    return Statement(s.target, s.indices, substitute(s.body, single), reduce, bound, s.where, s.origin)
