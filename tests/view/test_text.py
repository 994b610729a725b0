"""Terms as text for terminals."""

import pytest
import sympy as sp

from symbp.ir.nodes import Index
from symbp.view.terms import number, term
from symbp.view.text import TextPrinter

a, b = term("name", data="a"), term("name", data="b")
i = term("index", data=Index("i", 3))


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (term("access", i, number(0), data="W", array=False), "W[i, 0]"),
        (term("call", a, b, data="max"), "max(a, b)"),
        (term("transpose", term("name", data="W", array=True)), "W.T"),
        (term("matrix", *map(number, (1, 2, 3, 4)), data=2), "[[1, 2], [3, 4]]"),
        (term("matrix", *map(number, (1, -2)), data=1), "[1, -2]"),
        (term("words", data="20 x 30 numbers"), "<20 x 30 numbers>"),
        (term("brief", data=(1000, list("abcdefgh"))), "<1000 operations on a, b, c, d, e, f, ...>"),
        (term("if", a, term("true")), "a"),
        (term("if", a, term("relation", a, b, data=">")), "a if a > b else 0"),
        (number(sp.sqrt(2).args[0]), "2"),
        (term("name", data="a\nb"), "a\\x0ab"),
    ],
)
def test_text(t, text):
    assert TextPrinter().show(t) == text
