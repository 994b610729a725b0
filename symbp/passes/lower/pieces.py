"""Pieces: a large scalar expression is cut into statements while it is lowered.

SymPy's automatic simplification asks an expression about its signs, which walks it as a tree: without
cuts, rebuilding shared sub-expressions takes exponential time, and deep ones overflow the stack.

What stands in a branch of a choice may have no value, and no slope, where another branch is taken. It is
cut out together with the condition under which it is needed,

    Piecewise((f(sqrt(x)), x > 0), (0, True))
        ->  g = Piecewise((1, x > 0), (0, True)),  u = Piecewise((sqrt(x), g != 0), (0, True)),

so that no adjoint of 0 meets a slope that is infinite. Conditions have no slope; what they read is
computed whatever is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.nodes import Access
from symbp.passes.lower.builder import Builder

LARGE = 200
"""Expressions with more distinct nodes are cut."""
TREE = 1000
"""So are those that have more nodes as a tree."""
PIECE = 12
"""Nodes of a piece."""
FEW = 6
"""Alternatives that are written out in one condition."""

Branch: TypeAlias = tuple[sp.Piecewise, int]
Guard: TypeAlias = frozenset[Branch]
"""Branches one of which must be taken for a node to be needed."""
ALWAYS: Guard = frozenset()
"""The guard of what is needed whatever is chosen: it says nothing."""

Lowered: TypeAlias = Callable[[Any, Mapping[Any, Any]], Any]


def is_large(order: Sequence[Any]) -> bool:
    """Whether an expression, given as its nodes in postorder, is to be cut."""
    if len(order) > LARGE:
        return True
    size: dict[Any, int] = {}
    for node in order:
        size[node] = 1 + sum(size.get(a, 1) for a in node.args)
    return size[order[-1]] > TREE


def in_pieces(b: Builder, order: Sequence[Any], lowered: Lowered) -> Any:
    """The body of the last node of an expression, its nodes given in postorder.

    Args:
        lowered: the body of one node, from the bodies of its operands.
    """
    graph = _Graph(order)
    guards = _guards(graph)
    values = [n for n in order if n in guards]
    conditions = [pair.cond for n in values if isinstance(n, sp.Piecewise) for pair in n.args]

    # What conditions read: no slope passes, so that no guard is needed.
    asked: dict[Any, Any] = {}
    nodes = graph.below(conditions)
    chosen = _chosen(nodes, graph.operands, graph.root)
    for node in nodes:
        body = lowered(node, asked)
        asked[node] = b.share(body) if node in chosen else body

    chosen = _chosen(values, graph.value_operands, graph.root)
    indicators = _Indicators(b, graph, guards, asked)
    indicators.define({branch for node in chosen for branch in guards[node]})
    plain = graph.without_choice()
    bodies: dict[Any, Any] = {}
    for node in values:
        same = node in asked and (not graph.operands(node) or (node in plain and not guards[node]))
        if same:
            bodies[node] = asked[node]
            continue
        known = bodies
        if isinstance(node, ExprCondPair):
            known = {node.expr: bodies[node.expr], node.cond: asked.get(node.cond, node.cond)}
        body = lowered(node, known)
        bodies[node] = b.share(indicators.guarded(body, guards[node])) if node in chosen else body
    return bodies[graph.root]


class _Graph:
    """The distinct nodes of an expression; those at which the walk stopped have no operands."""

    def __init__(self, order: Sequence[Any]):
        self.order, self.root = order, order[-1]
        self.rank = {n: k for k, n in enumerate(order)}

    def operands(self, node: Any) -> list[Any]:
        return [a for a in node.args if a in self.rank]

    def value_operands(self, node: Any) -> list[Any]:
        """The operands that have slopes: of a pair (value, condition) the value."""
        return [node.expr] if isinstance(node, ExprCondPair) else self.operands(node)

    def below(self, roots: Iterable[Any]) -> list[Any]:
        """All nodes that the roots depend on, in postorder."""
        found, stack = set(), list(roots)
        while stack:
            node = stack.pop()
            if node not in found and node in self.rank:
                found.add(node)
                stack.extend(node.args)
        return sorted(found, key=self.rank.__getitem__)

    def without_choice(self) -> set[Any]:
        """The nodes that no choice is below."""
        found: set[Any] = set()
        for node in self.order:
            if not isinstance(node, sp.Piecewise) and all(a in found for a in self.operands(node)):
                found.add(node)
        return found


def _chosen(nodes: list[Any], operands: Callable[[Any], list[Any]], root: Any) -> set[Any]:
    """Nodes that get a statement of their own: shared ones, and one in a few others."""
    parents = Counter(a for n in nodes for a in set(operands(n)))
    size: dict[Any, int] = {}
    found = set()
    for node in nodes:
        size[node] = 1 + sum(size.get(a, 1) for a in node.args)
        wanted = parents[node] > 1 or size[node] > PIECE
        if wanted and operands(node) and isinstance(node, sp.Expr) and node is not root:
            found.add(node)
            size[node] = 1
    return found


def _guards(graph: _Graph) -> dict[Any, Guard]:
    """For every node through which a slope may pass: when it is needed."""
    found: dict[Any, Guard] = {graph.root: ALWAYS}

    def add(node: Any, guard: Guard) -> None:
        known = found.get(node, guard)
        if known is not guard:
            guard = known | guard if known and guard else ALWAYS
        found[node] = guard

    for node in reversed(graph.order):
        if node in found:
            guard = found[node] = _covered(found[node], found)
            for k, operand in enumerate(graph.value_operands(node)):
                choice = isinstance(node, sp.Piecewise)
                add(operand, frozenset([(node, k)]) if choice else guard)
    return found


def _covered(guard: Guard, guards: Mapping[Any, Guard]) -> Guard:
    """The guard, where all branches of a choice are in it replaced by the guard of the choice."""
    while guard:
        count = Counter(node for node, _ in guard)
        whole = {n for n, k in count.items() if k == len(n.args) and n.args[-1].cond is sp.true}
        if not whole:
            return guard
        if not all(guards[n] for n in whole):
            return ALWAYS
        rest = frozenset(branch for branch in guard if branch[0] not in whole)
        guard = rest.union(*(guards[n] for n in whole))
    return guard


class _Indicators:
    """Tensors that are 1 where a branch is taken and 0 elsewhere."""

    def __init__(self, b: Builder, graph: _Graph, guards: Mapping[Any, Guard], asked: Mapping[Any, Any]):
        self.b, self.graph, self.guards, self.asked = b, graph, guards, asked
        self.of: dict[Branch, Access] = {}

    def define(self, branches: set[Branch]) -> None:
        """Define those of some branches, and of the branches that they lie in."""
        stack = list(branches)
        while stack:
            above = self.guards[stack.pop()[0]] - branches
            branches |= above
            stack.extend(above)
        for node, k in sorted(branches, key=self.place):
            cases = [(sp.Integer(m == k), self.asked.get(c, c)) for m, (_, c) in enumerate(node.args)]
            taken = sp.Piecewise(*cases, (0, True))
            self.of[node, k] = self.b.share(self.guarded(taken, self.guards[node]))

    def place(self, branch: Branch) -> tuple[int, int]:
        """Outer choices come first."""
        return -self.graph.rank[branch[0]], branch[1]

    def guarded(self, body: sp.Expr, guard: Guard) -> sp.Expr:
        """The body where it is needed, else 0."""
        if not guard:
            return body
        terms = [self.of[branch] for branch in sorted(guard, key=self.place)]
        while len(terms) > FEW:
            groups = [terms[k : k + FEW] for k in range(0, len(terms), FEW)]
            terms = [self.b.share(sp.Piecewise((1, _any(g)), (0, True))) for g in groups]
        return sp.Piecewise((body, _any(terms)), (0, True))


def _any(indicators: list[Access]) -> sp.Basic:
    return sp.Or(*(sp.Ne(g, 0) for g in indicators))
