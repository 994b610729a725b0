"""The page: its sections, in the order in which a reader wants them.

It loads nothing and runs nothing: a content security policy in its head forbids both, whatever the names in
a model are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from string import Template
from typing import Any

from symbp.errors import GradientError, SymbpError, shorten
from symbp.network import symbol_name
from symbp.runtime.check import random_data
from symbp.runtime.gradient_report import GradientReport
from symbp.view.circuit import circuit
from symbp.view.cost import Cost, seconds_text
from symbp.view.derivation import all_sections, shortened
from symbp.view.html import (
    equation_table,
    escape,
    formula,
    ledger_list,
    scrolled,
    short_name,
)
from symbp.view.lecture import lecture_ratios
from symbp.view.mathml import math
from symbp.view.report.source import source_section, source_style
from symbp.view.terms import term

Sections = Iterator[tuple[str, str]]
"""Heading and body."""


def page(model: Any, theta: Any = None, data: Mapping[str, Any] | None = None) -> str:
    """The text of the page.

    Args:
        model: a compiled `Model`.
        theta, data: where the gradient is checked and what the circuit shows; see `Model.check`.

    Raises:
        DataError: theta or the data are not what the model takes.
    """
    folder = resources.files("symbp.view.report")
    template = Template((folder / "page.html").read_text(encoding="utf-8"))
    style = (folder / "style.css").read_text(encoding="utf-8")
    report = checked(model, theta, data)
    sections = list(_sections(model, report, theta, data))
    body = "\n".join(
        f'<section id="s{k}">\n<h2>{heading}</h2>\n{inner}\n</section>'
        for k, (heading, inner) in enumerate(sections)
    )
    links = "".join(f'<a href="#s{k}">{heading}</a>' for k, (heading, _) in enumerate(sections))
    return template.substitute(
        title=escape(shorten(model.network.name, 120)),
        style=style + source_style(),
        summary=_summary(model, report),
        links=links,
        body=body,
    )


def _sections(model: Any, report: GradientReport | None, theta: Any, data: Any) -> Sections:
    derivation = model.derivation
    yield "Symbols", _symbols(model)
    for title, lines in all_sections(derivation):
        yield title, equation_table(shortened(lines))
    drawing = _circuit(model, theta, data)
    if drawing:
        yield "Circuit", scrolled(_fitted(drawing))
    yield "Rewrites", ledger_list(derivation.ledger)
    if report is not None:
        yield "Gradient check", _check(report)
    yield "Cost", _cost(derivation.cost)
    yield "Generated source", source_section(model)


def checked(model: Any, theta: Any, data: Any) -> GradientReport | None:
    """The check of the gradient, also where it fails; None where there is no gradient to check."""
    if model.network.loss is None:
        return None
    try:
        return model.check(theta, data=data)
    except GradientError as error:
        if isinstance(error.report, GradientReport):
            return error.report
        raise


# ---- the parts


def _summary(model: Any, report: GradientReport | None) -> str:
    cost = model.derivation.cost
    facts = [
        (f"{len(model.network.equations):,}", "equations"),
        (f"{model.size:,}", "parameters"),
        (f"{cost.forward:,}", "operations forward"),
        (f"{cost.backward:,}", "operations backward"),
    ]
    if report is not None:
        facts.append(("passed" if report.passed else "FAILED", "gradient check"))
    tiles = "".join(f"<div><strong>{value}</strong><span>{what}</span></div>" for value, what in facts)
    return f'<div class="tiles">{tiles}</div>'


def _symbols(model: Any) -> str:
    tensors = model.derivation.forward_program.tensors
    rows = []
    for role, symbols in (("input", model.inputs), ("parameter", model.parameters)):
        for symbol in symbols:
            name = symbol_name(symbol)
            tensor = tensors.get(name)
            if tensor is None:
                continue
            shape = tensor.row_shape
            letter = formula(term("name", data=name, array=bool(shape)))
            kind = (
                f"an integer from 0 to {tensor.bound - 1:,}"
                if tensor.role == "label" and tensor.bound
                else _space(shape)
            )
            rows.append(f"<tr><td>{letter}</td><td>{kind}</td><td>{role}</td></tr>")
    if len(rows) > 60:
        rows[30:-30] = [f"<tr><td>⋮</td><td>{len(rows) - 60:,} more</td><td></td></tr>"]
    return scrolled(f"<table><tr><th>name</th><th>is in</th><th>role</th></tr>{''.join(rows)}</table>")


def _space(shape: tuple[int, ...]) -> str:
    if not shape:
        return math("<mi>ℝ</mi>")
    sizes = "<mo>×</mo>".join(f"<mn>{n}</mn>" for n in shape)
    return math(f"<msup><mi>ℝ</mi><mrow>{sizes}</mrow></msup>")


def _fitted(svg: str) -> str:
    """The picture, up to a quarter smaller where it fits the page so; smaller text would be hard to read."""
    width = int(svg.partition('width="')[2].partition('"')[0])
    style = f"width:100%;min-width:{round(0.75 * width)}px;max-width:{width}px;height:auto"
    return svg.replace("<svg ", f'<svg style="{style}" ', 1)


def _circuit(model: Any, theta: Any, data: Any) -> str:
    """The circuit with the numbers of the first sample, or nothing where there is no picture of it."""
    try:
        if data is None and model.network.loss is None:
            return circuit(model).svg()
        arrays = random_data(model) if data is None else data
        first = {n: a[0] for n, a in arrays.items()} if model.network.batch else dict(arrays)
        return circuit(model, first, theta=model.init(0) if theta is None else theta).svg()
    except SymbpError:
        return ""  # more gates than a picture has room for


def _check(report: GradientReport) -> str:
    headings = ("method", "checked", "skipped", "worst error", "allowed", "at")
    head = f"<tr>{''.join(f'<th>{h}</th>' for h in headings)}</tr>"
    rows = "".join(
        f'<tr class="{"passed" if r.passed else "failed"}">'
        f"<td>{escape(r.method)}</td><td>{r.checked:,}</td>"
        f"<td>{r.skipped:,}</td><td>{r.error:.1e}</td><td>{r.tolerance:.0e}</td>"
        f"<td>{escape(shorten(r.worst, 70))}</td></tr>"
        for r in report.rows
    )
    again = "the same bits" if report.repeatable else "DIFFERENT BITS"
    verdict = "passed" if report.passed else "FAILED"
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    text = f"{report.entries:,} entries in {report.dtype}; a second run gave {again}: {verdict}."
    return f"<p>{text}</p>" + scrolled(f'<table class="numbers">{head}{rows}</table>') + notes


def _cost(cost: Cost) -> str:
    head = "<tr><th>per sample</th><th>operations</th><th>transcendental</th></tr>"
    rows = []
    for phase in ("forward", "backward"):
        own = [r for r in cost.rows if r.phase == phase]
        for r in shortened(own):
            if isinstance(r, int):
                rows.append(f"<tr><td>{r:,} more</td><td></td><td></td></tr>")
            else:
                counts = f"<td>{r.operations:,}</td><td>{r.transcendental:,}</td>"
                rows.append(f"<tr><td>{formula(r.equation.left)}</td>{counts}</tr>")
        if own:
            counts = f"<td>{cost.operations(phase):,}</td><td>{cost.transcendental(phase):,}</td>"
            rows.append(f'<tr class="total"><td>{phase}</td>{counts}</tr>')
    parts = [scrolled(f'<table class="numbers">{head}{"".join(rows)}</table>')]
    if cost.ratio is not None:
        others = ", ".join(f"{name} {ratio:.2f}" for name, ratio in lecture_ratios().items())
        listed = ", ".join([short_name(n) for n in list(cost.stored)[:8]] + ["…"] * (len(cost.stored) > 8))
        listed = f" ({listed})" if listed else ""
        parts.append(
            f"<p>The backward pass takes {cost.ratio:.2f} times the operations of the forward pass "
            f"(networks of a lecture: {others}).</p>"
            f"<p>Kept between the passes per sample: {cost.kept}{listed}.</p>"
        )
    if cost.seconds:
        parts.append(f"<p>Derived in {escape(seconds_text(cost.seconds))}.</p>")
    return "".join(parts)
