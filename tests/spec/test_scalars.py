"""Scalars put in order as SymPy would, without looking inside of their parts."""

import time

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbp.spec.scalars import product, raised, total
from tests.spec.reading import s, t

half = sp.S.Half
NUMBERS = [sp.Integer(2), sp.Rational(-1, 3)]
PARTS = [*NUMBERS, s, t, -s, s * t, s + 1, s - t, sp.sin(s), 1 / (s + 1), (s + t) ** 2]


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (s, 0, 1),
        (s + t, 1, s + t),
        (s, 2, s**2),
        (s**2, 3, s**6),
        (s**t, 2, s ** (2 * t)),
        (s**half, 2, s),
        (s * t, -2, s**-2 * t**-2),
        (2 * t * (s + 1), -1, (s + 1) ** -1 / (2 * t)),
        (sp.exp(s), -2, sp.exp(-2 * s)),
        (s**2, half, sp.Pow(s**2, half, evaluate=False)),  # not |s|, and no question about its sign
        (sp.Integer(8), sp.Rational(1, 3), 2),
        (s + 1, s, (s + 1) ** s),
    ],
)
def test_powers(base, exponent, expected):
    assert raised(base, sp.sympify(exponent)) == expected


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([], 1),
        ([s, t, s], s**2 * t),
        ([s + 1, s + 1], (s + 1) ** 2),
        ([s + 1, 1 / (s + 1)], 1),
        ([sp.sqrt(s + 1), sp.sqrt(s + 1)], s + 1),
        ([sp.Integer(3), s, sp.Rational(1, 3)], s),
        ([sp.Integer(2), s + 1], 2 * s + 2),  # SymPy distributes a number over a sum
        ([sp.Integer(2), s + 1, t], 2 * t * (s + 1)),
        ([sp.S.Zero, s + 1], 0),
        ([2 * t, s * (s + 1), t], 2 * s * t**2 * (s + 1)),
        ([sp.sin(s) ** 2, sp.sin(s) ** -1, t], t * sp.sin(s)),
        ([sp.sqrt(sp.sin(s) * t), sp.sqrt(sp.sin(s) * t)], sp.sin(s) * t),
        ([sp.sqrt(sp.sin(s) * t), sp.sqrt(sp.sin(s) * t), sp.sin(s)], sp.sin(s) ** 2 * t),
    ],
)
def test_products(factors, expected):
    assert product(factors) == expected


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([], 0),
        ([s, t, s], 2 * s + t),
        ([s, -s], 0),
        ([sp.Integer(1), s, sp.Integer(2)], s + 3),
        ([sp.Rational(1, 2), sp.Rational(-1, 2)], 0),
        ([s + 1, t - s], t + 1),
        ([2 * (s + 1), -3 * (s + 1)], -s - 1),
        ([2 * sp.sin(s) * t, sp.sin(s) * t], 3 * t * sp.sin(s)),
        ([1 / (s + 1), 1 / (s + 1)], 2 / (s + 1)),
        ([sp.Float(0.5), s], s + 0.5),
        ([sp.Mul(2, s + 1, evaluate=False), s], 3 * s + 2),
    ],
)
def test_sums(terms, expected):
    assert total(terms) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6))
def test_they_equal_what_sympy_gives(parts):
    assert product(parts) == sp.Mul(*parts)
    assert total(parts) == sp.Add(*parts)


def test_nothing_inside_is_asked_about():
    # SymPy expands the power to find out whether it is finite.
    wave = sp.tanh((s + t + 1) ** 50, evaluate=False)
    start = time.process_time()
    inner = raised(total([sp.S.One, wave]), sp.S.NegativeOne)
    assert product([s, inner, inner]).has(wave)
    assert total([inner, inner, s]).has(wave)
    assert time.process_time() - start < 0.5
