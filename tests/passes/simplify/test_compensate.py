import sympy as sp

from symbp.ir import Access, Index, Statement
from symbp.ir.functions import compensated_exp
from symbp.passes.simplify.compensate import LIMIT, compensated

x, y, t = Access("x"), Access("y"), Access("t")
i = Index("i", 3)


def after(body, *statements):
    own = Statement("a", (), body)
    return compensated([own], {s.target: s for s in statements})[0].body


def test_rounded_arguments():
    for argument in (-(x**2), x * y, x + 1, 3 * x, -2 * sp.Abs(x * y), 1 / x, x**2 / 2):
        assert after(sp.exp(argument)) == compensated_exp(argument)


def test_exact_arguments():
    for argument in (x, -x, 2 * x, -sp.Abs(x), -sp.Abs(x) / 4, sp.sin(x)):
        assert not after(sp.exp(argument)).has(compensated_exp)


def test_arithmetic_of_other_statements_counts():
    square = Statement("t", (), x**2)
    assert after(sp.exp(-t), square) == compensated_exp(-(x**2))
    assert after(sp.exp(-t), Statement("t", (), sp.sin(x))) == sp.exp(-t)
    assert after(sp.exp(-t), Statement("t", (), x, "sum", (i,))) == sp.exp(-t)


def test_long_arguments_are_left_alone():
    long = sp.Add(*(Access(f"v{k}") for k in range(LIMIT + 3)))
    assert not after(sp.exp(long)).has(compensated_exp)
    body = sp.exp(t * x)
    assert after(body, Statement("t", (), long)) == compensated_exp(t * x)


def test_other_bodies_are_the_same_object():
    body = sp.log(x * y)
    assert after(body) is body
