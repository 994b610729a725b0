"""An order of the names in expressions that does not depend on the names.

    exp(a)/(exp(a) + exp(b)),    exp(d)/(exp(c) + exp(d))

are one expression if names do not count, but SymPy sorts terms by them. Names are told apart by where they
stand, as the nodes of a graph are by colour refinement (B. Weisfeiler and A. Leman, 1968): by what they are
in, then by what else is in that, and so on. Of those that stay alike any is the first, which may tell others
apart. They can change places, but in rare cases, and a collision of colours does no harm either: two
expressions are then taken for different that are not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import sympy as sp

from symbp.ir.walk import postorder

ROUNDS = 3
"""Names in sums of products of calls are told apart by then."""

CHOICES = 8
"""How often one of several that are alike is chosen; the others keep their order."""

COMMUTATIVE = (sp.Add, sp.Mul, sp.Max, sp.Min, sp.And, sp.Or)


def canonical_order(roots: Sequence[sp.Basic], leaves: Iterable[Any]) -> list[Any]:
    """Some leaves of expressions in an order for which their own names do not count.

    It is that in which they stand in the expressions, but for operands that differ in names alone.

    Args:
        roots: the expressions; the first is one of its own, others that are alike may change places.
        leaves: entries and indices; those that cannot be told apart keep their order.
    """
    order = postorder(roots)
    colours = dict.fromkeys(leaves, 0)
    shapes = _contents(order, colours)
    colours = _refined(roots, order, colours)
    for _ in range(CHOICES):
        counts = Counter(colours.values())
        alike = min((colour for colour, count in counts.items() if count > 1), default=None)
        if alike is None:
            break
        chosen = next(leaf for leaf, colour in colours.items() if colour == alike)
        colours = _refined(roots, order, {**colours, chosen: _colour(alike)})
    own = _contents(order, colours)
    found: dict[Any, None] = {}
    seen: set[Any] = set()
    stack = [*_arranged(roots[1:], shapes, own)[::-1], roots[0]]
    while stack:
        node = stack.pop()
        if node in colours:
            found[node] = None
        elif node not in seen:
            seen.add(node)
            operands = node.args
            if isinstance(node, COMMUTATIVE):
                operands = _arranged(operands, shapes, own)
            stack += operands[::-1]
    return [*found, *(leaf for leaf in colours if leaf not in found)]


def _arranged(operands: Sequence[Any], shapes: dict[Any, int], own: dict[Any, int]) -> list[Any]:
    """The operands, of which those of one shape take their places in the order of their colours."""
    alike: dict[int, list[Any]] = defaultdict(list)
    for operand in operands:
        alike[shapes[operand]].append(operand)
    rest = {shape: iter(sorted(some, key=own.__getitem__)) for shape, some in alike.items()}
    return [next(rest[shapes[operand]]) for operand in operands]


def _refined(roots: Sequence[sp.Basic], order: Sequence[sp.Basic], colours: dict[Any, int]) -> dict[Any, int]:
    """The colours of leaves, different where they stand in different places."""
    for _ in range(ROUNDS):
        around = _surroundings(roots, order, _contents(order, colours), colours)
        colours = {leaf: _colour(colour, *sorted(around[leaf])) for leaf, colour in colours.items()}
    return colours


def _colour(*parts: Any) -> int:
    # Not `hash`, which for text differs from process to process.
    return crc32(repr(parts).encode())


def _contents(order: Sequence[sp.Basic], colours: dict[Any, int]) -> dict[Any, int]:
    """The colour of every node by what is in it."""
    found: dict[Any, int] = {}
    for node in order:
        if node in colours:
            found[node] = colours[node]
        elif not node.args:
            found[node] = _colour(str(node))
        else:
            below = [found.get(a, 0) for a in node.args]
            found[node] = _colour(
                type(node).__name__, *(sorted(below) if isinstance(node, COMMUTATIVE) else below)
            )
    return found


def _surroundings(
    roots: Sequence[sp.Basic], order: Sequence[sp.Basic], own: dict[Any, int], colours: dict[Any, int]
) -> dict[Any, list[int]]:
    """The colours of all places where a node stands, by what it is in."""
    places: dict[Any, list[int]] = defaultdict(list)
    for k, root in enumerate(roots):
        places[root].append(min(k, 1))
    for node in reversed(order):
        if node in colours:
            continue
        outside = _colour(own[node], *sorted(places[node]))
        for k, operand in enumerate(node.args):
            places[operand].append(_colour(outside, -1 if isinstance(node, COMMUTATIVE) else k))
    return places
