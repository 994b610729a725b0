"""Matrix products: the sums of products that micro-kernels compute.

    target[m, n]  =  sum over k of  left[m, k] * right[k, n]

or only right[k, n], as if left were 1,
with the axes of `left` in any order, and those of `right` so that n is contiguous: vectors of
n are loaded, and entries of `left` are spread over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import substitute

LEAST = 32
"""Products of fewer terms are ordinary loops."""

LEAST_COLUMNS = 8
"""So are sums of rows shorter than this."""


@dataclass(frozen=True)
class Product:
    """A statement seen as a matrix product.

    Attributes:
        left: None where it is 1.
        rows: the index m; None where the target is a vector.
        columns: the index n.
        depth: the index k.
    """

    left: Access | None
    right: Access
    rows: Index | None
    columns: Index
    depth: Index


def product_of(statement: Statement) -> Product | None:
    """The statement as a matrix product with contiguous rows of `right`, or None."""
    found = _matched(statement)
    return found if found is not None and found.right.indices[-1] == found.columns else None


def _matched(s: Statement) -> Product | None:
    """The same with any order of axes."""
    if s.reduce != "sum" or len(s.bound) != 1 or s.where or len(s.indices) not in (1, 2):
        return None
    columns, depth = s.indices[-1], s.bound[0]
    rows = s.indices[0] if len(s.indices) == 2 else None
    if isinstance(s.body, Access) and rows is None:
        wide = columns.extent != BATCH and columns.extent >= LEAST_COLUMNS and depth.extent != 1
        plain = wide and _plain(s.body) == _wanted(columns, depth) and s.body.indices[-1] == columns
        return Product(None, s.body, None, columns, depth) if plain else None
    if not isinstance(s.body, sp.Mul) or len(s.body.args) != 2:
        return None
    first, second = s.body.args
    if not (isinstance(first, Access) and isinstance(second, Access)):
        return None
    for left, right in ((first, second), (second, first)):
        plain = _plain(left) == _wanted(rows, depth) and _plain(right) == _wanted(columns, depth)
        if plain and columns != BATCH and _is_worth_it(rows, columns, depth):
            return Product(left, right, rows, columns, depth)
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
    extents = [i.extent for i in (rows, columns, depth) if i is not None and i.extent != BATCH]
    return columns.extent != BATCH and columns.extent > 1 and depth.extent != 1 and prod(extents) >= LEAST


def is_transposition(s: Statement) -> bool:
    """Whether a statement copies a matrix, the same for all samples, with its axes exchanged."""
    plain = isinstance(s.body, Access) and len(s.indices) == 2 and s.reduce == "none" and not s.where
    return plain and s.body.indices == s.indices[::-1] and all(i.extent != BATCH for i in s.indices)


def with_products(program: Program) -> Program:
    """The program with its sums of products in a form that micro-kernels compute.

    Sums over one term are written out. Matrices whose rows run along the sum are copied, once for
    all samples, with their axes exchanged: reading them across would load single entries.
    """
    statements: list[Statement] = []
    copies: dict[str, Tensor] = {}
    for s in (_without_single_terms(s) for s in program.statements):
        found = _matched(s)
        tensor = program.tensors[found.right.name] if found else None
        if found is None or tensor is None or found.right.indices[-1] == found.columns:
            statements.append(s)
            continue
        if tensor.batched or len(tensor.shape) != 2:
            statements.append(s)
            continue
        if tensor.name not in copies:
            copies[tensor.name] = Tensor(_free_name(program, f"{tensor.name}_T"), tensor.shape[::-1])
            statements.append(_transposed(tensor, copies[tensor.name].name))
        right = Access(copies[tensor.name].name, *found.right.indices[::-1])
        statements.append(s.with_body(sp.Mul(found.left, right)))  # type: ignore[arg-type]
    return program.rebuilt(statements, copies.values())


def _without_single_terms(s: Statement) -> Statement:
    single = {i: sp.S.Zero for i in s.bound if i.extent == 1}
    if not single or s.where:
        return s
    bound = tuple(i for i in s.bound if i not in single)
    reduce = s.reduce if bound else "none"
    return Statement(s.target, s.indices, substitute(s.body, single), reduce, bound, s.where, s.origin)


def _transposed(tensor: Tensor, name: str) -> Statement:
    i, j = (Index(letter, n) for letter, n in zip("ij", tensor.shape, strict=True))
    return Statement(name, (j, i), Access(tensor.name, i, j))


def _free_name(program: Program, name: str) -> str:
    while name in program.tensors:
        name += "_"
    return name
