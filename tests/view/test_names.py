"""Names have a mathematical reading, or are text."""

import pytest

from symbp.view.names import LONGEST, Letter, Partial, Verbatim, printable, reading


@pytest.mark.parametrize(
    ("name", "array", "read"),
    [
        ("x", False, Letter("x")),
        ("x1", False, Letter("x", ("1",))),
        ("x1", True, Letter("x", (), "1")),
        ("z2", False, Letter("z", (), "2")),
        ("a12", False, Letter("a", (), "12")),
        ("delta3", True, Letter("delta", (), "3")),
        ("delta2_part1", True, Letter("delta", ("part1",), "2")),
        ("t1_E", False, Letter("t", ("1", "E"))),
        ("m_E", False, Letter("m", ("E",))),
        ("(dE/dA)_part2", True, Partial(Letter("E"), Letter("A"), "part2")),
        ("dE/dA_part2", True, Partial(Letter("E"), Letter("A", ("part2",)))),
        ("(a)_part2", True, Verbatim("(a)_part2")),
        ("dE/dW1", True, Partial(Letter("E"), Letter("W", (), "1"))),
        ("dE/dw1", False, Partial(Letter("E"), Letter("w", ("1",)))),
        ("dE/da b", False, Partial(Letter("E"), Verbatim("a b"))),
        ("a b", True, Verbatim("a b")),
        ("δ", False, Verbatim("δ")),
        ("x١", False, Verbatim("x١")),
        ("", False, Verbatim("")),
    ],
)
def test_reading(name, array, read):
    assert reading(name, array) == read


def test_names_stay_on_one_short_line_and_distinct():
    assert printable("a\nb\u202e\x00") == "a\\x0ab\\x202e\\x00"
    first, second = printable("x" * 10_000), printable("x" * 10_000 + "y")
    assert len(first) <= LONGEST
    assert first != second
    assert reading("x" * 10_000) == Verbatim(first)
