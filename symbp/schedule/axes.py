"""Axes of matrices inside of tensors: indices along which neighbours are a fixed distance apart in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import prod

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Tensor

Steps = Mapping[Index, int]
"""The distance in memory between neighbours along each index."""


@dataclass(frozen=True)
class Axis:
    """One index, or several that are evenly spaced together, as the rows and columns of an image.

    Attributes:
        indices: from the outside in.
    """

    indices: tuple[Index, ...]

    @property
    def samples(self) -> bool:
        """Whether it runs through the samples of a batch."""
        return self.indices[0].extent == BATCH

    @property
    def size(self) -> int:
        """The number of entries, for each sample where it runs through those."""
        return prod(i.extent for i in self.indices if i.extent != BATCH)

    @property
    def inner(self) -> Index:
        """The index whose neighbours are the neighbours along the axis."""
        return self.indices[-1]

    @property
    def text(self) -> str:
        """The number of entries as a text of Python, where `rows` is the number of samples."""
        if not self.samples:
            return str(self.size)
        return "rows" if self.size == 1 else f"rows*{self.size}"


def steps_of(access: Access, tensors: Mapping[str, Tensor]) -> tuple[int, Steps] | None:
    """Where an entry is in memory: a constant, and the distance between neighbours along each index.

    None where a position is no sum of indices with positive whole factors, as of data.
    """
    const, steps = 0, dict[Index, int]()
    apart = 1
    for position, extent in zip(reversed(access.indices), reversed(tensors[access.name].shape), strict=True):
        for term in sp.Add.make_args(position):
            factor, index = term.as_coeff_Mul()
            if index is sp.S.One:
                const += apart * int(factor)
            elif isinstance(index, Index) and factor.is_Integer and factor > 0:
                steps[index] = steps.get(index, 0) + apart * int(factor)
            else:
                return None
        apart *= 1 if extent == BATCH else extent
    return const, steps


def axes_of(indices: Iterable[Index], tensors: Sequence[Steps]) -> list[Axis]:
    """Indices as the fewest axes that are evenly spaced in all tensors."""
    found = [Axis((i,)) for i in indices]
    while True:
        pair = next((p for p in permutations(found, 2) if _follow_each_other(*p, tensors)), None)
        if pair is None:
            return found
        outer, inner = pair
        found = [Axis(outer.indices + inner.indices) if a is outer else a for a in found if a is not inner]


def _follow_each_other(outer: Axis, inner: Axis, tensors: Sequence[Steps]) -> bool:
    """Whether the next entry along `outer` is where `inner` ends, in each tensor."""
    first, last = inner.indices[0], outer.inner
    if inner.samples:
        return False
    return all(steps.get(last, 0) == steps.get(first, 0) * first.extent for steps in tensors)
