import pytest
import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.log_differences import relative_logarithms
from symbp.passes.simplify.stable import stable_body
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import X, Y, Z, worst

e, log = sp.exp, sp.log
y = Access("q")
total = e(X) + e(Y) + e(Z)
AT = (-1000.0, -30.0, 0.0, 1.0, 700.0, 1000.0)

FOUND = {
    X - log(e(X) + e(Y)): -log(1 + e(Y - X)),
    3 * log(e(X) + e(Y)) - 3 * X + y: 3 * log(1 + e(Y - X)) + y,
    y * (X - log(e(X) + e(Y))): -y * log(1 + e(Y - X)),
    X - log(total): -log(1 + e(Y - X) + e(Z - X)),
    X + Y - log(e(X + Y) + e(Z)): -log(1 + e(Z - X - Y)),
    X - log(2 * e(X) + 3 * e(Y)): -log(2 + 3 * e(Y - X)),
}


@pytest.mark.parametrize("body", FOUND, ids=str)
def test_differences_are_one_logarithm(body):
    found = relative_logarithms(body)
    assert found == FOUND[body]
    assert verified(body, found)


@pytest.mark.parametrize("body", [b for b in FOUND if not b.has(y, 3) and not b.has(X + Y)], ids=str)
def test_digits_are_kept(body):
    assert worst(stable_body(relative_logarithms(body)), body, AT) <= 2000


LEFT = [
    X + log(e(X) + e(Y)),
    2 * X - log(e(X) + e(Y)),
    X - log(1 + e(X)),  # a function of one exponential has forms of its own
    X - log(e(X) - e(Y)),
    y * (X - log(total)) + (1 - y) * (Y - log(total)),  # one logarithm serves all
]


@pytest.mark.parametrize("body", LEFT, ids=str)
def test_others_stay(body):
    assert relative_logarithms(body) is body or relative_logarithms(body) == body
