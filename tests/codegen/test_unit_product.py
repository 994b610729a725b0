"""Products of float32 in the matrix unit; where there is none, the same calls run in register tiles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from llvmlite import ir
from numba import njit

from symbp.codegen.matrix_unit import MATRIX_UNIT
from symbp.codegen.unit_product import DEEP, HIGH, unit_multiplication
from tests.codegen.entries import wrong_entries
from tests.codegen.under_numba import under_numba

micro = under_numba("symbp.codegen.micro")
multiply_large = micro.multiply_large


@njit
def run(c, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh, turned, large, scale=1.0):
    one = c.dtype.type(scale)
    multiply_large(
        c, 0, c_row, a, 0, a_row, a_step, b, 0, b_row, rows, columns, depth, fresh, one, turned, False, large
    )


@njit
def run_all(c, a, a_row, a_step, b, b_across, b_along, most, fresh, errors):
    """Sizes up to `most`; whole numbers, so that each order of adding gives the same."""
    turned = b_along != 1
    for rows in range(1, most + 1):
        for columns in range(1, most + 1):
            for depth in (1, 2, 17, 33, most):
                c[:] = 1.0
                row = most + 1
                b_row = b_along if turned else b_across
                run(c, row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh, turned, True)
                steps = (a_row, a_step), (b_across, b_along)
                errors[0] += wrong_entries(c, row, a, steps[0], b, steps[1], rows, columns, depth, fresh)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("way", ["plain", "turned", "strided"])
def test_all_sizes_to_70_and_nothing_beside_them(way, fresh):
    random = np.random.default_rng(0)
    a, b = (random.integers(-8, 9, 70 * 70).astype(np.float32) for _ in range(2))
    errors = np.zeros(1)
    a_steps = (1, 70) if way == "strided" else (70, 1)
    b_steps = (1, 70) if way == "turned" else (70, 1)
    run_all(np.empty(71 * 71, np.float32), a, *a_steps, b, *b_steps, 70, fresh, errors)
    assert errors[0] == 0


def product(a, b, way="plain", large=True, fresh=True, c=None, scale=1.0):
    """a @ b by `multiply_large`."""
    rows, depth, columns = *a.shape, b.shape[1]
    c = np.full((rows, columns), np.nan, np.float32) if c is None else c
    left, steps = (
        (np.ascontiguousarray(a.T), (1, rows)) if way == "strided" else (np.ascontiguousarray(a), (depth, 1))
    )
    turned = way == "turned"
    right, row = (np.ascontiguousarray(b.T), depth) if turned else (np.ascontiguousarray(b), columns)
    run(
        *(c.reshape(-1), columns, left.ravel(), *steps, right.ravel(), row, rows, columns, depth, fresh),
        *(turned, large, scale),
    )
    return c


WAYS = ["plain", "turned", "strided"]
SHAPES = [(33, 784, 65), (HIGH + 40, DEEP + 9, 40), (2, 3 * DEEP, 7), (100, 5, 100)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_exact_as_float32(way, shape):
    random = np.random.default_rng(1)
    rows, depth, columns = shape
    a, b = (random.normal(size=s).astype(np.float32) for s in ((rows, depth), (depth, columns)))
    want = a.astype(np.longdouble) @ b.astype(np.longdouble)
    size, unit = np.abs(a).astype(float) @ np.abs(b).astype(float), 2.0**-24

    def mean_error(large):
        error = (product(a, b, way, large) - want) / size
        assert np.max(np.abs(error)) <= 8 * unit
        return np.sqrt(np.mean(error.astype(float) ** 2)) / unit

    assert mean_error(True) <= max(0.6, mean_error(False))


@pytest.mark.parametrize("fresh", [True, False])
def test_sums_are_scaled_before_they_are_added(fresh):
    random = np.random.default_rng(3)
    a, b = (random.integers(-8, 9, shape).astype(np.float32) for shape in ((40, 600), (600, 70)))
    c = product(a, b, fresh=fresh, c=np.full((40, 70), 4.0, np.float32), scale=0.25)
    np.testing.assert_array_equal(c, a @ b / 4 + (0 if fresh else 4))


@pytest.mark.parametrize("way", WAYS)
def test_small_numbers_are_no_zeros(way):
    """As in NumPy: products of about the smallest number, and sums of those."""
    random = np.random.default_rng(5)
    a, b = (random.normal(size=s) for s in ((64, 96), (96, 48)))
    for left, right in ((2.0**-140, 1.0), (2.0**-60, 2.0**-80), (2.0**-149, 2.0**20), (2.0**-100, 2.0**-60)):
        x, y = (a * left).astype(np.float32), (b * right).astype(np.float32)
        want = x.astype(np.longdouble) @ y.astype(np.longdouble)
        size = np.abs(x).astype(float) @ np.abs(y).astype(float)
        assert np.all(np.abs(product(x, y, way) - want) <= 8 * 2.0**-24 * size + 96 * 2.0**-149)


def spoiled():
    """Matrices with numbers that have no parts, in some rows and columns."""
    random = np.random.default_rng(6)
    a, b = (random.normal(size=s).astype(np.float32) for s in ((100, DEEP + 70), (DEEP + 70, 90)))
    a[3, 5], a[40, 300], a[41, 0], a[97, 7] = np.inf, -np.inf, np.nan, 3e38
    b[2, 11], b[280, 80], b[9, 81] = np.nan, 2.0**36, np.inf
    a[60, 3] = b[3, 20] = 2.0**60  # the product is a number, but not when both are scaled
    return a, b


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_number_or_very_large_passes_as_in_numpy(way):
    a, b = spoiled()
    with np.errstate(invalid="ignore", over="ignore"):
        want = a.astype(np.float64) @ b.astype(np.float64)
        want32 = want.astype(np.float32)
    got = product(a, b, way)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want32))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(want32))
    fine = np.isfinite(want32)
    size = np.where(np.isfinite(a), np.abs(a), 0).astype(float) @ np.where(np.isfinite(b), np.abs(b), 0)
    assert np.all(np.abs(got[fine] - want[fine]) <= 1e-5 * size[fine])
    tiles = product(a, b, way, large=False)
    np.testing.assert_array_equal(got[3], tiles[3])
    # Other rows and columns are as they would be without them.
    clean = product(np.where(np.isfinite(a) & (np.abs(a) < 1e9), a, 1), np.where(np.abs(b) < 1e9, b, 1), way)
    rows, columns = np.delete(np.arange(100), [3, 40, 41, 60, 97]), np.delete(np.arange(90), [11, 20, 80, 81])
    np.testing.assert_array_equal(got[np.ix_(rows, columns)], clean[np.ix_(rows, columns)])


@pytest.mark.parametrize("way", WAYS)
def test_entries_do_not_depend_on_how_a_product_is_cut(way):
    a, b = spoiled()
    whole = product(a, b, way)
    for low, high in itertools.pairwise((0, 1, 30, 62, 100)):
        np.testing.assert_array_equal(product(a[low:high], b, way), whole[low:high])
    for low, high in itertools.pairwise((0, 40, 90)):  # register tiles add up fewer columns in another order
        np.testing.assert_array_equal(product(a, b[:, low:high], way), whole[:, low:high])


def test_numbers_that_are_large_alone_do_not_decide():
    """The unit is used where it may be, and only there: its sums have other roundings."""
    random = np.random.default_rng(7)
    a, b = (random.normal(size=s).astype(np.float32) for s in ((64, 256), (256, 64)))
    assert np.any(product(a, b) != product(a, b, large=False)) == MATRIX_UNIT


def test_the_unit_multiplies():
    run(
        *[np.zeros(1, np.float32), 1, *[np.zeros(1, np.float32), 1, 1], np.zeros(1, np.float32), 1],
        1,
        1,
        1,
        True,
        False,
        False,
    )
    code = run.inspect_asm(run.signatures[0])
    assert (code.count("tdpbf16ps") >= 24) == MATRIX_UNIT
    assert code.count("tilerelease") == MATRIX_UNIT


def test_written_once_per_module():
    module = ir.Module()
    assert unit_multiplication(module) is unit_multiplication(module)
