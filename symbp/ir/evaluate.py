"""The interpreter: a slow NumPy evaluator that defines what a program means.

Generic in dtype; see `numeric` for the rules of the single operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.definition import defined
from symbp.ir.nodes import BATCH, Index, Program, Statement
from symbp.ir.numeric import Values, expression, has_rule

CHUNK = 1 << 22
"""Entries evaluated at once; longer domains are cut along their first index."""


def evaluate(program: Program, values: Mapping[str, Any], dtype: Any = np.float64) -> Values:
    """All tensors of the program, by name, from the values of its inputs and parameters.

    Shapes are those of the tensors; the batch length is taken from the first batched input.
    """
    batch = 1
    memory: Values = {}
    for tensor in program.tensors.values():
        if tensor.role == "constant":
            memory[tensor.name] = np.asarray(tensor.values, dtype=dtype).reshape(tensor.shape)
        elif tensor.role != "defined" and tensor.name in values:
            kind = np.int64 if tensor.role == "label" else dtype
            memory[tensor.name] = np.asarray(values[tensor.name], dtype=kind)
            if tensor.batched:
                batch = memory[tensor.name].shape[0]
    with np.errstate(all="ignore"):
        for statement in program.statements:
            memory[statement.target] = _run(statement, memory, batch, dtype)
    return memory


def evaluate_body(body: sp.Expr, values: Mapping[str, np.ndarray], dtype: Any = np.float64) -> np.ndarray:
    """One body without indices on arrays of operands: its value at every sample."""
    return np.asarray(expression(defined(body, known=has_rule), {}, dict(values), 1, dtype))


def _run(statement: Statement, memory: Values, batch: int, dtype: Any) -> np.ndarray:
    extents = [batch if i.extent == BATCH else i.extent for i in statement.domain]
    shape = tuple(extents[: len(statement.indices)])
    if not statement.domain:
        return np.asarray(_points(statement, memory, batch, [], dtype))
    step = max(1, CHUNK // max(1, int(np.prod(extents[1:]))))
    rows = [np.arange(low, min(low + step, extents[0])) for low in range(0, extents[0], step)]
    parts = [_points(statement, memory, batch, [r, *map(np.arange, extents[1:])], dtype) for r in rows]
    if statement.indices:
        return np.concatenate(parts) if parts else np.zeros(shape, dtype)
    return np.asarray(np.max(parts, axis=0) if statement.reduce == "max" else np.sum(parts, axis=0))


def _points(statement: Statement, memory: Values, batch: int, ranges: list, dtype: Any) -> np.ndarray:
    """The reduced body on the grid spanned by `ranges`, one range per index of the domain."""
    full = tuple(len(r) for r in ranges)
    grid = {
        index: r.reshape([-1 if axis == k else 1 for k in range(len(ranges))])
        for axis, (index, r) in enumerate(zip(statement.domain, ranges, strict=True))
    }
    body = np.broadcast_to(
        expression(defined(statement.body, statement.origin, has_rule), grid, memory, batch, dtype), full
    )
    for condition in statement.where:
        neutral = -np.inf if statement.reduce == "max" else 0
        body = np.where(expression(condition, grid, memory, batch, dtype), body, neutral)
    axes = tuple(range(len(statement.indices), len(full)))
    if statement.reduce == "max":
        return np.max(body, axis=axes) if not np.iscomplexobj(body) else _complex_max(body, axes)
    return np.sum(body, axis=axes, dtype=dtype) if axes else np.array(body, dtype=dtype)


def evaluate_on_grid(body: sp.Basic, grid: Mapping[Index, np.ndarray]) -> np.ndarray:
    """An expression or condition over loop indices alone, at the points of a grid."""
    return np.asarray(expression(body, grid, {}, 1, np.float64))


def _complex_max(body: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    flat = body.reshape(*body.shape[: body.ndim - len(axes)], -1)
    where = np.argmax(flat.real, axis=-1)[..., None]
    return np.take_along_axis(flat, where, -1)[..., 0]
