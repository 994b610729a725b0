"""A circuit as a table: one line a gate, operands before what reads them."""

from __future__ import annotations

from rich.cells import cell_len

from symbp.view.circuit.gates import Circuit
from symbp.view.circuit.labels import gradient_label, printable, shape_label, value_label


def table(circuit: Circuit) -> str:
    """Name, operation, what it reads, and where there are any: shape, value and gradient."""
    rows = [["gate", "operation", "reads", "shape", "value", "gradient"]]
    for gate in circuit:
        reads = printable(", ".join(printable(n) for n in gate.inputs), 48)
        names = [printable(gate.name), printable(gate.operation, 48), reads]
        rows.append([*names, shape_label(gate.shape), value_label(gate), gradient_label(gate)])
    kept = [k for k in range(6) if k < 3 or any(row[k] for row in rows[1:])]
    widths = {k: max(cell_len(row[k]) for row in rows) for k in kept}
    lines = ["  ".join(_cell(row[k], widths[k], right=k > 2) for k in kept).rstrip() for row in rows]
    return "\n".join(lines)


def _cell(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
