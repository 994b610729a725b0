"""What a derivation costs: arithmetic, calls of functions, and what is kept between the two passes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symbp.ir.walk import accesses
from symbp.passes.count import statement_calls, statement_operations
from symbp.view.derivation import shortened
from symbp.view.equations import Equation
from symbp.view.text import TextPrinter

MAX_ROWS = 24
"""Equations that the table shows; of more, the first and last ones."""


@dataclass(frozen=True)
class Row:
    """One equation and what it takes for one sample.

    Attributes:
        phase: "forward" or "backward".
        operations: additions, multiplications, function calls, comparisons.
        transcendental: how many of them are calls of exp, log, tanh, powers, ...
    """

    equation: Equation
    phase: str
    operations: int
    transcendental: int


@dataclass(frozen=True)
class Cost:
    """The cost of one sample; prints as a table.

    Attributes:
        rows: equation by equation, the forward ones first.
        stored: numbers that the backward pass reads of the forward pass, by name; what the caller holds
            anyway, inputs and parameters, is not among them.
        seconds: time spent on deriving, by pass.
    """

    rows: tuple[Row, ...]
    stored: Mapping[str, int]
    seconds: Mapping[str, float]

    def operations(self, phase: str) -> int:
        """Operations of the phase "forward" or "backward"."""
        return sum(r.operations for r in self.rows if r.phase == phase)

    def transcendental(self, phase: str) -> int:
        """Calls of transcendental functions in the phase."""
        return sum(r.transcendental for r in self.rows if r.phase == phase)

    @property
    def forward(self) -> int:
        """Operations of the forward pass."""
        return self.operations("forward")

    @property
    def backward(self) -> int:
        """Operations of the backward pass, the forward pass not counted again."""
        return self.operations("backward")

    @property
    def ratio(self) -> float | None:
        """Backward to forward; None where there is no backward pass, or nothing in the forward pass."""
        return self.backward / self.forward if self.forward and self.backward else None

    def bytes(self, itemsize: int = 8) -> int:
        """Bytes kept between the passes per sample; `itemsize` is 8 for float64, 4 for float32."""
        return itemsize * sum(self.stored.values())

    @property
    def kept(self) -> str:
        """What is kept between the passes per sample, in words."""
        numbers = sum(self.stored.values())
        return f"{numbers:,} number{'s' * (numbers != 1)}, {self.bytes():,} bytes in float64"

    def __str__(self) -> str:
        return _table(self)


def derivation_cost(derivation: Any, sections: list[tuple[str, list[Equation]]]) -> Cost:
    """The cost of a derivation whose equations are shown in these sections."""
    forward = derivation.forward_program.statement_of()
    backward = derivation.backward_program.statement_of()
    rows = []
    for title, lines in sections:
        known = forward if title == "Forward" else backward
        for e in lines:
            parts = [known[name] for name in e.covers if name in known]
            work, calls = sum(map(statement_operations, parts)), sum(map(statement_calls, parts))
            rows.append(Row(e, title.lower(), work, calls))
    stored: dict[str, int] = {}
    for s in derivation.backward_program.statements:
        if s.target not in forward:
            read = (a.name for part in (s.body, *s.where) for a in accesses(part))
            stored |= {n: derivation.forward_program.tensors[n].row_size for n in read if n in forward}
    return Cost(tuple(rows), stored, dict(derivation.seconds))


def _table(cost: Cost) -> str:
    from symbp.view.lecture import lecture_ratios

    printer = TextPrinter()
    phases = [p for p in ("forward", "backward") if any(r.phase == p for r in cost.rows)]
    lines = [f"{'per sample':<44} {'operations':>12} {'transcendental':>14}"]
    for phase in phases:
        rows = [r for r in cost.rows if r.phase == phase]
        for r in shortened(rows, MAX_ROWS):
            if isinstance(r, int):
                lines.append(f"  ... {r} more equations")
                continue
            name = _cut(f"{printer.show(r.equation.left)} = {printer.show(r.equation.right)}", 42)
            lines.append(f"  {name:<42} {r.operations:>12,} {r.transcendental:>14,}")
        lines.append(f"{phase:<44} {cost.operations(phase):>12,} {cost.transcendental(phase):>14,}")
    if cost.ratio is not None:
        others = ", ".join(f"{name} {ratio:.2f}" for name, ratio in lecture_ratios().items())
        lines += ["", f"backward/forward   {cost.ratio:.2f}"]
        lines += _wrapped(f"(networks of a lecture: {others})")
        lines.append(f"kept in between    {cost.kept}")
    if cost.seconds:
        lines += _wrapped(seconds_text(cost.seconds), "derived in         ")
    return "\n".join(lines)


def _wrapped(text: str, label: str = " " * 19) -> list[str]:
    return textwrap.wrap(text, 78, initial_indent=label, subsequent_indent=" " * 19)


def seconds_text(seconds: Mapping[str, float]) -> str:
    """The whole time and the time of each pass, the longest first."""
    parts = sorted(seconds.items(), key=lambda item: -item[1])
    return f"{_time(sum(seconds.values()))}: " + ", ".join(f"{name} {_time(s)}" for name, s in parts)


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
