"""A circuit as shapes: columns of gates, each followed by its labelled wires and a channel for the curves.

Wires bend in the channels only. Through a column they run straight, at a distance from each gate and its
labels: so that no label lies on a wire that is not its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from symbp.view.circuit.bands import LINK, bands
from symbp.view.circuit.gates import Circuit, Gate
from symbp.view.circuit.labels import gradient_label, printable, value_label
from symbp.view.circuit.layers import layers
from symbp.view.circuit.looks import LABEL, NAME, PORT, SMALL, look
from symbp.view.circuit.rows import rows
from symbp.view.circuit.shapes import Arrow, Box, Dot, Group, Scene, Text, Wire, text_width

MARGIN = 16.0
OUT = 34.0
"""The wire that leaves the picture."""
HEAD = 8.0
"""Length of an arrowhead."""
CHANNEL, STEEP, WIDEST = 30.0, 0.16, 120.0
"""Width of a channel: at least, by the height of its tallest curve, and at most."""
LEVEL = 3.5
"""A wire that would rise or fall by less enters its gate where it comes from, a little beside its port."""
BETWEEN = 26.0
"""Space between bands."""


def scene(circuit: Circuit, width: float) -> Scene:
    """The picture of a circuit, in bands no wider than `width` where that is possible.

    Raises:
        SymbpError: igraph is not installed.
    """
    # How wide a channel must be is known when the rows are.
    limit, out = width, _stacked(circuit, width)
    for _ in range(2):
        if out.width > width:
            limit *= width / out.width
            out = _stacked(circuit, limit)
    return out


def _stacked(circuit: Circuit, limit: float) -> Scene:
    looks = [look(g, circuit, exported=False) for g in circuit.gates]
    wide = [seen.width + seen.tail + 1.5 * CHANNEL for seen in looks]
    out = Scene(0, 0, f"circuit of {printable(circuit.output, 60)}" if circuit.output else "circuit")
    parts = bands(circuit.gates, wide, limit - 2 * MARGIN - OUT)
    y = MARGIN
    for n, part in enumerate(parts):
        later = {g.name for after in parts[n + 1 :] for g in after if g.operation == LINK}
        right, bottom = _Band(circuit, part, later).draw(out, y)
        out.width = max(out.width, right)
        y = bottom + BETWEEN
    y += MARGIN - BETWEEN
    if any(seen.value for seen in looks):
        y = _legend(out, circuit, y)
    out.height = y
    return out


class _Band:
    """One band: gates, the places of their vertices, and the columns."""

    def __init__(self, circuit: Circuit, gates: Sequence[Gate], exported: set[str]):
        self.circuit, self.gates, self.exported = circuit, gates, exported
        self.looks = [look(g, circuit, g.name in exported) for g in gates]
        self.placed = layers(gates)
        dummy = 20.0 if any(seen.value for seen in self.looks) else 16.0
        heights = [seen.room for seen in self.looks] + [dummy] * len(self.placed.pieces)
        self.y = rows(self.placed, heights)
        self.height = max(y + h / 2 for y, h in zip(self.y, heights, strict=True))
        self.readers: dict[int, list[int]] = defaultdict(list)
        for a, b, *_ in (*self.placed.pieces, *self.placed.ends):
            self.readers[a].append(b)
        self._columns()

    def _columns(self) -> None:
        """Where each column starts, where its gates end, and where its labelled wires end."""
        count = len(self.placed.order)
        width, tail, reach = [0.0] * count, [0.0] * count, [0.0] * count
        for v, c in enumerate(self.placed.column):
            if v < len(self.gates):
                width[c] = max(width[c], self.looks[v].width)
                tail[c] = max(tail[c], self.looks[v].tail)
            for reader in self.readers[v]:
                reach[c] = max(reach[c], abs(self.y[v] - self.y[reader]))
        self.left, self.middle, self.right = [], [], []
        x = MARGIN
        for c in range(count):
            self.left.append(x)
            self.middle.append(x + width[c])
            self.right.append(x + width[c] + tail[c])
            x = self.right[c] + min(CHANNEL + STEEP * reach[c], WIDEST)

    def draw(self, out: Scene, top: float) -> tuple[float, float]:
        """Add the shapes; returns the right and the bottom edge."""
        self.y = [y + top for y in self.y]
        end = 0.0
        for k in range(len(self.gates)):
            end = max(end, self._gate(out, k))
        self._wires(out)
        return end + MARGIN, top + self.height

    def _edges(self, k: int) -> tuple[float, float]:
        """Left and right edge of a gate: symbols stand at the right of their column, gates in its middle."""
        c, width = self.placed.column[k], self.looks[k].width
        at_wire = self.gates[k].is_symbol or self.gates[k].operation == LINK
        x = self.middle[c] - width if at_wire else (self.left[c] + self.middle[c] - width) / 2
        return x, x + width

    def _gate(self, out: Scene, k: int) -> float:
        """Box, labels and the first piece of the wire; returns how far to the right they reach."""
        gate, seen, y = self.gates[k], self.looks[k], self.y[k]
        left, right = self._edges(k)
        x = (left + right) / 2
        shapes: list[Text | Box] = [
            Box(left, y - seen.height / 2, seen.width, seen.height, seen.radius, seen.kind)
        ]
        shapes += [Text(x + t.x, y + t.y, t.text, t.kind, t.size, t.anchor, t.bold) for t in seen.texts]
        end = self.right[self.placed.column[k]]
        if self.readers[k]:
            out.wires.append(Wire(((right, y), (end, y))))
        else:
            end += OUT
            out.wires.append(Wire(((right, y), (end - HEAD, y))))
            out.arrows.append(Arrow(end, y))
            if self.circuit.per == "operation":
                name = printable(gate.name)
                out.labels.append(Text(end + 8, y, name, "ink", NAME, "start", bold=True))
                end += 8 + text_width(name, NAME)
        if seen.caption and self.readers[k]:
            above = y - seen.height / 2 - 9
            shapes.append(Text(x, above, seen.caption, "ink", SMALL, bold=True))
        out.groups.append(Group(_words(gate), tuple(shapes)))
        middle = (right + self.right[self.placed.column[k]]) / 2
        for text, dy, kind in ((seen.value, -9, "value"), (seen.gradient, 10, "gradient")):
            if text:
                out.labels.append(Text(middle, y + dy, text, kind, LABEL))
        return end

    def _wires(self, out: Scene) -> None:
        column = self.placed.column
        for a, b in self.placed.pieces:
            x, end = self.left[column[b]], self.right[column[b]]
            out.wires.append(Wire(((self.right[column[a]], self.y[a]), (x, self.y[b]), (end, self.y[b]))))
        for k, sources in self._ports().items():
            x, _ = self._edges(k)
            seen = self.looks[k]
            step = min(PORT + 2, (seen.height - 14) / max(len(sources) - 1, 1))
            for n, a in enumerate(sources):
                y = self.y[k] + (n - (len(sources) - 1) / 2) * step
                if abs(y - self.y[a]) < LEVEL:
                    y = self.y[a]
                tip = x + _inset(seen.radius, seen.height, y - self.y[k])
                start, bend = (self.right[column[a]], self.y[a]), (self.left[column[k]] - HEAD, y)
                out.wires.append(Wire((start, bend, (tip - HEAD + 1, y))))
                out.arrows.append(Arrow(tip, y))
        for v, readers in self.readers.items():
            if len(readers) > 1:
                out.dots.append(Dot(self.right[column[v]], self.y[v]))

    def _ports(self) -> dict[int, list[int]]:
        """For each gate the vertices its wires come from, top to bottom; in order where that matters."""
        found: dict[int, list[int]] = defaultdict(list)
        for a, k, _ in self.placed.ends:
            found[k].append(a)
        for k, sources in found.items():
            if not self.gates[k].ordered:
                sources.sort(key=lambda v: self.y[v])
        return found


def _inset(radius: float, height: float, dy: float) -> float:
    """How far inside of its box the outline of a gate lies, at a distance from its middle."""
    corner = abs(dy) - (height / 2 - radius)
    return 0.0 if corner <= 0 else radius - max(radius * radius - corner * corner, 0.0) ** 0.5


def _legend(out: Scene, circuit: Circuit, y: float) -> float:
    parts = [("value above the wire", "value")]
    if circuit.output is not None:
        parts.append((f"gradient of {printable(circuit.output, 16)} below", "gradient"))
    x = MARGIN
    for text, kind in parts:
        out.labels.append(Text(x, y, text, kind, SMALL, "start"))
        x += text_width(text, SMALL) + 16
    out.width = max(out.width, x)
    return y + SMALL + MARGIN / 2


def _words(gate: Gate) -> str:
    """A sentence for a tooltip."""
    name, operation = printable(gate.name, 60), printable(gate.operation, 120)
    text = f"{name}: {operation}" if gate.is_symbol else f"{name} = {operation}"
    if gate.operation == LINK:
        text = name
    if gate.inputs:
        text += f" of {printable(', '.join(gate.inputs), 80)}"
    if gate.value is not None:
        text += f", value {value_label(gate)}"
    if gate.gradient is not None:
        text += f", gradient {gradient_label(gate)}"
    return text
