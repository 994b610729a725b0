"""Every printer puts the same parentheses: those that the meaning needs."""

import re

import pytest
import sympy as sp

from symbp.view.latex import LatexPrinter
from symbp.view.mathml import MathMLPrinter
from symbp.view.printer import level, number_text
from symbp.view.terms import number, term
from symbp.view.text import TextPrinter

a, b, c = (term("name", data=n) for n in "abc")
u = term("name", data="u", array=True)
choice = term("if", a, term("relation", b, c, data="<"), number(0), term("true"))


def plain(markup: str) -> str:
    """The visible characters of MathML."""
    return re.sub(r"<[^>]*>", "", markup).replace("\u2061", "").replace("&lt;", "<").replace("&#x2061;", "")


CASES = [
    (term("plus", choice, a), "(a if b < c else 0) + a"),
    (term("plus", a, choice), "a + (a if b < c else 0)"),
    (term("times", a, choice), "a*(a if b < c else 0)"),
    (term("minus", term("plus", a, b)), "-(a + b)"),
    (term("plus", a, term("minus", term("plus", b, c))), "a - (b + c)"),
    (term("plus", a, number(-2)), "a - 2"),
    (term("times", term("plus", a, b), c), "(a + b)*c"),
    (term("times", term("matmul", u, u, array=False), u), "(u*u)*u"),
    (term("power", term("minus", a), number(2)), "(-a)**2"),
    (term("power", term("power", a, b), c), "(a**b)**c"),
    (term("power", a, term("plus", b, c)), "a**(b + c)"),
    (term("fraction", term("plus", a, b), term("times", a, b)), "(a + b)/(a*b)"),
    (term("fraction", a, term("fraction", b, c)), "a/(b/c)"),
    (term("relation", term("plus", a, b), number(-1), data="!="), "a + b != -1"),
    (
        term("logic", term("logic", term("relation", a, b, data="<"), term("true"), data="or"),
             term("relation", b, c, data=">="), data="and"),
        "(a < b or true) and b >= c",
    ),
    (term("logic", term("relation", a, b, data="=="), data="not"), "not (a == b)"),
    (term("sum", term("plus", a, b), data=("sum", (c,))), "sum_{c} (a + b)"),
    (term("times", a, term("sum", b, data=("sum", (c,)))), "a*(sum_{c} b)"),
    (term("transpose", term("matmul", u, u)), "(u*u).T"),
]  # fmt: skip


@pytest.mark.parametrize(("t", "text"), CASES, ids=[text for _, text in CASES])
def test_parentheses(t, text):
    assert TextPrinter().show(t) == text
    shown = plain(MathMLPrinter().show(t))
    latex = LatexPrinter().show(t)
    assert shown.count("(") == shown.count(")")
    assert latex.count(r"\left(") == latex.count(r"\right)")
    if not {"fraction", "power"} & {t.kind, *(x.kind for x in t.args)}:  # two-dimensional: need none
        assert shown.count("(") == latex.count(r"\left(")
        missing = 0 if "if" not in text or t.kind != "if" else 1
        assert shown.count("(") == text.count("(") - missing


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (sp.Integer(3), "3"),
        (sp.Rational(-2, 3), "-2/3"),
        (sp.Float(0.1), "0.1"),
        (sp.Float(1e-8), "1e-08"),
        (sp.Rational(10507009873554805, 10**16), "1.0507009873554805"),
        (sp.Rational(1, 10**6 + 1), "9.99999000001e-07"),
        (sp.Integer(10) ** 20, "1e+20"),
        (sp.pi, "pi"),
    ],
)
def test_numbers(value, text):
    assert number_text(value) == text


def test_huge_numbers_are_cut():
    assert len(number_text(sp.Integer(7) ** 5000)) <= 60
    assert len(number_text(sp.Rational(1, 7**5000))) <= 60


def test_decimal_fractions_need_no_parentheses():
    assert level(number(sp.Rational(1, 3))) < level(number(sp.Rational(10507009873554805, 10**16)))
