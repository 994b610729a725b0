"""How each gate looks: its box, what stands in it, and the labels of its wire."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.view.circuit.bands import LINK
from symbp.view.circuit.gates import Circuit, Gate
from symbp.view.circuit.labels import gradient_label, printable, shape_label, value_label
from symbp.view.circuit.shapes import Text, text_width

NAME, TITLE, SMALL, LABEL = 14.0, 13.0, 11.0, 12.0
"""Font sizes: of symbols and operations, of a box with two lines, of its second line, of numbers."""

RADIUS = 17.0
PORT = 9.0
"""Distance between wires that enter a gate."""

GAP = 12.0


@dataclass(frozen=True)
class Look:
    """A box and its texts, placed relative to its centre.

    Attributes:
        caption: the name above the box, or nothing.
        value, gradient: labels above and below the wire, or nothing.
        tail: the length of the wire that carries the labels.
        room: the height it needs in its column, with the gap to the next one.
    """

    kind: str
    width: float
    height: float
    radius: float
    texts: tuple[Text, ...]
    caption: str
    value: str
    gradient: str

    @property
    def tail(self) -> float:
        wide = max(text_width(self.value, LABEL), text_width(self.gradient, LABEL))
        return wide + 14 if wide else 12.0

    @property
    def room(self) -> float:
        box = self.height + 2 * (SMALL + 4) * bool(self.caption)
        labels = 38.0 if self.value or self.gradient else 0.0
        return max(box, labels) + GAP


def look(gate: Gate, circuit: Circuit, exported: bool) -> Look:
    """How a gate of this circuit is drawn.

    Args:
        exported: whether a later band refers to it by its name.
    """
    value, gradient = value_label(gate), gradient_label(gate)
    name, shape = printable(gate.name, 20), shape_label(gate.shape)
    ports = PORT * (len(gate.inputs) - 1) + 16
    if gate.is_symbol or gate.operation == LINK:
        kind = gate.operation if gate.operation in ("parameter", LINK) else "input"
        size = SMALL if gate.operation == LINK else NAME
        texts = [Text(0, 0, name, "ink", size, bold=gate.operation != LINK)]
        if shape and gate.operation != LINK:
            texts = [Text(0, -7, name, "ink", NAME, bold=True), Text(0, 9, shape, "muted", SMALL)]
        width = max(max(text_width(t.text, t.size) for t in texts) + 14, 26)
        return Look(kind, width, 36.0 if len(texts) > 1 else 26.0, 6, tuple(texts), "", value, gradient)
    kind = "output" if gate.name == circuit.output else "gate"
    if circuit.per == "equation":
        texts = [*_heading(name, shape), Text(0, 10, printable(gate.operation, 40), "ink", SMALL)]
        width = max(text_width(f"{name}  {shape}", TITLE), text_width(texts[-1].text, SMALL)) + 20
        return Look(kind, width, max(42, ports), 8, tuple(texts), "", value, gradient)
    operation = printable(gate.operation, 28)
    width = max(2 * RADIUS, text_width(operation, NAME) + 14)
    caption = name if (gate.named or exported) and gate.name != circuit.output else ""
    text = Text(0, 0, operation, "ink", NAME)
    return Look(kind, width, max(2 * RADIUS, ports), RADIUS, (text,), caption, value, gradient)


def _heading(name: str, shape: str) -> list[Text]:
    """Name and shape side by side, centred together."""
    if not shape:
        return [Text(0, -8, name, "ink", TITLE, bold=True)]
    wide, small = text_width(name, TITLE), text_width(shape, SMALL)
    left = -(wide + 8 + small) / 2
    return [
        Text(left + wide / 2, -8, name, "ink", TITLE, bold=True),
        Text(left + wide + 8 + small / 2, -8, shape, "muted", SMALL),
    ]
