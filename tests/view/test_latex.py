"""Terms as LaTeX that compiles, whatever names are in it."""

import re
import shutil
import subprocess

import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Index
from symbp.view.latex import LatexPrinter, text
from symbp.view.terms import number, term
from tests.catalogue import CATALOGUE
from tests.test_hostile import NAMES


def name(n, array=False):
    return term("name", data=n, array=array)


x, W = name("x1"), name("W1", array=True)
i = term("index", data=Index("i", 3))


@pytest.mark.parametrize(
    ("t", "latex"),
    [
        (name("delta2"), r"\delta^{(2)}"),
        (name("z1", True), "z^{(1)}"),
        (x, "x_{1}"),
        (name("dE/dW1", True), r"\frac{\partial E}{\partial W^{(1)}}"),
        (name("s_E_shifted"), r"s_{E,\mathrm{shifted}}"),
        (name("label"), r"\mathit{label}"),
        (name("a%b"), r"\text{a\%b}"),
        (term("transpose", W), r"\left(W^{(1)}\right)^{T}"),
        (term("transpose", name("W", True)), "W^{T}"),
        (term("access", i, data="z1", array=False), "z^{(1)}_{i}"),
        (term("access", i, data="s_E", array=False), r"\left(s_{E}\right)_{i}"),
        (term("power", term("access", i, data="z1"), number(2)), r"\left(z^{(1)}_{i}\right)^{2}"),
        (term("call", x, data="exp"), "e^{x_{1}}"),
        (term("power", term("call", x, data="exp"), number(2)), r"\left(e^{x_{1}}\right)^{2}"),
        (term("call", x, data="erf"), r"\operatorname{erf}\left(x_{1}\right)"),
        (term("call", x, data="floor"), r"\left\lfloor x_{1}\right\rfloor "),
        (number(sp.Float(1e-8)), r"1 \cdot 10^{-8}"),
        (number(-sp.oo), r"-\infty"),
        (term("power", number(sp.Float(1e-8)), number(2)), r"\left(1 \cdot 10^{-8}\right)^{2}"),
        (term("matrix", *map(number, (1, 2)), data=2), r"\left[\begin{array}{cc} 1 & 2 \end{array}\right]"),
    ],
)
def test_latex(t, latex):
    assert LatexPrinter().show(t) == latex


@pytest.mark.parametrize("hostile", [*NAMES, *"\\{}$&#^_~%<>|\"'`", "\\end{align*}", "\\input{x}", "^^41"])
def test_names_are_ascii_without_live_commands(hostile):
    shown = LatexPrinter().name(hostile)
    assert shown.isascii()
    assert "\n" not in shown
    assert shown.count("{") - shown.count(r"\{") == shown.count("}") - shown.count(r"\}")
    inside = re.sub(
        r"\\(?:text(?:backslash|asciicircum|asciitilde|less|greater|bar)\{\}|char34)", "", text(hostile)
    )
    assert not re.search(r"\\(?:end|input|import|n)\b", inside)
    assert not re.search(r"(?<!\\)[%#&^~]", re.sub(r"\\[`'^~\"v]\{[a-zA-Z]\}", "", inside))


def test_different_names_look_different():
    shown = [LatexPrinter().name(n) for n in NAMES]
    assert len(set(shown)) == len(NAMES)


def hostile_derivation():
    parameters = [sb.vector(n, 3) for n in NAMES]
    E = sp.Symbol("E_{")
    loss = sp.Add(*(sb.total(sb.tanh(p)) for p in parameters))
    return sb.derive(sb.Network([sp.Eq(E, loss)], parameters=parameters, loss=E, batch=False))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_a_document_compiles(tmp_path):
    derivations = [entry.derivation for entry in CATALOGUE.values()] + [hostile_derivation()]
    body = "\n\n".join(d.latex() for d in derivations)
    document = (
        "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n\\begin{document}\n%s\n\\end{document}"
    )
    (tmp_path / "all.tex").write_text(document % body, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert run.returncode == 0, run.stdout[-2000:]


def test_environments_and_braces_are_balanced():
    for derivation in [*(entry.derivation for entry in CATALOGUE.values()), hostile_derivation()]:
        latex = re.sub(r"\\[{}]", "", derivation.latex())
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")
        for environment in ("align*", "cases", "array"):
            assert latex.count(rf"\begin{{{environment}}}") == latex.count(rf"\end{{{environment}}}")
