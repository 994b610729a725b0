import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.candidates import candidates

x, y, z, a, s, m, total = map(Access, ("x", "y", "z", "a", "s", "m", "total"))
e = sp.exp


def found(body, held, wanted):
    return any(sp.expand(form - wanted) == 0 for form in candidates(body, held))


def test_a_held_value_eliminates_an_exponential():
    assert found(e(-x) / (1 + e(-x)) ** 2, {a: 1 / (1 + e(-x))}, a - a**2)
    assert found(-2 * x * e(-(x**2)), {a: e(-(x**2))}, -2 * x * a)
    assert found(e(x) / 3, {a: e(x) - 1}, (a + 1) / 3)


def test_powers_of_an_exponential_are_eliminated_together():
    tanh = (e(x) - e(-x)) / (e(x) + e(-x))
    assert found(sp.diff(tanh.subs(x, sp.Symbol("x"))).subs(sp.Symbol("x"), x), {a: tanh}, 1 - a**2)


def test_a_softmax_eliminates_what_it_is_made_of():
    assert found(e(z - m) * total / s - y, {a: e(z - m) / s}, a * total - y)


def test_a_variable_is_eliminated_where_there_is_no_exponential():
    assert found(-1 / x**2, {a: 1 / x}, -(a**2))


def test_an_odd_function_is_searched_through_its_size():
    assert found(1 / (1 + sp.Abs(x)) ** 2, {a: x / (1 + sp.Abs(x))}, sp.expand((1 - sp.Abs(a)) ** 2))


def test_common_factors_cancel_without_a_held_value():
    p = Access("p")
    assert found(((1 - y) / (1 - p) - y / p) * p * (1 - p), {}, p - y)


def test_exponentials_go_below_the_line():
    forms = list(candidates(e(x) / (1 + e(x)), {}))
    assert 1 / (1 + e(-x)) in forms


def test_hyperbolic_functions_meet_exponentials():
    assert found(1 / (1 + e(-x)) - y, {a: (1 + sp.tanh(x / 2)) / 2}, a - y)
    assert found(sp.tanh(x) - (e(2 * x) - 1) / (e(2 * x) + 1), {}, 0)


def test_fractions_are_split_in_the_exponential_and_in_its_inverse():
    forms = list(candidates(e(x) / (1 + e(x)) - y, {}))
    assert 1 / (1 + e(-x)) - y in forms
    assert 1 - y - 1 / (1 + e(x)) in forms


def test_what_cannot_be_expanded_has_no_candidates():
    assert list(candidates((1 + x) ** 1000, {})) == []
