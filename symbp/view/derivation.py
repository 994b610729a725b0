"""A derivation for people: the equations of the forward and of the backward pass, and how they came about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import sympy as sp

from symbp.ir.nodes import Statement, Tensor
from symbp.ir.walk import accesses
from symbp.view.equations import Equation, equations, is_reciprocal
from symbp.view.latex import LatexPrinter, text
from symbp.view.ledger import summary
from symbp.view.symbolic import Symbolic
from symbp.view.terms import number, term
from symbp.view.text import TextPrinter

MAX_ENTRIES = 64
"""Entries up to which an explicit matrix is shown."""
MAX_LINES = 400
"""Equations that a section shows; of more, the first and last ones."""
PAGE = 16
"""Lines of one align environment: LaTeX breaks no page inside of one."""

Line = TypeVar("Line")


def sections(derivation: Any) -> list[tuple[str, list[Equation]]]:
    """The equations by section; Backward is left out where there is no loss, Jacobian where there is none.

    Derivatives that are numbers, or arguments, have no equation.
    """
    in_forward = {s.target for s in derivation.forward_program.statements}
    keep = forward_lines(derivation)
    backward: list[Equation] = []
    if derivation.loss is not None:
        gradients = set(derivation.gradients.values())
        lines = equations(derivation.backward_program, keep | gradients)
        backward = [e for e in lines if e.target not in in_forward]
    hidden = _reciprocals(derivation)
    lines = equations(derivation.forward_program, keep, often=True)
    found = [("Forward", [e for e in lines if e.target not in hidden])]
    if derivation.loss is not None:
        found.append(("Backward", backward))
    if derivation.jacobian:
        entries = {a.name for value in derivation.jacobian.values() for a in accesses(value)}
        lines = equations(derivation.backward_program, keep | entries)
        found.append(("Jacobian", [e for e in lines if e.target not in in_forward]))
    return found


def forward_lines(derivation: Any) -> set[str]:
    """Names that have a line in the forward section: the user's, and what the backward pass reads."""
    in_forward = {s.target for s in derivation.forward_program.statements}
    own = [s for s in derivation.backward_program.statements if s.target not in in_forward]
    divisors = _reciprocals(derivation)
    read = {a.name for s in own for part in (s.body, *s.where) for a in accesses(part)}
    read = {divisors.get(name, name) for name in read}
    return {*derivation.network.defined, *(read & in_forward)}


def _reciprocals(derivation: Any) -> dict[str, str]:
    """Names of what a person writes as a division, in both passes, and a kernel evaluates once; by what."""
    found = (s for s in derivation.forward_program.statements if is_reciprocal(s.body))
    own = derivation.network.defined
    return {s.target: accesses(s.body)[0].name for s in found if s.target not in own}


def all_sections(derivation: Any) -> list[tuple[str, list[Equation]]]:
    """What is printed: the explicit matrices that occur in the equations, then `sections`."""
    named = [_constant(t) for t in derivation.forward_program.by_role("constant")]
    return [("Constants", named)] * bool(named) + sections(derivation)


def _constant(tensor: Tensor) -> Equation:
    values = tensor.values or ()
    if len(values) <= MAX_ENTRIES:
        columns = tensor.shape[1] if len(tensor.shape) > 1 else 1
        right = term("matrix", *(number(sp.Float(v) if v % 1 else int(v)) for v in values), data=columns)
    else:
        right = term("words", data=f"{' x '.join(map(str, tensor.shape))} numbers")
    left = term("name", data=tensor.name, array=True)
    return Equation(Statement(tensor.name, (), sp.S.Zero), left, right)


def symbolic(derivation: Any) -> dict[str, list[sp.Eq]]:
    """All equations as SymPy, by section."""
    programs = (derivation.forward_program, derivation.backward_program)
    writer = Symbolic(derivation.network, programs, derivation.adjoints)
    return {title: [writer.equation(e) for e in lines] for title, lines in sections(derivation)}


def shortened(lines: Sequence[Line], most: int = MAX_LINES) -> Iterator[Line | int]:
    """The lines that are shown, at most so many; in the place of the others, how many they are."""
    half = most // 2
    if len(lines) <= most:
        yield from lines
        return
    yield from lines[:half]
    yield len(lines) - 2 * half
    yield from lines[-half:]


def derivation_text(derivation: Any) -> str:
    """Sections Constants, Forward, Backward and Rewrites, one equation a line."""
    printer = TextPrinter()
    parts = []
    for title, lines in all_sections(derivation):
        shown = [_text(e, printer) for e in shortened(lines)]
        parts.append("\n".join([title, *("  " + line for line in shown)]))
    if derivation.ledger:
        parts.append("\n".join(["Rewrites", *("  " + line for line in summary(derivation.ledger))]))
    return "\n\n".join(parts)


def derivation_latex(derivation: Any) -> str:
    """The equations as LaTeX, in align* environments; needs the packages amsmath and amssymb."""
    printer = LatexPrinter()
    parts = []
    for title, lines in all_sections(derivation):
        shown = [_latex(e, printer) for e in shortened(lines)]
        for k in range(0, len(shown), PAGE):
            body = " \\\\\n".join("  " + line for line in shown[k : k + PAGE])
            heading = f"% {title}\n" if k == 0 else ""
            parts.append(f"{heading}\\begin{{align*}}\n{body}\n\\end{{align*}}")
    return "\n\n".join(parts)


def _text(e: Equation | int, printer: TextPrinter) -> str:
    if isinstance(e, int):
        return f"... {e} more equations"
    line = f"{printer.show(e.left)} = {printer.show(e.right)}"
    if e.where:
        line += "  where " + ", ".join(printer.show(c) for c in e.where)
        line += ", else 0" if e.elsewhere else ""
    return line


def _latex(e: Equation | int, printer: LatexPrinter) -> str:
    if isinstance(e, int):
        return rf"& \;\;\vdots \quad {text(f'{e} more equations')}"
    line = f"{printer.show(e.left)} &= {printer.show(e.right)}"
    if e.where:
        line += r" \quad \text{where } " + ", ".join(printer.show(c) for c in e.where)
        line += r"\text{, else } 0" if e.elsewhere else ""
    return line
