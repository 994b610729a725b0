"""Pack: numbers that every sample has, as the entries of one array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from symbp.ir.nodes import BATCH, Index, Program, Statement, Tensor
from symbp.passes.batch import SAMPLE


def pack(
    program: Program, name: str, shape: tuple[int, ...], found: Mapping[tuple[int, ...], sp.Expr]
) -> Program:
    """The program with one more output (N, *shape) made of given entries, and of zeros.

    Args:
        found: entries by their place; over the samples where they depend on them.
    """
    free = tuple(Index("ijkl"[k], n) for k, n in enumerate(shape))
    branches = [
        (value, sp.And(*(sp.Eq(i, k, evaluate=False) for i, k in zip(free, at, strict=True)), evaluate=False))
        if len(at) > 1
        else (value, sp.Eq(free[0], at[0], evaluate=False))
        for at, value in found.items()
    ]
    body = sp.Piecewise(*branches, (0, True), evaluate=False) if branches else sp.S.Zero
    statement = Statement(name, (SAMPLE, *free), body)
    tensors = {**program.tensors, name: Tensor(name, (BATCH, *shape))}
    return replace(
        program,
        tensors=tensors,
        statements=(*program.statements, statement),
        outputs=(*program.outputs, name),
    )
