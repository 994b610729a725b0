"""Extremes: the maximum of all entries of a vector, written out one by one, is a maximum over an index.

    m = max(z[0], z[1], z[2])   ->   m = max_k z[k]

Run after differentiation, which treats every argument of a maximum by itself. The maximum that the compiler
subtracts from exponents is then one and the same as that which the user wrote.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement


def roll_maxima(program: Program) -> Program:
    """The program with statements that are the maximum of all entries of a vector as reductions."""
    statements = [_rolled(s, program) for s in program.statements]
    same = all(new is s for new, s in zip(statements, program.statements, strict=True))
    return program if same else program.rebuilt(statements)


def _rolled(s: Statement, program: Program) -> Statement:
    body = s.body
    if s.reduce != "none" or s.where or not isinstance(body, sp.Max):
        return s
    if not all(isinstance(a, Access) and len(a.indices) == 1 for a in body.args):
        return s
    names = {a.name for a in body.args}  # type: ignore[attr-defined]
    (shape, *others) = (program.tensors[n].shape for n in names)
    places = [a.indices[0] for a in body.args]  # type: ignore[attr-defined]
    if others or sorted(places, key=str) != sorted(map(sp.Integer, range(shape[0])), key=str):
        return s
    taken = {i.name for i in s.indices}
    k = Index(next(n for n in ("j", "k", "l", "m") if n not in taken), shape[0])
    return replace(s, body=Access(names.pop(), k), reduce="max", bound=(k,))
