"""Parts of a derivation as HTML: well formed, escaped, and without anything that runs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import sympy as sp

import symbp as sb
from symbp.view.derivation import all_sections, shortened
from symbp.view.html import derivation_html, equation_table, escape, ledger_list
from tests.catalogue import CATALOGUE
from tests.test_hostile import NAMES

VOID = {"br", "meta", "mspace", "hr", "img", "link", "input"}
ACTIVE = {"script", "iframe", "object", "embed", "link", "form", "base", "img"}
EVIL = [
    "<script>alert(1)</script>", "</style><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "</math></td></table>", "&lt;b&gt;", '" onclick="alert(1)', "javascript:alert(1)", "<!--", "-->", "]]>",
]  # fmt: skip


class Checked(HTMLParser):
    """Fails where tags do not nest; collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        self.text.append(data)


def assert_inert(parsed):
    """Nothing in it runs, and nothing is loaded."""
    assert not ACTIVE & set(parsed.tags)
    for name, value in parsed.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "data", "action", "xlink:href"), (name, value)
        assert name != "href" or value.startswith("#"), value


def evil_derivation(names):
    parameters = [sb.vector(n, 2) for n in names]
    E = sp.Symbol("<b>E</b>")
    equations = [
        sp.Eq(sb.vector(f"{n}<i>", 2), sb.sigmoid(p)) for n, p in zip(names, parameters, strict=True)
    ]
    loss = sp.Eq(E, sp.Add(*(sb.total(e.lhs) for e in equations)))
    return sb.derive(sb.Network([*equations, loss], parameters=parameters, loss=E, batch=False))


@pytest.mark.parametrize("name", ["dense_elu", "labels_softmax", "attention", "explicit_constants"])
def test_markup_nests_and_is_inert(name):
    parsed = Checked(derivation_html(CATALOGUE[name].derivation))
    assert_inert(parsed)
    assert parsed.tags.count("math") > 10


@pytest.mark.parametrize("names", [EVIL, NAMES], ids=["evil", "hostile"])
def test_names_of_users_are_text(names):
    parsed = Checked(derivation_html(evil_derivation(names)))
    assert_inert(parsed)
    assert "b" not in parsed.tags
    assert "i" not in parsed.tags
    if names is EVIL:
        shown = "".join(parsed.text).replace("\xa0", " ")
        for name in names:
            assert name in shown


def test_every_equation_has_a_row():
    for _, lines in all_sections(CATALOGUE["dense_tanh"].derivation):
        parsed = Checked(equation_table(shortened(lines)))
        assert parsed.tags.count("tr") == len(lines)


def test_the_ledger_is_told():
    shown = "".join(Checked(ledger_list(CATALOGUE["dense_tanh"].derivation.ledger)).text)
    for word in ("reuse of the output", "before", "after", "40 multiplications per entry", "symbolically"):
        assert word in shown
    assert "Nothing was rewritten" in ledger_list(CATALOGUE["normal_equations"].derivation.ledger)


def test_escape():
    assert escape("<a>\x00\u202e&") == "&lt;a&gt;\\x00\\x202e&amp;"
