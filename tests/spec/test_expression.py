"""Formulas read as what they say, whatever is in them."""

import contextlib
import math
import threading

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symbp import nn
from symbp.errors import SpecError
from symbp.spec import FUNCTIONS, parse_expression
from symbp.spec.expression import read_expression
from symbp.spec.place import Place
from symbp.spec.scope import Scope
from tests.spec.reading import NAMES, A, W, assert_refused, i, j, read, refusal, s, t, x

PYTHON = {"s": 0.7, "t": 1.3, "exp": math.exp, "sin": math.sin, "abs": abs, "tanh": math.tanh}
NUMBERS = st.recursive(
    st.sampled_from(["s", "t", "1", "2", "0.5", "3"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds(
            "{}**{}".format, inner.map("({})".format), st.sampled_from(["2", "-1", "-2", "0.5", "s", "-t"])
        ),
        st.builds("{}({})".format, st.sampled_from(["exp", "sin", "abs", "tanh"]), inner),
        inner.map("-({})".format),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(NUMBERS)
def test_values_are_those_of_python(text):
    try:
        expected = eval(text, {"__builtins__": {}}, PYTHON)  # the test's own text, not the reader's
        assume(isinstance(expected, (int, float)) and 1e-6 < abs(expected) < 1e6)
        value = read(text).evalf(30, subs={s: 0.7, t: 1.3})
    except (ArithmeticError, TypeError, SpecError):  # complex numbers are a TypeError of math
        assume(False)
    # Cancellation costs Python digits, so expressions that differ only by rounding must not fail.
    assert float(value) == pytest.approx(expected, rel=1e-4)


def test_line_and_column_in_texts_of_several_lines():
    error = refusal("s +\n  t +\n  tt")
    assert (error.line, error.column) == (3, 3)
    with pytest.raises(SpecError) as caught:
        parse_expression("s +\n  tt", NAMES, FUNCTIONS, line=10)
    assert (caught.value.line, caught.value.column) == (11, 3)


def test_a_name_cannot_shadow_a_function():
    for name in ("sigmoid", "sum", "where", "pi", "ｓum"):
        error = refusal("s", **{name: s})
        assert "taken by" in error.problem
        assert error.hint == "choose another name"


def test_names_mean_only_what_the_caller_says():
    own = nn.scalar("mine")
    assert read("E*I*S*e", E=s, I=t, S=own, e=own) == s * t * own**2
    with pytest.raises(SpecError):
        parse_expression("sin(s)", NAMES, {})
    assert parse_expression("double(s)", NAMES, {"double": lambda a: 2 * a}) == 2 * s


def test_python_brings_identifiers_to_one_form():
    # U+03D5 and U+03C6 are two characters, and one identifier.
    assert read("ϕ + 1", ϕ=s) == read("φ + 1", ϕ=s) == s + 1


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("s > 0", "not a number or a matrix", "where("),
        ("True", "not a number or a matrix", "where("),
        ("A", "not a number or a matrix", "index it"),
    ],
)
def test_a_formula_is_a_number_or_a_matrix(text, problem, hint):
    assert_refused(text, 1, problem, hint)


def test_accesses_are_noted_in_the_order_of_the_text():
    place = Place("sum(W[i, j]*x[j], (j, 0, 3)) + A[1, i, 0]")
    reading = read_expression(place, Scope(FUNCTIONS, {"W": W, "x": x, "A": A}), [i])
    assert reading.value == sp.Sum(W[i, j] * x[j, 0], (j, 0, 3)) + A[1, i, 0]
    assert [(access.name, access.extents, access.offset) for access in reading.accesses] == [
        ("W", (3, 4), 4),
        ("x", (4, 1), 12),
        ("A", (2, 3, 4), 31),
    ]
    assert [dict(access.ranges) for access in reading.accesses] == [{j: (0, 3)}, {j: (0, 3)}, {}]


def test_indices_hold_for_one_formula():
    scope = Scope(FUNCTIONS, {"x": x})
    assert read_expression(Place("x[i]"), scope, [i]).value == x[i, 0]
    with pytest.raises(SpecError, match="unknown name 'i'"):
        read_expression(Place("x[i]"), scope)


def test_deep_formulas_need_no_deep_stack():
    depth = 55
    text = "sin(-(1 + 2*" * (depth // 2) + "s" + "))" * (depth // 2)
    results = []
    thread = threading.Thread(target=lambda: results.append(read(text)))
    thread.start()
    thread.join()
    assert results[0].has(sp.sin)


@pytest.mark.parametrize("failure", [RecursionError, MemoryError])
def test_running_out_of_stack_or_memory_is_a_spec_error(failure):
    def endless(a):
        raise failure

    with pytest.raises(SpecError, match="line 1, column 1: the formula is nested too deeply"):
        parse_expression("s + endless(s)", NAMES, {"endless": endless})


def assert_answered(text: str) -> None:
    """A formula or a SpecError comes of `text`, and nothing else."""
    with contextlib.suppress(SpecError):
        assert isinstance(read(text), sp.Basic)


CHARACTERS = "sxWAcij0123456789+-*/@()[]., <>=!:^'\"\\#%&|~{};\n\t\0_σ²"
ALPHABET = st.sampled_from([*CHARACTERS, "**", ".T", "sum(", "exp("])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_a_formula_or_a_spec_error(text):
    assert_answered(text)


@settings(max_examples=500, deadline=None)
@given(st.lists(ALPHABET, max_size=25).map("".join))
def test_any_near_formula_gives_a_formula_or_a_spec_error(text):
    assert_answered(text)


ATOMS = st.sampled_from(["s", "t", "x", "y", "W", "A", "i", "c", "0", "1", "2", "0.5", "7", "pi", "x[0]"])
OPERATORS = st.sampled_from(["+", "-", "*", "/", "**", "@", "<", "==", " and "])
CALLS = st.sampled_from(sorted(FUNCTIONS))


def _grow(inner):
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map("".join),
        inner.map("({})".format),
        inner.map("-({})".format),
        inner.map("({}).T".format),
        st.tuples(CALLS, st.lists(inner, max_size=3)).map(lambda call: f"{call[0]}({', '.join(call[1])})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}]"),
        st.tuples(inner, inner).map(lambda pair: f"sum({pair[0]}, (j, 0, {pair[1]}))"),
        st.tuples(inner, inner, inner).map(lambda trio: f"where({trio[0]} > 0, {trio[1]}, {trio[2]})"),
    )


@settings(max_examples=600, deadline=None)
@given(st.recursive(ATOMS, _grow, max_leaves=12))
def test_any_well_formed_text_gives_a_formula_or_a_spec_error(text):
    assert_answered(text)
