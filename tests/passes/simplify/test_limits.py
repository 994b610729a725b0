import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.passes.simplify.limits import AT_INFINITY

x, y = sp.symbols("x y", real=True)
e, log, sqrt, erf, tanh = sp.exp, sp.log, sp.sqrt, sp.erf, sp.tanh
inf = np.inf

# Value and slope at minus infinity, and at infinity.
LIMITS = {
    "silu": (x * e(x) / (1 + e(x)), (0, 0), (inf, 1)),
    "silu, a difference": (x - x / (1 + e(x)), (0, 0), (inf, 1)),
    "mish": (x * tanh(log(1 + e(x))), (0, 0), (inf, 1)),
    "gelu": (x / 2 + x * erf(x / sqrt(2)) / 2, (0, 0), (inf, 1)),
    "gelu by tanh": (x * (1 + tanh(sqrt(2 / sp.pi) * (x + 0.044715 * x**3))) / 2, (0, 0), (inf, 1)),
    "root": (sqrt(1 + x**2) - x, (inf, -2), (0, 0)),
    "softsign": (x / (1 + sp.Abs(x)), (-1, 0), (1, 0)),
    "softplus and a line": (log(1 + e(x)) - x / 4, (inf, -0.25), (inf, 0.75)),
    "logarithm of a square": (log(1 + x**2), (inf, 0), (inf, 0)),
    "asinh": (log(x + sqrt(1 + x**2)), (-inf, 0), (inf, 0)),
    "quotient": ((3 * x + 1) / (2 * x - 1), (1.5, 0), (1.5, 0)),
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_and_slopes_at_infinity(name, dtype):
    body, left, right = LIMITS[name]
    f = sb.compile(body, wrt=[x], cache=False, dtype=dtype)
    for at, expected in ((-inf, left), (inf, right)):
        value, (slope,) = f.value_and_grad(at)
        assert (value, slope) == expected, at
    assert np.isnan(f(np.nan))
    assert f(2.0) == pytest.approx(float(body.subs(x, 2.0)), rel=1e-6)


def test_what_has_no_limit_stays_nan():
    for body in (sp.sin(x), x * sp.sin(x), x * y - y, sp.cos(x) / x - sp.cos(x)):
        f = sb.compile(body, cache=False)
        assert np.isnan(f(*[inf] * len(f.arguments)))
        assert AT_INFINITY not in {s.rule for s in f.derivation.ledger}


def test_it_stands_in_the_ledger():
    f = sb.compile(x / (1 + sp.Abs(x)), cache=False)
    steps = [s for s in f.derivation.ledger if s.rule == AT_INFINITY]
    assert {s.target for s in steps} >= {"value"}
    assert all(s.verified for s in steps)
