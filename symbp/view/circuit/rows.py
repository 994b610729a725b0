"""Heights on the page: wires short and straight, gates in the middle of what they read.

A linear program, as in Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (1993),
section 4: minimise the sum of weighted |y_a - y_b| over the wires, while the vertices of a column keep their
order and their distance. Coordinates after Brandes and Köpf, which igraph has, know no heights of vertices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from symbp.view.circuit.layers import Layers

WIRE, MIDDLE, STRAIGHT = 1.0, 2.0, 8.0
"""Weights of a wire's slope, of a gate's distance from the middle of its operands, of a long wire's bends."""

Form = list[tuple[int, float]]
"""A linear form in the heights: (vertex, coefficient)."""


def rows(placed: Layers, heights: Sequence[float]) -> list[float]:
    """The y coordinate of each vertex, from 0 downwards; vertices of one column do not overlap.

    Args:
        heights: of the vertices, the gap to the next one included.
    """
    count = len(placed.column)
    terms = list(_terms(placed))
    # Variables: the heights y, then for each term a t, which is at least its absolute value.
    forms: list[Form] = []
    limits: list[float] = []
    for a, b in (pair for column in placed.order for pair in pairwise(column)):
        forms.append([(a, 1.0), (b, -1.0)])
        limits.append(-(heights[a] + heights[b]) / 2)
    for n, (_, form) in enumerate(terms):
        for sign in (1, -1):
            forms.append([*((v, sign * c) for v, c in form), (count + n, -1.0)])
            limits.append(0.0)
    if not forms:
        return [h / 2 for h in heights]
    entries = [(r, v, c) for r, form in enumerate(forms) for v, c in form]
    row, vertex, coefficient = zip(*entries, strict=True)
    matrix = sparse.csr_matrix((coefficient, (row, vertex)), shape=(len(forms), count + len(terms)))
    cost = np.concatenate([np.full(count, 1e-4), [weight for weight, _ in terms]])
    bounds = [(h / 2, None) for h in heights] + [(0.0, None)] * len(terms)
    solved = linprog(cost, matrix, limits, bounds=bounds, method="highs")
    assert solved.x is not None, solved.message
    return [float(y) for y in solved.x[:count]]


def _terms(placed: Layers) -> Iterable[tuple[float, Form]]:
    """Weight and linear form of each distance that is to be small."""
    gates = len(placed.column) - len(placed.pieces)
    for a, b in placed.pieces:
        yield (STRAIGHT if a >= gates else 2 * WIRE), [(a, 1.0), (b, -1.0)]
    incoming: dict[int, list[int]] = defaultdict(list)
    for a, b, _ in placed.ends:
        incoming[b].append(a)
        yield (2 * WIRE if a >= gates else WIRE), [(a, 1.0), (b, -1.0)]
    for b, sources in incoming.items():
        yield MIDDLE, [(b, 1.0), *((a, -1.0 / len(sources)) for a in sources)]
