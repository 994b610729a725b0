import numpy as np
import pytest
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.functions import expm1
from symbp.passes.simplify.accuracy import (
    Choice,
    _is_single,
    accurate,
    answers_nan,
    error,
    in_decaying_exponential,
)
from symbp.passes.simplify.exponential_forms import X
from tests.calls import calls

e = sp.exp


@pytest.mark.parametrize("body", [e(X), 1 + e(X), sp.tanh(X), sp.cosh(X), X * e(X), X, sp.log(X)], ids=str)
def test_what_is_accurate_stays_as_it_was(body):
    assert accurate(body).form == body
    assert not accurate(body).rule


def test_the_cheapest_accurate_form_wins():
    assert accurate(e(X) - 1).form == expm1(X)
    assert accurate((e(X) - e(-X)) / (e(X) + e(-X))).form == sp.tanh(X)
    assert accurate((e(X) - e(-X)) / 2).form == sp.sinh(X)


def test_relative_accuracy_has_a_price():
    body = 1 / (1 + e(-X))
    assert accurate(body, relative=False).form == body
    assert accurate(body).form != body
    assert accurate(e(X) / (1 + e(X)), relative=False).form == body  # inf/inf otherwise


def test_a_positive_argument_needs_no_more():
    body = e(-X) / (1 + e(-X))
    assert accurate(body, positive=True).form == body
    assert accurate(body).form != body


def test_forms_are_verified():
    assert "points" in accurate(sp.log(1 + e(X))).verified


def test_infinities_and_nan_are_errors():
    pairs = [(1000.0, 1000.0), (0.0, float(np.log(2)))]
    assert error(sp.log(1 + e(X)), pairs) == np.inf
    assert error(e(X) / e(X - 1), [(1000.0, np.e)]) == np.inf
    assert error(2 * e(X), [(709.5, 2 * float(np.exp(709.5)))]) == 0


def test_the_form_in_a_decaying_exponential():
    assert in_decaying_exponential(1 / (1 + e(-X))).form.has(sp.Abs(X))
    assert in_decaying_exponential(X) is None


def test_for_a_single_exponential_nothing_is_searched():
    for body in (3 * e(X), sp.Float("0.731") * e(sp.Float("-0.417") * X), -e(-X / 3)):
        assert accurate(body) == accurate.__wrapped__(body) == Choice(body)
        assert not _is_single(body + 1)
        assert calls(lambda body=body: accurate.__wrapped__(body)) < 200
    assert not _is_single(e(X) * e(-X / 2, evaluate=False) * X)
    assert not _is_single(e(e(X)))


@pytest.mark.parametrize("unit", [sp.Rational(1, 3), sp.Rational(1, 100)])
def test_overflow_is_seen_of_slow_exponentials_too(unit):
    """The argument of exp(x/3) may be 3 z, for any z."""
    form = accurate(e(unit * X) / (1 + e(unit * X))).form
    with np.errstate(all="ignore"):
        assert list(evaluate_body(form, {"x": np.array([-2e5, 2e5])})) == [0, 1]


def test_what_vanishes_may_be_anything_small_but_not_nan():
    """4 exp(-2x)/((1 + exp(-2x))^2 (1 + exp(-x))) is 0 at -1000, and inf/inf there."""
    body = (1 - sp.tanh(X) ** 2) / (1 + sp.exp(-X))
    assert not answers_nan(accurate(body, relative=False).form)
    assert error(2 * X, [(0.0, 1e-300)]) > 1e10
    assert error(2 * X, [(0.0, 1e-300)], 1e-290) == 0
    assert error(2 * X, [(0.0, 1e-280)], 1e-290) > 1e10
    assert error(e(-X) / e(-X), [(-1000.0, 1e-300)], 1e-290) == np.inf
