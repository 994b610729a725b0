"""Small tables: allowed keys, and what each may be."""

import math

import pytest

from symbp.errors import SpecError
from symbp.spec.tables import choice, flag, fraction, number, raw_table, read_table, shown, whole, word
from symbp.spec.toml_text import read_toml

READERS = {"size": whole(1, 9), "kind": choice("a", "b")}


@pytest.mark.parametrize(
    ("read", "good"),
    [
        (whole(1, 9), [1, 9]),
        (whole(0), [0, 10**9]),
        (number(0), [1e-300, 1, 10**20]),
        (number(0, 1), [0.5, 1, 1.0]),
        (number(-1, 1), [-0.5, 0]),
        (fraction, [0.2, 0.999]),
        (flag, [True, False]),
        (word, ["a", " "]),
        (choice("a", "b"), ["a", "b"]),
    ],
)
def test_what_is_kept(read, good):
    assert [read(value) for value in good] == good


@pytest.mark.parametrize(
    ("read", "bad", "problem"),
    [
        (whole(1, 9), [0, 10, -1, 1.0, True, "1", [1], math.nan], "a whole number from 1 to 9"),
        (whole(1), [10**9 + 1], "from 1 to 1,000,000,000"),
        (number(0), [0, -1, math.inf, math.nan, True, "1", None, 10**400], "a number above 0$"),
        (number(0, 1), [0, 1.0001, 2, math.inf], "a number above 0 and up to 1$"),
        (fraction, [0.0, 1.0, 0, 1, -0.5, True, "0.5", math.nan], "a number between 0 and 1"),
        (flag, [0, 1, "true", None], "true or false"),
        (word, ["", 1, ["a"]], "a text"),
        (choice("a", "b"), ["c", "", 1, ["a"], {}], "one of 'a', 'b'"),
    ],
)
def test_what_is_refused(read, bad, problem):
    for value in bad:
        with pytest.raises(ValueError, match=problem):
            read(value)


def test_a_table_has_what_it_says_or_nothing():
    source = read_toml("[options]\nsize = 3\n[other]\n")
    assert read_table(source, "options", READERS) == {"size": 3}
    assert read_table(source, "other", READERS) == {}
    assert read_table(source, "absent", READERS) == {}
    assert raw_table(source, "options") == {"size": 3}


@pytest.mark.parametrize(
    ("text", "problem", "hint", "place"),
    [
        (
            "[t]\nsizes = 3\n",
            "key 'sizes' in [t]",
            "did you mean 'size'?; known are size, kind",
            (2, 1),
        ),
        ("[t]\n zzz = 3\n", "unknown key 'zzz' in [t]", "known are size, kind", (2, 2)),
        ("[t]\nsize = 0\n", "t.size must be a whole number from 1 to 9, not 0", None, (2, 1)),
        ("[t]\nkind = 'c'\n", "t.kind must be one of 'a', 'b', not 'c'", None, (2, 1)),
        ("t = 3\n", "t is a table", "write [t] on a line of its own", (1, 1)),
        ("t = [1]\n", "t is a table", None, (1, 1)),
        ("[[t]]\nsize = 1\n", "t is a table", None, (1, 3)),
    ],
)
def test_errors(text, problem, hint, place):
    with pytest.raises(SpecError) as caught:
        read_table(read_toml(text), "t", READERS)
    assert problem in caught.value.problem
    assert (caught.value.line, caught.value.column) == place
    assert hint is None or caught.value.hint == hint


def test_long_values_are_cut():
    assert shown("a" * 58) == repr("a" * 58)
    assert len(shown("a" * 59)) == 60
    with pytest.raises(SpecError) as caught:
        read_table(read_toml(f"[t]\nkind = '{'c' * 9_999}'\n"), "t", READERS)
    assert len(str(caught.value)) < 200
    with pytest.raises(SpecError) as caught:
        read_table(read_toml(f"[t]\n'{'c' * 9_999}' = 1\n"), "t", READERS)
    assert len(str(caught.value)) < 300
