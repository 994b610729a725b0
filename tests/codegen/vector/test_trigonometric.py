import mpmath
import numpy as np
import pytest

from symbp.codegen.vector.trigonometric import HALF_PI, NEAR, TWO_OVER_PI, lanes_quarter_table
from tests.codegen.vector.loops import (
    PRECISIONS,
    assert_vectorised,
    errors,
    exact_errors,
    numbers,
    values,
    vector_values,
)  # fmt: skip

NUMPY = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
}  # fmt: skip
LIMITS = {"sin": 1.7, "cos": 1.7, "tan": 3.5, "asin": 1.2, "acos": 1.2, "atan": 2.2}
NAMES = pytest.mark.parametrize("name", sorted(NUMPY))
PERIODIC = ("sin", "cos", "tan")


def around(limit, dtype):
    """Numbers up to a limit and beyond it, of both signs, as lists."""
    random = np.random.default_rng(4)
    sizes = random.uniform(limit / 2, 2 * limit, 500).astype(dtype)
    limit = dtype(limit)
    return sizes, -sizes, np.array([limit, -limit, np.nextafter(limit, dtype(np.inf))], dtype)


def nearest_to_half_pi(limit):
    """Convergents of pi/2 times powers of two: numbers up to a limit that are next to its multiples."""
    found = []
    with mpmath.workprec(400):
        for power in range(-40, 40):
            rest, (a, b), (c, d) = mpmath.pi / 2 * mpmath.mpf(2) ** power, (0, 1), (1, 0)
            while c < 2**53:
                found.append(float(mpmath.ldexp(c, -power)))
                whole = int(mpmath.floor(rest))
                a, b, c, d = c, d, whole * c + a, whole * d + b
                rest = 1 / (rest - whole)
    return sorted({x for x in found if 0.5 < x <= limit})


WAYS = pytest.mark.parametrize(
    ("name", "values"),
    [(name, values) for name in sorted(NUMPY)] + [(name, vector_values) for name in PERIODIC],
)
"""Loops that are vectorised, and registers, for which numbers of common sizes take a shorter way."""


@WAYS
def test_single_precision_over_all_numbers(name, values):
    random = np.random.default_rng(1)
    turns = np.arange(-50_000, 50_000) * (np.pi / 4)
    spread = 1 if name in ("asin", "acos") else 30
    x = np.concatenate(
        [
            numbers(np.float32, 2_000_000),
            *(random.uniform(-a, a, 500_000).astype(np.float32) for a in (0.1 * spread, spread)),
            *([turns.astype(np.float32), *around(NEAR[False], np.float32)] if name in PERIODIC else []),
        ]
    )
    with np.errstate(all="ignore"):
        right = NUMPY[name](x.astype(np.float64))
    found = errors(values(name, x), right)
    assert found.max() <= LIMITS[name], x[np.argmax(found)]


@WAYS
def test_double_precision_over_all_numbers(name, values):
    random = np.random.default_rng(2)
    spread = 1 if name in ("asin", "acos") else 30
    x = np.concatenate([random.uniform(-a, a, 1000) for a in (0.1 * spread, spread)])
    if name not in ("asin", "acos"):
        wild = numbers(np.float64, 1500)
        x = np.concatenate(
            [
                x,
                wild[np.isfinite(wild)],
                *around(NEAR[True], np.float64),
                random.uniform(-1, 1, 500) * 2.0 ** random.integers(40, 130, 500),
            ]
        )
    found = exact_errors(values(name, x), getattr(mpmath, name), x, digits=380 if name in PERIODIC else 40)
    assert found.max() <= LIMITS[name], x[np.argmax(found)]


HARDEST = [6381956970095103 * 2.0**797, 6411027962775774 * 2.0**-48, 5706674932067741 * 2.0**-52]
"""Numbers very close to multiples of pi/2, found from its continued fraction."""


@pytest.mark.parametrize("values", [values, vector_values])
@pytest.mark.parametrize("name", PERIODIC)
def test_next_to_multiples_of_half_pi(name, values):
    x = np.array(
        [
            *HARDEST,
            *nearest_to_half_pi(NEAR[True]),
            *(np.arange(1, 2000) * (np.pi / 2)),
            *(np.arange(1, 2000) * 2.0**500 * (np.pi / 2)),
        ]
    )
    found = exact_errors(values(name, x), getattr(mpmath, name), x, digits=400)
    assert found.max() <= LIMITS[name], x[np.argmax(found)]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", PERIODIC)
def test_a_lane_does_not_depend_on_others(name, dtype):
    small = np.random.default_rng(3).uniform(-100, 100, 64).astype(dtype)
    large = np.full(64, 1e30, dtype)
    mixed = np.stack([small, large], axis=1).ravel()
    np.testing.assert_array_equal(vector_values(name, mixed)[::2], vector_values(name, small))
    np.testing.assert_array_equal(vector_values(name, mixed)[1::2], vector_values(name, large))
    mixed[1::2] = np.nan
    np.testing.assert_array_equal(vector_values(name, mixed)[::2], vector_values(name, small))
    assert np.isnan(vector_values(name, mixed)[1::2]).all()


def test_parts_of_half_pi():
    with mpmath.workprec(300):
        for double, dtype in ((True, np.float64), (False, np.float32)):
            rest = mpmath.pi / 2
            for part in HALF_PI[double]:
                assert part == float(dtype(float(rest)))
                rest -= part


def test_digits_of_two_over_pi():
    with mpmath.workprec(1400):
        assert int(mpmath.floor(2 / mpmath.pi * mpmath.mpf(2) ** (4 * len(TWO_OVER_PI)))) == int(
            TWO_OVER_PI, 16
        )
        for step, rows, columns in ((32, 31, 4), (24, 5, 2)):
            table = lanes_quarter_table(step, rows, columns)
            for row in range(rows):
                left = (
                    mpmath.fsum(column[row] for column in table)
                    - mpmath.mpf(2) ** (step * row) * 2 / mpmath.pi
                )
                assert abs(left / 4 - mpmath.nint(left / 4)) < mpmath.mpf(2) ** (-52 * columns)


@WAYS
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(name, values, dtype):
    info = np.finfo(dtype)
    x = np.array(
        [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1.1, info.smallest_subnormal, info.eps], dtype
    )
    with np.errstate(all="ignore"):
        right = NUMPY[name](x)
    got = values(name, x)
    np.testing.assert_allclose(got, right, rtol=2 * info.eps, atol=0)
    plain = ~np.isnan(right)
    np.testing.assert_array_equal(np.signbit(got)[plain], np.signbit(right)[plain])


@NAMES
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_vectorised(name, dtype):
    assert_vectorised(name, dtype)
