import pytest
import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.common_factors import common_factor_out

x, v = Access("x"), Access("v")

FOUND = {
    v * sp.exp(x) - v: v * (sp.exp(x) - 1),
    sp.exp(x) * sp.sin(x) + sp.exp(x) * sp.cos(x): sp.exp(x) * (sp.sin(x) + sp.cos(x)),
    2 * v**3 * x - 5 * v**2 / x: v**2 * (2 * v * x - 5 / x),
    v / x**2 - x / x**3: None,
    x / v + sp.exp(x) / v: (x + sp.exp(x)) / v,
}


@pytest.mark.parametrize("body", FOUND, ids=str)
def test_common_factors(body):
    found = common_factor_out(body)
    if FOUND[body] is not None:
        assert found == FOUND[body]
    assert sp.expand(found - body) == 0


@pytest.mark.parametrize("body", [x, x * v, x + v, x**2 + v * sp.exp(x), 2 * x + 2 * v], ids=str)
def test_what_has_none_stays(body):
    assert common_factor_out(body) is body
