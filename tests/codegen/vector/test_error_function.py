import mpmath
import numpy as np
import pytest
from scipy import special

from tests.codegen.vector.loops import (
    PRECISIONS,
    assert_vectorised,
    errors,
    exact_errors,
    numbers,
    values,
)  # fmt: skip

NAMES = pytest.mark.parametrize("name", ["erf", "erfc"])


@NAMES
def test_single_precision_over_all_numbers(name):
    random = np.random.default_rng(1)
    x = np.concatenate(
        [
            numbers(np.float32, 500_000),
            *(random.uniform(-a, a, 300_000).astype(np.float32) for a in (0.6, 1, 3, 11)),
        ]
    )
    found = errors(values(name, x), getattr(special, name)(x.astype(np.float64)))
    assert found.max() <= 2.8, x[np.argmax(found)]


@NAMES
def test_double_precision_over_all_numbers(name):
    random = np.random.default_rng(0)
    parts = [
        random.uniform(*ends, 250)
        for ends in ((-6, 0.5), (0.47, 1.3), (0.8, 1), (1.3, 3), (3, 16), (16, 27.3))
    ]
    wild = numbers(np.float64, 300)
    x = np.concatenate(
        [*parts, wild[np.isfinite(wild)].clip(-30, 30), [1.233351574864944, 0.47, 0.4700000000000001]]
    )
    found = exact_errors(values(name, x), getattr(mpmath, name), x)
    assert found.max() <= 3, x[np.argmax(found)]


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-44, 1e30, -1e30, 28.0, -28.0], dtype)
    np.testing.assert_array_equal(values("erfc", x), [1, 1, 0, 2, np.nan, 1, 0, 2, 0, 2])
    got = values("erf", x)
    np.testing.assert_allclose(
        got, special.erf(x), rtol=np.finfo(dtype).eps, atol=2 * np.finfo(dtype).smallest_subnormal
    )
    np.testing.assert_array_equal(np.signbit(got[:4]), [False, True, False, True])


@NAMES
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_vectorised(name, dtype):
    assert_vectorised(name, dtype)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_erfcx(dtype):
    random = np.random.default_rng(0)
    parts = [random.uniform(*ends, 200) for ends in ((-5, 0.5), (0.4, 3), (3, 12), (12, 30), (30, 1e3))]
    x = np.concatenate([*parts, 10.0 ** random.uniform(3, 30, 50), [0.0, 0.47, 10.2, 28.0]]).astype(dtype)
    right = [exact(v) for v in x.astype(float)]
    got = values("erfcx", x).astype(float)
    off = [abs(mpmath.mpf(g) - r) / np.spacing(dtype(float(r))) for g, r in zip(got, right, strict=True)]
    assert max(off) <= 8, x[np.argmax(off)]
    ends = np.array([np.inf, -np.inf, -30, np.nan], dtype)
    np.testing.assert_array_equal(values("erfcx", ends), [0, np.inf, np.inf, np.nan])


def exact(v):
    with mpmath.workdps(60):
        v = mpmath.mpf(v)
        if v < 1e6:
            return mpmath.exp(v * v) * mpmath.erfc(v)
        return (1 - 1 / (2 * v * v)) / (v * mpmath.sqrt(mpmath.pi))
