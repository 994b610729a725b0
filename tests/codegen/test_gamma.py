"""The gamma function's logarithm and its derivatives, as plain loops of numbers."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from tests.codegen.under_numba import under_numba

gamma = under_numba("symbp.codegen.gamma")
log_gamma, digamma, polygamma = gamma.log_gamma, gamma.digamma, gamma.polygamma

POINTS = (1e-300, 1e-3, 0.3, 1.0, 1.4616321449683622, 2.0, 5.5, 30.0, 1e3, 1e15, -0.5, -3.7, -20.25)


def close(found, truth, tolerance=1e-13):
    return found == float(truth) or abs(found - float(truth)) <= tolerance * max(1.0, abs(float(truth)))


@pytest.mark.parametrize("x", POINTS)
def test_values(x):
    assert close(log_gamma(x), mpmath.log(abs(mpmath.gamma(x))) if x < 170 else mpmath.loggamma(x))
    assert close(digamma(x), mpmath.digamma(x))


@pytest.mark.parametrize("x", [p for p in POINTS if p > 1e-10])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_derivatives(n, x):
    assert close(polygamma(n, x), mpmath.polygamma(n, x), 1e-12)


@pytest.mark.parametrize("x", [-1e-5, -1e-20, -1e-90, -1 + 2**-40, -7 - 2**-40])
def test_close_to_a_pole(x):
    assert digamma(x) == pytest.approx(float(mpmath.digamma(x)), rel=1e-12)
    for n in (1, 2):
        assert polygamma(n, x) == pytest.approx(float(mpmath.polygamma(n, x)), rel=1e-11)


def test_ends():
    assert log_gamma(np.inf) == np.inf
    assert np.isnan(digamma(np.nan))
    assert digamma(np.inf) == np.inf
    assert polygamma(1, np.inf) == 0
