"""Offsets into a formula become lines and columns of its file."""

import time

import pytest

from symbp.spec.place import Place, suggestion


@pytest.mark.parametrize(
    ("place", "offset", "line", "column"),
    [
        (Place("a + b"), 4, 1, 5),
        (Place("a + b", 7), 4, 7, 5),
        (Place("a + b", 7, 6), 4, 7, 10),
        (Place("a +\n  b", 7, 6), 0, 7, 6),
        (Place("a +\n  b", 7, 6), 3, 7, 9),  # the line break itself
        (Place("a +\n  b", 7, 6), 6, 8, 3),
        (Place("\n\nb", 7, 1), 2, 9, 1),
        (Place("a + b", 7, None), 4, 7, None),
    ],
)
def test_line_and_column(place, offset, line, column):
    error = place.error("a problem", offset)
    assert (error.line, error.column) == (line, column)


def test_errors_show_the_formula_and_the_hint():
    error = Place("a  +\n b", 3).error("a problem", 0, "a way out")
    assert str(error) == "line 3, column 1: a problem\n  in: a + b\n  hint: a way out"
    assert len(str(Place("a" * 9_999).error("b" * 9_999, 0))) < 1_000


def test_suggestions():
    assert suggestion("sigmod", ["softmax", "sigmoid"]) == "did you mean 'sigmoid'?"
    assert suggestion("sigmod", ["tanh"]) is None
    assert suggestion("sigmod", []) is None


def test_suggestions_take_no_time():
    names = ["".join(sorted("abcdefghij" * 10, key=lambda c: hash((c, k)))) for k in range(10_000)]
    start = time.process_time()
    suggestion("abcdefghij" * 1_000, names)
    assert time.process_time() - start < 1.0
