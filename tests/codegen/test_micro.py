"""Matrix products of all small sizes, in all orders of axes, and with what is no number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from llvmlite import ir
from numba import njit

from symbp.codegen.micro import DEPTH, MANY, SLIM, multiplication
from symbp.codegen.registers import VECTOR_BYTES
from symbp.codegen.tile import SUMS
from tests.codegen.entries import wrong_entries
from tests.codegen.under_numba import under_numba

micro = under_numba("symbp.codegen.micro")
multiply, multiply_turned = micro.multiply, micro.multiply_turned


@njit
def run(c, c_at, c_row, a, a_row, a_step, b, b_step, rows, columns, depth, fresh, scale=1.0):
    scale = c.dtype.type(scale)
    multiply(c, c_at, c_row, a, 0, a_row, a_step, b, 0, b_step, rows, columns, depth, fresh, scale)


@njit
def run_turned(c, c_at, c_row, a, a_row, a_step, b, b_row, rows, columns, depth, fresh, few):
    multiply_turned(c, c_at, c_row, a, 0, a_row, a_step, b, 0, b_row, rows, columns, depth, fresh, few)


@njit
def run_all(c, a, b, b_turned, most, fresh, way, errors):
    """Every size up to `most`; whole numbers, so that each order of adding gives the same."""
    for rows in range(1, most + 1):
        for columns in range(1, most + 1):
            for depth in (1, 2, 3, most):
                c[:] = 1.0
                if way == 0:
                    one = c.dtype.type(1)
                    multiply(c, 0, most + 1, a, 0, most, 1, b, 0, most, rows, columns, depth, fresh, one)
                else:
                    multiply_turned(
                        c,
                        0,
                        most + 1,
                        a,
                        0,
                        most,
                        1,
                        b_turned,
                        0,
                        most,
                        rows,
                        columns,
                        depth,
                        fresh,
                        way == 2,
                    )
                row, steps = most + 1, (most, 1)
                errors[0] += wrong_entries(c, row, a, steps, b, steps, rows, columns, depth, fresh)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("way", range(3), ids=["plain", "turned", "few"])
def test_all_sizes_to_70_and_nothing_beside_them(dtype, fresh, way):
    random = np.random.default_rng(0)
    a, b = (random.integers(-8, 9, 70 * 70).astype(dtype) for _ in range(2))
    errors = np.zeros(1)
    b_turned = np.ascontiguousarray(b.reshape(70, 70).T).ravel()
    run_all(np.empty(71 * 71, dtype), a, b, b_turned, 70, fresh, way, errors)
    assert errors[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_orders_of_axes_offsets_and_depths(dtype):
    random = np.random.default_rng(1)
    for rows, columns, depth in itertools.product((1, 8, 33, 41), (1, 10, 33, 70), (1, DEPTH, 4 * DEPTH + 3)):
        a, b = (
            random.normal(size=(rows, depth)).astype(dtype),
            random.normal(size=(depth, columns)).astype(dtype),
        )
        want = a.astype(np.longdouble) @ b.astype(np.longdouble)
        size = np.abs(a) @ np.abs(b)
        for left, steps in ((a, (depth, 1)), (np.ascontiguousarray(a.T), (1, rows))):
            c = np.full(rows * columns + 6, 7, dtype)
            sizes = rows, columns, depth, True
            run(c, 3, columns, left.ravel(), *steps, b.ravel(), columns, *sizes)
            agree(c, want, depth * np.finfo(dtype).eps * size)
            turned = np.ascontiguousarray(b.T).ravel()
            for few in (False, True)[: 1 + (steps[1] == 1)]:
                c[3:-3] = 7
                run_turned(c, 3, columns, left.ravel(), *steps, turned, depth, *sizes, few)
                agree(c, want, depth * np.finfo(dtype).eps * size)


def agree(c, want, most):
    assert np.all(np.abs(c[3:-3].reshape(want.shape) - want) <= most)
    assert np.all(c[:3] == 7)
    assert np.all(c[-3:] == 7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [3, MANY + 1])
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
    for few in (False, True):
        c[:] = np.nan
        b_turned = np.ascontiguousarray(b.T).ravel()
        run_turned(c, 0, 20, a.ravel(), 3, 1, b_turned, 3, rows, 20, 3, True, few)
        np.testing.assert_array_equal(c.reshape(rows, 20), want)


def test_rows_do_not_depend_on_how_they_are_cut():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(64, 50)).astype("float32"), random.normal(size=(50, 40)).astype("float32")
    whole = np.empty((64, 40), np.float32)
    run(whole.reshape(-1), 0, 40, a.ravel(), 50, 1, b.ravel(), 40, 64, 40, 50, True)
    for low, high in ((0, 1), (1, 4), (4, 27), (27, 64)):
        part = np.empty((high - low) * 40, np.float32)
        run(part, 0, 40, a[low:high].ravel(), 50, 1, b.ravel(), 40, high - low, 40, 50, True)
        np.testing.assert_array_equal(part.reshape(-1, 40), whole[low:high])
        turned = np.ascontiguousarray(b.T).ravel()
        run_turned(part, 0, 40, a[low:high].ravel(), 50, 1, turned, 50, high - low, 40, 50, True, False)
        np.testing.assert_array_equal(part.reshape(-1, 40), whole[low:high])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fresh", [True, False])
def test_few_columns_whose_rows_are_neighbours_in_a(dtype, fresh):
    """As in the gradient of a layer with few inputs: vectors run along the rows."""
    random = np.random.default_rng(4)
    for rows, columns, depth in itertools.product(
        (1, SLIM - 1, SLIM + 17), (1, 2, 3, 4, 8), (1, 2 * DEPTH + 5)
    ):
        a, b = random.integers(-8, 9, (depth, rows)), random.integers(-8, 9, (depth, columns))
        c = np.full((rows, columns + 1), np.nan if fresh else 4.0, dtype)
        given = a.astype(dtype).ravel(), 1, rows, b.astype(dtype).ravel(), columns, rows, columns, depth
        run(c.reshape(-1), 0, columns + 1, *given, fresh, 0.25)
        np.testing.assert_array_equal(c[:, :columns], a.T @ b / 4 + (0 if fresh else 4))
        assert np.all(np.isnan(c[:, columns]) if fresh else c[:, columns] == 4)
        half = max(1, rows // 2)
        part = np.zeros((rows, columns), dtype)
        for low, count in ((0, half), (half, rows - half)):
            given = a.astype(dtype)[:, low:].ravel(), 1, rows - low, b.astype(dtype).ravel(), columns
            run(part[low:].reshape(-1), 0, columns, *given, count, columns, depth, True)
        np.testing.assert_array_equal(part, a.T @ b)


@pytest.mark.parametrize("fresh", [True, False])
def test_sums_are_scaled_before_they_are_added(fresh):
    random = np.random.default_rng(3)
    a, b = (random.integers(-8, 9, shape).astype(np.float64) for shape in ((30, 600), (600, 70)))
    c = np.full(30 * 70, 4.0)
    run(c, 0, 70, a.ravel(), 600, 1, b.ravel(), 70, 30, 70, 600, fresh, 0.25)
    np.testing.assert_array_equal(c.reshape(30, 70), a @ b / 4 + (0 if fresh else 4))


def test_tiles_are_vectors_of_this_machine():
    a = np.zeros(4, np.float32)
    run(a, 0, 1, a, 1, 1, a, 1, 1, 1, 1, True)
    code = run.inspect_asm(run.signatures[0])
    register = {64: "zmm", 32: "ymm", 16: "xmm"}[VECTOR_BYTES]
    if any("vfmadd" in line for line in code.splitlines()):
        assert sum("vfmadd" in line and register in line for line in code.splitlines()) >= SUMS


def test_llvm_does_not_rearrange_the_addresses_of_a_panel_that_is_turned():
    module = ir.Module()
    for turned in (False, True):
        assert str(multiplication(module, ir.FloatType(), turned)).count("asm") == turned
