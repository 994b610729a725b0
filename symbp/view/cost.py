"""How much arithmetic a program is."""

from __future__ import annotations

from symbp.ir.nodes import BATCH, Program
from symbp.ir.walk import operations


def arithmetic(program: Program, samples: int = 1) -> int:
    """Operations (additions, multiplications, function calls, ...) to run a program once.

    Of a one-sample program, multiply by the number of samples; of a batched program, give `samples`.
    """
    count = 0
    for statement in program.statements:
        points = 1
        for index in statement.domain:
            points *= samples if index.extent == BATCH else index.extent
        count += points * (operations(statement.body) + (1 if statement.bound else 0))
    return count
