"""Parts of a derivation as HTML: equations as MathML, and the ledger. Nothing is loaded, nothing is run."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from symbp.view.derivation import all_sections, shortened
from symbp.view.equations import Equation
from symbp.view.ledger import MAX_GROUPS, Group, Steps
from symbp.view.mathml import MathMLPrinter, math, words
from symbp.view.names import printable
from symbp.view.terms import Term

PRINTER = MathMLPrinter()

NOTEBOOK_STYLE = """
.symbp-equations { border-collapse: collapse; }
.symbp-equations td { border: 0; padding: .15em .3em; text-align: left; background: none; }
.symbp-equations td:first-child { text-align: right; }
.symbp-scroll { overflow: auto hidden; padding-block: .25em; }
.symbp-steps dt { float: left; clear: left; width: 6em; }
.symbp-steps dd { margin-left: 6em; }
"""


def escape(text: object) -> str:
    """Any text as HTML text; control characters are spelled."""
    return html.escape("".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in str(text)))


def formula(t: Term) -> str:
    """A term as one formula."""
    return math(PRINTER.show(t))


def _right(e: Equation) -> str:
    """Markup of what stands right of the equals sign, with the conditions."""
    inner = PRINTER.show(e.right)
    if e.where:
        inner += words("\u2003where ") + PRINTER.listed(e.where)
        inner += words(", else ") + "<mn>0</mn>" if e.elsewhere else ""
    return inner


def equation_formula(e: Equation) -> str:
    """An equation as one formula."""
    return math(f"{PRINTER.show(e.left)}<mo>=</mo>{_right(e)}")


def equation_table(lines: Iterable[Equation | int]) -> str:
    """Equations aligned at the equals sign; a number stands for so many that are left out."""
    rows = []
    for e in lines:
        if isinstance(e, int):
            rows.append(f'<tr><td></td><td>⋮</td><td class="symbp-more">{e:,} more equations</td></tr>')
        else:
            left = formula(e.left)
            rows.append(f"<tr><td>{left}</td><td>{math('<mo>=</mo>')}</td><td>{math(_right(e))}</td></tr>")
    return scrolled(f'<table class="symbp-equations">{"".join(rows)}</table>')


def scrolled(inner: str) -> str:
    """A box that scrolls by itself where its content is too wide."""
    return f'<div class="symbp-scroll" tabindex="0">{inner}</div>'


def ledger_list(steps: Steps) -> str:
    """Every kind of rewrite with its facts."""
    groups = steps.groups
    cards = [_card(g) for g in groups[:MAX_GROUPS]]
    if len(groups) > MAX_GROUPS:
        cards.append(f"<p>{len(groups) - MAX_GROUPS:,} more kinds of rewrites</p>")
    return "".join(cards) or "<p>Nothing was rewritten.</p>"


def _card(group: Group) -> str:
    shown = [equation_formula(p) if isinstance(p, Equation) else formula(p) for p in group.places]
    places = "".join(f"<div>{s}</div>" for s in shown) + (f"and {group.more:,} more" if group.more else "")
    rows = [("in", places), ("before", formula(group.before)), ("after", formula(group.after))]
    rows += [(label, escape(text)) for label, text in group.facts]
    facts = "".join(f"<dt>{label}</dt><dd>{scrolled(shown)}</dd>" for label, shown in rows)
    return f'<div class="symbp-steps"><h3>{escape(group.title)}</h3><dl>{facts}</dl></div>'


def derivation_html(derivation: Any) -> str:
    """Equations and ledger, for the output of a notebook's cell."""
    parts = [f"<style>{NOTEBOOK_STYLE}</style>"]
    for title, lines in all_sections(derivation):
        parts += [f"<h3>{title}</h3>", equation_table(shortened(lines))]
    if derivation.ledger:
        count = len(derivation.ledger)
        noun = "rewrite" if count == 1 else "rewrites"
        parts.append(
            f"<details><summary>{count:,} {noun}</summary>{ledger_list(derivation.ledger)}</details>"
        )
    return "".join(parts)


def short_name(name: str) -> str:
    """A name as HTML text."""
    return html.escape(printable(name))
