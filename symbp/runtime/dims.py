"""Symbolic dimensions: which ones are open, what data says about them, one model for each set of values."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import sympy as sp
from sympy.tensor.indexed import IndexedBase

from symbp.errors import DataError, ShapeError, shorten
from symbp.ir.walk import postorder
from symbp.network import Network, dimension, symbol_name
from symbp.runtime.lock import MAKING

Closed = TypeVar("Closed")


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


def unknown_dims(symbols: Iterable[Any], dims: Mapping[str, int]) -> list[str]:
    """Names of the symbolic dimensions in the declared shapes that have no value yet, in order."""
    found: dict[str, None] = {}
    for symbol in symbols:
        for n in declared_shape(symbol) or ():
            for s in sorted(getattr(n, "free_symbols", ()), key=lambda s: s.name):
                if s.name not in dims:
                    found.setdefault(s.name)
    return list(found)


def check_dims(network: Network, dims: Mapping[str, int]) -> None:
    """Refuse values for dimensions that occur nowhere in the network.

    Raises:
        ShapeError: with the nearest name that exists.
    """
    if not dims:
        return
    shapes = [sp.Tuple(*(declared_shape(s) or ())) for s in (*network.inputs, *network.parameters)]
    nodes = postorder([*network.equations, *shapes], leaf=lambda n: not n.args)
    known = [n.name for n in nodes if isinstance(n, sp.Symbol)]
    for name in dims:
        if name not in known:
            near = difflib.get_close_matches(name[:200], known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else "leave it out"
            raise ShapeError(f"there is no dimension {shorten(name, 80)!r}", hint=hint)


class Instances(Generic[Closed]):
    """What is compiled for each set of dimensions, once for each.

    Args:
        leading: by symbol whose shape has dimensions, the number of axes that stand before the
            declared ones in its data; None for any number.
        known: values by name that are given from the start.
        make: makes what is wanted from the values of all dimensions.
    """

    def __init__(
        self,
        leading: Mapping[Any, int | None],
        known: Mapping[str, int],
        make: Callable[[dict[str, int]], Closed],
    ):
        self.leading, self.known, self.make = dict(leading), dict(known), make
        self.made: dict[tuple[tuple[str, int], ...], Closed] = {}

    def get(
        self, arrays: Mapping[str, Any], fits: Callable[[Closed], bool] = lambda _: True
    ) -> tuple[Closed, dict[str, Any]]:
        """The instance for the shapes of the arrays, and the arrays as it takes them.

        A matrix that turns out to have one column is a vector there, without the axis of length 1.
        Where the arrays do not show every dimension, an instance that was made before and agrees with
        what they show is meant, if it is the only one that `fits`.

        Raises:
            DataError: two arrays disagree about a dimension, or one has too few axes.
            ShapeError: a dimension is in no array's shape.
        """
        dims = self._read(arrays)
        missing = unknown_dims(self.leading, dims)
        if missing:
            dims = self._before(dims, fits, missing[0])
        key = tuple(sorted(dims.items()))
        if key not in self.made:
            with MAKING:
                if key not in self.made:
                    self.made[key] = self.make(dims)
        taken = dict(arrays)
        for symbol in self.leading:
            name, matrix = symbol_name(symbol), isinstance(symbol, sp.MatrixSymbol)
            if name in taken and matrix and (shape_of(symbol, dims) or ())[1:] == (1,):
                taken[name] = np.asarray(taken[name])[..., 0]
        return self.made[key], taken

    def _read(self, arrays: Mapping[str, Any]) -> dict[str, int]:
        dims = dict(self.known)
        for symbol, leading in self.leading.items():
            name, declared = symbol_name(symbol), declared_shape(symbol)
            if name not in arrays or not declared:
                continue
            shape = _shape(name, arrays[name])
            axes = len(declared) + (leading or 0)
            if len(shape) < axes or (leading is not None and len(shape) > axes):
                few = "at least " if leading is None else ""
                text = f"{shorten(name, 80)!r} must have {few}{axes} axes, got the shape {shape}"
                raise DataError(text)
            for want, have in zip(declared, shape[len(shape) - len(declared) :], strict=True):
                if isinstance(want, sp.Symbol) and dims.setdefault(want.name, have) != have:
                    at = f"{shorten(name, 80)!r} has the shape {shape}"
                    raise DataError(f"the dimension {want} is {dims[want.name]}, but {at}")
        return dims

    def _before(self, dims: dict[str, int], fits: Callable[[Closed], bool], missing: str) -> dict[str, int]:
        made = list(self.made.items())  # another thread may add one meanwhile
        found = [dict(key) for key, one in made if dims.items() <= dict(key).items() and fits(one)]
        if len(found) != 1:
            several = " and it had several values before" if found else ""
            raise ShapeError(
                f"the dimension {missing} is not known: no array shows it{several}",
                hint=f"give dims={{{missing!r}: ...}} to sb.compile",
            )
        return found[0]


def _shape(name: str, value: Any) -> tuple[int, ...]:
    try:
        return tuple(int(n) for n in np.shape(value))
    except Exception as error:  # objects may raise anything from __array__
        raise DataError(f"{shorten(name, 80)!r} is not an array of numbers") from error
