"""Matrix products of all small sizes, in all orders of axes, and with what is no number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numba import njit

from symbp.codegen.micro import DEPTH, MANY, ROWS, VECTOR_BYTES, multiply, transpose, vector_registers

SIZES = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 47, 63, 64, 65, 70)


@njit
def run(c, c_at, c_row, a, a_row, a_step, b, b_step, rows, columns, depth, fresh):
    multiply(c, c_at, c_row, a, 0, a_row, a_step, b, 0, b_step, rows, columns, depth, fresh)


@njit
def run_all(c, a, b, most, fresh, errors):
    """Every size up to `most`; whole numbers, so that each order of adding gives the same."""
    for rows in range(1, most + 1):
        for columns in range(1, most + 1):
            for depth in (1, 2, 3, most):
                c[:] = 1.0
                multiply(c, 0, most + 1, a, 0, most, 1, b, 0, most, rows, columns, depth, fresh)
                for m in range(rows + 1):
                    for n in range(columns + 1):
                        want = 1.0
                        if m < rows and n < columns:
                            want = 0.0 if fresh else 1.0
                            for k in range(depth):
                                want += a[m * most + k] * b[k * most + n]
                        errors[0] += c[m * (most + 1) + n] != want


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fresh", [True, False])
def test_all_sizes_to_70_and_nothing_beside_them(dtype, fresh):
    random = np.random.default_rng(0)
    a, b = (random.integers(-8, 9, 70 * 70).astype(dtype) for _ in range(2))
    errors = np.zeros(1)
    run_all(np.empty(71 * 71, dtype), a, b, 70, fresh, errors)
    assert errors[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_orders_of_axes_offsets_and_depths(dtype):
    random = np.random.default_rng(1)
    for rows, columns, depth in itertools.product((1, 8, 33, 41), (1, 10, 32, 70), (1, DEPTH, 2 * DEPTH + 3)):
        a, b = (
            random.normal(size=(rows, depth)).astype(dtype),
            random.normal(size=(depth, columns)).astype(dtype),
        )
        want = a.astype(np.longdouble) @ b.astype(np.longdouble)
        size = np.abs(a) @ np.abs(b)
        for left, steps in ((a, (depth, 1)), (np.ascontiguousarray(a.T), (1, rows))):
            c = np.full(rows * columns + 6, 7, dtype)
            run(c, 3, columns, left.ravel(), *steps, b.ravel(), columns, rows, columns, depth, True)
            found = c[3:-3].reshape(rows, columns)
            assert np.all(np.abs(found - want) <= depth * np.finfo(dtype).eps * size)
            assert np.all(c[:3] == 7)
            assert np.all(c[-3:] == 7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [3, MANY * ROWS + 1])
def test_what_is_no_number_passes_as_in_numpy(dtype, rows):
    tiny = np.finfo(dtype).smallest_subnormal
    a, b = np.ones((rows, 3), dtype), np.ones((3, 20), dtype)
    a[0], a[1, 1], a[2] = [np.inf, -np.inf, 1], np.nan, tiny
    b[1, 4], b[2, 19] = np.inf, 0
    with np.errstate(invalid="ignore"):
        want = a @ b
    c = np.full(rows * 20, np.nan, dtype)
    run(c, 0, 20, a.ravel(), 3, 1, b.ravel(), 20, rows, 20, 3, True)
    np.testing.assert_array_equal(c.reshape(rows, 20), want)
    assert np.all(c.reshape(rows, 20)[2, :4] == 3 * tiny)


def test_rows_do_not_depend_on_how_they_are_cut():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(64, 50)).astype("float32"), random.normal(size=(50, 40)).astype("float32")
    whole = np.empty((64, 40), np.float32)
    run(whole.reshape(-1), 0, 40, a.ravel(), 50, 1, b.ravel(), 40, 64, 40, 50, True)
    for low, high in ((0, 1), (1, 4), (4, 27), (27, 64)):
        part = np.empty((high - low) * 40, np.float32)
        run(part, 0, 40, a[low:high].ravel(), 50, 1, b.ravel(), 40, high - low, 40, 50, True)
        np.testing.assert_array_equal(part.reshape(-1, 40), whole[low:high])


def test_tiles_are_vectors_of_this_machine():
    assert vector_registers() == (VECTOR_BYTES, 32 if ROWS == 8 else 16)
    a = np.zeros(4, np.float32)
    run(a, 0, 1, a, 1, 1, a, 1, 1, 1, 1, True)
    code = run.inspect_asm(run.signatures[0])
    register = {64: "zmm", 32: "ymm", 16: "xmm"}[VECTOR_BYTES]
    if any("vfmadd" in line for line in code.splitlines()):
        assert sum("vfmadd" in line and register in line for line in code.splitlines()) >= 2 * ROWS


@njit
def exchange(c, c_at, c_row, a, a_row, rows, columns):
    transpose(c, c_at, c_row, a, 0, a_row, rows, columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_axes_are_exchanged_and_nothing_beside_them_is_touched(dtype):
    for rows, columns in itertools.product(SIZES, SIZES):
        a = np.arange(rows * columns, dtype=dtype).reshape(rows, columns)
        c = np.full(rows * columns + 6, -1, dtype)
        exchange(c, 3, rows, a.ravel(), columns, rows, columns)
        np.testing.assert_array_equal(c[3:-3].reshape(columns, rows), a.T)
        assert np.all(c[:3] == -1)
        assert np.all(c[-3:] == -1)


def test_some_rows_are_some_columns():
    a = np.arange(40 * 24, dtype=np.float32).reshape(40, 24)
    c = np.full((24, 40), -1, np.float32)
    exchange(c.reshape(-1), 32, 40, a[32:].ravel(), 24, 8, 24)
    np.testing.assert_array_equal(c[:, 32:], a[32:].T)
    assert np.all(c[:, :32] == -1)
