"""The meaning of each syntax node, and where its errors point."""

import ast

import pytest
import sympy as sp

from symbp import nn
from symbp.errors import ShapeError, SpecError
from symbp.spec import parse_expression
from symbp.spec.place import Place
from symbp.spec.reader import Reader
from symbp.spec.scope import Scope
from tests.spec.reading import NAMES, assert_refused, read, refusal, s, t, x, y, σ


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s", s),
        ("  s\t", s),
        ("12", sp.Integer(12)),
        ("1_000", sp.Integer(1000)),
        ("0.1", sp.Rational(1, 10)),
        (".5e2", sp.Integer(50)),
        ("3.14159", sp.Rational("3.14159")),
        ("1e15", sp.Integer(10**15)),
        ("1e-15", sp.Rational(1, 10**15)),
        ("1e16", sp.Float(1e16)),
        ("1e-300", sp.Float(1e-300)),
        ("1e-16", sp.Float(1e-16)),
        ("0.0", sp.S.Zero),
        ("2.0", sp.Integer(2)),
        ("0.123456789012345", sp.Rational("0.123456789012345")),
        ("0.1234567890123456", sp.Float(0.1234567890123456)),
        ("pi*s", sp.pi * s),
        ("s - t - 1", s - t - 1),
        ("s - (t - 1)", s - t + 1),
        ("-s**2", -(s**2)),
        ("(-s)**2", s**2),
        ("2**-s", 2**-s),
        ("s**t**2", s ** (t**2)),
        ("s/t/2", s / t / 2),
        ("s/(t*2)", s / (2 * t)),
        ("+s", s),
        ("--s", s),
        ("-3", sp.Integer(-3)),
        ("(s + t)**2/(s - t)**3", (s + t) ** 2 / (s - t) ** 3),
        ("(s*t)**-2", (s * t) ** -2),
        ("1/(1 + exp(-s))", 1 / (1 + sp.exp(-s))),
        ("2*(s + 1) - (s + 1)*3", -s - 1),
        ("t*(s + 1)/(s + 1)**3", t * (s + 1) ** -2),
        ("1/(s + 1) + 2/(s + 1) - sin(s)/3", 3 / (s + 1) - sp.sin(s) / 3),
        ("exp(s)**2*sin(t)*s*s", s**2 * sp.exp(2 * s) * sp.sin(t)),
        ("-(s - t)*x[0]", -(s - t) * x[0, 0]),
        ("σ*2", 2 * σ),
        ("(x.T*y)[0, 0]", sp.Trace(x.T * y)),
        ("s*(x.T*y)[0]", s * sp.Trace(x.T * y)),
    ],
)
def test_scalars(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "problem", "hint"),
    [
        # names
        ("s + pix", 5, "unknown name 'pix'", "'pi'"),
        ("s + sigmoid", 5, "the function 'sigmoid' needs arguments", "sigmoid(...)"),
        ("s + where", 5, "the function 'where' needs arguments", "where(...)"),
        # places beyond ASCII
        ("σσ*σ*(σ + tt)", 1, "unknown name 'σσ'", "'σ'"),
        ("σ*σ*(σ + tt)", 10, "unknown name 'tt'", "'t'"),
        ("  σ*tt", 5, "unknown name 'tt'", None),
        # operators
        ("s // t", 1, "the division // has no meaning", "floor(a/b)"),
        ("s < s < x", 9, "a scalar is needed here, and this is 4x1", None),
        ("s in t", 3, "the word 'in'", None),
        ("not s", 5, "a condition is needed here", "x > 0"),
        ("s > 0 and t", 11, "a condition is needed here", "x > 0"),
        ("(s > 0) + 1", 2, "a condition is no number", "where(condition, 1, 0)"),
        ("-(s > 0)", 3, "a condition is no number", None),
        ("2**True", 4, "a condition is no number", None),
        ("s > 0", 1, "not a number or a matrix", "where("),
        # attributes
        ("s.real", 1, "the attribute 'real'", ".T"),
        ("s.T", 1, "only a matrix has a transpose", None),
        # calls
        ("s + sigmod(t)", 5, "unknown function 'sigmod'", "did you mean 'sigmoid'?"),
        ("s + ln(t)", 5, "unknown function 'ln'", "hadamard, heaviside"),
        ("s(t)", 1, "a name, not a function", "s*(...)"),
        ("pi(2)", 1, "'pi' is a name, not a function", "pi*(...)"),
        ("sum(j(2), (j, 0, 3))", 5, "'j' is a name, not a function", None),
        ("x.T(s)", 1, "only a function's name can be called", None),
        ("exp(*x)", 5, "one by one", None),
        ("sum(*x)", 5, "one by one", None),
        ("leaky_relu(s, **x)", 17, "one by one", None),
        ("leaky_relu(s, slope=0.1, slope=0.2)", 32, "given twice", None),
        ("leaky_relu(s, slope=x)", 21, "'slope' must be a number", None),
        ("leaky_relu(s, slope=pi)", 21, "'slope' must be a number", None),
        ("where(s > 0, s, t, x=1)", 1, "no keyword arguments", None),
        # groups
        ("(s, t)", 1, "a list of values", "points are separated"),
        ("s + [t]", 5, "a list of values", None),
    ],
)
def test_errors_name_the_place_and_a_way_out(text, column, problem, hint):
    assert_refused(text, column, problem, hint)


