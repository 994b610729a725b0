"""Terms as MathML: well formed, and escaped."""

import xml.etree.ElementTree as ET

import pytest
import sympy as sp

from symbp.ir.nodes import Index
from symbp.view.derivation import all_sections
from symbp.view.mathml import MathMLPrinter, math, words
from symbp.view.terms import number, term
from tests.catalogue import CATALOGUE
from tests.test_hostile import NAMES

CORE = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "msup", "msub", "msubsup",
    "munder", "mtable", "mtr", "mtd",
}  # fmt: skip
SHOWN = (
    "choices",
    "dense_elu",
    "labels_softmax",
    "explicit_constants",
    "triangular_sum",
    "steps",
    "polynomial",
)


def tree(t):
    return ET.fromstring(math(MathMLPrinter().show(t)))


def text(t):
    return "".join(tree(t).itertext())


def name(n, array=False):
    return term("name", data=n, array=array)


i = term("index", data=Index("i", 3))


@pytest.mark.parametrize(
    ("t", "shown"),
    [
        (name("delta2"), "δ(2)"),
        (name("dE/dW1", True), "∂E∂W(1)"),
        (name("dE/dlambda"), "∂E∂λ"),
        (term("transpose", name("W", True)), "WT"),
        (term("transpose", name("W1", True)), "(W(1))T"),
        (term("access", i, data="z1", array=False), "zi(1)"),
        (term("plus", name("a"), number(-2)), "a−2"),
        (term("call", name("x"), data="exp"), "ex"),
        (term("call", name("x"), data="abs"), "|x|"),
        (term("call", name("x"), data="tanh"), "tanh\u2061(x)"),
        (term("relation", name("x"), number(0), data="<="), "x≤0"),
        (number(sp.Rational(-1, 3)), "−13"),
        (number(sp.Float(-2.5e-8)), "−2.5·10−8"),
        (number(sp.pi), "π"),
        (number(-sp.oo), "−∞"),
        (term("matrix", *map(number, (1, 2)), data=1), "[12]"),
        (term("if", name("x"), term("relation", name("x"), number(0), data=">")), "{xif\xa0x>0"),
        (term("words", data="2 x 3 numbers"), "2\xa0x\xa03\xa0numbers"),
    ],
)
def test_shown(t, shown):
    assert text(t) == shown


@pytest.mark.parametrize("n", SHOWN)
def test_equations_are_well_formed_and_of_the_core_level(n):
    for _, lines in all_sections(CATALOGUE[n].derivation):
        for e in lines:
            for t in (e.left, e.right, *e.where):
                assert {element.tag for element in tree(t).iter()} <= CORE


def test_scripts_and_fractions_have_the_operands_they_need():
    wanted = {"mfrac": 2, "msup": 2, "msub": 2, "munder": 2, "msubsup": 3}
    for n in CATALOGUE:
        if n in SHOWN:
            for _, lines in all_sections(CATALOGUE[n].derivation):
                for element in (x for e in lines for x in tree(e.right).iter()):
                    assert len(element) == wanted.get(element.tag, len(element)), element.tag


@pytest.mark.parametrize("hostile", [*NAMES, "<script>alert(1)</script>", "&lt;", "</math>", "]]>", "<!--"])
def test_names_are_text(hostile):
    for shown in (
        name(hostile),
        name(hostile, True),
        name(f"dE/d{hostile}"),
        term("access", i, data=hostile),
    ):
        assert {element.tag for element in tree(shown).iter()} <= CORE


def test_names_that_differ_in_spaces_look_different():
    assert words("a b") != words("a  b") != words("a b ")


def test_parentheses_stretch_only_around_what_is_tall():
    low = term("times", name("a"), term("plus", name("b"), name("c")))
    tall = term("times", name("a"), term("plus", name("b"), term("fraction", name("c"), name("a"))))
    assert 'stretchy="true"' not in MathMLPrinter().show(low)
    assert 'stretchy="true"' in MathMLPrinter().show(tall)
