"""Bodies in index notation."""

import pytest
import sympy as sp

from symbp.ir.functions import one_plus_erf
from symbp.ir.nodes import Access, Index, Label
from symbp.view.terms import term
from symbp.view.text import TextPrinter
from symbp.view.writer import Indexed, plain

K, P = Index("k", 3), Index("p", 2)
a, b, c = Access("a", K), Access("b", K), Access("c")


def show(t):
    return TextPrinter().show(t)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (a * b, "a[k]*b[k]"),
        (Access("x", K + P), "x[k + p]"),
        (Access("x", 2 * K), "x[2*k]"),
        (Access("x", K - 1), "x[k - 1]"),
        (Access("T", Access("label"), K), "T[label, k]"),
        (-a, "-a[k]"),
        (a - b, "a[k] - b[k]"),
        ((1 - a) * b, "b[k]*(1 - a[k])"),
        (-(a - 1) * a, "a[k]*(1 - a[k])"),
        (a / b, "a[k]/b[k]"),
        (1 / a**2, "1/a[k]**2"),
        (1 / sp.sqrt(a), "1/sqrt(a[k])"),
        (sp.sqrt(a), "sqrt(a[k])"),
        (a / 3, "a[k]/3"),
        (sp.Float(-0.5) * a, "-0.5*a[k]"),
        (sp.Rational(1050700987, 10**9) * a, "1.050700987*a[k]"),
        (-sp.Rational(1050700987, 10**9) * a, "-1.050700987*a[k]"),
        (sp.Max(a, 0), "max(0, a[k])"),
        (sp.polygamma(0, a), "digamma(a[k])"),
        (sp.polygamma(1, a), "polygamma(1, a[k])"),
        (sp.Abs(a), "abs(a[k])"),
        (one_plus_erf(a), "erfc(-a[k])"),
        (sp.Piecewise((a, a > 0), (0, True)), "a[k] if a[k] > 0 else 0"),
        (sp.And(a > 0, b <= 1), "b[k] <= 1 and a[k] > 0"),
        (sp.Ne(K, 1), "k != 1"),
        (K * c, "c*k"),
    ],
)
def test_bodies(body, text):
    assert show(Indexed({}).show(body)) == text


def test_scalars_are_taken_in_and_named():
    writer = Indexed({"c": term("call", term("name", data="x"), data="exp")})
    assert show(writer.show(c + a)) == "exp(x) + a[k]"
    assert list(writer.taken) == ["c"]
    assert list(Indexed({}).taken) == []


@pytest.mark.parametrize(
    ("index", "text"),
    [(K, "k"), (sp.Integer(2), "2"), (sp.Integer(-1), "-1"), (K + P, "k + p"), (-K, "-k"), (Label("y"), "y")],
)
def test_positions(index, text):
    assert show(plain(index)) == text
