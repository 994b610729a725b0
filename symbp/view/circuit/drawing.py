"""A small circuit as a drawing of characters, from left to right.

       -2
    x ────┐     3
       -4 ├ + ────┐
        5 │    -4 │    -12
    y ────┘       ├ * ───── f
       -4         │     1
               -4 │
            z ────┘
                3

What is read more than once is drawn once; after that its name stands for it.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rich.cells import cell_len

from symbp.view.circuit.gates import Circuit, Gate
from symbp.view.circuit.labels import gradient_label, printable, value_label

MAX_ROWS = 48


@dataclass
class _Place:
    """A gate in the drawing, or the name of one: how far it is from the output, and its row."""

    gate: Gate
    level: int
    row: int = 0
    operands: list[_Place] = field(default_factory=list)
    label: str = ""
    name: str = ""


def drawing(circuit: Circuit, width: int) -> str | None:
    """The drawing, or None where it would be wider than `width` columns or too high to be seen at once."""
    if circuit.per != "operation":
        return None
    places = _places(circuit)
    if places is None:
        return None
    wire: dict[int, int] = defaultdict(int)
    label: dict[int, int] = defaultdict(int)
    for p in places:
        texts = (value_label(p.gate), gradient_label(p.gate), p.name)
        wire[p.level] = max(wire[p.level], 3, *(cell_len(t) + 2 for t in texts if t))
        label[p.level] = max(label[p.level], cell_len(p.label))
    last = max(wire)
    start, x = {}, 0
    for level in range(last, -1, -1):
        start[level] = x
        x += label[level] + wire[level] + 3
    ends = [cell_len(printable(p.gate.name)) for p in places if p.level == 0]
    lowest = max(p.row for p in places) + 1
    if x + 1 + max(ends) > width or lowest > MAX_ROWS:
        return None
    canvas = _Canvas()
    for p in places:
        _draw(canvas, p, start[p.level], label[p.level], wire[p.level])
    return canvas.text()


def _places(circuit: Circuit) -> list[_Place] | None:
    """Every place with its row; None where there are too many."""
    gates = {g.name: g for g in circuit}
    readers = Counter(name for g in circuit for name in g.inputs)
    pitch = 3 if any(g.value is not None for g in circuit) else 2
    seen: set[str] = set()
    places: list[_Place] = []
    leaves = 0
    for sink in [g for g in circuit if not readers[g.name]]:
        root = _Place(sink, 0)
        stack = [root]
        block: list[_Place] = []
        while stack:
            p = stack.pop()
            block.append(p)
            gate = p.gate
            if gate.is_symbol or gate.name in seen or not gate.inputs:
                drawn_before = gate.is_symbol or gate.name in seen
                p.label = printable(gate.name if drawn_before else gate.operation, 16)
                p.row = leaves * pitch + pitch // 2
                leaves += 1
                if leaves * pitch > MAX_ROWS:
                    return None
            else:
                seen.add(gate.name)
                p.label = printable(gate.operation, 20)
                p.operands = [_Place(gates[n], p.level + 1) for n in gate.inputs]
                stack.extend(reversed(p.operands))
            if p.level and not gate.is_symbol and (gate.named or readers[gate.name] > 1) and p.operands:
                p.name = printable(gate.name, 16)
        for p in reversed(block):  # operands first
            if p.operands:
                p.row = (p.operands[0].row + p.operands[-1].row) // 2
        places += block
    return places


def _draw(canvas: _Canvas, p: _Place, x: int, label: int, wire: int) -> None:
    """A gate from column x on: junction, label, and the wire to what reads it."""
    if p.operands:
        top, bottom = p.operands[0].row, p.operands[-1].row
        rows = {o.row for o in p.operands}
        for row in range(top, bottom + 1):
            canvas.put(row, x, _JUNCTIONS[row > top, row < bottom, row in rows, row == p.row])
        text = f" {p.label} "
        canvas.put(p.row, x + 1, text)
        begin = x + 1 + cell_len(text)
    else:
        begin = x + 3 + label
        canvas.put(p.row, begin - 1 - cell_len(p.label), f"{p.label} ")
    end = x + 3 + label + wire
    canvas.put(p.row, begin, "─" * (end - begin))
    middle = (x + 3 + label + end) / 2
    for row, text in ((p.row - 1, value_label(p.gate)), (p.row, p.name), (p.row + 1, gradient_label(p.gate))):
        if text:
            canvas.put(row, round(middle - cell_len(text) / 2), text)
    if not p.level:
        canvas.put(p.row, end, f" {printable(p.gate.name)}")


_JUNCTIONS = {
    # whether the line goes on up and down, whether a wire comes in, whether the gate is here
    (False, False, True, True): "─",
    (False, True, True, False): "┐",
    (False, True, True, True): "┬",
    (True, True, False, False): "│",
    (True, True, True, False): "┤",
    (True, True, False, True): "├",
    (True, True, True, True): "┼",
    (True, False, True, False): "┘",
    (True, False, True, True): "┴",
}


class _Canvas:
    """Pieces of text at places; later pieces cover earlier ones."""

    def __init__(self) -> None:
        self.pieces: dict[int, list[tuple[int, str]]] = defaultdict(list)

    def put(self, row: int, column: int, text: str) -> None:
        self.pieces[row].append((column, text))

    def text(self) -> str:
        lines = []
        for row in range(min(self.pieces), max(self.pieces) + 1):
            cells: dict[int, str] = {}
            for column, text in self.pieces[row]:
                for c in text:
                    wide = cell_len(c)
                    if not wide and column - 1 in cells:  # a combining character
                        cells[column - 1] += c
                        continue
                    cells[column] = c
                    if wide == 2:
                        cells[column + 1] = ""
                    column += wide
            lines.append("".join(cells.get(k, " ") for k in range(max(cells, default=-1) + 1)).rstrip())
        return textwrap.dedent("\n".join(lines))
