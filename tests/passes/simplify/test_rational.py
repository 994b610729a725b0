import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.rational import exponent, rational

x, y = Access("x"), Access("y")
e = sp.exp


def test_exponentials_of_multiples_are_powers_of_one_symbol():
    r = rational([e(x) + e(-2 * x) + e(x / 2)])
    (t,) = r.exponentials
    assert r.meaning[t] == e(x / 2)
    assert sp.expand(r.bodies[0] - (t**2 + t**-4 + t)) == 0


def test_an_argument_and_its_negative_are_one():
    assert exponent(e(x - y))[0] == exponent(e(y - x))[0]
    assert len(rational([e(x - y) * e(y - x)]).meaning) <= 1


def test_equal_nodes_are_equal_symbols_across_bodies():
    r = rational([sp.sin(x) + y, 2 * sp.sin(x)])
    assert r.bodies[0].free_symbols > r.bodies[1].free_symbols


def test_roots_are_powers_of_a_root():
    r = rational([x ** sp.Rational(2, 3) * x ** sp.Rational(-1, 3)])
    assert r.back(r.bodies[0]) == x ** sp.Rational(1, 3)


def test_back_is_the_inverse():
    body = (sp.tanh(x) + e(-x) * y) / (1 + sp.sqrt(y)) + sp.Float(0.1) * sp.pi
    r = rational([body])
    assert all(s.is_Symbol for s in r.bodies[0].free_symbols)
    assert sp.expand(r.back(r.bodies[0]) - body) == 0
