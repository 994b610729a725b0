"""Programs as text, one line per statement: `z1[n, i] = sum(j) W1[i, j]*x[n, j]`."""

from __future__ import annotations

from symbp.ir.nodes import Program, Statement


def statement_text(statement: Statement) -> str:
    left = str(statement.access)
    right = str(statement.body)
    if statement.bound:
        right = f"{statement.reduce}({', '.join(map(str, statement.bound))}) {right}"
    if statement.where:
        right += " where " + ", ".join(map(str, statement.where))
    return f"{left} = {right}"


def program_text(program: Program) -> str:
    """Declarations, then statements; the exact form golden listings are written in."""
    lines = [
        f"{t.role} {t.name}: {' x '.join(map(str, t.shape)) or 'scalar'}"
        for t in program.tensors.values()
        if t.role != "defined"
    ]
    lines += [statement_text(s) for s in program.statements]
    return "\n".join([*lines, "return " + ", ".join(program.outputs)])
