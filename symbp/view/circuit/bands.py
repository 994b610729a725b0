"""A wide circuit as bands one below the other, like the lines of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from symbp.view.circuit.gates import Gate
from symbp.view.circuit.layers import columns

LINK = "link"
"""The operation of a gate that stands for one of an earlier band."""


def bands(gates: Sequence[Gate], widths: Sequence[float], limit: float) -> list[tuple[Gate, ...]]:
    """The gates of each band, operands first.

    A symbol stands in every band that reads it; of an operation, later bands have a link with its name.

    Args:
        widths: of the gates, with the wire behind them.
        limit: of the width of a band, kept unless a single column is wider.
    """
    column = columns(gates)
    wide = [0.0] * (max(column) + 1)
    for c, w in zip(column, widths, strict=True):
        wide[c] = max(wide[c], w)
    cuts = _cuts(wide, _crossings(gates, column), limit)
    parts = [_band(gates, column, low, high) for low, high in pairwise(cuts)]
    return [part for part in parts if part]  # symbols that are read later only have moved there


def _crossings(gates: Sequence[Gate], column: Sequence[int]) -> list[int]:
    """How many operations are read beyond each column."""
    place = {g.name: c for g, c in zip(gates, column, strict=True)}
    furthest = {g.name: 0 for g in gates if not g.is_symbol}
    for g in gates:
        for name in g.inputs:
            if name in furthest:
                furthest[name] = max(furthest[name], place[g.name])
    counts = [0] * (max(column) + 1)
    for name, last in furthest.items():
        for c in range(place[name], last):
            counts[c] += 1
    return counts


def _cuts(wide: Sequence[float], crossings: Sequence[int], limit: float) -> list[int]:
    """Where bands start, and the end: of about equal width, cut where few wires cross."""
    cuts = [0]
    while sum(wide[cuts[-1] :]) > limit:
        start, rest = cuts[-1], sum(wide[cuts[-1] :])
        ideal = rest / -(-rest // limit)
        reach = 0.0
        choices: list[tuple[int, float, int]] = []
        for c in range(start, len(wide) - 1):
            reach += wide[c]
            if reach > limit and choices:
                break
            if reach >= ideal / 2 or reach > limit:
                choices.append((crossings[c], abs(reach - ideal), c + 1))
        if not choices:
            break
        cuts.append(min(choices)[2])
    return [*cuts, len(wide)]


def _band(gates: Sequence[Gate], column: Sequence[int], low: int, high: int) -> tuple[Gate, ...]:
    inside = {g.name for g, c in zip(gates, column, strict=True) if low <= c < high and not g.is_symbol}
    read = {name for g in gates if g.name in inside for name in g.inputs}
    band = []
    for g in gates:
        if g.name in inside or (g.is_symbol and g.name in read):
            band.append(g)
        elif g.name in read:
            band.append(replace(g, operation=LINK, inputs=()))
    return tuple(band)
