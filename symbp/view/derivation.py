"""A derivation for people: the equations of the forward and of the backward pass."""

from __future__ import annotations

from typing import Any

from symbp.ir.walk import accesses
from symbp.view.equations import Equation, equations
from symbp.view.printers import LatexPrinter, TextPrinter

MAX_LINES = 400


def derivation_text(derivation: Any) -> str:
    """Sections Forward and Backward, one equation a line."""
    printer = TextPrinter()
    parts = []
    for title, lines in sections(derivation):
        shown = [_text(e, printer) for e in _shortened(lines)]
        if len(lines) > MAX_LINES:
            shown.insert(MAX_LINES // 2, f"... {len(lines) - MAX_LINES} more equations")
        parts.append("\n".join([title, *("  " + line for line in shown)]))
    return "\n\n".join(parts)


def derivation_latex(derivation: Any) -> str:
    """The same as LaTeX: one align* environment per section."""
    printer = LatexPrinter()
    parts = []
    for title, lines in sections(derivation):
        shown = [_latex(e, printer) for e in _shortened(lines)]
        body = " \\\\\n".join("  " + line for line in shown)
        parts.append(f"% {title}\n\\begin{{align*}}\n{body}\n\\end{{align*}}")
    return "\n\n".join(parts)


def sections(derivation: Any) -> list[tuple[str, list[Equation]]]:
    """The equations by section; Backward is left out where there is no loss."""
    users = set(derivation.network.defined)
    in_forward = {s.target for s in derivation.forward_program.statements}
    keep = set(users)
    backward: list[Equation] = []
    if derivation.loss is not None:
        own = [s for s in derivation.backward_program.statements if s.target not in in_forward]
        # What the backward pass reads must have a line in the forward section.
        keep |= {a.name for s in own for part in (s.body, *s.where) for a in accesses(part)} & in_forward
        gradients = set(derivation.gradients.values())
        lines = equations(derivation.backward_program, keep | gradients)
        backward = [e for e in lines if e.target not in in_forward]
    found = [("Forward", equations(derivation.forward_program, keep))]
    if derivation.loss is not None:
        found.append(("Backward", backward))
    return found


def _shortened(lines: list[Equation]) -> list[Equation]:
    half = MAX_LINES // 2
    return lines if len(lines) <= MAX_LINES else lines[:half] + lines[-half:]


def _text(e: Equation, printer: TextPrinter) -> str:
    line = f"{printer.show(e.left)} = {printer.show(e.right)}"
    return line + ("  where " + ", ".join(printer.show(c) for c in e.where) if e.where else "")


def _latex(e: Equation, printer: LatexPrinter) -> str:
    line = f"{printer.show(e.left)} &= {printer.show(e.right)}"
    if e.where:
        line += r" \quad \text{where } " + ", ".join(printer.show(c) for c in e.where)
    return line
