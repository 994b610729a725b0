"""Sums and cases: the calls whose arguments are not plain values."""

import pytest
import sympy as sp

from tests.spec.reading import A, W, assert_refused, c, i, j, k, read, s, t, x, y

PLACE = {s: 3, t: 2, i: 1, c: 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(W[i, j]*x[j], (j, 0, 3))", sp.Sum(W[i, j] * x[j, 0], (j, 0, 3))),
        ("sum(j*x[j], (j, 2 - 1, 3))", sp.Sum(j * x[j, 0], (j, 1, 3))),
        ("sum(W[k, j], (k, 0, 2), (j, 0, 3))", sp.Sum(W[k, j], (k, 0, 2), (j, 0, 3))),
        ("sum(x[j], (j, 2, 2))", sp.Sum(x[j, 0], (j, 2, 2))),
        ("sum(j, (j, 0, 999999999))", sp.Sum(j, (j, 0, 10**9 - 1))),
        ("sum(sum(W[k, j], (j, 0, 3)), (k, 0, 2))", sp.Sum(sp.Sum(W[k, j], (j, 0, 3)), (k, 0, 2))),
        (
            "sum(x[j], (j, 0, 3)) - sum(y[j], (j, 0, 1))",
            sp.Sum(x[j, 0], (j, 0, 3)) - sp.Sum(y[j, 0], (j, 0, 1)),
        ),
        ("sum(delta(j, c)*x[j], (j, 0, 3))", sp.Sum(sp.KroneckerDelta(c, j) * x[j, 0], (j, 0, 3))),
        ("sum(A[0, 0, j], (j, 0, 3))", sp.Sum(A[0, 0, j], (j, 0, 3))),
    ],
)
def test_sums(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "problem", "hint"),
    [
        ("sum(x)", 1, "index with its bounds", "total(x)"),
        ("sum()", 1, "index with its bounds", None),
        ("sum(s, j)", 8, "written (j, first, last)", None),
        ("sum(s, (j, 0))", 8, "written (j, first, last)", None),
        ("sum(s, (2*j, 0, 3))", 8, "written (j, first, last)", None),
        ("sum(s, (j, 0, s))", 8, "whole numbers", None),
        ("sum(s, (j, 0, 1/2))", 8, "whole numbers", None),
        ("sum(s, (j, 0, c))", 8, "whole numbers", None),
        ("sum(x[j], (j, 3, 0))", 11, "from 3 to 0", "first, last"),
        ("sum(s, (j, 0, 1000000000))", 8, "from 0 to 1000000000", None),
        ("sum(s, (j, 0, 3), (j, 0, 3))", 1, "the index j is used twice", None),
        ("sum(x[i], (i, 0, 3))", 12, "another meaning", "another letter"),
        ("sum(s, (s, 0, 3))", 9, "another meaning", None),
        ("sum(s, (exp, 0, 3))", 9, "another meaning", None),
        ("sum(s, (pi, 0, 3))", 9, "another meaning", None),
        ("sum(sum(s, (j, 0, 3)), (j, 0, 3))", 13, "another meaning", None),
        ("sum(x, (j, 0, 3))", 5, "a scalar is needed here, and this is 4x1", "total"),
        ("sum(s, (j, 0, 3)) + j", 21, "unknown name 'j'", None),
        ("sum(s, (j, 0, 3), start=1)", 1, "no keyword arguments", None),
    ],
)
def test_sums_that_are_refused(text, column, problem, hint):
    assert_refused(text, column, problem, hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where(s > 0, s, 0)", sp.Piecewise((s, s > 0), (0, True))),
        ("where(1 > 2, s, t)", t),
        ("where(True, s, t)", s),
        ("where(not s > 0, s, 0)", sp.Piecewise((s, s <= 0), (0, True))),
        ("where(i == c, 1, 0)", sp.Piecewise((1, sp.Eq(i, c)), (0, True))),
        ("piecewise((s, True))", s),
        ("piecewise((s, 2 < 1), (t, True))", t),
        ("piecewise((s, s > 0), (t, 1 < 2), (1, t > 0), (2, True))", sp.Piecewise((s, s > 0), (t, True))),
        ("piecewise((s, 0 < s < 1), (t, True))", sp.Piecewise((s, (s > 0) & (s < 1)), (t, True))),
        ("piecewise((s, s > 5 and t > 1), (t, True))", sp.Piecewise((s, (s > 5) & (t > 1)), (t, True))),
        (
            "piecewise((1, s > 1 or t > 1), (2, s != 0), (3, True))",
            sp.Piecewise((1, (s > 1) | (t > 1)), (2, sp.Ne(s, 0)), (3, True)),
        ),
    ],
)
def test_cases(text, expected):
    assert sp.simplify(read(text) - expected) == 0
    assert read(text).subs(PLACE) == expected.subs(PLACE)


@pytest.mark.parametrize(
    ("text", "column", "problem", "hint"),
    [
        ("where(s > 0, 1)", 1, "a condition and two values", "where(x > 0, x, 0)"),
        ("where(s, 1, 2)", 7, "condition is needed", "x > 0"),
        ("where(x > 0, 1, 2)", 7, "a scalar is needed here", "index it"),
        ("where(s > 0, x, 2)", 14, "a scalar is needed here", None),
        ("where(s > 0, 1, x)", 17, "a scalar is needed here", None),
        ("where(s > 0, s > 1, 2)", 14, "a condition is no number", "where(condition, 1, 0)"),
        ("piecewise()", 1, "cases open", "(value, True)"),
        ("piecewise((s, s > 0))", 1, "cases open", "(value, True)"),
        ("piecewise((s, s > 0), (t, False))", 1, "cases open", None),
        ("piecewise((x, True))", 12, "a scalar is needed here", None),
        ("piecewise((s, t))", 15, "condition is needed", None),
    ],
)
def test_cases_that_are_refused(text, column, problem, hint):
    assert_refused(text, column, problem, hint)


def test_cases_are_written_in_pairs():
    for text in ("piecewise(s)", "piecewise((s, s > 0, t))"):
        assert_refused(text, 11, "written (value, condition)")


def test_conditions_hold_few_cases():
    relus = " + ".join(f"where(s > {n}, s, 0)" for n in range(4))
    read(f"where({relus} > 1, s, 0)")
    assert_refused(f"where({relus} + where(t > 0, t, 0) > 1, s, 0)", 1, "too many cases", "equations before")
