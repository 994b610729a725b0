"""Contract: the cheapest order for sums over products of several tensors.

sum_{j,k} A[i,j] B[j,k] x[k] becomes two sums of two factors each, in the order with the fewest
multiplications: dynamic programming over all subsets of up to eight factors, and of more over the
intervals of a walk along the indices they share, which is exact for chains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import prod

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import index_symbols

MOST = 8
"""Factors up to which every subset is tried."""
TYPICAL_BATCH = 64


@dataclass(frozen=True)
class _Plan:
    cost: int
    split: tuple[frozenset[int], frozenset[int]] | None


def contract(program: Program) -> Program:
    """Split sums over several indices into pairwise contractions where that is cheaper.

    Multiplications and additions count alike.
    """
    statements: list[Statement] = []
    tensors: list[Tensor] = []
    taken = set(program.tensors)
    for statement in program.statements:
        statements += _pairwise(statement, tensors, taken)
    return program.rebuilt(statements, tensors)


def _pairwise(statement: Statement, tensors: list[Tensor], taken: set[str]) -> list[Statement]:
    if statement.reduce != "sum" or statement.where or len(statement.bound) < 2:
        return [statement]
    factors = sp.Mul.make_args(statement.body)
    constant = sp.Mul(*(f for f in factors if not index_symbols(f)))
    groups = _tied([f for f in factors if index_symbols(f)])
    index_sets = [frozenset(index_symbols(g)) for g in groups]
    keep = frozenset(statement.indices)
    counts = Counter(i for own in index_sets for i in own)
    lonely = any(counts[i] == 1 for i in statement.bound)
    if len(groups) < (2 if lonely else 3) or not counts.keys() >= set(statement.bound):
        return [statement]
    plans = _plans(index_sets, keep)
    everything = frozenset(range(len(groups)))
    direct = prod(_extent(i) for i in statement.domain) * len(groups)
    if plans[everything].cost >= direct:
        return [statement]
    made: list[Statement] = []

    def build(subset: frozenset[int]) -> sp.Expr:
        """The product of some groups, summed over the indices that no other needs."""
        split = plans[subset].split
        body = groups[min(subset)] if split is None else build(split[0]) * build(split[1])
        outside = keep.union(*(index_sets[k] for k in everything - subset))
        used = dict.fromkeys(index_symbols(body))
        free = tuple(i for i in used if i in outside)
        bound = tuple(i for i in used if i not in outside)
        if split is None and not bound:
            return body
        if subset == everything:
            name, free, body = statement.target, statement.indices, constant * body
        else:
            name = _free_name(f"{statement.target}_pair{len(made) + 1}", taken)
            tensors.append(Tensor(name, tuple(i.extent for i in free)))
        made.append(Statement(name, free, body, "sum" if bound else "none", bound, (), statement.origin))
        return Access(name, *free)

    build(everything)
    return made


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _tied(factors: list[sp.Expr]) -> list[sp.Expr]:
    """Factors over the same indices belong together: splitting them saves nothing."""
    groups: dict[frozenset, list[sp.Expr]] = {}
    for factor in factors:
        groups.setdefault(frozenset(index_symbols(factor)), []).append(factor)
    return [sp.Mul(*g) for g in groups.values()]


def _plans(index_sets: list[frozenset], keep: frozenset) -> dict[frozenset[int], _Plan]:
    n = len(index_sets)
    holders = Counter(i for own in index_sets for i in own)

    def visible(subset: frozenset[int]) -> frozenset:
        """The indices of a result: those that are kept, or that other factors have."""
        inside = Counter(i for k in subset for i in index_sets[k])
        return frozenset(i for i, count in inside.items() if i in keep or count < holders[i])

    plans, seen = {}, {}
    for subset in (frozenset([k]) for k in range(n)):
        (own,) = (index_sets[k] for k in subset)
        seen[subset] = visible(subset)
        # An index that no other factor has is summed over first.
        plans[subset] = _Plan(0 if seen[subset] == own else prod(_extent(i) for i in own), None)
    for subset, splits in _subsets(n) if n <= MOST else _intervals(_walk(index_sets, keep)):
        seen[subset] = visible(subset)
        prices = []
        for left, right in splits:
            loops = seen[left] | seen[right]
            each = 1 if loops == seen[subset] else 2
            prices.append(plans[left].cost + plans[right].cost + each * prod(_extent(i) for i in loops))
        best = min(range(len(splits)), key=prices.__getitem__)
        plans[subset] = _Plan(prices[best], splits[best])
    return plans


Split = tuple[frozenset[int], frozenset[int]]


def _subsets(n: int) -> Iterator[tuple[frozenset[int], list[Split]]]:
    """All subsets of two and more, the small ones first, each with the ways to split it."""
    for size in range(2, n + 1):
        for subset in map(frozenset, combinations(range(n), size)):
            lefts = (frozenset(c) for r in range(1, size // 2 + 1) for c in combinations(sorted(subset), r))
            yield subset, [(left, subset - left) for left in lefts]


def _intervals(order: list[int]) -> Iterator[tuple[frozenset[int], list[Split]]]:
    """The same for the intervals of a sequence."""
    n = len(order)
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length
            splits = [(frozenset(order[i:m]), frozenset(order[m:j])) for m in range(i + 1, j)]
            yield frozenset(order[i:j]), splits


def _walk(index_sets: list[frozenset], keep: frozenset) -> list[int]:
    """The factors in an order in which neighbours share a summed index wherever they can."""
    near = [
        {m for m, other in enumerate(index_sets) if m != k and (own & other) - keep}
        for k, own in enumerate(index_sets)
    ]
    order: list[int] = []
    while len(order) < len(near):
        left = [k for k in range(len(near)) if k not in order]
        next_to_last = [k for k in left if order and k in near[order[-1]]]
        order.append(min(next_to_last or left, key=lambda k: (len(near[k] & set(left)), k)))
    return order


def _extent(index: Index) -> int:
    return TYPICAL_BATCH if index.extent == BATCH else index.extent
