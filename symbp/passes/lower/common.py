"""Common: factors that the terms of a sum of products share are multiplied once.

A*x + A*y becomes A*(x + y), and c*A + c*B becomes c*(A + B). Nothing is lost by it: the order of
multiplication (see `order`) may still multiply the sum out where that is cheaper.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import sympy as sp

from symbp.ir.walk import postorder
from symbp.passes.lower.flat import is_matrix, parts_of, product, total


def common(root: Any) -> Any:
    """The flat expression with common factors taken out of every sum in it; still flat."""
    done: dict[Any, Any] = {}
    for node in postorder([root], leaf=lambda n: not n.args or not isinstance(n, sp.MatrixExpr)):
        args = tuple(done.get(a, a) for a in node.args)
        if any(a is not b for a, b in zip(args, node.args, strict=True)):
            node, was = _again(node, args), node
        else:
            was = node
        done[was] = _grouped(node) if isinstance(node, sp.MatAdd) else node
    return done[root]


def _again(node: Any, args: tuple) -> Any:
    if isinstance(node, sp.MatAdd):
        return total(args)
    if isinstance(node, sp.MatMul):
        return product(parts_of(node)[0], [a for a in args if is_matrix(a)])
    return node.func(*args)


def _grouped(node: sp.MatAdd) -> Any:
    coefficient, terms = _coefficient([parts_of(t) for t in node.args])
    while True:
        found = _most_common(terms)
        if found is None:
            break
        last, factor = found
        inside = [(c, f) for c, f in terms if len(f) > 1 and f[-1 if last else 0] == factor]
        rests = [product(c, f[:-1] if last else f[1:]) for c, f in inside]
        rest = _grouped_sum(total(rests))
        merged = parts_of(product(sp.S.One, [rest, factor] if last else [factor, rest]))
        first = terms.index(inside[0])
        terms = [t for t in terms if t not in inside]
        terms.insert(first, merged)
    return product(coefficient, [total([product(c, f) for c, f in terms])])


def _grouped_sum(node: Any) -> Any:
    return _grouped(node) if isinstance(node, sp.MatAdd) else node


def _coefficient(terms: list[tuple[sp.Expr, list[Any]]]) -> tuple[sp.Expr, list[tuple[sp.Expr, list[Any]]]]:
    """A coefficient that all terms share, and the terms without it; a sign stays where it is."""
    (first, _), *others = terms
    if first == 1 or first == -1 or any(c != first for c, _ in others):
        return sp.S.One, terms
    return first, [(sp.S.One, factors) for _, factors in terms]


def _most_common(terms: list[tuple[sp.Expr, list[Any]]]) -> tuple[bool, Any] | None:
    """The factor that most products start or end with, and whether they end with it."""
    ends: Counter[tuple[bool, Any]] = Counter()
    for _, factors in terms:
        if len(factors) > 1:
            ends.update([(False, factors[0]), (True, factors[-1])])
    best = max(ends, key=lambda end: ends[end], default=None)
    return best if best is not None and ends[best] > 1 else None
