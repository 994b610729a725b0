import numpy as np
import pytest
import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.passes.functions import definition, known, simple
from tests.catalogue import Swish

x = Access("x")
t = sp.Symbol("t", real=True)
REWRITTEN = [
    sp.sec,
    sp.csc,
    sp.cot,
    sp.sech,
    sp.csch,
    sp.coth,
    sp.acot,
    sp.asech,
    sp.acsch,
    sp.factorial,
    sp.sinc,
]


@pytest.mark.parametrize("function", REWRITTEN, ids=str)
def test_rewrites_keep_the_value(function):
    new = simple(function(x))
    assert not isinstance(new, function)
    got = evaluate_body(new, {"x": np.array(0.4)})
    assert float(got) == pytest.approx(float(function(sp.Float("0.4", 30)).evalf(20)), rel=1e-13)


def test_known_functions_stay():
    for e in (sp.sin(x), sp.Max(x, 1), x + 1, sp.loggamma(x)):
        assert known(e)
        assert simple(e) is e


def test_definitions():
    assert not known(Swish(x))
    assert sp.simplify(definition(Swish(x)).xreplace({x: t}) - t / (1 + sp.exp(-t))) == 0
    with pytest.raises(UnsupportedError, match="f is an undefined function"):
        definition(sp.Function("f")(x))
