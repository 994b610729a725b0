"""Jacobians of scalar programs, by elimination of vertices.

The local derivatives of all statements are the edges of a graph that leads from arguments to outputs. A
vertex j is eliminated by giving every pair of its neighbours k -> j -> i the product of the two edges,

    d i / d k  +=  (d i / d j) (d j / d k);

what is left when only arguments and outputs remain is the Jacobian (A. Griewank and A. Walther, Evaluating
Derivatives, 2nd ed. 2008, ch. 9). Eliminated from the outputs on this is reverse mode, from the arguments
on it is forward mode. Here the vertex that needs the fewest products is always next (H. Markowitz 1957), so
that neither has to be chosen: sparse systems and square ones cost less than with either.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import accesses
from symbp.passes.cost import cost
from symbp.passes.partials import partials, times
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.peaks import is_peak
from symbp.passes.simplify.reuse import reused

TERMS = 4
"""Terms of a sum of which each may be costly."""
COSTLY = 20


@dataclass
class Jacobian:
    """The result: statements to append, and the derivatives that are not zero everywhere.

    Attributes:
        entries: by output and argument: a number, or the entry of a statement, perhaps times a number.
    """

    statements: list[Statement] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    entries: dict[tuple[str, Access], sp.Expr] = field(default_factory=dict)


def jacobian(
    program: Program, outputs: Iterable[str], wrt: Iterable[str], lossy: bool, ledger: Ledger
) -> Jacobian:
    """d output / d argument for all outputs and all entries of the tensors `wrt` that they depend on.

    Args:
        program: every statement defines one number, without a loop.
        lossy: whether a derivative may be written through the function's value where that loses
            relative accuracy; see `symbp.passes.simplify.reuse`.
        ledger: takes note of every such rewrite.

    Raises:
        UnsupportedError: a function without derivative.
    """
    graph = _Graph(program, tuple(outputs), frozenset(wrt), lossy, ledger)
    graph.eliminate()
    return graph.finished()


class _Graph:
    """Edges by target and source; an edge is a sum of terms.

    Sinks are called by the name of their output, vertices by their access.
    """

    def __init__(
        self, program: Program, outputs: tuple[str, ...], wrt: frozenset[str], lossy: bool, ledger: Ledger
    ):
        self.outputs, self.wrt, self.lossy, self.ledger = outputs, wrt, lossy, ledger
        self.result = Jacobian()
        self.taken = set(program.tensors)
        self.into: dict[Any, dict[Any, list[sp.Expr]]] = {}
        self.out: dict[Any, dict[Any, None]] = {}
        self.position: dict[Any, int] = {}
        self.origin: dict[Any, Any] = {}
        for statement in program.statements:
            self.add(statement)
        for name in outputs:
            vertex = Access(name)
            if vertex in self.into or name in wrt:
                self.link(name, vertex, sp.S.One)

    def add(self, statement: Statement) -> None:
        """The edges into the value of a statement; no value depends on the shift of a sum of exponentials."""
        if is_peak(statement):
            return
        vertex = statement.access
        used = [a for a in accesses(statement.body) if a.name in self.wrt or a in self.into]
        if not used:
            return
        self.position[vertex] = len(self.position)
        self.origin[vertex] = self.origin[statement.target] = statement.origin
        for access, local in partials(statement.body, statement.origin).items():
            if access.name in self.wrt or access in self.into:
                local = reused(statement, local, self.lossy, self.ledger)
                self.link(vertex, access, self.edge(vertex, access, local))

    def link(self, target: Any, source: Any, term: sp.Expr) -> None:
        self.into.setdefault(target, {}).setdefault(source, []).append(term)
        self.out.setdefault(source, {})[target] = None

    # Elimination

    def eliminate(self) -> None:
        """All vertices between arguments and outputs, those first that need the fewest products."""
        vertices = [v for v in self.position if v in self.into]
        number = {v: k for k, v in enumerate(vertices)}
        heap = [(self.products(v), k) for v, k in number.items()]
        heapq.heapify(heap)
        while heap:
            count, k = heapq.heappop(heap)
            vertex = vertices[k]
            if vertex not in self.into or self.products(vertex) != count:
                continue  # gone, or its neighbours have changed: then it is in the heap once more
            changed = [v for v in (*self.into[vertex], *self.out.get(vertex, ())) if v in number]
            self.remove(vertex)
            for v in changed:
                heapq.heappush(heap, (self.products(v), number[v]))

    def products(self, vertex: Any) -> tuple[int, int]:
        """The products that eliminating a vertex takes, less the edges that are gone then; all of them.

        The edges count because each of them would be a factor when a neighbour is eliminated.
        """
        sources, targets = len(self.into.get(vertex, ())), len(self.out.get(vertex, ()))
        return sources * targets - sources - targets, sources * targets

    def remove(self, vertex: Any) -> None:
        sources = self.into.pop(vertex)
        targets = self.out.pop(vertex, {})
        for source in sources:
            del self.out[source][vertex]
        if not targets:
            return
        below = {k: self.whole(vertex, k, terms) for k, terms in sources.items()}
        for target in targets:
            above = self.whole(target, vertex, self.into[target].pop(vertex))
            for source, slope in below.items():
                self.link(target, source, times(above, slope))

    def whole(self, target: Any, source: Any, terms: list[sp.Expr]) -> sp.Expr:
        """The sum of the terms of an edge, as something that may be a factor many times."""
        if len(terms) > 1:
            # A sum of choices would become a choice among sums.
            terms = [self.store(target, source, t) if isinstance(t, sp.Piecewise) else t for t in terms]
        return self.edge(target, source, sp.Add(*terms))

    def edge(self, target: Any, source: Any, value: sp.Expr) -> sp.Expr:
        """The value, stored unless there is nothing to compute.

        Local choices stay visible: a product is taken inside of their branches, see `partials.times`.
        """
        if isinstance(value, sp.Piecewise) and all(_simple(e) for e, _ in value.args):
            return value
        return value if _simple(value) else self.store(target, source, value)

    def store(self, target: Any, source: Any, value: sp.Expr) -> sp.Expr:
        if isinstance(value, sp.Add) and len(value.args) > TERMS:
            # The sum over many terms is short, and all that is done to single terms after this as well.
            value = sp.Add(*(a if cost(a) < COSTLY else self.store(target, source, a) for a in value.args))
        upper = target if isinstance(target, str) else target.name
        lower = str(source.name) + "".join(f"_{i}" for i in source.indices)
        wish = f"d{upper}/d{lower}"
        name, k = wish, 1
        while name in self.taken:
            k += 1
            name = f"{wish}_{k}"
        self.taken.add(name)
        self.result.tensors.append(Tensor(name, ()))
        self.result.statements.append(Statement(name, (), value, origin=self.origin.get(target)))
        return Access(name)

    def finished(self) -> Jacobian:
        for output in self.outputs:
            for source, terms in self.into.get(output, {}).items():
                value = self.whole(output, source, terms)
                if isinstance(value, sp.Piecewise):
                    value = self.store(output, source, value)
                if value != 0:
                    self.result.entries[output, source] = value
        return self.result


def _simple(value: sp.Expr) -> bool:
    """Whether a value is a number, an entry, or an entry times a number."""
    if isinstance(value, sp.Mul) and len(value.args) == 2 and value.args[0].is_number:
        value = value.args[1]
    return value.is_number or isinstance(value, Access)
