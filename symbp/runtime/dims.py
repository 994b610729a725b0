"""Symbolic dimensions: which ones a network has, and what data says about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.tensor.indexed import IndexedBase

from symbp.errors import DataError, ShapeError, shorten
from symbp.network import Network, dimension, symbol_name


def declared_shape(symbol: Any) -> tuple[Any, ...] | None:
    """The declared shape as users see it: vectors have one axis; None where an IndexedBase has none."""
    if isinstance(symbol, sp.MatrixSymbol):
        rows, columns = symbol.shape
        return (rows,) if columns == 1 else (rows, columns)
    if isinstance(symbol, IndexedBase):
        return None if symbol.shape is None else tuple(symbol.shape)
    return ()


def shape_of(symbol: Any, dims: Mapping[str, int]) -> tuple[int, ...] | None:
    """`declared_shape` in numbers.

    Raises:
        ShapeError: a symbolic dimension is not in `dims`.
    """
    shape = declared_shape(symbol)
    return None if shape is None else tuple(dimension(n, dict(dims), symbol_name(symbol)) for n in shape)


def unknown_dims(network: Network, dims: Mapping[str, int]) -> list[str]:
    """Names of the symbolic dimensions of inputs and parameters that have no value yet, in order."""
    found: dict[str, None] = {}
    for symbol in (*network.inputs, *network.parameters):
        for n in declared_shape(symbol) or ():
            for s in sorted(getattr(n, "free_symbols", ()), key=lambda s: s.name):
                if s.name not in dims:
                    found.setdefault(s.name)
    return list(found)


def dims_from_data(network: Network, known: Mapping[str, int], arrays: Mapping[str, Any]) -> dict[str, int]:
    """`known`, with the dimensions that the shapes of the arrays show.

    Raises:
        DataError: two arrays disagree, or one has the wrong number of axes.
        ShapeError: a dimension is in no array's shape.
    """
    dims = dict(known)
    for symbol in network.inputs:
        name = symbol_name(symbol)
        declared = declared_shape(symbol)
        if name not in arrays or declared is None:
            continue
        try:
            shape = np.shape(arrays[name])
        except Exception as error:
            raise DataError(f"{shorten(name, 80)!r} is not an array of numbers") from error
        axes = len(declared) + network.batch
        if len(shape) != axes:
            raise DataError(f"{shorten(name, 80)!r} must have {axes} axes, got the shape {shape}")
        for want, have in zip(declared, shape[int(network.batch) :], strict=True):
            if isinstance(want, sp.Symbol) and dims.setdefault(want.name, int(have)) != have:
                at = f"{shorten(name, 80)!r} has the shape {shape}"
                raise DataError(f"the dimension {want} is {dims[want.name]}, but {at}")
    missing = unknown_dims(network, dims)
    if missing:
        raise ShapeError(
            f"the dimension {missing[0]} is not known and no input shows it",
            hint=f"give dims={{{missing[0]!r}: ...}} to sb.compile",
        )
    return dims
