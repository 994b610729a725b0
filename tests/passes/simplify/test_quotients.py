import random

import pytest
import sympy as sp
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex

from symbp.passes.simplify.quotients import quotients
from symbp.passes.simplify.rational import vanishes

r = sp.symbols("r0:3", real=True)
field = FracField(r, sp.QQ, lex)


def drawn(choose, depth):
    if not depth:
        return choose.choice([*r, sp.Integer(choose.randint(-3, 3)), sp.S.Half])
    u, v = (drawn(choose, depth - 1) for _ in range(2))
    return choose.choice([u + v, u * v, u - v, u / (v + r[0]), u**2, 1 / (1 + u**2)])


@pytest.mark.parametrize("seed", range(40))
def test_they_are_what_the_field_of_fractions_finds(seed):
    choose = random.Random(seed)
    body = drawn(choose, 3)
    if body.has(sp.zoo, sp.nan):
        pytest.skip("divides by 0")
    ((above, below),) = quotients([body], r, field.ring)
    whole = field(above)
    for divisor, n in below.items():
        whole /= divisor**n
    assert whole == field.from_expr(body)
    other = choose.choice([sp.together(body), sp.factor(body), sp.expand(body)])
    assert vanishes(sp.Add(body, -other, evaluate=False))
    assert not vanishes(body - other - r[0] - sp.Rational(1, 7))


def test_what_is_no_quotient_of_polynomials():
    x, y, _ = r
    for body in (x**y, sp.sin(x), 0.5 * x, sp.sqrt(x), sp.Pow(sp.Add(x, -x, evaluate=False), -1) + y):
        assert quotients([body], r, field.ring) is None
    assert quotients([x**13], r, field.ring, 12) is None
    assert quotients([(1 + x + y) ** 100], r, field.ring) is None


def test_what_vanishes_needs_no_polynomials():
    assert vanishes(sp.Integer(0))
    assert not vanishes(sp.Integer(2))
    assert not vanishes(r[0] ** r[1] - 1)
