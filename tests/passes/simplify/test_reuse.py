import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.walk import accesses
from symbp.passes.cost import cost
from symbp.passes.partials import partials
from symbp.passes.simplify.cheapest import LOSS
from symbp.passes.simplify.reuse import through_output

x, a = Access("x"), Access("a")
e = sp.exp
FOUND = {
    1 / (1 + e(-x)): a * (1 - a),
    (e(x) - e(-x)) / (e(x) + e(-x)): 1 - a**2,
    2 / (1 + e(-2 * x)) - 1: 1 - a**2,
    sp.tanh(x): 1 - a**2,
    e(x): a,
    e(-(x**2)): -2 * x * a,
    sp.sqrt(x): 1 / (2 * a),
    1 / x: -(a**2),
    sp.tan(x): 1 + a**2,
    x / (1 + sp.Abs(x)): (1 - sp.Abs(a)) ** 2,
    nn.softplus(x): 1 - e(-a),
}
"""Formulas and the derivative in terms of the value a."""

OTHERS = [
    nn.elu(x), nn.selu(x), nn.silu(x), nn.gelu(x), x**3, nn.softsign(x), sp.loggamma(x),
    1 / (1 + e(-2 * x)), x ** sp.Rational(7, 3), x / (1 + e(-x)), sp.Max(x / 10, x),
]  # fmt: skip


def form(body, lossy=True):
    slope = partials(body)[x]
    found = through_output(body, slope, a, lossy)
    return slope if found is None else found.form


@pytest.mark.parametrize("body", [*FOUND, *OTHERS], ids=str)
@pytest.mark.parametrize("lossy", [True, False])
def test_every_form_is_the_derivative_and_no_dearer(body, lossy):
    slope = partials(body)[x]
    v = np.array([0.3, 0.9, 2.1])
    value = evaluate_body(body, {"x": v})
    got = evaluate_body(form(body, lossy), {"x": v, "a": value})
    np.testing.assert_allclose(got, evaluate_body(slope, {"x": v}), rtol=1e-12)
    with np.errstate(all="ignore"):
        at_ends = evaluate_body(slope, {"x": np.array([-1000.0, 1000.0])})
    assert cost(form(body, lossy)) <= cost(slope) or not np.isfinite(at_ends).all()


@pytest.mark.parametrize("body", FOUND, ids=str)
def test_the_short_formula_is_found(body):
    assert sp.expand(form(body) - FOUND[body]) == 0


@pytest.mark.parametrize("body", [nn.sigmoid(x), sp.tanh(x), sp.exp(x)], ids=str)
def test_the_value_alone_is_enough(body):
    assert accesses(form(body)) == [a]


@pytest.mark.parametrize("body", [nn.elu(x), nn.elu(x, 3), nn.selu(x)], ids=str)
def test_branches_are_searched_one_by_one(body):
    assert not form(body).has(sp.exp)


def test_relative_accuracy_is_kept_on_request():
    slope = partials(nn.sigmoid(x))[x]
    assert through_output(nn.sigmoid(x), slope, a).loss == LOSS
    found = through_output(nn.sigmoid(x), slope, a, lossy=False)
    assert found is None or not found.loss


def test_silu_is_right_at_zero():
    body = x / (1 + e(-x))
    at = {"x": np.zeros(1), "a": np.zeros(1)}
    assert evaluate_body(form(body), at) == pytest.approx(0.5)


def test_bodies_of_two_accesses_reuse_their_value_in_place_of_a_call():
    y, s = Access("y"), Access("s")
    body = sp.exp(x * y)
    assert through_output(body, partials(body)[x], a).form == a * y
    body = sp.exp(x) / s
    assert through_output(body, partials(body)[s], a).form == -a / s
    body = x / s
    assert through_output(body, partials(body)[s], a) is None


def test_a_softmax_of_masked_values_is_no_harder_than_a_plain_one():
    z, c, m, s, p = (Access(n) for n in "zcmsp")
    body = e(z + c - m) / s
    slopes = partials(body)
    assert through_output(body, slopes[s], p).form == -p / s
    assert through_output(body, slopes[c], p).form == p
