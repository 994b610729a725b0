"""Accesses such as W[i, j + 1]: what an index may be, its extent, and its bounds."""

import pytest
import sympy as sp

from symbp import nn
from symbp.spec.indices import Access, AccessError, check_bounds, check_linear, index_symbol, infer_extents
from tests.spec.reading import A, W, assert_refused, c, i, j, k, read, s, x

p = index_symbol("p")
label = nn.label("label")


def access(name, extents, indices, ranges=None, offset=3):
    return Access(name, extents, tuple(map(sp.sympify, indices)), ranges or {}, offset)


@pytest.mark.parametrize(
    "index", [sp.S.Zero, sp.Integer(7), i, -i, 2 * i + p - 1, 3 * (i + j) - k, i - i, label, i + label]
)
def test_what_an_index_may_be(index):
    check_linear(index, 0)


@pytest.mark.parametrize(
    "index",
    [s, i * j, i**2, i / 2, i + s, sp.Rational(1, 2), sp.pi, sp.floor(s), x, i > 0, sp.Float(1.0), None],
)
def test_what_it_may_not_be(index):
    with pytest.raises(AccessError, match=r"not an index") as caught:
        check_linear(index, 5)
    assert caught.value.offset == 5
    assert "integer combination" in caught.value.hint


def test_extents_follow_from_accesses_in_which_the_index_is_alone():
    accesses = [access("W", (3, 4), (i, j)), access("x", (9,), (j + 1,)), access("y", (4,), (j,))]
    assert infer_extents([i, j], accesses, {}) == {i: 3, j: 4}
    assert infer_extents([], accesses, {}) == {}
    assert infer_extents([i, k], accesses, {k: 7}) == {i: 3, k: 7}
    assert infer_extents([i], accesses, {i: 2}) == {i: 2}  # what is given wins
    twice = [access("M", (4, 5), (i, j)), access("x", (4,), (i,))]
    assert infer_extents([i, j], twice, {}) == {i: 4, j: 5}


def test_extents_that_disagree_or_do_not_follow():
    accesses = [access("x", (4,), (i,)), access("W", (3, 4), (i, j), offset=9)]
    with pytest.raises(AccessError, match="extent 4 in x and 3 in W") as caught:
        infer_extents([i], accesses, {})
    assert caught.value.offset == 9
    assert "z[i:3]" in caught.value.hint
    for unknown in (k, p):
        with pytest.raises(AccessError, match="does not follow") as caught:
            infer_extents([unknown], [access("x", (9,), (unknown + 1,))], {})
        assert caught.value.offset == 0
        assert f"z[{unknown}:10]" in caught.value.hint


@pytest.mark.parametrize(
    ("indices", "extents", "ranges", "free"),
    [
        ((0, 3), (3, 4), {}, {}),
        ((i, j), (3, 4), {j: (0, 3)}, {i: 3}),
        ((i + j, 0), (6, 1), {j: (0, 3)}, {i: 3}),
        ((2 * i + 1, 0), (6, 1), {}, {i: 3}),
        ((2 - i, 0), (3, 1), {}, {i: 3}),
        ((i - j, 0), (3, 1), {i: (3, 5), j: (3, 3)}, {}),
        ((i, 0), (6, 1), {i: (2, 5)}, {i: 100}),  # the sum's range hides the one outside
        ((label, 0), (2, 1), {}, {}),  # labels are data, and checked with it
        ((label + 99, 0), (2, 1), {}, {}),
    ],
)
def test_accesses_inside(indices, extents, ranges, free):
    check_bounds([access("W", extents, indices, ranges)], free)


@pytest.mark.parametrize(
    ("indices", "extents", "ranges", "free", "problem"),
    [
        ((3, 0), (3, 4), {}, {}, "3 entries along axis 0, and the index is 3"),
        ((0, -1), (3, 4), {}, {}, "4 entries along axis 1, and the index is -1"),
        ((i, 0), (3, 4), {}, {i: 4}, "i runs from 0 to 3"),
        ((i + j, 0), (5, 1), {j: (0, 3)}, {i: 3}, "i \\+ j runs from 0 to 5"),
        ((2 * i + 1, 0), (5, 1), {}, {i: 3}, "2\\*i \\+ 1 runs from 1 to 5"),
        ((1 - i, 0), (3, 1), {}, {i: 3}, "1 - i runs from -1 to 1"),
        ((i, 0), (3, 1), {i: (1, 3)}, {}, "i runs from 1 to 3"),
    ],
)
def test_accesses_outside(indices, extents, ranges, free, problem):
    outside = access("W", extents, indices, ranges, offset=7)
    with pytest.raises(AccessError, match=problem) as caught:
        check_bounds([access("W", (3, 4), (0, 0)), outside], free)
    assert caught.value.offset == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[i]", x[i, 0]),
        ("x[0]", x[0, 0]),
        ("x[2*i - 1]", x[2 * i - 1, 0]),
        ("x[i, 0]", x[i, 0]),
        ("x.T[i]", x[i, 0]),
        ("x.T[0, i]", x[i, 0]),
        ("W[i, 3]", W[i, 3]),
        ("W.T[3, i]", W[i, 3]),
        ("A[i, c, 0]", A[i, c, 0]),
        ("x[c]", x[c, 0]),
    ],
)
def test_accesses_in_formulas(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "problem", "hint"),
    [
        ("s + x[4]", 5, "4 entries along axis 0, and the index is 4", "start at 0"),
        ("x[-1]", 1, "the index is -1", "start at 0"),
        ("W.T[0, 3]", 1, "3 entries along axis 0, and the index is 3", None),
        ("x[0, 1]", 1, "1 entries along axis 1", None),
        ("sum(x[j + 1], (j, 0, 3))", 5, "j + 1 runs from 1 to 4", "both included"),
        ("W[0]", 1, "takes 2 indices, and is given 1", None),
        ("W[0, 0, 0]", 1, "takes 2 indices, and is given 3", None),
        ("x[i*i]", 3, "is not an index", "integer combination"),
        ("W[0, s]", 6, "is not an index", "integer combination"),
        ("x[x]", 3, "not an index", None),
        ("A + 1", 1, "3 axes", "A[i, ...]"),
        ("A[0, 1]", 1, "takes 3 indices, and is given 2", None),
        ("A[2, 0, 0]", 1, "2 entries along axis 0", None),
        ("s[0]", 1, "only a vector, a matrix or a tensor", None),
        ("(W*x)[0]", 1, "only names can be indexed", "give this matrix a name"),
        ("(x + y)[1]", 1, "only names can be indexed", None),
    ],
)
def test_accesses_that_are_refused(text, column, problem, hint):
    assert_refused(text, column, problem, hint)
