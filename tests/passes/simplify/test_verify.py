import numpy as np
import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify import verify
from symbp.passes.simplify.verify import adds_nan, answers_nan, losses, verified

x, y, a = Access("x"), Access("y"), Access("a")
e = sp.exp


def test_identities_of_rational_functions_are_proved():
    assert verified((x**2 - y**2) / (x - y), x + y) == "symbolically"
    assert verified(e(-x) / (1 + e(-x)) ** 2, a * (1 - a), {a: 1 / (1 + e(-x))}) == "symbolically"


def test_other_identities_are_tried_on_numbers():
    how = verified(sp.sin(x) ** 2, 1 - sp.cos(x) ** 2)
    assert how is not None
    assert "digits" in how


def test_what_differs_is_refused():
    assert verified(sp.sin(x), x) is None
    assert verified(a * (1 + a), e(-x) / (1 + e(-x)) ** 2, {a: 1 / (1 + e(-x))}) is None
    # A difference in the 30th digit.
    assert verified(x, x + sp.Rational(1, 10**30)) is None
    # Equal on one side only.
    assert verified(sp.Abs(x), x) is None


def test_nothing_is_said_where_no_point_counts():
    assert verified(sp.log(-(x**2) - 1), sp.log(-(x**2) - 2)) is None


def test_a_saturated_form_loses_relative_accuracy_only():
    relative, absolute = losses(1 - a**2, 1 - sp.tanh(x) ** 2, {a: sp.tanh(x)})
    assert relative > 1e6
    assert absolute < 4


def test_an_exact_form_loses_nothing():
    assert max(losses(a, e(x), {a: e(x)})) <= 1


def test_overflow_to_nan_is_an_infinite_loss():
    form = e(x) / (1 + e(x))
    assert answers_nan(form, {})
    assert losses(form, 1 / (1 + e(-x)), {})[0] == np.inf
    assert not answers_nan(1 / (1 + e(-x)), {})


def test_a_definition_that_is_not_read_excuses_nothing():
    """exp(x^2) exp(-y) is inf times 0 at y = 1000; log(a) is nan for most a."""
    form, body = x / (e(x**2) * e(-y) + e(x**2)), x * e(-(x**2)) * e(-e(-y))
    assert adds_nan(form, body, {})
    assert adds_nan(form, body, {Access("held"): sp.log(a)})
    assert losses(form, form, {Access("held"): sp.log(a)}) == losses(form, form, {})
    held = {a: sp.log(x), Access("b"): a + 1}
    assert not answers_nan(Access("b"), held)  # nan where what it is made of is


def test_pairs_that_differ_in_names_of_the_same_order_are_looked_at_once(monkeypatch):
    looked = []
    monkeypatch.setattr(verify, "_verified", lambda left, right: looked.append(left) or "by a test")
    monkeypatch.setattr(verify, "_VERIFIED", {})
    b, c = Access("b"), Access("c")
    for one, other in ((a, b), (b, c), (a, x)):
        assert verified(2 * sp.sin(one) * sp.cos(one) * other, sp.sin(2 * one) * other) == "by a test"
    assert len(looked) == 1
    verified(2 * sp.sin(b) * sp.cos(b) * a, sp.sin(2 * b) * a)
    verified(2 * sp.sin(a) * sp.cos(a) * b, sp.sin(3 * a) * b)
    assert len(looked) == 3


def test_what_is_refused_is_refused_under_other_names():
    b, c = Access("b"), Access("c")
    for one, other in ((a, b), (b, c)):
        assert verified(sp.sin(one) * other, one * other) is None
