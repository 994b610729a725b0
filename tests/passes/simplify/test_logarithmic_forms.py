import pytest
import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.accuracy import accurate
from symbp.passes.simplify.logarithmic_forms import X, forms, logarithms
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import worst

e, log = sp.exp, sp.log
SUMS = [
    log(1 + e(X)),
    -log(1 + e(-X)),
    log(1 / (1 + e(-X))),
    X - log(1 + e(X)),
    log(1 - 1 / (1 + e(-X))),
    log(e(X) / (1 + e(X))) / 3 - 2 * log(1 + e(X)),
    log(1 - sp.tanh(X) ** 2),
    log(2 + e(X)),
    log(3 + 3 * e(X)),
    log(1 + e(X) + e(2 * X)),
    log(1 + 2 * e(-2 * X)),
    log((e(X) - 1) ** 2),
]


@pytest.mark.parametrize("body", SUMS, ids=str)
def test_all_forms_are_equal_to_the_body(body):
    for _, form in forms(logarithms(body), None):
        assert verified(body, form) is not None


ACCURATE = [b for b in SUMS if b not in (log(2 + e(X)), log((e(X) - 1) ** 2))]


@pytest.mark.parametrize("body", ACCURATE, ids=str)
def test_the_chosen_form_is_accurate_everywhere(body):
    assert worst(accurate(body).form, body) <= 16


@pytest.mark.parametrize("body", [log(1 - e(X)), log(1 - e(2 * X))], ids=str)
def test_one_minus_an_exponential(body):
    below = tuple(-v for v in (1e-300, 1e-17, 1e-9, 0.3, 0.7, 5.0, 40.0, 700.0, 1000.0))
    assert worst(accurate(body).form, body, below) <= 16


def test_the_inverse_of_softplus():
    body = log(e(X) - 1)
    assert worst(accurate(body).form, body, (1e-300, 1e-9, 0.1, 3.0, 40.0, 710.0, 1000.0)) <= 16


@pytest.mark.parametrize("body", [log(sp.cosh(X)), log((1 + e(X)) / 2)], ids=str)
def test_logarithms_that_vanish_at_zero(body):
    assert worst(accurate(body).form, body) <= 16


@pytest.mark.parametrize(
    "body", [log(X), log(1 + e(X)) * X, log(1 + e(X)) ** 2, log(1 + e(X) + Access("y")), X, e(X)], ids=str
)
def test_other_bodies_are_refused(body):
    assert logarithms(body) is None
