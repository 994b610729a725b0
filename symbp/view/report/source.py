"""The generated module, with the formulas beside the lines that compute them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from symbp.codegen.text import equation
from symbp.ir.nodes import Statement
from symbp.pipeline import forward_kernel, gradient_kernel
from symbp.schedule.memory import plan_kernel
from symbp.view.equations import statement_equation
from symbp.view.html import equation_formula, scrolled

MAX_SOURCE = 1500
"""Lines of source that the page shows."""
MAX_FORMULAS = 12
"""Formulas beside one function; more are counted."""


@dataclass(frozen=True)
class Part:
    """Lines of the module: one function, or what stands between functions."""

    lines: list[str]
    formulas: list[Statement]


def source_section(model: Any) -> str:
    """The functions that compute something with their formulas; the rest of the module folded away."""
    source = model.source
    parts = list(split(source, statements(model)))
    shown: list[str] = []
    folded: list[str] = []
    used = 0
    for part in parts:
        if not part.formulas:
            folded += part.lines
            continue
        if used + len(part.lines) > MAX_SOURCE and shown:
            left = sum(len(p.lines) for p in parts if p.formulas) - used
            shown.append(f"<p>{left:,} more lines of this kind are not shown.</p>")
            break
        used += len(part.lines)
        shown.append(_pair(part))
    rest = "\n".join(folded[:MAX_SOURCE])
    more = f"<p>{len(folded) - MAX_SOURCE:,} more lines</p>" if len(folded) > MAX_SOURCE else ""
    what = "The rest of the module: imports, helpers, and the functions that call these"
    fold = f"<details><summary>{what}</summary>{_code(rest)}{more}</details>"
    return "".join(shown) + fold


def statements(model: Any) -> dict[str, Statement]:
    """What the kernel in `model.source` computes, by the comment it is announced with."""
    d = model.derivation
    if model.network.loss is not None:
        kernel = gradient_kernel(d)
    else:
        kernel = forward_kernel(d, tuple(model.network.defined))
    nests = (nest for stage in plan_kernel(kernel).stages for nest in stage.nests)
    return {equation(s): s for nest in nests for s in nest.statements}


def split(source: str, known: dict[str, Statement]) -> Iterator[Part]:
    """The module cut at its functions, and these where comments of `known` announce other formulas."""
    lines = source.splitlines()
    done = 0
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
        end = node.end_lineno or node.lineno
        if lines[done:start]:
            yield Part(lines[done:start], [])
        yield from _groups(lines[start:end], known)
        done = end
    yield Part(lines[done:], [])


def _groups(lines: list[str], known: dict[str, Statement]) -> Iterator[Part]:
    """The lines of a function, cut before comments that announce formulas; its head is in the first part."""
    group: list[str] = []
    formulas: list[Statement] = []
    announcing = False
    for line in lines:
        statement = known.get(line.strip().removeprefix("# ")) if _is_comment(line) else None
        if statement is not None and formulas and not announcing:
            yield Part(group, formulas)
            group, formulas = [], []
        announcing = statement is not None
        group.append(line)
        if statement is not None:
            formulas.append(statement)
    yield Part(group, formulas)


def _pair(part: Part) -> str:
    formulas = [equation_formula(statement_equation(s, indexed=True)) for s in part.formulas[:MAX_FORMULAS]]
    if len(part.formulas) > MAX_FORMULAS:
        formulas.append(f"{len(part.formulas) - MAX_FORMULAS:,} more")
    beside = "".join(f"<p>{scrolled(f)}</p>" for f in formulas)
    code = [line for line in part.lines if not _is_comment(line)]
    return f'<div class="pair"><div>{beside}</div>{_code(chr(10).join(code))}</div>'


def _is_comment(line: str) -> bool:
    return line.strip().startswith("# ")


def _code(text: str) -> str:
    shown = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return f'<pre class="code" tabindex="0">{shown}</pre>'


def source_style() -> str:
    """Colours of the source, by day and by night."""
    light = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".code")
    keep = [[line for line in s.splitlines() if line.startswith(".code .")] for s in (light, dark)]
    return "\n".join(keep[0]) + "\n@media (prefers-color-scheme: dark) {\n" + "\n".join(keep[1]) + "\n}\n"
