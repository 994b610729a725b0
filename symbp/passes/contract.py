"""Contract: the cheapest order for sums over products of several tensors.

sum_{j,k} A[i,j] B[j,k] x[k] becomes two sums of two factors each, in the order with the fewest
multiplications (dynamic programming over subsets of factors, exact up to eight of them).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import prod

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import index_symbols

MOST = 8
TYPICAL_BATCH = 64


@dataclass(frozen=True)
class _Plan:
    cost: int
    split: tuple[frozenset[int], frozenset[int]] | None


def contract(program: Program) -> Program:
    """Split sums over several indices into pairwise contractions where that is cheaper."""
    statements: list[Statement] = []
    tensors: list[Tensor] = []
    taken = set(program.tensors)
    for statement in program.statements:
        statements += _pairwise(statement, tensors, taken)
    return program.rebuilt(statements, tensors)


def _pairwise(statement: Statement, tensors: list[Tensor], taken: set[str]) -> list[Statement]:
    factors = list(sp.Mul.make_args(statement.body))
    constant = sp.Mul(*(f for f in factors if not index_symbols(f)))
    factors = [f for f in factors if index_symbols(f)]
    groups = _tied(factors)
    if (
        statement.reduce != "sum"
        or statement.where
        or not 3 <= len(groups) <= MOST
        or len(statement.bound) < 2
    ):
        return [statement]
    keep = frozenset(statement.indices)
    plans = _plans([frozenset(index_symbols(g)) for g in groups], keep)
    everything = frozenset(range(len(groups)))
    direct = prod(_extent(i) for i in statement.domain) * (len(groups) - 1)
    if plans[everything].cost >= direct:
        return [statement]
    made: list[Statement] = []
    count = 0

    def build(subset: frozenset[int], target: str | None) -> sp.Expr:
        nonlocal count
        if len(subset) == 1:
            return groups[next(iter(subset))]
        left, right = plans[subset].split  # type: ignore[misc]
        body = build(left, None) * build(right, None)
        outside = keep | {i for k in everything - subset for i in index_symbols(groups[k])}
        used = dict.fromkeys(index_symbols(body))
        if target is not None:
            bound = tuple(i for i in used if i not in keep)
            made.append(
                Statement(
                    target,
                    statement.indices,
                    constant * body,
                    "sum" if bound else "none",
                    bound,
                    (),
                    statement.origin,
                )
            )
            return statement.access
        free = tuple(i for i in used if i in outside)
        bound = tuple(i for i in used if i not in outside)
        count += 1
        name = f"{statement.target}_pair{count}"
        while name in taken:
            name += "_"
        taken.add(name)
        tensors.append(Tensor(name, tuple(i.extent for i in free)))
        made.append(Statement(name, free, body, "sum" if bound else "none", bound, (), statement.origin))
        return Access(name, *free)

    build(everything, statement.target)
    return made


def _tied(factors: list[sp.Expr]) -> list[sp.Expr]:
    """Factors over the same indices belong together: splitting them saves nothing."""
    groups: dict[frozenset, list[sp.Expr]] = {}
    for factor in factors:
        groups.setdefault(frozenset(index_symbols(factor)), []).append(factor)
    return [sp.Mul(*g) for g in groups.values()]


def _plans(index_sets: list[frozenset], keep: frozenset) -> dict[frozenset[int], _Plan]:
    n = len(index_sets)
    plans = {frozenset([k]): _Plan(0, None) for k in range(n)}

    def visible(subset: frozenset[int]) -> frozenset:
        inside = frozenset().union(*(index_sets[k] for k in subset))
        outside = keep.union(*(index_sets[k] for k in range(n) if k not in subset))
        return inside & outside if len(subset) > 1 else inside

    for size in range(2, n + 1):
        for subset in map(frozenset, combinations(range(n), size)):
            best: _Plan | None = None
            ordered = sorted(subset)
            for r in range(1, size // 2 + 1):
                for left in map(frozenset, combinations(ordered, r)):
                    right = subset - left
                    loops = visible(left) | visible(right)
                    price = plans[left].cost + plans[right].cost + prod(_extent(i) for i in loops)
                    if best is None or price < best.cost:
                        best = _Plan(price, (left, right))
            assert best is not None
            plans[subset] = best
    return plans


def _extent(index: Index) -> int:
    return TYPICAL_BATCH if index.extent == BATCH else index.extent
