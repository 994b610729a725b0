import random

import pytest
import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.products import _compare, product, total
from tests.calls import calls

i = Index("i", 3)
x, y, z = Access("x", i), Access("y", i), Access("z")


class doubled(sp.Function):
    """Like exp, a function that products know something about."""

    def as_base_exp(self):
        return sp.Integer(2), self.args[0]


FACTORS = [
    *(x, y, z, sp.sin(x), sp.tanh(y), sp.exp(x), sp.exp(-x), sp.exp(2 * y), doubled(x), sp.log(z)),
    *(x + y, x - y, y - x, 2 * x + 2 * y, 1 + sp.exp(-z), 1 + sp.sqrt(2), 3 - sp.sin(2)),
    *(x**2, 1 / x, sp.sqrt(x), sp.sqrt(x**2), 1 / (x + y), x**y, 2**x, (x * y) ** sp.Rational(1, 3)),
    *(sp.Integer(0), sp.Integer(1), sp.Integer(-1), sp.Rational(2, 3), sp.Float(0.5), sp.sqrt(2), sp.pi),
    *(
        sp.Float(0.0),
        sp.Float(1.0),
        sp.Float(-2.5),
        sp.Float("inf"),
        sp.Float(3) * x,
        sp.exp(x + y),
        sp.exp(2),
    ),
    *(sp.oo, -sp.oo, sp.nan),
    *(x * y, 2 * x, -sp.sin(x), x / y, sp.Max(x, y), sp.Abs(x), sp.sign(x), sp.sin(2), sp.E),
]


@pytest.mark.parametrize("first", FACTORS, ids=str)
def test_a_product_is_that_of_sympy(first):
    draw = random.Random(0)
    for second in FACTORS:
        assert product(first, second) == sp.Mul(first, second)
        third, fourth = draw.choice(FACTORS), draw.choice(FACTORS)
        assert product(first, second, third) == sp.Mul(first, second, third)
        assert product(first, second, third, fourth) == sp.Mul(first, second, third, fourth)


@pytest.mark.parametrize("first", FACTORS, ids=str)
def test_a_sum_is_that_of_sympy(first):
    draw = random.Random(0)
    for second in FACTORS:
        assert total(first, second) == sp.Add(first, second)
        third, fourth = draw.choice(FACTORS), draw.choice(FACTORS)
        assert total(first, second, third) == sp.Add(first, second, third)
        assert total(first, second, third, fourth) == sp.Add(first, second, third, fourth)


def test_sums_of_what_was_not_evaluated_are_those_of_sympy():
    odd = [sp.Add(x, x, evaluate=False), sp.Mul(2, x + y, evaluate=False), sp.Mul(0, x, evaluate=False)]
    odd += [sp.Mul(2, sp.Mul(3, x, evaluate=False), evaluate=False), sp.Pow(2, 3, evaluate=False)]
    odd += [sp.Mul(y, x, evaluate=False), sp.Symbol("c", commutative=False)]
    for term in odd:
        for other in (x, z, x + y, 3 * x * y, sp.Integer(2)):
            assert total(term, other) == sp.Add(term, other)


def test_a_sum_of_one_and_of_none():
    assert total() == 0
    assert total(x) == total(x, sp.S.Zero) == x


def test_terms_that_cannot_combine_are_not_searched():
    new = [
        (Access(f"a{k}") * 2, Access(f"b{k}") * sp.tanh(Access(f"c{k}")), sp.Integer(k)) for k in range(50)
    ]
    assert all(total(*terms) == sp.Add(*terms) for terms in new[:3])
    ours = calls(lambda: [total(*terms) for terms in new])
    theirs = calls(lambda: [sp.Add(*terms) for terms in new])
    assert 2 * ours < theirs


def test_none_and_one():
    assert product() == 1
    assert product(x) == x


def test_what_cannot_combine_is_not_searched():
    new = [(Access(f"a{k}"), Access(f"b{k}") * sp.tanh(Access(f"c{k}"))) for k in range(50)]
    ours = calls(lambda: [product(*pair) for pair in new])
    theirs = calls(lambda: [sp.Mul(*pair) for pair in new])
    assert 2 * ours < theirs


def test_a_number_and_an_exponential_are_not_searched_either():
    half = sp.Float(0.5)
    new = [
        (half, sp.exp(Access(f"a{k}") ** 2), Access(f"b{k}") * sp.tanh(Access(f"c{k}"))) for k in range(50)
    ]
    assert all(product(*factors) == sp.Mul(*factors) for factors in new[:3])
    ours = calls(lambda: [product(*factors) for factors in new])
    theirs = calls(lambda: [sp.Mul(*factors) for factors in new])
    assert 2 * ours < theirs


@pytest.mark.parametrize("first", FACTORS, ids=str)
def test_the_order_of_operands_is_that_of_sympy(first):
    for second in (*FACTORS, Access("x"), Access("x", Index("j", 3)), Access("x", 0), Access("w", 1, 2)):
        assert _compare(first, second) == first.compare(second)


def test_two_numbers_and_a_number_times_a_sum_are_not_searched():
    new = [
        *((sp.S.NegativeOne, sp.Float(0.25) * Access(f"a{k}") * Access(f"b{k}")) for k in range(50)),
        *((sp.Integer(-3), Access(f"a{k}") - 2 * Access(f"b{k}") + 1) for k in range(50)),
    ]
    assert all(product(*factors) == sp.Mul(*factors) for factors in (*new[:3], *new[-3:]))
    ours = calls(lambda: [product(*factors) for factors in new[3:-3]])
    theirs = calls(lambda: [sp.Mul(*factors) for factors in new[3:-3]])
    assert 3 * ours < 2 * theirs


def test_products_of_floats_are_rounded_as_sympy_rounds_them():
    draw = random.Random(1)
    for _ in range(50):
        numbers = [sp.Float(draw.uniform(-2, 2)) for _ in range(3)]
        assert product(numbers[0] * x, numbers[1], y) == sp.Mul(numbers[0] * x, numbers[1], y)
        factors = numbers[0] * x, numbers[1] * y, numbers[2] * z
        assert product(*factors) == sp.Mul(*factors)
