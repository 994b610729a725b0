"""The calls whose arguments are not plain values: sums over an index, and cases.

Like the methods of `Reader`, these are generators that yield the syntax node whose value they need.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import sympy as sp

from symbp.spec.indices import index_symbol

if TYPE_CHECKING:
    from symbp.spec.reader import Reader

Steps = Generator[ast.expr, object, object]

MAX_SUM = 10**9  # terms of one sum
MAX_NESTED = 4  # cases inside of one condition: SymPy multiplies them out


def summation(reader: Reader, node: ast.Call) -> Steps:
    """sum(body, (j, 0, 63), ...): both bounds are included, as in SymPy."""
    if len(node.args) < 2:
        hint = "sum(W[i, j]*x[j], (j, 0, 63)); the sum of a vector's entries is total(x)"
        raise reader.error("a sum needs an index with its bounds", node, hint)
    body, *limits = node.args
    bounds = []
    for limit in limits:
        if not (
            isinstance(limit, ast.Tuple) and len(limit.elts) == 3 and isinstance(limit.elts[0], ast.Name)
        ):
            hint = "sum(W[i, j]*x[j], (j, 0, 63)): both bounds are included"
            raise reader.error("the bounds of a sum are written (j, first, last)", limit, hint)
        index = _declare(reader, limit.elts[0])
        first = _bound(reader, (yield limit.elts[1]), limit)
        last = _bound(reader, (yield limit.elts[2]), limit)
        if not 0 <= last - first < MAX_SUM:
            raise reader.error(
                f"a sum from {first} to {last}", limit, "its bounds are (j, first, last), both included"
            )
        bounds.append((index, first, last))
    for index, first, last in bounds:
        if index.name in reader.indices:
            raise reader.error(f"the index {index} is used twice", node, "choose another letter")
        reader.indices[index.name], reader.ranges[index] = index, (first, last)
    term = reader.scalar((yield body), body)
    for index, _, _ in bounds:
        del reader.indices[index.name], reader.ranges[index]
    return reader.measured(sp.Sum(term, *bounds), node)


def _declare(reader: Reader, node: ast.Name) -> sp.Symbol:
    """A new summation index."""
    if reader.taken(node.id):
        raise reader.error(
            f"the index {node.id!r} has another meaning already", node, "choose another letter"
        )
    return index_symbol(node.id)


def _bound(reader: Reader, value: object, node: ast.AST) -> int:
    if not isinstance(value, sp.Integer):
        raise reader.error("the bounds of a sum are whole numbers", node, "write (j, 0, 63)")
    return int(value)


def piecewise(reader: Reader, node: ast.Call) -> Steps:
    """piecewise((a, condition), ..., (z, True)): the first condition that holds decides."""
    pairs = []
    for pair in node.args:
        if not (isinstance(pair, ast.Tuple) and len(pair.elts) == 2):
            raise reader.error(
                "the cases of piecewise are written (value, condition)", pair, "(x, x > 0), (0, True)"
            )
        value = reader.scalar((yield pair.elts[0]), pair.elts[0])
        pairs.append((value, reader.condition((yield pair.elts[1]), pair.elts[1])))
    if not pairs or pairs[-1][1] != sp.true:
        raise reader.error("piecewise leaves cases open", node, "end it with (value, True)")
    return _cases(reader, pairs, node)


def where(reader: Reader, node: ast.Call) -> Steps:
    """where(condition, a, b): a where the condition holds, else b."""
    if len(node.args) != 3:
        raise reader.error("where takes a condition and two values", node, "where(x > 0, x, 0)")
    test, then, otherwise = node.args
    condition = reader.condition((yield test), test)
    first = reader.scalar((yield then), then)
    return _cases(reader, [(first, condition), (reader.scalar((yield otherwise), otherwise), sp.true)], node)


def _cases(reader: Reader, pairs: list, node: ast.AST) -> sp.Basic:
    if any(len(test.atoms(sp.Piecewise)) > MAX_NESTED for _, test in pairs):
        raise reader.error("too many cases inside of a condition", node, "name its parts in equations before")
    return reader.measured(sp.Piecewise(*pairs, evaluate=False), node)


FORMS: dict[str, Callable[[Reader, ast.Call], Steps]] = {
    "sum": summation,
    "piecewise": piecewise,
    "where": where,
}
