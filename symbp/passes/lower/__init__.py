"""Lower: scalar, matrix and index notation become one form."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.tensor.indexed import Idx, Indexed, IndexedBase

from symbp.errors import ShapeError
from symbp.ir.bounds import domain_violation
from symbp.ir.nodes import Index, Program, Tensor
from symbp.ir.walk import postorder
from symbp.network import Network, Origin, dimension, equation_text, symbol_name
from symbp.passes.lower import matrices as matrix
from symbp.passes.lower.builder import Builder, refusals
from symbp.passes.lower.rolled import rolled
from symbp.passes.lower.scalars import scalar

__all__ = ["declared_shape", "lower"]


def lower(net: Network, dims: dict[str, int] | None = None) -> Program:
    """The program of one sample; its outputs are the names the equations define, in order.

    Raises:
        ShapeError, UnsupportedError: naming the equation.
    """
    b = Builder(dict(dims or {}), frozenset(net.defined))
    shapes = _indexed_shapes(net, b.dims)
    for role, symbols in (("input", net.inputs), ("parameter", net.parameters)):
        for symbol in symbols:
            # A parameter is not held to a sum by anything.
            total = getattr(symbol, "total", None) if role == "input" else None
            shape = declared_shape(symbol, b.dims, shapes)
            b.declare(Tensor(symbol_name(symbol), shape, role, total=total))
    for equation in net.equations:
        b.equation, b.current = Origin(equation), symbol_name(equation.lhs)
        with refusals(b):
            _equation(b, equation, shapes, symbol_name(equation.lhs) != net.loss)
    if net.loss is not None and b.tensors[net.loss].shape not in ((), (1,)):
        raise ShapeError(
            f"the loss {net.loss!r} has shape {b.tensors[net.loss].shape}, it must be a scalar",
            equation=next(equation_text(e) for e in net.equations if symbol_name(e.lhs) == net.loss),
            hint="sum it, for example with sb.total or Sum",
        )
    return b.program(net.defined)


def declared_shape(symbol: Any, dims: dict[str, int], shapes: dict[str, tuple]) -> tuple[int, ...]:
    """The shape of data for a symbol: column vectors have one axis."""
    if isinstance(symbol, sp.MatrixSymbol):
        rows, columns = (dimension(n, dims, symbol.name) for n in symbol.shape)
        return (rows,) if columns == 1 else (rows, columns)
    if isinstance(symbol, IndexedBase):
        name = symbol_name(symbol)
        if symbol.shape is None and name not in shapes:
            raise ShapeError(f"the shape of {name!r} is not given", hint=f"sb.indexed({name!r}, 32, 64)")
        return shapes[name] if symbol.shape is None else tuple(dimension(n, dims, name) for n in symbol.shape)
    return ()


def _equation(b: Builder, equation: sp.Eq, shapes: dict[str, tuple], activation: bool) -> None:
    left, right = equation.lhs, equation.rhs
    name = symbol_name(left)
    if not getattr(right, "is_Matrix", False):
        right = rolled(right, lambda entry: _extents(b, entry))
    b.memo = {k: v for k, v in b.memo.items() if isinstance(k, tuple) and k[0] == "stored"}
    if isinstance(left, Indexed):
        indices = _free_indices(b, equation, shapes)
        scope: dict[Any, sp.Expr] = {}
        for symbol, index in zip(left.indices, indices, strict=True):
            scope[symbol] = index
            if isinstance(symbol, Idx):
                scope[symbol.label] = index
        body = scalar(b, right, scope)
    elif isinstance(left, sp.MatrixSymbol):
        rows, columns = b.shape(left)
        if not getattr(right, "is_Matrix", False):
            scalar(b, right, {})  # exp(M) and the like have a clearer error of their own
            raise b.shape_error(
                f"a scalar is assigned to {name!r}, which is {rows} x {columns}",
                "multiply it by a OneMatrix; a matrix function acts on entries as sb.exp(M)",
            )
        if b.shape(right) != (rows, columns):
            r, c = b.shape(right)
            raise b.shape_error(
                f"{name!r} is {rows} x {columns}, the right-hand side is {r} x {c}",
                f"declare {name} as {r} x {c}, or transpose with .T",
            )
        i, j = Index("i", rows), Index("j", columns)
        indices = (i,) if columns == 1 else (i, j)
        body = matrix.value(b, right, i, sp.S.Zero if columns == 1 else j, {}, named=True)
    else:
        indices, body = (), scalar(b, right, {})
    body = sp.sympify(body, strict=True)
    b.name(name, indices, b.activated(body) if activation else body)
    _check_bounds(b)


def _extents(b: Builder, entry: Any) -> tuple[int, ...] | None:
    """The length of every axis that the indices of an entry run along."""
    if isinstance(entry, Indexed):
        tensor = b.tensors.get(symbol_name(entry.base))
        return None if tensor is None else tensor.shape
    return b.shape(entry.args[0])


def _free_indices(b: Builder, equation: sp.Eq, shapes: dict[str, tuple]) -> tuple[Index, ...]:
    left = equation.lhs
    sizes = declared_shape(left.base, b.dims, shapes)
    if len(sizes) != len(left.indices):
        raise b.shape_error(
            f"{left.base} has {len(sizes)} axes and {len(left.indices)} indices", "write one index per axis"
        )
    return tuple(
        Index(str(symbol.name if isinstance(symbol, sp.Symbol | Idx) else symbol), n)
        for symbol, n in zip(left.indices, sizes, strict=True)
    )


def _check_bounds(b: Builder) -> None:
    """Where bounds vary with an outer index, try every point that is visited."""
    if not b.memo.get("to check"):
        return
    for statement in b.statements:
        if statement.origin == b.equation and statement.where:
            problem = domain_violation(statement, b.tensors)
            if problem:
                raise b.shape_error(
                    problem, "make the bounds of the Sum, or the conditions, and the declared shapes agree"
                )


def _indexed_shapes(net: Network, dims: dict[str, int]) -> dict[str, tuple]:
    """Shapes of bases declared without one, from the ranges of the indices they are used with."""
    shapes: dict[str, tuple] = {}
    for equation in net.equations:
        ranges = _index_ranges(equation, dims, shapes)
        for use in _indexed_uses(equation):
            name = symbol_name(use.base)
            if use.base.shape is not None or name in shapes:
                continue
            extents = tuple(
                ranges.get(str(i), int(i) + 1 if getattr(i, "is_Integer", False) else None)
                for i in use.indices
            )
            if all(e is not None for e in extents):
                shapes[name] = extents
    return shapes


def _indexed_uses(equation: sp.Eq) -> list[Indexed]:
    return [
        n
        for n in postorder([equation.rhs, equation.lhs], leaf=lambda n: not n.args)
        if isinstance(n, Indexed)
    ]


def _index_ranges(equation: sp.Eq, dims: dict[str, int], shapes: dict[str, tuple]) -> dict[str, int]:
    ranges: dict[str, int] = {}
    for node in postorder([equation.rhs, equation.lhs], leaf=lambda n: not n.args):
        if isinstance(node, Idx) and node.upper is not None:
            ranges[str(node)] = dimension(node.upper + 1, dims, str(node))
        elif isinstance(node, sp.Sum):
            for limit in node.limits:
                if len(limit) == 3 and limit[2].is_Integer:
                    ranges.setdefault(str(limit[0]), int(limit[2]) + 1)
        elif isinstance(node, Indexed):
            known = node.base.shape or shapes.get(symbol_name(node.base))
            for axis, i in enumerate(node.indices):
                if known and isinstance(i, sp.Symbol | Idx):
                    ranges.setdefault(str(i), dimension(known[axis], dims, str(node.base)))
    return ranges
