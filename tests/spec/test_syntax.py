"""Python's parser is asked for one expression, and its errors become errors with a place."""

import ast

import pytest

from symbp.errors import SpecError
from symbp.spec.limits import MAX_NODES
from symbp.spec.place import Place
from symbp.spec.syntax import describe, parse_syntax


def refusal(place: Place) -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse_syntax(place)
    return caught.value


@pytest.mark.parametrize("text", ["a + b", " a + b ", "a +\n b", "\n\ta\n+ b\n", "a\r+\x0cb", "(a\n+ b)"])
def test_white_space_is_white_space(text):
    tree = parse_syntax(Place(text))
    assert ast.dump(tree) == ast.dump(ast.parse("a + b", mode="eval").body)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a b", 5, 3, "not a formula"),
        ("  a b", 5, 5, "not a formula"),
        ("a +\n  b c", 6, 5, "not a formula"),
        ("a = b", 5, 3, "not a formula"),
        ("(a, b", 5, 1, "never closed"),
        ("a + ", 5, 4, "ends too early"),
        ("a +\n", 5, 4, "ends too early"),
        ("a.", 5, 3, "ends too early"),
        ("f(a=1, b)", 5, None, "not a formula"),
        ("a^b", 5, 2, "'^'"),
    ],
)
def test_errors_have_a_place(text, line, column, problem):
    error = refusal(Place(text, 5))
    assert problem in error.problem
    assert error.line == line
    assert column is None or error.column == column


def test_what_python_says_about_keywords_is_passed_on():
    assert "keyword argument" in refusal(Place("f(a=1, b)")).hint
    assert "operator" in refusal(Place("a b")).hint


def test_the_number_of_parts_is_bounded():
    # A call, and f: 3 nodes; a: 2; -a: 4; a number: 1.
    most = "f(" + "a," * 4_998 + "-a," * 2_500 + "1)"
    assert sum(1 for _ in ast.walk(parse_syntax(Place(most)))) == MAX_NODES
    error = refusal(Place(most.replace("1)", "1, 1)")))
    assert f"{MAX_NODES:,} parts" in error.problem
    assert error.column == 1


def test_a_parser_that_gives_up_is_an_error(monkeypatch):
    for failure in (RecursionError, MemoryError, ValueError, OverflowError):

        def parse(*_args, failure=failure, **_named):
            raise failure

        monkeypatch.setattr(ast, "parse", parse)
        error = refusal(Place("a", 3))
        assert "too deep or too long" in error.problem
        assert (error.line, error.column) == (3, 1)


def test_descriptions():
    nodes = [ast.Constant(1j), ast.Constant(...), ast.FloorDiv(), ast.Starred(ast.Name("x")), ast.Lambda()]
    assert [describe(node) for node in nodes] == [
        "a value of type complex",
        "a value of type ellipsis",
        "the division //",
        "a starred value",
        "Lambda",
    ]
