"""What a circuit is made of: gates with their values and gradients, operands first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sympy as sp

from symbp.errors import DataError, SymbpError, shorten

MAX_GATES = 400
"""Inputs and operations in one picture; more is a grey area on any screen."""

WIDTH = 1400
"""Pixels: a page, or half of a wide screen."""


@dataclass(frozen=True, eq=False)
class Gate:
    """One node of a circuit.

    Attributes:
        name: the symbol, the name an equation defines, or g1, g2, ... for an operation without one.
        operation: what is computed: "+", "*-1", "1/x", "exp", ..., the right-hand side of an equation, or the
            role of a symbol ("input", "label", "parameter").
        inputs: names of the gates it reads, one per wire.
        shape: of the value; () for a number, (n,) for a vector.
        value: a float, or an array of `shape`; None in a circuit without values.
        gradient: d(output)/d(value), of the same shape; None where there is nothing to differentiate.
        named: whether the name is one of the user's, rather than g1, g2, ...
        ordered: whether the order of the wires matters, as for a power.
        formula: the operation as a function of the accesses x000, x001, ..., one per wire; scalars only.
    """

    name: str
    operation: str
    inputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    value: Any = None
    gradient: Any = None
    ordered: bool = False
    named: bool = True
    formula: sp.Expr | None = field(default=None, repr=False)

    @property
    def is_symbol(self) -> bool:
        """Whether data stands here, rather than an operation."""
        return self.operation in ("input", "label", "parameter")


@dataclass(frozen=True, eq=False)
class Circuit:
    """Gates and how to draw them; made by `symbp.circuit`.

    Attributes:
        gates: every input and operation, operands before the gates that read them.
        output: name of the gate that is differentiated, or None.
        per: "operation" or "equation".
    """

    gates: tuple[Gate, ...]
    output: str | None
    per: str

    def __getitem__(self, name: Any) -> Gate:
        """The gate of that name (or of that symbol).

        Raises:
            DataError: there is none.
        """
        wanted = name if isinstance(name, str) else str(getattr(name, "name", name))
        for gate in self.gates:
            if gate.name == wanted:
                return gate
        known = shorten(", ".join(g.name for g in self.gates), 200)
        raise DataError(f"there is no gate {shorten(wanted, 80)!r}", hint=f"the gates are: {known}")

    def __iter__(self) -> Iterator[Gate]:
        return iter(self.gates)

    def __len__(self) -> int:
        return len(self.gates)

    def __repr__(self) -> str:
        symbols = sum(g.is_symbol for g in self.gates)
        return f"Circuit of {len(self.gates) - symbols} gates and {symbols} inputs, per {self.per}"

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int = 100) -> str:
        """For a terminal: a drawing from left to right where it fits into `width` columns, else a table."""
        from symbp.view.circuit.drawing import drawing
        from symbp.view.circuit.table import table

        return drawing(self, _positive(width)) or table(self)

    def table(self) -> str:
        """One line a gate: name, operation, what it reads, value and gradient."""
        from symbp.view.circuit.table import table

        return table(self)

    def svg(self, width: float = WIDTH) -> str:
        """The picture as one `<svg>` element: no scripts, no outside resources, light and dark.

        Args:
            width: in pixels; a wider circuit goes on below, in bands.

        Raises:
            SymbpError: igraph is not installed.
        """
        from symbp.view.circuit.scene import scene
        from symbp.view.circuit.svg import svg

        return svg(scene(self, _positive(width)))

    def figure(self, width: float = WIDTH) -> Any:
        """The picture as a matplotlib Figure, with no more than `width` pixels at 96 to an inch.

        Raises:
            SymbpError: igraph or matplotlib is not installed.
        """
        from symbp.view.circuit.figure import figure
        from symbp.view.circuit.scene import scene

        return figure(scene(self, _positive(width)))

    def save(self, path: Any, width: float = WIDTH) -> Path:
        """Write the picture; the name ends in .svg, .png, .pdf or .txt.

        Raises:
            DataError: another ending.
            SymbpError: the file cannot be written, or igraph or matplotlib is not installed.
        """
        try:
            path = Path(path)
        except TypeError as error:
            raise DataError(f"a path is needed, got {type(path).__name__}") from error
        ending = path.suffix.lower()
        if ending not in (".svg", ".png", ".pdf", ".txt"):
            raise DataError(
                f"a circuit cannot be saved as {shorten(path.name, 80)!r}",
                hint="end the name in .svg, .png, .pdf or .txt",
            )
        try:
            if ending == ".svg":
                path.write_text(self.svg(width), encoding="utf-8")
            elif ending == ".txt":
                path.write_text(self.text() + "\n", encoding="utf-8")
            else:
                from symbp.view.circuit.figure import write

                write(self.figure(width), path, ending[1:])
        except OSError as error:
            shown = shorten(str(path), 200)
            raise SymbpError(f"{shown} cannot be written: {error.strerror or error}") from error
        return path

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except SymbpError:  # without igraph a notebook shows the text
            return None


def _positive(width: Any) -> Any:
    if not isinstance(width, int | float) or not width > 0:
        raise DataError(f"the width is {shorten(repr(width), 60)}", hint="give a positive number")
    return width
