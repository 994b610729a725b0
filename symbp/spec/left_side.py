"""The left-hand sides of equations: `a1`, or in index notation `z[i, j]` and `z[i:62]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symbp.spec.indices import index_symbol
from symbp.spec.shapes import MAX_AXES, MAX_ENTRIES, check_name

HINT = 'left-hand sides are a name, a1, or a name with indices, "z[i, j]" or "z[i:62]"'

_LEFT = re.compile(r"\s*(?P<name>[^\[\]]+?)\s*(?:\[(?P<indices>[^\[\]]*)\]\s*)?")
_EXTENT = re.compile(r"\s*[0-9]{1,10}\s*")


@dataclass(frozen=True)
class LeftSide:
    """A left-hand side as written.

    Attributes:
        name: the name that is defined.
        indices: its indices; None where it is a name alone.
        given: the extents that are written out, as in z[i:62].
    """

    name: str
    indices: tuple[sp.Symbol, ...] | None
    given: Mapping[sp.Symbol, int]


def read_left_side(key: str) -> LeftSide:
    """Read the key of an equation, for example "a1", "z[i]" or "z[i:62, j]".

    Raises:
        ValueError: saying what is wrong.
    """
    match = _LEFT.fullmatch(key) if len(key) <= 1_000 else None
    if match is None:
        raise ValueError("is not a left-hand side")
    name = check_name(match["name"])
    if match["indices"] is None:
        return LeftSide(name, None, {})
    parts = match["indices"].split(",")
    if len(parts) > MAX_AXES:
        raise ValueError(f"has more than {MAX_AXES} indices")
    indices: list[sp.Symbol] = []
    given = {}
    for part in parts:
        letter, colon, extent = part.partition(":")
        index = index_symbol(check_name(letter.strip()))
        if index in indices:
            raise ValueError(f"has the index {index} twice")
        if index.name == name:
            raise ValueError(f"has its own name {name!r} as an index")
        indices.append(index)
        if colon:
            if not _EXTENT.fullmatch(extent) or not 1 <= int(extent) <= MAX_ENTRIES:
                problem = f"has an index {index} whose extent is no whole number from 1 to {MAX_ENTRIES:,}"
                raise ValueError(problem)
            given[index] = int(extent)
    return LeftSide(name, tuple(indices), given)
