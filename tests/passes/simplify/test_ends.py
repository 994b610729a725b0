import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access
from symbp.ir.functions import times_logarithm
from symbp.passes.simplify.ends import AT_ENDS, zero_at_ends

x = sp.Symbol("x", real=True)
X, Y = Access("x"), Access("y")
e, inf = sp.exp, np.inf

LIMITS = {
    "silu": (x / (1 + e(-x)), (inf, 1), (0, 0)),
    "gelu": (x / 2 * (1 + sp.erf(x / sp.sqrt(2))), (inf, 1), (0, 0)),
    "normal density": (e(-(x**2) / 2), (0, 0), (0, 0)),
    "x exp(-x)": (x * e(-x), (0, 0), (-inf, inf)),
    "x^2 exp(-x^2)": (x**2 * e(-(x**2)), (0, 0), (0, 0)),
    "tanhshrink": (x - sp.tanh(x), (inf, 1), (-inf, 1)),
}


@pytest.mark.parametrize("name", LIMITS)
def test_values_and_slopes_at_infinity(name):
    body, right, left = LIMITS[name]
    f = sb.compile(body, wrt=[x], cache=False)
    for at, expected in ((inf, right), (-inf, left)):
        value, (slope,) = f.value_and_grad(at)
        assert (value, slope) == expected, at
    assert np.isnan(f(np.nan))


def same(body):
    return body


def test_a_limit_of_zero():
    assert zero_at_ends([X, e(-(X**2))], same) == [times_logarithm(e(-(X**2)), X)]
    assert zero_at_ends([Y, X, sp.erfc(X)], same) == [Y, times_logarithm(sp.erfc(X), X)]
    assert zero_at_ends([Y, X], lambda b: e(-(X**2)) if b == Y else b) == [times_logarithm(Y, X)]


@pytest.mark.parametrize(
    "factors",
    [
        [X, 1 / (1 + X)],  # its limit is 1
        [X, 1 / (1 + X**2)],  # 0, but not soon enough to be told from others
        [e(-X), e(X)],
        [Y, e(-X)],
        [e(200 * X), e(-e(X))],  # exp(1340 - 812) at 6.7
    ],
    ids=str,
)
def test_what_is_left_alone(factors):
    assert zero_at_ends(factors, same) == factors


def test_networks_do_without():
    w, loss = sp.symbols("w E")
    net = sb.Network([sp.Eq(loss, (w * x) / (1 + e(-w * x)))], inputs=[x], parameters=[w], loss=loss)
    assert AT_ENDS not in [s.rule for s in sb.derive(net).ledger]
    assert AT_ENDS in [s.rule for s in sb.compile(x * e(-x), wrt=[x], cache=False).derivation.ledger]
