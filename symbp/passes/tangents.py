"""Forward mode on programs, statement by statement: derivatives along a direction.

For target[I] = sum_J body,

    tangent(target)[I] = sum_J  sum over accesses T[p] in the body of  (d body / d T[p]) tangent(T)[p].

Applied to a program that computes a gradient it gives the product of the Hessian with the direction, in a
few times the operations of the gradient, whatever the number of entries (B. A. Pearlmutter, Fast exact
multiplication by the Hessian, Neural Computation 6, 1994).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from symbp.ir.names import free_name, part_of
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.products import total
from symbp.passes.partials import partials, times
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.peaks import is_peak
from symbp.passes.simplify.reuse import reused


@dataclass
class Tangents:
    """The result: statements to append, and where each tangent is.

    Attributes:
        names: name of a tensor -> name of its tangent; tensors that do not depend on the direction have none.
    """

    statements: list[Statement] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


def tangents(
    program: Program, directions: Mapping[str, str], lossy: bool = True, ledger: Ledger | None = None
) -> Tangents:
    """The derivatives of all statements along a direction.

    Args:
        directions: name of a tensor -> name of the tensor of its shape that holds the direction.
        lossy: whether a derivative may be written through the function's value where that loses
            relative accuracy; see `symbp.passes.simplify.reuse`.
        ledger: takes note of every such rewrite.

    Raises:
        UnsupportedError: a function without derivative.
    """
    sweep = _Sweep(program, directions, lossy, ledger or Ledger())
    for statement in program.statements:
        sweep.visit(statement)
    return sweep.result


class _Sweep:
    def __init__(self, program: Program, directions: Mapping[str, str], lossy: bool, ledger: Ledger):
        self.lossy, self.ledger = lossy, ledger
        self.taken = {*program.tensors, *directions.values()}
        self.result = Tangents(names=dict(directions))

    def visit(self, statement: Statement) -> None:
        if is_peak(statement):
            return  # only the stabilising shift is a maximum, and no value depends on it
        terms = []
        for access, local in partials(statement.body, statement.origin).items():
            tangent = self.result.names.get(access.name)
            if tangent is not None:
                if statement.reduce == "none":
                    local = reused(statement, local, self.lossy, self.ledger)
                terms.append(times(local, Access(tangent, *access.indices)))
        name = f"{statement.target} along"
        choices = [t for t in terms if isinstance(t, sp.Piecewise)] if len(terms) > 1 else []
        if choices:
            # A sum of choices would become a choice among sums.
            rest = total(*(t for t in terms if not isinstance(t, sp.Piecewise)))
            parts = [*choices, rest] if rest != 0 else choices
            stored = [self.add(statement, part_of(name, f"part{k}"), p) for k, p in enumerate(parts, 1)]
            whole = replace(statement, reduce="none", bound=(), where=())
            body = total(*(s.access for s in stored))
            self.result.names[statement.target] = self.add(whole, name, body).target
        elif terms:
            self.result.names[statement.target] = self.add(statement, name, total(*terms)).target

    def add(self, statement: Statement, wish: str, body: sp.Expr) -> Statement:
        """Another statement over the loops of one."""
        new = replace(statement, target=free_name(wish, self.taken), body=body)
        self.taken.add(new.target)
        self.result.tensors.append(Tensor(new.target, tuple(i.extent for i in statement.indices)))
        self.result.statements.append(new)
        return new
