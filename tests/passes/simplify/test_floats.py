import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.floats import exact, has_floats, integer, rounded

x = Access("x")


def test_a_float_is_the_fraction_that_it_holds():
    body = 0.1 * sp.exp(0.5 * x)
    assert has_floats(body)
    assert not has_floats(exact(body))
    assert exact(body) == sp.Rational(0.1) * sp.exp(x / 2)


def test_rounding_goes_back_to_the_same_floats():
    body = 1.7159 * sp.tanh(0.6666 * x) + 1e-300
    assert rounded(exact(body)) == body


def test_short_fractions_stay_fractions():
    assert rounded(x / 3) == x / 3
    assert rounded(x * sp.Rational(1, 3001)) == sp.Float(sp.Rational(1, 3001)) * x


def test_infinite_floats_are_left():
    assert exact(sp.Float("inf") * x) == sp.Float("inf") * x


def test_whole_numbers_with_a_point_are_integers():
    assert integer(sp.Float(2.0)) is sp.Integer(2)
    for value in (0.5, 1e300, float("inf")):
        assert integer(sp.Float(value)) == sp.Float(value)
