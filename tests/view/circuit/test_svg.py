"""The SVG is well formed, self-contained, and safe whatever symbols are called."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
import sympy as sp

import symbp as sb
from symbp.view.circuit.palette import DARK, LIGHT
from tests.test_hostile import NAMES
from tests.view.circuit.pictures import PICTURES, chain_rule

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {SVG + tag for tag in ("svg", "g", "path", "rect", "circle", "text", "title", "style")}
ATTRIBUTES = {
    "class",
    "role",
    "width",
    "height",
    "viewBox",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-linecap",
    "x",
    "y",
    "rx",
    "cx",
    "cy",
    "r",
    "d",
}


def parsed(text):
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag in ALLOWED
        assert set(element.attrib) <= ATTRIBUTES
        for name in element.get("class", "").split():
            assert name.startswith("sbc")
    return root


def texts(root):
    return [t.text for t in root.iter(SVG + "text")]


@pytest.mark.parametrize("name", PICTURES)
def test_well_formed_and_self_contained(name):
    text = PICTURES[name]().svg()
    parsed(text)
    for word in ("<script", "href", "url(", "@import", " id=", "onload", "nan"):
        assert word not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert text.startswith("<svg ")
    assert text.endswith("</svg>")


def test_what_it_shows():
    root = parsed(chain_rule().svg())
    assert sorted(texts(root)) == sorted(
        [
            "x",
            "y",
            "z",
            "+",
            "*",
            "f",
            "-2",
            "-4",
            "5",
            "-4",
            "-4",
            "3",
            "3",
            "-4",
            "-12",
            "1",
            "value above the wire",
            "gradient of f below",
        ]
    )
    titles = [t.text for t in root.iter(SVG + "title")]
    assert titles[0] == "circuit of f"
    assert "g1 = + of x, y, value 3, gradient -4" in titles
    plain = parsed(sb.circuit(sp.Symbol("x") + 1).svg())
    assert texts(plain) == ["x", "+1", "f"]


def test_networks_show_names_operations_and_shapes():
    shown = texts(parsed(PICTURES["network"]().svg()))
    for text in ("W1", "32×64", "z1", "W1*x + b1", "a1", "1/(1 + exp(-z1))"):
        assert text in shown
    assert any(re.fullmatch(r"-?[\d.]+ … -?[\d.]+", t) for t in shown)
    assert any(re.fullmatch(r"norm [\d.]+", t) for t in shown)


def test_named_results_of_scalar_networks_are_shown():
    shown = texts(parsed(PICTURES["scalar_network"]().svg()))
    assert {"u", "a", "E", "tanh"} <= set(shown)


def test_light_and_dark():
    assert set(LIGHT) == set(DARK)
    text = chain_rule().svg()
    style = re.search(r"<style>(.*)</style>", text)[1]
    assert style.startswith("@media (prefers-color-scheme: dark){")
    used = set(re.findall(r'class="(sbc-[a-z-]+)"', text))
    assert {f".{name}" for name in used} <= set(re.findall(r"\.sbc-[a-z]+", style))


HOSTILE = [
    *NAMES,
    "<script>alert(1)</script>",
    "</svg><script>",
    "a&b",
    "<b>&",
    "&lt;",
    "]]>",
    "<!--",
    "' onload='x",
    '" onload="x',
    "</style>",
    "</title>",
    "$x_1$",
    "\ud800",
    "\ufffe",
    "\x1b[31m",
    "\u200b",
    "א",
    "字" * 50,
    " ",
    "javascript:alert(1)",
]


def test_hostile_names():
    symbols = [sp.Symbol(n) for n in HOSTILE]
    c = sb.circuit(sp.Add(*(sp.sin(s) for s in symbols)), dict.fromkeys(HOSTILE, 1.0))
    root = parsed(c.svg())
    assert len(list(root.iter(SVG + "rect"))) == 2 * len(HOSTILE) + 2
    assert all(len(t) <= 40 for t in texts(root))
    assert {"<b>&", "&lt;", "]]>"} <= set(texts(root))
    c.svg().encode("utf-8")
    c.text().encode("utf-8")
    assert "\x1b" not in c.text()
    for name in HOSTILE:
        assert c[name].value == 1


def test_hostile_names_of_results():
    names = [n for n in HOSTILE if n.strip()]
    x = sp.Symbol("x")
    results = [sp.Symbol(n) for n in names]
    chain = [sp.Eq(r, sp.sin(p)) for r, p in zip(results, [x, *results], strict=False)]
    net = sb.Network(chain, inputs=[x], loss=results[-1])
    for per in ("operation", "equation"):
        c = sb.circuit(net, {x: 1}, per=per)
        parsed(c.svg())
        c.text().encode("utf-8")


def test_two_in_one_page():
    page = f"<div>{chain_rule().svg()}{PICTURES['network']().svg()}</div>"
    assert len(ElementTree.fromstring(page)) == 2
