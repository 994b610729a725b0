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


def products_of(s: Statement) -> list[Product]:
    """The statement as matrix products that are added up; none where it is not that."""
    single = product_of(s)
    if single is not None:
        return [single]
    if s.reduce != "sum" or s.where or len(s.indices) < 2:
        return []
    found = [_looped(s, term) for term in sp.Add.make_args(s.body)]
    return [product for product in found if product is not None] if all(found) else []


def _looped(s: Statement, term: sp.Expr) -> Product | None:
    """One term of a sum as a matrix product with loops around it."""
    *others, columns = s.indices
    factors = sp.Mul.make_args(term)
    if len(factors) != 2 or not all(isinstance(f, Access) for f in factors):
        return None
    inside = [i for i in s.bound if i.extent != BATCH] or [*s.bound]
    for depth in sorted(inside, key=lambda i: -i.extent):
        for left, right in (factors, factors[::-1]):
            first, second = _along(*left.indices), _along(*right.indices)
            if first is None or second is None or {*first, *second} != {*s.indices, *s.bound}:
                return None
            contiguous = _along(right.indices[-1])
            assert contiguous is not None
            fits = depth in first and depth in second and columns in second and columns not in first
            own = [i for i in others if i in first and i not in second]
            if not fits or not own or not {columns, depth} & {*contiguous}:
                continue
            rows = next((i for i in reversed(own) if i.extent != BATCH), own[-1])
            loops = tuple(i for i in (*others, *s.bound) if i not in (rows, depth))
            if _is_worth_a_call(rows, columns, depth) if loops else _is_worth_it(rows, columns, depth):
                return Product(left, right, rows, columns, depth, columns not in contiguous, loops=loops)
    return None


def _along(*positions: Any) -> list[Index] | None:
    """The indices that some positions are sums of; None where one is used twice or is computed otherwise.

    Neighbours along each are a fixed distance apart in memory, also in x[i + p, j + q].
    """
    terms = [t for position in positions for t in sp.Add.make_args(position) if not t.is_Integer]
    plain = all(isinstance(t, Index) for t in terms) and len({*terms}) == len(terms)
    return terms if plain else None


def product_of(s: Statement) -> Product | None:
    """The statement as a single matrix product without loops around it, or None."""
    if s.reduce != "sum" or len(s.bound) != 1 or s.where or len(s.indices) not in (1, 2):
        return None
    columns, depth = s.indices[-1], s.bound[0]
    rows = s.indices[0] if len(s.indices) == 2 else None
    factors = sp.Mul.make_args(s.body)
    mean = depth.extent == BATCH and SHARE in factors
    factors = tuple(f for f in factors if not (mean and f == SHARE))
    if len(factors) == 1 and isinstance(factors[0], Access) and rows is None:
        wide = columns.extent != BATCH and columns.extent >= LEAST_COLUMNS and depth.extent != 1
        plain = wide and _plain(factors[0]) == _wanted(columns, depth) and factors[0].indices[-1] == columns
        return Product(None, factors[0], None, columns, depth, mean=mean) if plain else None
    if len(factors) != 2:
        return None
    first, second = factors
    if not (isinstance(first, Access) and isinstance(second, Access)):
        return None
    for left, right in ((first, second), (second, first)):
        plain = _plain(left) == _wanted(rows, depth) and _plain(right) == _wanted(columns, depth)
        if plain and right.indices[-1] in (columns, depth) and _is_worth_it(rows, columns, depth):
            return Product(left, right, rows, columns, depth, right.indices[-1] == depth, mean)
    return None


def _plain(access: Access) -> list[Index] | None:
    """The indices of an entry, sorted by name; None where one is used twice or a position is computed."""
    if not all(isinstance(i, Index) or i.is_Integer for i in access.indices):
        return None
    found = [i for i in access.indices if isinstance(i, Index)]
    return sorted(found, key=lambda i: i.name) if len(set(found)) == len(found) else None


def _wanted(*indices: Index | None) -> list[Index]:
    return sorted((i for i in indices if i is not None), key=lambda i: i.name)


def _is_worth_it(rows: Index | None, columns: Index, depth: Index) -> bool:
    if columns.extent in (BATCH, 1) or depth.extent == 1:
        return False
    terms = prod(i.extent for i in (rows, columns, depth) if i is not None and i.extent != BATCH)
    return terms >= (LEAST_COLUMNS if depth.extent == BATCH else LEAST)


def _is_worth_a_call(rows: Index, columns: Index, depth: Index) -> bool:
    extents = rows.extent, columns.extent, depth.extent
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
