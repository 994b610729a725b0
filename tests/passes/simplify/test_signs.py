import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Access
from symbp.ir.walk import accesses
from symbp.passes.partials import partials
from symbp.passes.simplify.signs import conditions_on_value, has_same_sign

x, y, a = Access("x"), Access("y"), Access("a")
e = sp.exp
SAME = [nn.relu(x), nn.leaky_relu(x), nn.elu(x), nn.elu(x, 3), nn.selu(x), 2 * x]
OTHER = [nn.sigmoid(x), nn.softplus(x), nn.relu(-x), x - 1, nn.relu(x) + 1, -x, x**2, nn.relu(x - 1)]


@pytest.mark.parametrize("body", SAME, ids=str)
def test_functions_that_are_positive_where_their_operand_is(body):
    assert has_same_sign(body, sp.Gt)


@pytest.mark.parametrize("body", OTHER, ids=str)
def test_functions_that_are_not(body):
    assert not has_same_sign(body, sp.Gt)


def test_relations_are_told_apart():
    """relu is 0 where its operand is negative: >= 0 holds there, too."""
    assert has_same_sign(nn.relu(x), sp.Le)
    assert not has_same_sign(nn.relu(x), sp.Ge)
    assert has_same_sign(2 * x, sp.Ge)
    assert has_same_sign(2 * x, sp.Lt)
    assert not has_same_sign(nn.elu(x), sp.Ne)


def test_what_rounding_makes_zero_has_no_sign():
    """exp(-1/x) is positive for every x > 0, and 0 in floating point at 0.001; x^3 is at 1e-300."""
    assert not has_same_sign(x**3, sp.Gt)
    assert not has_same_sign(sp.Piecewise((e(-1 / x), x > 0), (0, True)), sp.Gt)


@pytest.mark.parametrize("body", [nn.relu(x), nn.leaky_relu(x)], ids=str)
def test_the_operand_is_no_longer_read(body):
    form = conditions_on_value(body, partials(body)[x], a)
    assert accesses(form) == [a]


def test_a_derivative_that_reads_the_operand_anyway_is_left_alone():
    body = sp.Piecewise((x**2, x > 0), (0, True))
    slope = partials(body)[x]
    assert conditions_on_value(body, slope, a) == slope
    both = nn.relu(x) * y
    assert conditions_on_value(both, partials(both)[x], a) == partials(both)[x]
