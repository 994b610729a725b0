"""Roll up: sums that were written out entry by entry become sums over an index again.

    A[0,0]*x[0] + A[0,1]*x[1] + A[0,2]*x[2]  ->  Sum(A[0,k]*x[k], (k, 0, 2))

SymPy writes out `(v.T*v)[0, 0]` and `(A*x)[i, 0]` while they are built, one term per element. Terms of a sum
that differ in whole numbers at entries alone are one term at several places; where those places are all of
an axis, or all pairs of two, the sum runs over it. Sums inside of others are rolled up first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.indexed import Indexed

from symbp.ir.walk import postorder

MOST = 64
"""Places at which terms may differ; terms with more are left as they are."""

Extents = Callable[[Any], Sequence[int] | None]
"""The length of every axis that an entry has; None where it is not known."""


def rolled(root: sp.Basic, extents: Extents) -> sp.Basic:
    """The expression with sums over an index where it adds up one term at all entries of an axis."""
    order = postorder([root], leaf=lambda n: not n.args or isinstance(n, _ENTRIES))
    if not any(_positions(n) for n in order if isinstance(n, _ENTRIES)):
        return root
    return _Roller(extents).run(order)


_ENTRIES = (MatrixElement, Indexed)
_UNORDERED = (sp.Add, sp.Mul, sp.Max, sp.Min)


def _positions(entry: Any) -> list[int]:
    """The axes of an entry at which a whole number stands."""
    return [k for k, i in enumerate(entry.args[1:]) if i.is_Integer]


class _Roller:
    """Every node has a pattern, itself without the numbers at its entries, and those numbers in order."""

    def __init__(self, extents: Extents):
        self.extents = extents
        self.patterns: dict[Any, int] = {}
        self.known: dict[Any, tuple[int, tuple[int, ...]]] = {}
        self.indices: list[sp.Dummy] = []
        self.depth: dict[Any, int] = {}

    def run(self, order: Sequence[Any]) -> Any:
        done: dict[Any, Any] = {}
        for node in order:
            if isinstance(node, _ENTRIES) or not node.args:
                done[node] = new = node
            else:
                args = tuple(done[a] for a in node.args)
                same = all(a is b for a, b in zip(args, node.args, strict=True))
                new = node if same else node.func(*args)
                done[node] = new = self.rolled(new) if isinstance(new, sp.Add) else new
            self.learn(new)
        return done[order[-1]]

    # ---- patterns

    def learn(self, node: Any) -> None:
        if node not in self.known:
            self.known[node] = self.pattern(node)
            self.depth[node] = max((self.depth.get(a, 0) for a in node.args), default=0)

    def pattern(self, node: Any) -> tuple[int, tuple[int, ...]]:
        if isinstance(node, _ENTRIES):
            at = set(_positions(node))
            shape = tuple(None if k in at else i for k, i in enumerate(node.args[1:]))
            return self.number((type(node), node.args[0], shape)), tuple(
                int(node.args[1 + k]) for k in sorted(at)
            )
        if not node.args:
            return self.number(node), ()
        parts = [self.of(a) for a in self.parts(node)]
        numbers = tuple(n for _, own in parts for n in own)
        if len(numbers) > MOST:
            return self.number(node), ()
        return self.number((node.func, *(p for p, _ in parts))), numbers

    def of(self, node: Any) -> tuple[int, tuple[int, ...]]:
        self.learn(node) if not node.args or node in self.known else self.learn_all(node)
        return self.known[node]

    def learn_all(self, node: Any) -> None:
        for part in postorder([node], leaf=lambda n: not n.args or isinstance(n, _ENTRIES)):
            self.learn(part)

    def number(self, pattern: Any) -> int:
        return self.patterns.setdefault(pattern, len(self.patterns))

    def parts(self, node: Any) -> Sequence[Any]:
        """The operands, in an order that does not depend on the numbers where it does not matter."""
        return sorted(node.args, key=self.of) if isinstance(node, _UNORDERED) else node.args

    # ---- sums

    def rolled(self, total: sp.Add) -> Any:
        groups: dict[int, list[Any]] = {}
        for term in total.args:
            pattern, numbers = self.of(term)
            groups.setdefault(pattern if numbers else -1, []).append(term)
        rest = groups.pop(-1, [])
        if all(len(g) == 1 for g in groups.values()):
            return total
        found = [self.sum_of(terms) if len(terms) > 1 else None for terms in groups.values()]
        if not any(f is not None for f in found):
            return total
        for new, terms in zip(found, groups.values(), strict=True):
            rest += terms if new is None else [new]
        return sp.Add(*rest)

    def sum_of(self, terms: list[Any]) -> sp.Sum | None:
        """The terms as one sum; None where they are not one term at all entries of some axes."""
        rows = [self.of(t)[1] for t in terms]
        columns = list(zip(*rows, strict=True))
        varied = dict.fromkeys(c for c in columns if len(set(c)) > 1)
        sizes = [max(c) + 1 for c in varied]
        if len(varied) > 2 or prod(sizes) != len(terms) or len(set(zip(*varied, strict=True))) != len(terms):
            return None
        depth = max(self.depth.get(t, 0) for t in terms)
        symbols = [self.index(depth + k) for k in range(len(varied))]
        swap = dict(zip(varied, symbols, strict=True))
        chosen = iter([swap.get(c) for c in columns])
        body = self.at(terms[0], chosen)
        if body is None or not self.covers(body, dict(zip(symbols, sizes, strict=True))):
            return None
        # Terms of one pattern differ in their numbers alone: what holds for two of them holds for all.
        for term, row in [*zip(terms, zip(*varied, strict=True), strict=True)][:: len(terms) - 1]:
            if body.xreplace(dict(zip(symbols, map(sp.Integer, row), strict=True))) != term:
                return None
        limits = [(s, 0, n - 1) for s, n in zip(symbols, sizes, strict=True)]
        new = sp.Sum(body, *limits)
        self.learn_all(new)
        self.depth[new] = depth + len(varied)
        return new

    def index(self, k: int) -> sp.Dummy:
        while len(self.indices) <= k:
            self.indices.append(sp.Dummy("ijklmpqrst"[len(self.indices) % 10], integer=True))
        return self.indices[k]

    def at(self, node: Any, chosen: Iterator[Any]) -> Any:
        """The node with the symbols chosen for the numbers at its entries, in their order."""
        if not self.of(node)[1]:
            return node
        if isinstance(node, _ENTRIES):
            places = dict.fromkeys(_positions(node))
            args = [next(chosen) or i if k in places else i for k, i in enumerate(node.args[1:])]
            return node.func(node.args[0], *args)
        done = {a: self.at(a, chosen) for a in self.parts(node)}
        return node.func(*(done[a] for a in node.args))

    def covers(self, body: Any, sizes: Mapping[Any, int]) -> bool:
        """Whether the symbols run over all of every axis at which they stand."""
        for entry in postorder([body], leaf=lambda n: not n.args or isinstance(n, _ENTRIES)):
            if isinstance(entry, _ENTRIES) and any(i in sizes for i in entry.args[1:]):
                extents = self.extents(entry)
                if extents is None or len(extents) != len(entry.args) - 1:
                    return False
                pairs = zip(entry.args[1:], extents, strict=True)
                if any(i in sizes and sizes[i] != n for i, n in pairs):
                    return False
        return True
