"""Where the gates stand: columns by how far they are from the output, and in each column an order.

A wire over several columns passes through a dummy vertex in each of them; all wires of a gate share one
chain of dummies, as a bus does on a circuit board. igraph's layered layout finds the order with few
crossings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symbp.errors import SymbpError
from symbp.view.circuit.gates import Gate

SWEEPS = 100
"""Passes of the barycenter heuristic that reduces crossings, at most."""


@dataclass(frozen=True)
class Layers:
    """The vertices of a drawing: the gates, in their order, then the dummies.

    Attributes:
        column: of each vertex, counted from the left.
        order: the vertices of each column, from top to bottom.
        pieces: (from, to) of each piece of wire that ends at a dummy.
        ends: (from, gate, position) of each piece that ends at a gate, as its position-th input.
    """

    column: tuple[int, ...]
    order: tuple[tuple[int, ...], ...]
    pieces: tuple[tuple[int, int], ...]
    ends: tuple[tuple[int, int, int], ...]


def layers(gates: Sequence[Gate]) -> Layers:
    """Columns, dummies and the order of gates; inputs that are not among the gates are ignored.

    Raises:
        SymbpError: igraph is not installed.
    """
    number = {g.name: k for k, g in enumerate(gates)}
    column = columns(gates)
    owner = list(range(len(gates)))
    chains: dict[tuple[int, int], int] = {}
    pieces: list[tuple[int, int]] = []
    ends: list[tuple[int, int, int]] = []
    for k, gate in enumerate(gates):
        for position, name in enumerate(gate.inputs):
            at = source = number[name]
            for c in range(column[source] + 1, column[k]):
                if (source, c) not in chains:
                    chains[source, c] = len(column)
                    pieces.append((at, len(column)))
                    column.append(c)
                    owner.append(source)
                at = chains[source, c]
            ends.append((at, k, position))
    edges = list(dict.fromkeys([*pieces, *((a, b) for a, b, _ in ends)]))
    met = {k: n for n, k in enumerate(_reading_order(gates, number))}
    rows = _sugiyama(column, edges, [met[k] for k in owner])
    order: list[list[int]] = [[] for _ in range(max(column) + 1)]
    for v in sorted(range(len(column)), key=lambda v: rows[v]):
        order[column[v]].append(v)
    return Layers(tuple(column), tuple(map(tuple, order)), tuple(pieces), tuple(ends))


def columns(gates: Sequence[Gate]) -> list[int]:
    """Each gate as far to the right as what reads it allows: inputs stand beside their first reader."""
    number = {g.name: k for k, g in enumerate(gates)}
    distance = [0] * len(gates)
    for k in reversed(range(len(gates))):
        for name in gates[k].inputs:
            distance[number[name]] = max(distance[number[name]], distance[k] + 1)
    last = max(distance)
    return [last - d for d in distance]


def _reading_order(gates: Sequence[Gate], number: dict[str, int]) -> list[int]:
    """Gates in the order in which one meets them going back from the outputs: a tree gets no crossings."""
    read = {name for g in gates for name in g.inputs}
    order: dict[int, None] = {}
    stack = [k for k in reversed(range(len(gates))) if gates[k].name not in read]
    while stack:
        k = stack.pop()
        if k not in order:
            order[k] = None
            stack.extend(number[n] for n in reversed(gates[k].inputs))
    return list(order)


def _sugiyama(column: list[int], edges: list[tuple[int, int]], place: list[int]) -> list[float]:
    """Rows from igraph; `place` says in what order it is given the vertices, from which it starts."""
    count = len(column)
    column, edges, place = _extended(column, edges, place)
    vertices = sorted(range(len(column)), key=lambda v: (place[v], v))
    index = {v: k for k, v in enumerate(vertices)}
    graph = _igraph().Graph(n=len(column), edges=[(index[a], index[b]) for a, b in edges], directed=True)
    placed = graph.layout_sugiyama(layers=[column[v] for v in vertices], maxiter=SWEEPS)
    return [placed[index[v]][0] for v in range(count)]


def _extended(
    column: list[int], edges: list[tuple[int, int]], place: list[int]
) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """The graph with every loose end led on to the first or the last column.

    igraph (1.0 and before) moves a vertex without neighbours on the side that it looks at to the place of
    an unrelated vertex: an input in a later column would take its wire across others.
    """
    whole, edges, place = list(column), list(edges), list(place)
    starts, ends = {a for a, _ in edges}, {b for _, b in edges}
    for v, c in enumerate(column):
        loose = [] if v in ends else [range(c - 1, -1, -1)]
        loose += [] if v in starts else [range(c + 1, max(column) + 1)]
        for beyond in loose:
            at = v
            for further in beyond:
                new = len(whole)
                edges.append((new, at) if further < c else (at, new))
                whole.append(further)
                place.append(place[v])
                at = new
    return whole, edges, place


def _igraph() -> Any:
    try:
        import igraph
    except ImportError:
        raise SymbpError("pictures need igraph", hint="pip install 'symbp[plot]'") from None
    return igraph
