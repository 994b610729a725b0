"""Hoist: a costly sub-expression that several bodies hold becomes a statement of its own.

The derivative of erf(u)^2 needs erf(u) again and exp(-u^2) once for every operand of u: written
where it is used, it would be evaluated as often. Sub-expressions are compared up to the names of
their indices; what stands only in branches of choices is left there. A branch reads what is evaluated
outside of choices elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.ir.functions import times_logarithm
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import REMEMBERED, accesses, index_symbols, is_leaf, postorder, rebuild, substitute
from symbp.passes.batch import SAMPLE
from symbp.passes.cost import cost, is_transcendental

WORTH = 5
"""Expressions cheaper than this are computed again rather than stored."""


def hoist(program: Program) -> Program:
    """Give repeated costly sub-expressions statements; each is computed before its first use."""
    while (hoisted := hoist_outermost(program)) is not program:
        program = hoisted
    return program


def hoist_outermost(program: Program) -> Program:
    """The program with repeated expressions hoisted, but not those inside of them: fewer names to read."""
    keys = [_keys(statement) for statement in program.statements]
    evaluated = {key for own in keys for key in own.values()}
    for k, statement in enumerate(program.statements) if evaluated else ():
        inside = _in_branches(statement, evaluated)
        if inside:
            keys[k] = keys[k] | inside
    found = Counter(key for own in keys for key in set(own.values()))
    repeated = {key for key, uses in found.items() if uses > 1}
    if not repeated:
        return program
    names: dict[Any, str] = {}
    tensors: list[Tensor] = []
    statements: list[Statement] = []
    for statement, own in zip(program.statements, keys, strict=True):
        wanted = {node: key for node, key in own.items() if key in repeated} if own else own
        if not wanted or _is_definition(statement, wanted, names):
            statements.append(statement)
            continue
        statements.append(
            statement.with_body(_replaced(statement, wanted, names, tensors, statements, program))
        )
    return program.rebuilt(statements, tensors)


def shareable(statement: Statement) -> set[Any]:
    """What a statement evaluates that may be shared with others, up to the names of its indices."""
    outside, inside = ({}, {}) if statement.where else _repeatable(statement.body)
    return {*outside.values(), *inside.values()}


def _keys(statement: Statement) -> dict[sp.Basic, Any]:
    """The costly sub-expressions of a statement, and what each is up to the names of its indices."""
    return {} if statement.where else _repeatable(statement.body)[0]


def _in_branches(statement: Statement, evaluated: set[Any]) -> dict[sp.Basic, Any]:
    """The costly calls in branches of a statement's choices that are `evaluated` in any case."""
    inside = {} if statement.where else _repeatable(statement.body)[1]
    return {n: key for n, key in inside.items() if key in evaluated}


@lru_cache(maxsize=REMEMBERED)
def _repeatable(body: sp.Expr) -> tuple[dict[sp.Basic, Any], dict[sp.Basic, Any]]:
    """The costly expressions of a body outside of its choices, and the costly calls in their branches."""
    if cost(body) < WORTH:
        return _NOTHING  # no part of it costs more
    nodes = postorder([body])
    choices = [n for n in nodes if isinstance(n, sp.Piecewise)]
    if not choices:
        return _costly(nodes), {}
    # What stands outside of choices, perhaps besides inside of them, is evaluated anyway.
    outside = _costly(postorder([body], lambda n: is_leaf(n) or isinstance(n, sp.Piecewise)))
    inside = _costly(postorder([value for choice in choices for value, _ in choice.args]))
    return outside, {n: key for n, key in inside.items() if is_transcendental(n)}


_NOTHING: tuple[dict, dict] = ({}, {})


def _costly(nodes: Iterable[sp.Basic]) -> dict[sp.Basic, Any]:
    return {
        n: _canonical(n)
        for n in nodes
        if isinstance(n, sp.Expr)
        and not is_leaf(n)
        and cost(n) >= WORTH
        and accesses(n)
        and not _is_product(n)
    }


def _is_product(node: sp.Expr) -> bool:
    """Whether it is a product without calls that is 0 where a factor is: exponentials keep its error."""
    return isinstance(node, times_logarithm) and cost(node) < 2 * WORTH


def _indices(node: sp.Expr) -> tuple[Index, ...]:
    """The indices of an expression in the order of a tensor's axes: the batch axis is the first one."""
    return tuple(sorted(index_symbols(node), key=lambda i: i.extent != BATCH))


def _canonical(node: sp.Expr) -> Any:
    names = {i: Index(f"_{k}", i.extent) for k, i in enumerate(_indices(node))}
    # Bare expressions have this index alone, and stay what they are.
    if len(names) == 1 and BATCH in {i.extent for i in names}:
        names = dict.fromkeys(names, SAMPLE)
    return substitute(node, {i: name for i, name in names.items() if i != name})


def _is_definition(statement: Statement, wanted: dict[sp.Basic, Any], names: dict[Any, str]) -> bool:
    """Whether the statement computes nothing but a repeated expression: later uses read it."""
    key = wanted.get(statement.body)
    if statement.reduce != "none" or key is None or key in names:
        return False
    if _indices(statement.body) != statement.indices:
        return False
    names[key] = statement.target
    return True


def _replaced(
    statement: Statement,
    wanted: dict[sp.Basic, Any],
    names: dict[Any, str],
    tensors: list[Tensor],
    statements: list[Statement],
    program: Program,
) -> sp.Expr:
    done: dict[sp.Basic, Any] = {}
    for node in postorder([statement.body], leaf=lambda n: is_leaf(n) or n in wanted):
        if node in wanted:
            key, indices = wanted[node], _indices(node)  # type: ignore[arg-type]
            if key not in names:
                name = f"u_{len(tensors) + 1}"
                while name in program.tensors:
                    name += "_"
                names[key] = name
                tensors.append(Tensor(name, tuple(i.extent for i in indices)))
                statements.append(Statement(name, indices, node, origin=statement.origin))
            done[node] = Access(names[key], *indices)
        else:
            done[node] = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
    return done[statement.body]
