"""Bodies from the leaves to the root: what is taken together, and what is taken apart."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access, Statement
from symbp.passes.simplify.rewriter import Rewriter, forget
from symbp.passes.simplify.single import Definitions

x, y = sp.symbols("x y", real=True)
X, Y = Access("x"), Access("y")
e, log = sp.exp, sp.log


def right(body, wrt, *at):
    """Assert that value and gradient have their digits."""
    f = sb.compile(body, wrt=wrt, cache=False)
    there = dict(zip(wrt, map(sp.Rational, at), strict=True))
    want = [float(v.subs(there).evalf(60)) for v in (body, *(body.diff(s) for s in wrt))]
    value, slopes = f.value_and_grad(*map(float, at))
    np.testing.assert_allclose([value, *slopes], want, rtol=1e-12)


@pytest.mark.parametrize(
    ("small", "at"),
    [(sp.Rational(1, 10**12) * sp.sqrt(x), "1e-20"), (log(1 + e(x)), -50), (sp.Abs(1 - e(-e(x))), -50)],
    ids=str,
)
def test_logarithms_of_sums_that_are_held(small, at):
    """1 + u is in the value and in the derivative of log(1 + u), where no digit of 1e-22 is left of it."""
    right(log(1 + small), [x], at)


@pytest.mark.parametrize(
    "body", [1 - sp.tanh(x) ** 2 + e(x - y), sp.tanh(x) + e(x - y), -sp.tanh(e(-x)) + e(-x) * e(y)], ids=str
)
def test_a_constant_goes_with_what_it_cancels(body):
    """1 - tanh(x)^2 + exp(x - y) at -60: 3e-52 and more, where 1 - 1 is nothing."""
    right(body, [x, y], -60, -45)


def test_a_factor_goes_to_the_terms_that_it_is_opposed_to():
    rewriter = Rewriter(Definitions(True), frozenset(), forget)
    total = 1 - sp.tanh(e(-X)) ** 2 - e(Y)
    rewriter.visited(total)
    rewriter.visited(e(-X))
    rest = e(-X) * (1 - sp.tanh(e(-X)) ** 2)
    assert rewriter.spread(e(-X) * total) == rest - e(-X) * e(Y)
    assert rewriter.spread(X * total) == X * total


def test_a_product_of_exponentials_that_sympy_multiplies_out():
    """exp(2 (x - y)) times a power is exp(2 x - 2 y) times it in SymPy's hands, which nobody has seen."""
    right(y / (e(2 * x - 2 * y) + 1) + e(x), [x, y], 1, 2)


def test_an_exponential_of_an_exponential_in_a_branch():
    """u exp(u)/(exp(u) + 2) with u = exp(x y): exp(u) overflows at 7."""
    right(sp.Max(y, log(e(e(x * y)) + 2)), [x, y], 3, 12)


def test_products_of_sums_of_exponentials_are_not_written_out():
    """There is no quotient in them that could be shifted."""
    known = Definitions(True)
    known.add(Statement("p", (), 2 * e(X) + 3 * e(Y)), None, False)
    rewriter = Rewriter(known, frozenset(), forget)
    known.written_out = None  # whoever calls it fails
    body = Access("p") * X + e(X) * Y - 2 * e(Y)
    assert rewriter.shifted(body) is body
    with pytest.raises(TypeError):
        rewriter.shifted(e(X) / Access("p"))
