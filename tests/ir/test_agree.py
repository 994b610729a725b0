import pytest
import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.agree import agrees

x, y, k = Access("x"), Access("y"), Index("k", 6)
s, t = sp.symbols("s t", real=True)


def quotient(n, r):
    return sp.gamma(n + 1) / (sp.gamma(r + 1) * sp.gamma(n - r + 1))


@pytest.mark.parametrize(
    ("function", "operands", "formula", "right"),
    [
        (sp.sin, [x], 2 * sp.sin(s / 2) * sp.cos(s / 2), True),
        (sp.sin, [x], sp.sin(s) + sp.Rational(1, 10**4), False),
        (sp.sinc, [x], sp.sin(s) / s, False),  # no value at 0
        (sp.sqrt, [x], sp.exp(sp.log(s) / 2), True),  # nan where the root is complex
        (sp.binomial, [x, y], quotient(s, t), False),
        (sp.binomial, [sp.Integer(5), y], quotient(5, t), False),
        (sp.cosh, [x], (sp.exp(4 * s) + sp.exp(2 * s)) / (2 * sp.exp(3 * s)), False),  # overflows on the way
        (sp.tribonacci, [x], s, False),
        (sp.Function("unknown"), [x], s, True),
    ],
)
def test_formulas_are_compared_with_values(function, operands, formula, right):
    assert agrees(function, operands, formula, [s, t][: len(operands)]) is right


def test_loop_indices_run_over_their_range():
    places = [sp.Integer(5), t]
    assert agrees(sp.binomial, [sp.Integer(5), k], quotient(5, t), places)
    assert not agrees(sp.binomial, [sp.Integer(3), k], quotient(3, t), [sp.Integer(3), t])
    assert agrees(sp.binomial, [k + 5, k], quotient(s, t), [s, t])
    # Both ends of a long range are among the points.
    assert agrees(sp.Abs, [Index("long", 1000)], sp.Min(s, 1000), [s])
    assert not agrees(sp.Abs, [Index("long", 1000)], sp.Min(s, 998), [s])


def test_deterministic_for_many_operands():
    four = [Access(n) for n in "abcd"]
    places = sp.symbols("p q u v", real=True)

    class Total(sp.Function):
        @classmethod
        def eval(cls, *args):
            return sum(args) if all(a.is_number for a in args) else None

    assert agrees(Total, four, sum(places), places)
    assert not agrees(Total, four, sum(places[:3]), places)
