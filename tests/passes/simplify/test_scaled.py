import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.walk import operations
from symbp.passes.cost import cost
from symbp.passes.simplify import cheapest as module
from symbp.passes.simplify.cheapest import Problem, cheapest
from symbp.passes.simplify.scaled import with_number, without_number

z, a = Access("z"), Access("a")
e = sp.exp


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (sp.Float(0.3) * e(z) / (1 + e(z)), 0.3),
        (sp.Rational(2, 7) * sp.tanh(3 * z) * a, sp.Rational(2, 7)),
        (e(z) / (1 + e(z)), 1),
        (-e(z), 1),
        (sp.Rational(1, 2) * (2 * z + 2 * a) * e(z), 1),
        (sp.Float(0.3) / (2 + e(z)), 1),
        (sp.Integer(3), 1),
    ],
    ids=str,
)
def test_numbers_that_join_no_other_are_taken_off(body, number):
    found, rest = without_number(body)
    assert found == number
    assert sp.expand(found * rest - body) == 0


def test_numbers_are_put_back_where_they_stay_in_front():
    number = sp.Float(0.3)
    assert with_number(number, a * z) == number * a * z
    for form in (2 * a, a + z, sp.Integer(1), sp.Rational(1, 3)):
        assert with_number(number, form) is None


def solved(body, held):
    return cheapest(Problem(body, tuple(held.items()), True, cost(body), operations(body)))


def test_bodies_that_differ_in_a_number_are_solved_once(monkeypatch):
    module._KNOWN.clear()
    asked = []
    plain = module._solved
    monkeypatch.setattr(module, "_solved", lambda problem: asked.append(problem) or plain(problem))
    held = {a: 1 / (1 + e(-z))}
    for number in (1, sp.Float(0.3), sp.Float(-1.7), sp.Rational(2, 7)):
        found = solved(number * e(-z) / (1 + e(-z)) ** 2, held)
        assert sp.expand(found.form - number * (a - a**2)) == 0
    assert len(asked) == 1


def test_a_number_that_joins_one_of_a_held_value_stays():
    assert without_number(3 * e(z), [3 * e(z) - 3]) == (1, 3 * e(z))
    assert solved(3 * e(z), {a: 3 * e(z) - 3}).form == a + 3


def test_a_number_that_joins_another_makes_it_one():
    found = solved(sp.Float(0.5) * e(z), {a: 2 * e(z)})
    assert found.form == sp.Rational(1, 4) * a
