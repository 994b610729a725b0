"""Left-hand sides: a name, or a name with indices."""

import pytest

from symbp.spec.left_side import LeftSide, read_left_side
from tests.spec.reading import i, j


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a1", LeftSide("a1", None, {})),
        (" a1 ", LeftSide("a1", None, {})),
        ("σ", LeftSide("σ", None, {})),
        ("ｚ", LeftSide("z", None, {})),
        ("z[i]", LeftSide("z", (i,), {})),
        ("z [ i , j ]", LeftSide("z", (i, j), {})),
        ("z[i:62, j]", LeftSide("z", (i, j), {i: 62})),
        ("z[i: 1]", LeftSide("z", (i,), {i: 1})),
        ("z[i:1000000000]", LeftSide("z", (i,), {i: 10**9})),
        ("z[a, b, c, d, e, f, g, h]", None),
    ],
)
def test_what_may_stand_on_the_left(key, expected):
    left = read_left_side(key)
    assert expected is None or left == expected


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "not a left-hand side"),
        ("z[", "not a left-hand side"),
        ("z]", "not a left-hand side"),
        ("z[i]*2", "not a left-hand side"),
        ("z[i][j]", "not a left-hand side"),
        ("[i]", "not a left-hand side"),
        ("z" + " " * 1_000, "not a left-hand side"),
        ("z[]", "is not a name"),
        ("z[i,]", "is not a name"),
        ("z[0]", "is not a name"),
        ("z[2*i]", "is not a name"),
        ("2z[i]", "is not a name"),
        ("a b", "is not a name"),
        ("a.b", "is not a name"),
        ("lambda", "meaning of its own"),
        ("z[in]", "meaning of its own"),
        ("z[i, i]", "twice"),
        ("z[i, ｉ]", "twice"),
        ("z[z]", "its own name"),
        ("z[i:0]", "no whole number from 1"),
        ("z[i:]", "no whole number"),
        ("z[i:n]", "no whole number"),
        ("z[i:-1]", "no whole number"),
        ("z[i:2.0]", "no whole number"),
        ("z[i:٣]", "no whole number"),
        ("z[i:1000000001]", "no whole number"),
        ("z[i:10000000000000000000]", "no whole number"),
        ("z[a, b, c, d, e, f, g, h, k]", "more than 8 indices"),
    ],
)
def test_what_may_not(key, problem):
    with pytest.raises(ValueError, match=problem):
        read_left_side(key)
