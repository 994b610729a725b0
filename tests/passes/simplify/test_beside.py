import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Access, Index
from symbp.ir.evaluate import evaluate_body
from symbp.passes.cost import calls
from symbp.passes.partials import partials
from symbp.passes.simplify.beside import best_beside, cheaper_beside, cost_beside, saved_beside

x, a = Access("x"), Access("a")
e, log = sp.exp, sp.log
mish = x * sp.tanh(log(1 + e(x)))


def test_calls_on_numbers_do_not_count():
    assert calls(e(x))
    assert calls(1 / (1 + e(-x)))
    assert not calls(x * e(sp.Integer(2)) / (1 + x**2))


def test_softplus_shares_its_exponential_with_its_derivative():
    body = nn.softplus(x)
    slope = partials(body)[x]
    assert cheaper_beside(body, slope, 1 - e(-a), a)
    assert saved_beside(body, 1 - e(-a), slope, a) > 25


def test_a_form_without_calls_is_not_dearer():
    body = nn.sigmoid(x)
    assert not cheaper_beside(body, partials(body)[x], a * (1 - a), a)


def test_functions_of_another_kind_share_nothing():
    x0 = Access("x0")
    assert cost_beside(sp.sin(x0), sp.cos(x0)) == 40
    assert cost_beside(nn.softplus(x0), 1 / (1 + e(-x0))) < 15


@pytest.mark.parametrize(
    ("body", "form"),
    [(log(1 + e(x)), 1 / (1 + e(-x))), (log(1 / (1 + e(-x))), 1 / (1 + e(x)))],
    ids=str,
)
def test_the_shortest_of_equals_is_taken(body, form):
    found, how = best_beside(body, partials(body)[x], a)
    assert found == form
    assert how == "symbolically"


BODIES = [nn.softplus(x), nn.silu(x), nn.gelu(x), mish, x * e(x) / (1 + e(x)), x * sp.tanh(x), sp.sin(x)]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_every_form_is_the_derivative_and_no_dearer(body):
    slope = partials(body)[x]
    found = best_beside(body, slope, a)
    form = slope if found is None else found[0]
    v = np.linspace(-3, 3, 14)
    right = evaluate_body(slope, {"x": v})
    np.testing.assert_allclose(evaluate_body(form, {"x": v}), right, rtol=1e-12, atol=1e-14)
    assert saved_beside(body, slope, form, a) >= 0


def test_a_sigmoid_is_not_squared_where_that_costs_digits():
    """s + z s - z s^2 is z s (1 - s) + s in two differences: at z = 33 it is wrong by 27 units."""
    body = nn.silu(x)
    found = best_beside(body, partials(body)[x], a)
    form = partials(body)[x] if found is None else found[0]
    at = np.array([33.32])
    assert abs(evaluate_body(form, {"x": at})[0] - 1.00000000000010934) < 5e-16


def test_formulas_that_differ_from_entry_to_entry_are_left_alone():
    i = Index("i", 3)
    body = log(1 + e(Access("v", i) * i))
    assert best_beside(body, partials(body)[Access("v", i)], Access("a", i)) is None


def test_branches_are_no_parts():
    body = sp.Piecewise((x, x > 0), (e(x) - 1, True))
    assert best_beside(body, partials(body)[x], a) is None
