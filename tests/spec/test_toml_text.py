"""TOML with places: where each key, table and string stands."""

import pytest

from symbp.errors import SpecError
from symbp.spec.toml_text import read_toml, tomllib


def refusal(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_toml(text)
    return caught.value


TEXT = """\
top = 1
[plain]   # comment
  first = 1
"quoted key" = 'x = 1'
dotted.inner = 2
"a.b".c = 3
inline = { key = 4 }
many = [
  5,
  6,
]
later = '''
not = 1
[neither]
''' # after
[outer . "inner.most"]
last = 7
[[array]]
item = 8
"""


@pytest.mark.parametrize(
    ("table", "key", "line", "column"),
    [
        ("", "top", 1, 1),
        ("plain", None, 2, 2),
        ("", "plain", 2, 2),
        ("plain", "first", 3, 3),
        ("plain", "quoted key", 4, 1),
        ("plain.dotted", "inner", 5, 1),
        ("plain.dotted", None, 5, 1),
        ("plain", "dotted", 5, 1),
        ("plain.a.b", "c", 6, 1),
        ("plain", "inline", 7, 1),
        ("plain.inline", "key", 7, 1),  # coarser: the key that the inline table stands behind
        ("plain", "many", 8, 1),
        ("plain", "later", 12, 1),
        ("plain", "not", 2, 2),  # inside of a string: no key, so the table is pointed at
        ("neither", None, None, None),
        ("outer", None, 16, 2),
        ("outer.inner.most", "last", 17, 1),
        ("array", None, 18, 3),
        ("array", "item", 19, 1),
        ("nowhere", "key", None, None),
    ],
)
def test_places_of_keys(table, key, line, column):
    error = read_toml(TEXT).error("a problem", table, key, "a way out")
    assert (error.line, error.column, error.hint) == (line, column, "a way out")


@pytest.mark.parametrize(
    ("value", "line", "column"),
    [
        ('"a + b"', 2, 6),
        ("'a + b'", 2, 6),
        ('   "a + b"', 2, 9),
        ('"""a + b"""', 2, 8),
        ("'''a + b'''", 2, 8),
        ('"""\na + b"""', 3, 1),
        ('"""\\\na + b"""', 2, None),
        ('"\\u0061 + b"', 2, None),
    ],
)
def test_places_of_strings(value, line, column):
    source = read_toml(f"[t]\nx = {value}\ny = 1\n")
    place = source.place("t", "x", "a + b")
    assert (place.text, place.line, place.column) == ("a + b", line, column)


def test_places_of_strings_that_no_line_begins_with():
    source = read_toml("t = { x = 'a' }\n")
    assert (source.place("t", "x", "a").line, source.place("t", "x", "a").column) == (1, None)
    assert read_toml("").place("t", "x", "a").line is None


def test_what_editors_add():
    plain = read_toml("[t]\nx = 'a'\ny = '''\nb'''\n")
    assert read_toml("\ufeff[t]\r\nx = 'a'\r\ny = '''\r\nb'''\r\n") == plain
    assert plain.data == {"t": {"x": "a", "y": "b"}}


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("\nE = sigmoid(x)\n", 2, "not TOML", "formulas stand in quotes"),
        ("E = 2*x\n", 1, "not TOML", "formulas stand in quotes"),
        ('z[i] = "x[i]"\n', 1, "not TOML", "a left-hand side with indices stands in quotes"),
        ("x = 1\nx = 2\n", 2, "not TOML", "each name is written once"),
        ("[t]\nx = 1\n[t]\ny = 2\n", 3, "not TOML", "each name is written once"),
        ("t = { x = 1, x = 2 }\n", 1, "not TOML", "each name is written once"),
        ("E = 'a' 'b'\n", 1, "not TOML", "write a table as [equations]"),
        ("= 1\n", 1, "not TOML", "write a table as [equations]"),
        ("x\n", 1, "not TOML", "write a table as [equations]"),
        ("\nx = [1,\n", 3, "not TOML", "write a table as [equations]"),
        ('x = """a\n\n', 3, "not TOML", "write a table as [equations]"),
        ("x = '1'\0\n", 1, "not TOML", "write a table as [equations]"),
        ("x = '\x1b'\n", 1, "not TOML", "write a table as [equations]"),
        ("\n\n[" + "a." * 30 + "a]", 3, "dots", None),
        ("#" * 500_001, None, "longer than 500,000", None),
    ],
)
def test_errors(text, line, problem, hint):
    error = refusal(text)
    assert problem in error.problem
    assert error.line == line
    assert error.hint is None if hint is None else hint in error.hint


def test_the_longest_file():
    assert read_toml("#" * 500_000).data == {}


def test_a_reader_that_gives_up_is_an_error(monkeypatch):
    for failure in (RecursionError, ValueError):

        def loads(_text, failure=failure):
            raise failure("no")

        monkeypatch.setattr(tomllib, "loads", loads)
        assert "cannot be read" in refusal("x = 1").problem
