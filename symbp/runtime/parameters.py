"""The flat parameter vector: where each parameter lives in it, named views, first values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from symbp.errors import DataError, shorten
from symbp.network import Network
from symbp.runtime.usage import Usage, usage
from symbp.runtime.validate import Slot, admit_array


@dataclass(frozen=True)
class Layout:
    """Names and shapes of arrays that lie one after another, in C order, in a flat vector.

    Attributes:
        sizes: entries of each.
        offsets: where each begins.
        size: the length P of the flat vector.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    # Not computed when they are first asked for: that takes a lock, which a child forked then finds taken.
    sizes: tuple[int, ...] = field(init=False, compare=False, repr=False)
    offsets: tuple[int, ...] = field(init=False, compare=False, repr=False)
    size: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        sizes = tuple(int(np.prod(shape, dtype=np.int64)) for shape in self.shapes)
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "offsets", tuple(accumulate(sizes, initial=0))[:-1])
        object.__setattr__(self, "size", sum(sizes))

    @staticmethod
    def of(items: Iterable[tuple[str, Iterable[int]]]) -> Layout:
        pairs = [(name, tuple(int(n) for n in shape)) for name, shape in items]
        return Layout(tuple(n for n, _ in pairs), tuple(s for _, s in pairs))

    def views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named views into a vector of shape (P,), no copies: scalars 0-d, vectors 1-D, matrices 2-D.

        Raises:
            DataError: it is not a NumPy array of shape (P,).
        """
        if not isinstance(vector, np.ndarray) or vector.shape != (self.size,):
            shape = vector.shape if isinstance(vector, np.ndarray) else type(vector).__name__
            raise DataError(f"the parameter vector must be an array of shape ({self.size},), got {shape}")
        parts = zip(self.names, self.shapes, self.offsets, self.sizes, strict=True)
        return {name: vector[start : start + size].reshape(shape) for name, shape, start, size in parts}

    def pack(self, values: Mapping[str, Any], dtype: Any = np.float64) -> np.ndarray:
        """A new flat vector from a value for every name; the inverse of `views`.

        Raises:
            DataError: a name is missing or unknown, or a value does not have the shape.
        """
        if not isinstance(values, Mapping):
            raise DataError(f"parameter values must be a dict of arrays by name, got {type(values).__name__}")
        wrong = [str(n) for n in values if n not in self.names] or [n for n in self.names if n not in values]
        if wrong:
            what = "missing" if wrong[0] in self.names else "not a parameter"
            raise DataError(
                f"{shorten(wrong[0], 80)!r} is {what}",
                hint=f"the parameters are {shorten(', '.join(self.names), 200)}",
            )
        vector = np.empty(self.size, dtype)
        real = str(vector.dtype)
        for name, view in self.views(vector).items():
            value = admit_array(Slot(name, view.shape, batched=False), values[name], real)
            if value.shape != view.shape:
                raise DataError(f"{shorten(name, 80)!r} has shape {value.shape}, not {view.shape}")
            view[...] = value
        return vector

    def entry(self, position: int) -> str:
        """The textbook name of one entry of the flat vector, such as `W1[3, 4]`."""
        k = int(np.searchsorted(self.offsets, position, side="right")) - 1
        # Empty parameters share their offset with the next one; shapes are at least 1, so none exist.
        at = np.unravel_index(position - self.offsets[k], self.shapes[k]) if self.shapes[k] else ()
        return f"{self.names[k]}[{', '.join(str(int(i)) for i in at)}]" if len(at) else self.names[k]


def initial(network: Network, layout: Layout, seed: Any, dtype: Any = np.float64) -> np.ndarray:
    """First values for training, from numpy's PCG64 generator; equal seeds give equal vectors.

    - Arrays of two or more axes, first axis out: uniform in +-sqrt(6/(in + out)) (Glorot & Bengio, 2010);
      normal with variance 2/in where the nearest function around them is relu-like (He et al., 2015).
    - Vectors that are added are 0, those that scale entry by entry are 1, others are matrices of one row.
    - Scalars: normal(0, 1)/2 in a model without matrices. Else 0 where added, normal(0, 1)/10 where not.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    uses = usage(network)
    matrices = any(len(shape) > 1 for shape in layout.shapes)
    vector = np.empty(layout.size, np.float64)
    for name, view in layout.views(vector).items():
        view[...] = _initial(random, view.shape, uses.get(name, Usage()), matrices)
    return vector.astype(dtype, copy=False)


def _initial(random: np.random.Generator, shape: tuple[int, ...], use: Usage, matrices: bool) -> Any:
    if not shape:
        if not matrices:
            return 0.5 * random.standard_normal()
        return 0.0 if use.place == "added" else 0.1 * random.standard_normal()
    if len(shape) == 1:
        if use.place == "added":
            return 0.0
        if use.place == "scales":
            return 1.0
        shape = (1, *shape)
    receptive = int(np.prod(shape[2:], dtype=np.int64))
    fan_out, fan_in = shape[0] * receptive, shape[1] * receptive
    if use.relu:
        values = np.sqrt(2 / fan_in) * random.standard_normal(shape)
    else:
        bound = np.sqrt(6 / (fan_in + fan_out))
        values = random.uniform(-bound, bound, shape)
    return values
