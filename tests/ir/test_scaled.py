"""Numbers of any exponent."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symbp.ir.scaled import (
    FARTHEST,
    OFF,
    Arithmetic,
    Scaled,
    chosen,
    equal,
    less,
    negative,
    rounded,
    scaled,
    size,
)

exact = Arithmetic()


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def ways():
    return [Arithmetic(np.random.default_rng(0), way) for way in (1, -1)]


NUMBERS = [0.0, -0.0, 1.0, -1.5, 5e-324, -3e-310, 1.7e308, np.inf, -np.inf, np.nan]


def test_numbers_come_back():
    np.testing.assert_array_equal(rounded(scaled(NUMBERS)), NUMBERS)
    assert np.signbit(rounded(scaled(-0.0)))


def test_parts_are_between_one_half_and_one():
    found = scaled(NUMBERS)
    finite = np.isfinite(found.part) & (found.part != 0)
    assert np.all((np.abs(found.part[finite]) >= 0.5) & (np.abs(found.part[finite]) < 1))
    assert np.all(found.power == np.rint(found.power))


def test_products_and_quotients_leave_no_range():
    large = exact.multiply(scaled(1e200), scaled(1e200), scaled(1e200))
    assert rounded(large) == np.inf
    assert rounded(exact.divide(large, exact.multiply(scaled(1e300), scaled(1e250)))) == pytest.approx(
        1e50, 1e-15
    )
    small = exact.multiply(scaled(1e-200), scaled(-1e-200))
    assert rounded(small) == 0
    assert rounded(exact.divide(small, scaled(1e-300))) == pytest.approx(-1e-100, 1e-15)


def test_sums_are_aligned():
    a, b = Scaled(0.5, 5000.0), Scaled(0.5, 4990.0)
    found = exact.add(a, b, negative(a))
    assert (found.part, found.power) == (0.5, 4990.0)
    assert equal(exact.add(a, scaled(1.0)), a)
    assert rounded(exact.add(scaled(0.0), scaled(0.0), scaled(-2.0))) == -2


def test_what_is_infinite_follows_the_rules():
    infinite, nothing = scaled(np.inf), scaled(0.0)
    assert np.isnan(rounded(exact.multiply(infinite, nothing)))
    assert np.isnan(rounded(exact.add(infinite, negative(infinite))))
    assert rounded(exact.add(infinite, Scaled(0.5, 1e30))) == np.inf
    assert rounded(exact.divide(scaled(1.0), nothing)) == np.inf
    assert rounded(exact.divide(scaled(1.0), infinite)) == 0
    assert rounded(exact.exp(infinite)) == np.inf
    assert exact.exp(negative(infinite)).part == 0


def test_what_is_too_far_is_neither_infinite_nor_0():
    """So that its logarithm is not, and what two of them are beside each other is left open."""
    far, near = exact.exp(Scaled(0.5, 5000.0)), exact.exp(Scaled(-0.5, 5000.0))
    for found, end in ((far, np.inf), (near, -np.inf)):
        assert abs(found.power) > FARTHEST
        assert rounded(found) == (np.inf if end > 0 else 0)
        assert np.isfinite(rounded(exact.log(found)))
    assert less(scaled(0.0), near)
    assert less(far, scaled(np.inf))
    assert less(exact.exp(scaled(-1e300)), exact.exp(scaled(1e300)))
    assert exact.multiply(far, far).power < exact.multiply(scaled(np.inf), far).power
    found = [rounded(a.divide(a.exp(scaled(1e305)), a.exp(scaled(1e306)))) for a in (exact, *ways())]
    assert len({*found}) > 1


def test_large_powers_are_off_too():
    """1 is lost where it is added to them: 1/A is not what A times it says."""
    large = Scaled(np.full(1000, 0.6), np.full(1000, 6e73))
    one, other = (
        rounded(a.multiply(large, a.divide(scaled(1.0), a.add(large, scaled(1.0))))) for a in ways()
    )
    assert not np.any((one == other) & (one > 0) & (one < np.inf))


def test_the_other_way_is_the_opposite():
    ones = scaled(np.ones(50))
    one, other = (rounded(a.add(a.multiply(ones, ones), negative(ones))) for a in ways())
    assert np.mean((one > 0) != (other > 0)) > 0.9


def test_order():
    ascending = [scaled(-np.inf), Scaled(-0.7, 3e9), Scaled(-0.6, 3e9), scaled(-1.0), Scaled(-0.5, -9e9)]
    ascending += [
        scaled(0.0),
        Scaled(0.5, -9e9),
        scaled(1e-300),
        scaled(2.0),
        Scaled(0.5, 1e9),
        scaled(np.inf),
    ]
    for k, u in enumerate(ascending):
        for j, v in enumerate(ascending):
            assert less(u, v) == (k < j)
            assert equal(u, v) == (k == j)
    assert not less(scaled(np.nan), scaled(1.0))
    assert not equal(scaled(np.nan), scaled(np.nan))
    assert rounded(chosen(np.array([True, False]), scaled(1.0), scaled(2.0))).tolist() == [1, 2]
    assert rounded(size(scaled([-3.0, 3.0]))).tolist() == [3, 3]


@pytest.mark.parametrize("x", [-3e7, -745.5, -1e-300, 0.0, 0.3, 710.0, 5e5])
def test_exponentials_and_logarithms(x):
    found = exact.exp(scaled(x))
    with mpmath.workdps(40):
        part, power = mpmath.frexp(mpmath.exp(x))
        assert float(abs(found.part * mpmath.mpf(2) ** (found.power - power) / part - 1)) < 4e-16 * max(
            1, abs(x)
        )
    assert rounded(exact.log(found)) == pytest.approx(x, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [
        (-2.0, 3, -8.0),
        (-2.0, -2, 0.25),
        (1e200, 70, np.inf),
        (-1.0, 71, -1.0),
        (0.0, 0, 1.0),
        (0.0, -1, np.inf),
    ],
)
def test_whole_powers(base, exponent, value):
    assert rounded(exact.whole_power(scaled(base), exponent)) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [
        (2.0, 0.5, 2**0.5),
        (-2.0, 0.5, np.nan),
        (-2.0, 3.0, -8.0),
        (0.0, 0.0, 1.0),
        (0.0, 2.5, 0.0),
        (0.0, -2.5, np.inf),
    ],
)
def test_real_powers(base, exponent, value):
    assert rounded(exact.power(scaled(base), scaled(exponent))) == pytest.approx(
        value, rel=1e-14, nan_ok=True
    )


def test_roots_of_odd_and_even_powers():
    for power in (-4001.0, 4000.0):
        root = exact.sqrt(Scaled(0.5625, power))
        square = exact.multiply(root, root)
        assert square.power == power
        assert square.part == pytest.approx(0.5625, rel=1e-15)
    assert np.isnan(rounded(exact.sqrt(scaled(-1.0))))


def test_a_function_of_what_float64_has_as_infinite():
    huge = Scaled(0.5, 3000.0)
    assert rounded(exact.apply(np.tanh, huge)) == 1
    assert np.isnan(rounded(exact.apply(np.arcsinh, huge)))  # 2080, and not infinite
    assert rounded(exact.apply(np.arcsinh, scaled(np.inf))) == np.inf
    tiny = Scaled(0.5, -3000.0)
    assert equal(exact.near_0(np.sin, tiny), tiny)
    assert np.isnan(rounded(exact.apply(np.sin, tiny)))  # not 0
    assert rounded(exact.apply(np.cos, tiny)) == 1
    assert rounded(exact.near_0(np.sin, scaled(0.5))) == np.sin(0.5)


def test_by_chance_results_are_off_a_little():
    other = Arithmetic(np.random.default_rng(0))
    ones = scaled(np.ones(1000))
    found = rounded(other.multiply(ones, ones))
    assert 0 < np.max(np.abs(found - 1)) <= OFF
    left = rounded(other.add(other.multiply(ones, ones), negative(ones)))
    assert np.all(np.abs(left) < 2 * OFF)
    assert np.any(left != 0)
