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

NUMPY = {"exp": np.exp, "expm1": np.expm1, "tanh": np.tanh, "sinh": np.sinh, "cosh": np.cosh}
LIMITS = {"exp": 1.1, "expm1": 2.0, "tanh": 2.5, "sinh": 2.5, "cosh": 2.0}
ENDS = {
    "exp": (-746, 711),
    "expm1": (-40, 711),
    "tanh": (-25, 25),
    "sinh": (-711.5, 711.5),
    "cosh": (-711.5, 711.5),
}
NAMES = pytest.mark.parametrize("name", sorted(NUMPY))


@NAMES
def test_single_precision_over_all_numbers(name):
    random = np.random.default_rng(1)
    x = np.concatenate(
        [
            numbers(np.float32, 2_000_000),
            *(random.uniform(-a, a, 300_000).astype(np.float32) for a in (0.01, 0.5, 3, 20, 105)),
        ]
    )
    with np.errstate(all="ignore"):
        right = NUMPY[name](x.astype(np.float64))
    found = errors(values(name, x), right)
    assert found.max() <= LIMITS[name], x[np.argmax(found)]


@NAMES
def test_double_precision_over_all_numbers(name):
    random = np.random.default_rng(2)
    x = numbers(np.float64, 500)
    x = np.concatenate(
        [
            x[np.isfinite(x)],
            *(random.uniform(-a, a, 300) for a in (1e-3, 0.35, 1, 5, 30)),
            random.uniform(*ENDS[name], 300),
        ]
    ).clip(-2000, 2000)
    found = exact_errors(values(name, x), getattr(mpmath, name), x)
    assert found.max() <= LIMITS[name], x[np.argmax(found)]


@NAMES
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(name, dtype):
    x = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 1e4, -1e4, np.finfo(dtype).max, -np.finfo(dtype).max], dtype
    )
    with np.errstate(all="ignore"):
        right = NUMPY[name](x)
    np.testing.assert_array_equal(values(name, x), right)
    np.testing.assert_array_equal(np.signbit(values(name, x))[:4], np.signbit(right)[:4])


@pytest.mark.parametrize("name", ["expm1", "tanh", "sinh"])
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_small_numbers_are_kept(name, dtype):
    info = np.finfo(dtype)
    x = np.array(
        [info.smallest_subnormal, -3 * info.smallest_subnormal, info.smallest_normal, info.eps**2], dtype
    )
    np.testing.assert_array_equal(values(name, x), x)


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "sinh"])
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_growth_around_the_limits(name, dtype):
    """Where results saturate, overflow or become subnormal, neighbours may differ by rounding only."""
    limits = (
        (-745.1, -708.4, -20, 20, 709.7, 710.4) if dtype == np.float64 else (-104, -87.3, -10, 10, 88.7, 89.4)
    )
    for limit in limits:
        x = np.linspace(limit - 0.5, limit + 0.5, 20_001).astype(dtype)
        out = values(name, x)
        both = np.isfinite(out[1:]) & np.isfinite(out[:-1])
        with np.errstate(all="ignore"):
            steps = (np.diff(out) / np.spacing(np.abs(out[1:])))[both]
        assert steps.min(initial=0) >= -2
        assert not np.isnan(out).any()
        assert (np.diff(np.isinf(out).astype(int)) * np.sign(limit) >= 0).all()


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_tanh_stays_within_one(dtype):
    x = np.linspace(0, 30, 100_001).astype(dtype)
    assert values("tanh", x).max() == 1
    assert values("tanh", -x).min() == -1


@NAMES
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_vectorised(name, dtype):
    assert_vectorised(name, dtype)