@pytest.mark.parametrize(
    "text", ["lambda: s", "{s}", "f'{s}'", "[s for s in x]", "s if s else t", "x[0:1]", "(s := 1)"]
)
def test_nodes_without_a_meaning_have_none(text):
    # Their characters do not come this far; the reader does not rely on that.
    reader = Reader(Place(text), Scope({}, NAMES))
    with pytest.raises(SpecError, match="has no meaning in a formula"):
        reader.run(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize(
    "text", ["s in t", "s is t", "s << t", "s % t", "s & t", "~s", "1j", "'s'", "...", "None"]
)
def test_operators_and_values_without_a_meaning_have_none(text):
    reader = Reader(Place(text), Scope({}, NAMES))
    with pytest.raises(SpecError, match="has no meaning in a formula"):
        reader.run(ast.parse(text, mode="eval").body)


def test_settings_are_numbers_true_or_false():
    seen = []
    functions = {"f": lambda a, flag=None, rate=None: seen.append((flag, rate)) or a}
    for text in ("f(s, flag=True, rate=0.5)", "f(s, flag=1 > 2, rate=1e-300)"):
        parse_expression(text, NAMES, functions)
    assert seen == [(True, sp.S.Half), (False, sp.Float(1e-300))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s > 0", s > 0),
        ("s > 0 and t < 1", sp.And(s > 0, t < 1)),
        ("s > 0 or t < 1", sp.Or(s > 0, t < 1)),
        ("s > 0 and t < 1 or s == 3", sp.Or(sp.And(s > 0, t < 1), sp.Eq(s, 3))),
        ("0 < s <= t", sp.And(s > 0, s <= t)),
        ("not s > 0", s <= 0),
        ("s > 0 and 1 < 2", s > 0),
        ("s > 0 and 2 < 1", sp.false),
        ("s > 0 or 1 < 2", sp.true),
        ("s > 0 or 2 < 1", s > 0),
        ("True and not False", sp.true),
    ],
)
def test_conditions(text, expected):
    condition = Reader(Place(text), Scope({}, NAMES)).run(ast.parse(text, mode="eval").body)
    for place in [{s: a, t: b} for a in (-1, 0, 1, 3) for b in (0, 1, 2)]:
        assert sp.sympify(condition).subs(place) == expected.subs(place)


def test_errors_of_functions_become_errors_with_a_place():
    def broken(a):
        raise KeyError("inside")

    def refusing(a):
        raise ShapeError("it does not fit", hint="make it fit")

    functions = {"broken": broken, "refusing": refusing, "textual": lambda a: "text"}
    for text, problem, hint in [
        ("s + broken(s)", r"line 1, column 5: broken\(scalar\): 'inside'", "write broken(a)"),
        ("s + refusing(x)", r"column 5: refusing\(4x1\): it does not fit", "make it fit"),
        ("s + textual(s)", r"column 5: textual\(scalar\) gives no number", "write textual(a)"),
    ]:
        with pytest.raises(Exception, match=problem) as caught:
            parse_expression(text, NAMES, functions)
        assert caught.value.hint == hint


def test_what_sympy_refuses_is_an_error_with_a_place():
    # A symbolic shape: nothing but SymPy itself can tell that it does not fit.
    wide = sp.MatrixSymbol("wide", sp.Symbol("m", integer=True), 3)
    error = refusal("s + wide[0, 0]", wide=wide)
    assert error.column == 5
    assert "SymPy cannot build this" in error.problem


def test_the_transpose_of_a_vector_times_a_vector_is_not_written_out():
    big = nn.vector("big", 10**6)
    assert read("(big.T*big)[0]", big=big) == sp.Trace(big.T * big)
    assert read("x.T*y").shape == (1, 1)
    assert y.shape == (4, 1)
