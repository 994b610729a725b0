"""Products and sums are put together as on paper."""

import pytest
import sympy as sp

from symbp.view.terms import ONE, matrix_product, number, product, term, total
from symbp.view.text import TextPrinter


def name(text, array=False):
    return term("name", data=text, array=array)


a, b, c = (name(n) for n in "abc")
u, v = name("u", array=True), name("v", array=True)


def show(t):
    return TextPrinter().show(t)


@pytest.mark.parametrize(
    ("factors", "divisors", "sign", "text"),
    [
        ([a, b], [], 1, "a*b"),
        ([u, a, number(2)], [], 1, "2*a*u"),
        ([u, v, a], [], 1, "a*(u ⊙ v)"),
        ([ONE, a], [], 1, "a"),
        ([], [], 1, "1"),
        ([], [a], -1, "-1/a"),
        ([a], [b, c], 1, "a/(b*c)"),
        ([term("fraction", a, b), c], [], 1, "a*c/b"),
        ([term("fraction", u, v), a], [], 1, "a*(u/v)"),
        ([term("minus", a), b], [], 1, "-a*b"),
        ([term("minus", a), term("minus", b)], [], 1, "a*b"),
        ([term("minus", term("fraction", a, b)), c], [], 1, "-a*c/b"),
        ([term("minus", a)], [b], -1, "a/b"),
        ([term("times", a, b), term("hadamard", u, v), u], [], 1, "a*b*(v ⊙ u**2)"),
        ([term("plus", a, b), c], [], 1, "c*(a + b)"),
    ],
)
def test_product(factors, divisors, sign, text):
    assert show(product(factors, divisors, sign)) == text


def test_a_factor_that_leads_comes_first():
    error = term("plus", u, v)
    assert show(product([u, error], [])) == "u ⊙ (u + v)"
    from dataclasses import replace

    assert show(product([u, replace(error, leads=True)], [])) == "(u + v) ⊙ u"


def test_sums_do_not_start_with_a_minus_where_they_need_not():
    assert show(total([term("minus", a), b])) == "b - a"
    assert show(total([term("minus", a), term("minus", b)])) == "-a - b"
    assert show(total([a])) == "a"
    assert show(total([a, total([b, c])])) == "a + b + c"
    assert show(total([a, term("minus", total([b, term("minus", c)]))])) == "a + c - b"
    assert show(total([a, number(1)])) == "1 + a"


def test_size_depth_and_array():
    t = term("plus", term("call", u, data="exp"), number(sp.Rational(1, 2)))
    assert (t.size, t.depth, t.array) == (4, 3, True)
    assert not term("matmul", u, v, array=False).array


@pytest.mark.parametrize(
    ("factors", "divisors", "text"),
    [
        ([number(2), a], [number(2)], "a"),
        ([number(2), term("fraction", a, number(6))], [], "a/3"),
        ([number(2), number(3), u], [number(4)], "3*u/2"),
        ([a, b, a], [], "b*a**2"),
        ([u, v, u], [a], "(v ⊙ u**2)/a"),
        ([number(sp.Float(0.5)), number(4), a], [], "0.5*4*a"),
    ],
)
def test_numbers_are_folded_and_equal_factors_are_powers(factors, divisors, text):
    assert show(product(factors, divisors)) == text


def test_numbers_stand_before_products_of_matrices():
    turned = term("transpose", v)
    assert show(matrix_product([term("times", number(2), u), turned])) == "2*u*v.T"
    assert show(matrix_product([u, term("fraction", turned, a)])) == "u*v.T/a"
    assert show(matrix_product([term("minus", u), term("minus", turned)])) == "u*v.T"
    assert show(matrix_product([u, term("times", v, term("hadamard", u, v))])) == "u*(v*(u ⊙ v))"


def test_fractions_with_one_divisor_have_one_line():
    assert show(total([term("fraction", a, c), term("minus", term("fraction", b, c))])) == "(a - b)/c"
    assert show(total([term("fraction", a, c), b])) == "b + a/c"
    assert show(total([term("fraction", a, c), term("fraction", b, a)])) == "a/c + b/a"
