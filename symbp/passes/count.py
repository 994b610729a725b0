"""How many operations a program takes: each as often as the indices that it depends on have values.

In p[i] = u[i]/s the product is taken once per entry and 1/s once: nothing in a loop that the loop does not
change is evaluated again, neither by a person nor by the kernels.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement
from symbp.ir.walk import REMEMBERED, index_symbols, is_leaf, is_negation, node_operations, postorder
from symbp.passes.cost import is_transcendental

Indices = frozenset[Index]


def arithmetic(program: Program, samples: int = 1) -> int:
    """Operations (additions, multiplications, function calls, ...) to run a program once.

    Of a one-sample program, multiply by the number of samples; of a batched program, give `samples`.
    """
    return sum(statement_operations(s, samples) for s in program.statements)


def statement_operations(s: Statement, samples: int = 1) -> int:
    """Operations of one statement, the additions of its sum among them."""
    work = _work(s.body)[0]
    return _weighted(work, s, samples) + (points(s, samples) if s.bound else 0)


def statement_calls(s: Statement, samples: int = 1) -> int:
    """Calls of transcendental functions by one statement."""
    return _weighted(_work(s.body)[1], s, samples)


def points(s: Statement, samples: int = 1) -> int:
    """How often a body is evaluated. A condition k = label leaves one value of k: no loop visits others."""
    return _values(s.domain, s, samples)


def _weighted(work: tuple[tuple[Indices, int], ...], s: Statement, samples: int) -> int:
    domain = set(s.domain)
    return sum(n * _values(indices & domain, s, samples) for indices, n in work)


def _values(indices: frozenset[Index] | tuple[Index, ...], s: Statement, samples: int) -> int:
    pinned = {side for c in s.where if isinstance(c, sp.Eq) for side in c.args} if s.where else set()
    count = 1
    for index in indices:
        if index not in pinned:
            count *= samples if index.extent == BATCH else index.extent
    return count


@lru_cache(maxsize=REMEMBERED)
def _work(body: sp.Expr) -> tuple[tuple[tuple[Indices, int], ...], tuple[tuple[Indices, int], ...]]:
    """Operations of a body by the indices that they depend on, and the calls of functions among them."""
    depends: dict[sp.Basic, Indices] = {}
    order = postorder([body])
    for node in order:
        if is_leaf(node):
            plain = isinstance(node, Access | Index)
            depends[node] = frozenset(index_symbols(node)) if plain else frozenset()
        else:
            depends[node] = frozenset().union(*(depends[a] for a in node.args))
    inside = dict(depends)
    for node in order:
        if isinstance(node, sp.Add):  # a - b is one operation, taken where the sum is
            inside.update((a, inside[a] | depends[node]) for a in node.args if is_negation(a))
    work: Counter[Indices] = Counter()
    calls: Counter[Indices] = Counter()
    for node in order:
        work[inside[node]] += node_operations(node)
        calls[depends[node]] += is_transcendental(node)
    return tuple((+work).items()), tuple((+calls).items())
