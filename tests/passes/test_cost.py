import sympy as sp

from symbp.ir import Access
from symbp.passes.cost import cost, is_transcendental

x, y = Access("x"), Access("y")


def test_the_table():
    assert cost(x) == cost(sp.Integer(3)) == 0
    assert cost(x + y) == cost(x * y) == cost(x**2) == 1
    assert cost(x**8) == 3
    assert cost(1 / x) == cost(sp.sqrt(x)) == 5
    assert cost(x**-2) == 6
    assert cost(x**y) == cost(sp.exp(x)) == 40
    assert cost(sp.gamma(x)) == cost(sp.erf(x)) == 80
    assert cost(sp.Max(x, y)) == cost(sp.Abs(x)) == 1


def test_shared_parts_count_once():
    assert cost(sp.exp(x), sp.exp(x) + 1) == 41


def test_transcendental_nodes():
    assert is_transcendental(sp.exp(x))
    assert is_transcendental(x**y)
    assert not is_transcendental(sp.sqrt(x))
    assert not is_transcendental(sp.exp(x) + 1)
