"""Flat: transposes at the leaves, products and sums in one level, constants folded, powers written out.

(2*(A*B))' * (3*x) becomes 6 * B' * A' * x, so that the order of multiplication is free to choose. A leaf
is whatever is neither a product, a sum, a transpose nor a power; functions that act on entries
stay, with their argument flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.slice import MatrixSlice

from symbp.ir.walk import is_large

MOST = 64
"""Higher powers of matrices are not written out."""

ENTRYWISE = (ElementwiseApplyFunction, sp.HadamardProduct, sp.HadamardPower)
"""Operations whose transpose is the operation on the transposes."""

Memo = dict[tuple[Any, bool], Any]


def flat(root: Any, memo: Memo | None = None, turned: bool = False) -> Any:
    """The expression in flat form, or its transpose where `turned` is set.

    Iterative: the depth of the expression does not matter. `memo` may be kept between calls.
    """
    memo = {} if memo is None else memo
    stack = [((root, turned), False)]
    while stack:
        key, ready = stack.pop()
        if key in memo:
            continue
        parts = _parts(*key)
        if ready:
            memo[key] = _assembled(*key, [memo[p] for p in parts])
        else:
            stack.append((key, True))
            stack.extend((p, False) for p in parts)
    return memo[root, turned]


def product(coefficient: sp.Expr, factors: Sequence[Any]) -> Any:
    """coefficient * factors as one flat MatMul; the factors are flat themselves.

    The coefficient stands in front; factors that change nothing are left out.
    """
    chain: list[Any] = []
    for factor in factors:
        inner, below = parts_of(factor)
        coefficient = _times(coefficient, inner)
        chain += below
    if coefficient == 0 or any(isinstance(f, sp.ZeroMatrix) for f in chain):
        return sp.ZeroMatrix(factors[0].shape[0], factors[-1].shape[1])
    chain = [f for f in chain if not isinstance(f, sp.Identity)] or chain[:1]
    if len(chain) > 1:
        chain = [part for f in chain for part in _rank_one(f)]
    if coefficient == 1:
        return chain[0] if len(chain) == 1 else sp.MatMul(*chain)
    return sp.MatMul(coefficient, *chain)


def parts_of(node: Any) -> tuple[sp.Expr, list[Any]]:
    """The scalar coefficient and the matrix factors of a flat expression."""
    if not isinstance(node, sp.MatMul):
        return sp.S.One, [node]
    coefficient: sp.Expr = sp.S.One
    for a in node.args:
        if not is_matrix(a):
            coefficient = _times(coefficient, a)
    return coefficient, [a for a in node.args if is_matrix(a)]


def terms_of(node: Any) -> list[Any]:
    """The terms of a flat expression."""
    return list(node.args) if isinstance(node, sp.MatAdd) else [node]


def total(terms: Sequence[Any]) -> Any:
    """The flat sum of flat terms, equal ones taken together."""
    counts: dict[tuple, sp.Expr] = {}
    for term in (t for whole in terms for t in terms_of(whole)):
        coefficient, factors = parts_of(term)
        if not isinstance(term, sp.ZeroMatrix):
            key = tuple(factors)
            counts[key] = _plus(counts[key], coefficient) if key in counts else coefficient
    kept = [product(c, f) for f, c in counts.items() if c != 0]
    if not kept:
        return sp.ZeroMatrix(*terms[0].shape)
    return kept[0] if len(kept) == 1 else sp.MatAdd(*kept)


def is_matrix(node: Any) -> bool:
    return bool(getattr(node, "is_Matrix", False))


def is_power(node: Any) -> bool:
    """Whether the node is a whole power of a matrix, at most `MOST`."""
    return isinstance(node, sp.MatPow) and node.exp.is_Integer and 1 <= int(node.exp) <= MOST


def _parts(node: Any, turned: bool) -> list[tuple[Any, bool]]:
    """The operands that are flattened first, in the order in which they are put together."""
    if isinstance(node, sp.MatMul):
        factors = [a for a in node.args if is_matrix(a)]
        return [(f, turned) for f in (reversed(factors) if turned else factors)]
    if isinstance(node, DotProduct):
        left, right = node.args
        return [(left, left.shape[0] != 1), (right, right.shape[1] != 1)]
    if isinstance(node, (sp.MatAdd, *ENTRYWISE)):
        return [(a, turned) for a in node.args if is_matrix(a)]
    if isinstance(node, sp.Transpose):
        return [(node.arg, not turned)]
    if is_power(node):
        return [(node.base, turned)]
    if isinstance(node, DiagMatrix):
        return [(node.args[0], node.args[0].shape[1] != 1)]
    if isinstance(node, MatrixSlice):
        return [(node.parent, False)]
    return []


def _assembled(node: Any, turned: bool, parts: list[Any]) -> Any:
    if isinstance(node, sp.MatMul):
        return product(parts_of(node)[0], parts)
    if isinstance(node, DotProduct):
        return product(sp.S.One, parts)
    if isinstance(node, sp.MatAdd):
        return total(parts)
    if isinstance(node, sp.Transpose):
        return parts[0]
    if is_power(node):
        return product(sp.S.One, parts * int(node.exp))
    if isinstance(node, ENTRYWISE):
        given = iter(parts)
        return _rebuilt(node, tuple(next(given) if is_matrix(a) else a for a in node.args))
    if isinstance(node, DiagMatrix):
        return _rebuilt(node, tuple(parts))
    if isinstance(node, MatrixSlice):
        node = _rebuilt(node, (parts[0], *node.args[1:]))
    return _turned(node) if turned else node


def _rebuilt(node: Any, args: tuple) -> Any:
    return node if all(a is b for a, b in zip(args, node.args, strict=True)) else node.func(*args)


def _turned(leaf: Any) -> Any:
    """The transpose of a leaf."""
    if isinstance(leaf, sp.Identity) or leaf.shape == (1, 1):
        return leaf
    if isinstance(leaf, sp.OneMatrix | sp.ZeroMatrix):
        return leaf.func(*reversed(leaf.shape))
    return sp.Transpose(leaf)


def _rank_one(factor: Any) -> list[Any]:
    """A matrix of ones is a column of ones times a row of ones."""
    if isinstance(factor, sp.OneMatrix) and sp.S.One not in factor.shape:
        rows, columns = factor.shape
        return [sp.OneMatrix(rows, 1), sp.OneMatrix(1, columns)]
    return [factor]


def _times(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    # SymPy's simplification walks trees: large coefficients are multiplied as they are.
    if a is sp.S.One or b is sp.S.One:
        return b if a is sp.S.One else a
    return sp.Mul(a, b, evaluate=not (is_large(a) or is_large(b)))


def _plus(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    return sp.Add(a, b, evaluate=not (is_large(a) or is_large(b)))
