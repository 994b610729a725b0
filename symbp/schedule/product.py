"""Matrix products: the sums of products that micro-kernels compute.

    target[m, n]  =  sum over k of  left[m, k] * right[k, n]

or only right[k, n], as if left were 1, with the axes of `left` in any order, and those of `right` so
that n or k is contiguous. A sum over the samples may be divided by their number.

What has more axes is a loop around such products: one for each sample, as the scores of attention, or for
each head. The sum may be over the index of a loop, too, as in the gradient of weights that every step of a
sequence uses, and windows may overlap, as those of a convolution. A sum of products is one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement
from symbp.ir.walk import substitute

SHARE = 1 / BATCH
"""What a sum over the samples is multiplied by to be a mean."""

LEAST = 32
"""Products of fewer terms, for one sample, are ordinary loops."""

LEAST_COLUMNS = 8
"""So are sums over samples of fewer entries, and sums of rows shorter than this."""

LEAST_LOOPED = 512
"""So are products inside of a loop of fewer terms: each takes a call."""


@dataclass(frozen=True)
class Product:
    """A statement seen as a matrix product.

    Attributes:
        left: None where it is 1.
        rows: the index m; None where the target is a vector.
        columns: the index n.
        depth: the index k.
        turned: whether rows of `right` run along the sum, not along the columns.
        mean: whether the sum, over the samples, is divided by their number.
        loops: indices of loops around the product.
    """

    left: Access | None
    right: Access
    rows: Index | None
    columns: Index
    depth: Index
    turned: bool = False
    mean: bool = False
    loops: tuple[Index, ...] = ()


def product_of(s: Statement) -> Product | None:
    """The statement as a single matrix product without loops around it, or None."""
    found = products_of(s)
    return found[0] if len(found) == 1 and not found[0].loops else None


def products_of(s: Statement) -> list[Product]:
    """The statement as matrix products that are added up; none where it is not that."""
    terms = sp.Add.make_args(s.body)
    if s.reduce != "sum" or s.where or not s.indices or (len(terms) > 1 and len(s.indices) == 1):
        return []
    found: list[Product] = []
    for term in terms:
        product = _product(s, term)
        if product is None:
            return []
        found.append(product)
    return found


def _product(s: Statement, term: sp.Expr) -> Product | None:
    """One term of a sum as a matrix product, with loops around it where there are more axes."""
    *others, columns = s.indices
    factors = sp.Mul.make_args(term)
    mean = all(i.extent == BATCH for i in s.bound) and SHARE in factors
    factors = tuple(f for f in factors if not (mean and f == SHARE))
    if not all(isinstance(f, Access) for f in factors):
        return None
    if len(factors) == 1 and not others and len(s.bound) == 1:
        return _sum_of_rows(factors[0], columns, s.bound[0], mean)
    if len(factors) != 2:
        return None
    inside = [i for i in s.bound if i.extent != BATCH] or [*s.bound]
    for depth in sorted(inside, key=lambda i: -i.extent):
        for left, right in (factors, factors[::-1]):
            first, second = _along(*left.indices), _along(*right.indices)
            if first is None or second is None or {*first, *second} != {*s.indices, *s.bound}:
                return None
            contiguous = _along(right.indices[-1]) or []
            fits = depth in first and depth in second and columns in second and columns not in first
            own = [i for i in others if i in first and i not in second]
            if not fits or (others and not own) or not {columns, depth} & {*contiguous}:
                continue
            rows = next((i for i in reversed(own) if i.extent != BATCH), own[-1] if own else None)
            loops = tuple(i for i in (*others, *s.bound) if i not in (rows, depth))
            if _is_worth_a_call(rows, columns, depth) if loops else _is_worth_it(rows, columns, depth):
                turned = columns not in contiguous
                return Product(left, right, rows, columns, depth, turned, mean, loops)
    return None


def _sum_of_rows(right: Access, columns: Index, depth: Index, mean: bool) -> Product | None:
    """The sum of the rows of a matrix as a product with ones."""
    wide = columns.extent != BATCH and columns.extent >= LEAST_COLUMNS and depth.extent != 1
    plain = wide and {*(_along(*right.indices) or ())} == {columns, depth} and right.indices[-1] == columns
    return Product(None, right, None, columns, depth, mean=mean) if plain else None


def _along(*positions: Any) -> list[Index] | None:
    """The indices that some positions are sums of; None where one is used twice or is computed otherwise.

    Neighbours along each are a fixed distance apart in memory, also in x[i + p, j + q].
    """
    terms = [t for position in positions for t in sp.Add.make_args(position) if not t.is_Integer]
    plain = all(isinstance(t, Index) for t in terms) and len({*terms}) == len(terms)
    return terms if plain else None


def _is_worth_it(rows: Index | None, columns: Index, depth: Index) -> bool:
    if columns.extent in (BATCH, 1) or depth.extent == 1:
        return False
    terms = prod(i.extent for i in (rows, columns, depth) if i is not None and i.extent != BATCH)
    return terms >= (LEAST_COLUMNS if depth.extent == BATCH else LEAST)


def _is_worth_a_call(rows: Index | None, columns: Index, depth: Index) -> bool:
    extents = 1 if rows is None else rows.extent, columns.extent, depth.extent
    return BATCH not in extents and 1 not in extents and prod(extents) >= LEAST_LOOPED


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
