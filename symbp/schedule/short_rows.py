"""Functions of short rows, computed entry by entry in one loop over all of them.

A row of ten entries is shorter than a register. Where a function's argument is off by a number of the
sample, as in exp(z[n, j] - m[n]), the argument has its own loops, and the function one over all entries.
"""

from __future__ import annotations

import sympy as sp

from symbp.ir.names import free_name
from symbp.ir.nodes import BATCH, Access, Program, Statement, Tensor
from symbp.ir.walk import accesses
from symbp.schedule.looptree import DOT, Nest, Stage

SHORT = 32
"""Entries of a row from which on vectors along it have enough to do."""

_QUICK = (sp.Abs, sp.sign, sp.Piecewise)


def with_functions_alone(program: Program, stages: tuple[Stage, ...]) -> tuple[Program, tuple[Stage, ...]]:
    """Both with `p = f(argument)` over short rows as `q = argument` and `p = f(q)`, each a nest."""
    split: dict[str, tuple[Statement, Statement]] = {}
    tensors: list[Tensor] = []
    taken = set(program.tensors)
    for nest in (n for stage in stages for n in stage.nests):
        s = nest.statements[0]
        if len(nest.statements) == 1 and nest.form == DOT and _by_row(s):
            name = free_name(f"{s.target}_argument", taken)
            taken.add(name)
            tensors.append(Tensor(name, program.tensors[s.target].shape))
            argument = Statement(name, s.indices, s.body.args[0], "none", (), (), s.origin)
            function = s.body.func(Access(name, *s.indices))
            split[s.target] = argument, Statement(s.target, s.indices, function, "none", (), (), s.origin)
    if not split:
        return program, stages
    program = program.rebuilt([new for s in program.statements for new in split.get(s.target, (s,))], tensors)
    return program, tuple(
        Stage(s.tiled, [n for nest in s.nests for n in _nests(nest, split)]) for s in stages
    )


def _nests(nest: Nest, split: dict[str, tuple[Statement, Statement]]) -> list[Nest]:
    parts = split.get(nest.statements[0].target)
    return [nest] if parts is None else [Nest(nest.extents, nest.form, [part]) for part in parts]


def _by_row(s: Statement) -> bool:
    """Whether a statement is a function, over short rows, of what is off by a number of the sample."""
    extents = [i.extent for i in s.indices]
    plain = s.reduce == "none" and not s.where and len(extents) > 1 and extents[0] == BATCH
    if not plain or extents[-1] == BATCH or int(extents[-1]) >= SHORT:
        return False
    function = isinstance(s.body, sp.Function) and not isinstance(s.body, _QUICK) and len(s.body.args) == 1
    return function and any(a.indices == s.indices[:-1] for a in accesses(s.body))
