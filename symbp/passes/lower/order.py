"""Order: matrix products are multiplied in the order with the fewest multiplications.

The classical dynamic programme over the intervals of a chain, with three additions:
- a product that occurs twice, also as its own transpose, is counted and computed once, so that x'A'Ax
  takes one product A x, and A^8 three;
- a sum is multiplied out where that is cheaper: (A B + C) x is A (B x) + C x;
- a diagonal matrix scales rows or columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix

from symbp.ir.walk import postorder
from symbp.passes.lower.common import common
from symbp.passes.lower.flat import ENTRYWISE, flat, is_matrix, parts_of, product

LONG = 48
"""Products of more factors keep the order they are written in; see `matrices`."""
CYCLE = 24
"""Longer traces are not rotated."""
DEEP = 6
"""Nested sums are multiplied out to this depth."""
MINOR = 8
"""A coefficient goes with a small factor where the last product takes fewer multiplications per entry."""

Work = frozenset[tuple[Any, int]]
Key = tuple[tuple[int, bool], ...]


class _Operand(sp.MatrixSymbol):
    """Stands for what a sum is multiplied with."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A way to compute a product.

    Attributes:
        key: the factors by number, each with whether it is transposed.
        work: multiplications by the value that they compute; `cost` is their number.
        factor: the matrix itself, where nothing is multiplied.
        halves: the two plans whose results are multiplied last.
        terms: where a sum is multiplied out, coefficient and plan of each term over `operand`.
    """

    rows: int
    columns: int
    key: Key
    work: Work
    cost: int
    diagonal: bool = False
    factor: Any = None
    halves: tuple[Plan, Plan] | None = None
    terms: tuple[tuple[sp.Expr, Plan], ...] = ()
    operand: tuple[Any, Plan] | None = None

    @property
    def size(self) -> int:
        return self.rows * self.columns


class Order:
    """Rearranges matrix expressions; keeps what it has found, so that equal products are equal nodes.

    Args:
        shape: rows and columns of an expression as numbers.
    """

    def __init__(self, shape: Callable[[Any], tuple[int, int]]):
        self._shape = shape
        self._flat: dict[tuple[Any, bool], Any] = {}
        self._done: dict[Any, Any] = {}
        self._plans: dict[tuple, Plan] = {}
        self._numbers: dict[Any, tuple[int, bool]] = {}
        self._firsts: list[Any] = []
        self._symmetric: set[int] = set()
        self._built: dict[Key, tuple[Any, Key]] = {}
        self._depth = 0

    def arranged(self, expression: Any) -> Any:
        """An equal expression whose products have two factors each, in the cheapest order."""
        return self._arrange(common(flat(expression, self._flat)))

    def cycle(self, expression: Any) -> tuple[sp.Expr, list[Any]]:
        """Coefficient and factors, two of three or more, whose product has the trace of the expression."""
        coefficient, factors = parts_of(common(flat(expression, self._flat)))
        for f in factors:
            self._arrange(f)
        lone = [f for f in factors if not isinstance(f, sp.OneMatrix)]
        if len(factors) < 3 or len(lone) < 2:
            # A sum over all entries, 1' A 1, is one sum.
            return coefficient, [self._leaf(f) for f in factors]
        if len(factors) > CYCLE:
            return coefficient, [self._leaf(factors[0]), self._arrange(product(sp.S.One, factors[1:]))]
        n = len(factors)
        table = self._table([*factors, *factors[:-1]], n - 1)
        halves = [
            (table[s, s + k], table[s + k, s + n] if s + k < n else table[s + k - n, s])
            for k in range(1, n)
            for s in range(n - k)
        ]
        left, right = min(halves, key=lambda pair: _together(*pair) + pair[0].size)
        return coefficient, [self._build(left, {}), self._build(right, {})]

    def _arrange(self, root: Any) -> Any:
        done = self._done
        for node in postorder([root], leaf=lambda n: n in done or not n.args or not is_matrix(n)):
            if node not in done and is_matrix(node):
                done[node] = self._arranged_node(node)
        return done[root]

    def _arranged_node(self, node: Any) -> Any:
        if not isinstance(node, sp.MatrixExpr):
            return node
        if isinstance(node, sp.MatMul):
            coefficient, factors = parts_of(node)
            if 1 < len(factors) <= LONG:
                return self._scaled(self._best(tuple(factors)), coefficient, {})
            leaves = [self._leaf(f) for f in factors]
            return sp.MatMul(*([] if coefficient == 1 else [coefficient]), *leaves)
        args = tuple(self._done.get(a, a) for a in node.args)
        changed = any(a is not b for a, b in zip(args, node.args, strict=True))
        return node.func(*args) if changed else node

    # ---- plans

    def _best(self, factors: tuple) -> Plan:
        if factors not in self._plans:
            self._plans[factors] = self._table(factors, len(factors))[0, len(factors)]
        return self._plans[factors]

    def _table(self, factors: Sequence[Any], longest: int) -> dict[tuple[int, int], Plan]:
        """The cheapest plan of factors[i:j] by (i, j), up to `longest` factors."""
        n = len(factors)
        table = {(i, i + 1): self._factor(f) for i, f in enumerate(factors)}
        for length in range(2, longest + 1):
            for i in range(n - length + 1):
                j = i + length
                table[i, j] = self._cheapest([(table[i, m], table[m, j]) for m in range(i + 1, j)])
        return table

    def _cheapest(self, splits: list[tuple[Plan, Plan]]) -> Plan:
        """The best way to one product, from the ways to its halves; of equal ones the first."""
        left, right = min(splits, key=lambda halves: _together(*halves) + _price(*halves))
        rows, columns, key = left.rows, right.columns, left.key + right.key
        work = left.work | right.work | {(self._canonical(key), _price(left, right))}
        diagonal = left.diagonal and right.diagonal
        best = Plan(rows, columns, key, work, _cost(work), diagonal, halves=(left, right))
        for left, right in splits:
            for which, other, after in ((left, right, True), (right, left, False)):
                if isinstance(which.factor, sp.MatAdd) and self._depth < DEEP and _worth(which.factor):
                    out = self._multiplied_out(which.factor, other, after, (rows, columns, key))
                    best = out if out.cost < best.cost else best
        return best

    def _multiplied_out(
        self, total: sp.MatAdd, other: Plan, after: bool, result: tuple[int, int, Key]
    ) -> Plan:
        """The sum times `other` (which comes after it, or before), term by term."""
        rows, columns, key = result
        hole = _Operand("operand", other.rows, other.columns)
        terms: list[tuple[sp.Expr, Plan]] = []
        self._depth += 1
        for term in total.args:
            coefficient, factors = parts_of(term)
            factors = [f for f in factors if not isinstance(f, sp.Identity)]
            terms.append((coefficient, self._best((*factors, hole) if after else (hole, *factors))))
        self._depth -= 1
        price = sum(plan.cost for _, plan in terms) + (len(terms) - 1) * rows * columns
        work = other.work | {(self._canonical(key), price)}
        return Plan(rows, columns, key, work, _cost(work), terms=tuple(terms), operand=(hole, other))

    def _factor(self, node: Any) -> Plan:
        rows, columns = self._shape(node)
        work: Work = frozenset()
        if isinstance(node, sp.MatAdd):
            price = (len(node.args) - 1) * rows * columns
            price += sum(self._best(tuple(parts_of(t)[1])).cost for t in node.args)
            work = frozenset([(self._canonical((self._number(node),)), price)])
        diagonal = isinstance(node, DiagMatrix | DiagonalMatrix | sp.Identity)
        return Plan(rows, columns, (self._number(node),), work, _cost(work), diagonal, factor=node)

    # ---- values: which products are the same

    def _number(self, node: Any) -> tuple[int, bool]:
        """The number of a factor, and whether it is the transpose of the one that has that number."""
        if node not in self._numbers:
            other = flat(node, self._flat, turned=True)
            if isinstance(other, sp.MatAdd | sp.MatMul):
                other = common(other)
            number = len(self._firsts)
            self._firsts.append(node)
            self._numbers[node] = number, False
            if other == node:
                self._symmetric.add(number)
            self._numbers.setdefault(other, (number, True))
        return self._numbers[node]

    def _canonical(self, key: Key) -> Key:
        """One key for a product and its transpose."""
        return min(key, tuple((k, t if k in self._symmetric else not t) for k, t in reversed(key)))

    # ---- expressions

    def _leaf(self, node: Any) -> Any:
        """A factor as it is computed: where its transpose came first, the transpose of that."""
        if isinstance(node, sp.Transpose):
            return sp.Transpose(self._done.get(node.arg, node.arg))
        number, turned = self._number(node)
        if turned and isinstance(node, (sp.MatAdd, *ENTRYWISE)):
            first = self._firsts[number]
            return sp.Transpose(self._done.get(first, first))
        return self._done.get(node, node)

    def _scaled(self, plan: Plan, coefficient: sp.Expr, known: Mapping[Any, Any]) -> Any:
        """coefficient * plan; the coefficient is multiplied where that takes the fewest multiplications."""
        if coefficient == 1:
            return self._build(plan, known)
        chosen = _smallest(plan)
        if chosen is not plan:
            return self._build(plan, known, (chosen, coefficient))
        node = self._build(plan, known)
        return sp.MatMul(coefficient, *(node.args if isinstance(node, sp.MatMul) else [node]))

    def _build(self, plan: Plan, known: Mapping[Any, Any], scaled: tuple[Plan, sp.Expr] | None = None) -> Any:
        if scaled is not None and plan is scaled[0]:
            return sp.MatMul(scaled[1], self._build(plan, known))
        if plan.factor is not None:
            return known[plan.factor] if plan.factor in known else self._leaf(plan.factor)
        if plan.operand is not None:
            hole, other = plan.operand
            inside = {hole: self._build(other, known, scaled)}
            return sp.MatAdd(*(self._scaled(p, c, inside) for c, p in plan.terms))
        key = self._canonical(plan.key)
        if not known and scaled is None and key in self._built:
            node, orientation = self._built[key]
            return node if orientation == plan.key else sp.Transpose(node)
        assert plan.halves is not None
        node = sp.MatMul(*(self._build(half, known, scaled) for half in plan.halves))
        if not known and scaled is None:
            self._built[key] = node, plan.key
        return node


def _cost(work: Work) -> int:
    return sum(price for _, price in work)


def _together(left: Plan, right: Plan) -> int:
    """The cost of both plans; what they have in common is computed once."""
    both = 0 if left.work.isdisjoint(right.work) else _cost(left.work & right.work)
    return left.cost + right.cost - both


def _price(left: Plan, right: Plan) -> int:
    """Multiplications of one product of two."""
    if left.diagonal and right.diagonal:
        return left.rows
    if left.diagonal or right.diagonal:
        return left.rows * right.columns
    return left.size * right.columns


def _worth(total: sp.MatAdd) -> bool:
    """Whether a term of the sum is more than a matrix that is there already."""
    return any(
        len(factors) > 1 or isinstance(factors[0], sp.Identity | DiagMatrix | DiagonalMatrix)
        for _, factors in map(parts_of, total.args)
    )


def _smallest(plan: Plan) -> Plan:
    """The part of a product that has the fewest entries, where they matter beside its last step."""
    if plan.halves is None or plan.halves[0].columns >= MINOR:
        return plan
    best, stack = plan, [plan]
    while stack:
        part = stack.pop()
        if part.size < best.size and not isinstance(part.factor, sp.OneMatrix):
            best = part
        stack.extend(reversed(part.halves or ()))
    return best
