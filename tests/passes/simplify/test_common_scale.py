import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Access
from symbp.passes.simplify.common_scale import with_scales_outside
from tests.passes.simplify.judge import X, Y, Z

e, log = sp.exp, sp.log
c = 1 / sp.sqrt(2 * sp.pi)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (log(c * e(X) + c * e(Y)), log(c) + log(e(X) + e(Y))),
        (2 * X - log(sp.pi * e(X**2) + sp.pi * e(Y)) * Z, 2 * X - (log(sp.pi) + log(e(X**2) + e(Y))) * Z),
        (
            log(c * e(log(c * e(X) + c * e(Y)) * Z) + c * e(Z)),
            log(c) + log(e((log(c) + log(e(X) + e(Y))) * Z) + e(Z)),
        ),
    ],
)
def test_common_numbers_stand_outside(body, found):
    assert sp.simplify(with_scales_outside(body) - found) == 0
    assert with_scales_outside(body) != body


@pytest.mark.parametrize(
    "body",
    [
        log(c * e(X) + e(Y)),
        log(e(X) + e(Y)),
        log(e(X) / 2 + e(Y) / 2),
        log((1 + sp.erf(X)) * c),
        log(-c * e(X) - c * e(Y)),
        log(c * e(X)),
        c * e(X) + c * e(Y),
        log(Access("n")),
    ],
)
def test_other_bodies_stay(body):
    assert with_scales_outside(body) is body


def test_a_logarithm_that_is_none_any_more():
    """What stands inside may become something that SymPy knows the logarithm of."""
    inner = log(c * e(X) + c * e(Y))
    body = log(c * e(inner) + c * e(log(c) + log(e(X) + e(Y))))
    found = with_scales_outside(body)
    assert float((found - body).subs({X: 0.5, Y: -0.25})) == pytest.approx(0, abs=1e-14)


def test_a_mixture_far_from_its_components():
    """All densities underflow there; the call is no second look, whose results are the same."""
    x, m, n, s = sp.symbols("x m n s")
    density = sp.exp(-((x - m) ** 2) / 2) / sp.sqrt(2 * sp.pi) + sp.exp(-((x - n) ** 2) / 2 - s) / sp.sqrt(
        2 * sp.pi
    )
    f = sb.compile(sp.log(density), wrt=[m, n, s], args=[x, m, n, s], cache=False)
    at = 300.0, 0.5, 1.5, 0.25
    results = np.empty((), float), *(np.empty((), float) for _ in range(3))
    f.bind("value_and_grad", [np.array(a) for a in at], results)
    out = [np.empty(1) for _ in range(4)]
    f.kernel.value_and_grad_into(*(np.array([a]) for a in at), *out)
    with mpmath.workdps(400):
        right = sp.lambdify(
            (x, m, n, s), [sp.log(density), *(sp.log(density).diff(v) for v in (m, n, s))], "mpmath"
        )
        for found, bound, want in zip(out, results, right(*map(mpmath.mpf, at)), strict=True):
            assert abs(found[0] - float(want)) <= 1e-12 * abs(float(want))
            assert bound == found[0]
