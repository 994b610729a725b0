import mpmath
import numpy as np
import pytest

from tests.codegen.vector.loops import (
    PRECISIONS,
    assert_vectorised,
    errors,
    exact_errors,
    numbers,
    values,
)  # fmt: skip

NUMPY = {"log": np.log, "log1p": np.log1p}
NAMES = pytest.mark.parametrize("name", sorted(NUMPY))


@NAMES
def test_single_precision_over_all_numbers(name):
    random = np.random.default_rng(1)
    x = np.concatenate(
        [
            numbers(np.float32, 2_000_000),
            *(
                (random.uniform(-a, a, 300_000) + (name == "log")).astype(np.float32)
                for a in (1e-6, 0.01, 0.5, 1, 9)
            ),
        ]
    )
    with np.errstate(all="ignore"):
        right = NUMPY[name](x.astype(np.float64))
    found = errors(values(name, x), right)
    assert found.max() <= 1.1, x[np.argmax(found)]


@NAMES
def test_double_precision_over_all_numbers(name):
    random = np.random.default_rng(2)
    x = np.abs(numbers(np.float64, 1000))
    near = np.concatenate([random.uniform(-a, a, 500) for a in (1e-12, 1e-6, 0.1, 0.5, 0.9999)])
    x = np.concatenate([x[np.isfinite(x) & (x > 0)], 1 + near if name == "log" else near])
    exact = mpmath.log if name == "log" else lambda v: mpmath.log(1 + v)
    found = exact_errors(values(name, x), exact, x, digits=700)
    assert found.max() <= 1.1, x[np.argmax(found)]


@NAMES
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(name, dtype):
    x = np.array(
        [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, -2.0, np.finfo(dtype).smallest_subnormal], dtype
    )
    with np.errstate(all="ignore"):
        right = NUMPY[name](x)
    got = values(name, x)
    np.testing.assert_allclose(got, right, rtol=1e-6 if dtype == np.float32 else 1e-15, atol=0)
    np.testing.assert_array_equal(np.signbit(got)[:2], np.signbit(right)[:2])


def powers(dtype, count):
    """Bases and exponents whose powers fill the range of the precision, and pass it."""
    random = np.random.default_rng(3)
    top = 745 if dtype == np.float64 else 104
    base = np.concatenate(
        [
            np.exp(
                random.uniform(-700, 700, count) if dtype == np.float64 else random.uniform(-87, 87, count)
            ),
            np.exp(random.uniform(-1, 1, count)),
            1 + random.uniform(-1e-3, 1e-3, count),
            np.exp2(random.integers(-40, 40, count) / 2) * (1 + random.uniform(-1e-9, 1e-9, count)),
        ]
    ).astype(dtype)
    with np.errstate(all="ignore"):
        exponent = (random.uniform(-1, 1, base.size) * top / np.log(base.astype(float))).astype(dtype)
    keep = np.isfinite(exponent) & (base > 0)
    return base[keep], exponent[keep]


def test_powers_in_single_precision():
    x, y = powers(np.float32, 400_000)
    with np.errstate(all="ignore"):
        right = x.astype(np.longdouble) ** y
    found = errors(values("power", x, y), right.astype(np.float64))
    assert found.max() <= 0.6, (x[np.argmax(found)], y[np.argmax(found)])


def test_powers_in_double_precision():
    x, y = powers(np.float64, 1500)
    found = exact_errors(values("power", x, y), mpmath.power, x, y)
    assert found.max() <= 1.2, (x[np.argmax(found)], y[np.argmax(found)])


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_powers_of_every_special_number(dtype):
    """As the C standard has them."""
    info = np.finfo(dtype)
    base = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        -2.0,
        3.0,
        -3.0,
        info.max,
        -info.max,
        np.inf,
        -np.inf,
        np.nan,
    ]
    other = [
        info.smallest_subnormal,
        -info.smallest_subnormal,
        info.smallest_normal,
        2.0**23 + 1,
        -(2.0**23) - 1,
    ]
    grid = np.array(np.meshgrid([*base, *other], [*base, *other, 1.5, -1.5])).astype(dtype).reshape(2, -1)
    x, y = np.ascontiguousarray(grid[0]), np.ascontiguousarray(grid[1])
    with np.errstate(all="ignore"):
        right = np.power(x.astype(np.longdouble), y.astype(np.longdouble)).astype(dtype)
    got = values("power", x, y)
    np.testing.assert_allclose(got, right, rtol=4 * info.eps, atol=2 * info.smallest_subnormal)
    plain = ~np.isnan(right)
    np.testing.assert_array_equal(np.signbit(got)[plain], np.signbit(right)[plain])


@pytest.mark.parametrize("name", ["log", "log1p", "power"])
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_vectorised(name, dtype):
    assert_vectorised(name, dtype)
