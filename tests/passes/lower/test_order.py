"""The order of multiplication: against the textbook's dynamic programme, and what goes beyond it."""

import random

import pytest
import sympy as sp
from sympy.matrices.expressions.diagonal import DiagMatrix

from symbp.passes.lower.order import LONG, Order

n = 5
A, B, C, D = (sp.MatrixSymbol(name, n, n) for name in "ABCD")
x, y, z = (sp.MatrixSymbol(name, n, 1) for name in "xyz")
c = sp.Symbol("c")
Mul, Add, T = sp.MatMul, sp.MatAdd, sp.Transpose


def shape(node):
    return int(node.shape[0]), int(node.shape[1])


def arranged(expression):
    return Order(shape).arranged(expression)


def multiplications(node, seen=None):
    """What computing a tree of pairs takes, equal nodes once."""
    seen = set() if seen is None else seen
    if node in seen or isinstance(node, sp.MatrixSymbol):
        return 0
    seen.add(node)
    below = sum(multiplications(a, seen) for a in node.args if getattr(a, "is_Matrix", False))
    if not isinstance(node, sp.MatMul):
        return below
    left, right = (a for a in node.args if a.is_Matrix)
    return below + shape(left)[0] * shape(left)[1] * shape(right)[1]


def textbook(extents):
    """The cost of a chain, Cormen et al., Introduction to Algorithms, section 15.2."""
    last = len(extents) - 1
    best = {(i, i + 1): 0 for i in range(last)}
    for length in range(2, last + 1):
        for i in range(last - length + 1):
            j = i + length
            best[i, j] = min(
                best[i, m] + best[m, j] + extents[i] * extents[m] * extents[j] for m in range(i + 1, j)
            )
    return best[0, last]


@pytest.mark.parametrize("length", [2, 3, 5, 8, 12, 20, LONG])
def test_chains_are_optimal(length):
    pick = random.Random(length)
    extents = [pick.choice([1, 2, 5, 9, 20]) for _ in range(length + 1)]
    chain = [sp.MatrixSymbol(f"M{k}", *extents[k : k + 2]) for k in range(length)]
    assert multiplications(arranged(Mul(*chain))) == textbook(extents)


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (A * B * x, Mul(A, Mul(B, x))),
        (x.T * A * B, Mul(Mul(T(x), A), B)),
        (x * y.T * z, Mul(x, Mul(T(y), z))),
        (T(A * B) * x, Mul(T(B), Mul(T(A), x))),
        ((A * B + C) * x, Add(Mul(A, Mul(B, x)), Mul(C, x))),
        (Mul(T(x), Add(Mul(A, B), Mul(2, C))), Add(Mul(Mul(T(x), A), B), Mul(2, T(x), C))),
        ((A * (B * C + D) + sp.Identity(n)) * x, Add(Mul(A, Add(Mul(B, Mul(C, x)), Mul(D, x))), x)),
        ((A * B + C) * D, Mul(Add(Mul(A, B), C), D)),
        ((A + B) * x, Mul(Add(A, B), x)),
        (DiagMatrix(x) * A * y, Mul(DiagMatrix(x), Mul(A, y))),
        (2 * x * y.T, Mul(Mul(2, x), T(y))),
        (c * A * x, Mul(c, A, x)),
        (A**4, Mul(Mul(A, A), Mul(A, A))),
        (A * sp.OneMatrix(n, n) * x, Mul(A, Mul(sp.OneMatrix(n, 1), Mul(sp.OneMatrix(1, n), x)))),
        ((A * B * x).applyfunc(sp.sin).expr, Mul(A, Mul(B, x))),
    ],
    ids=str,
)
def test_arranged(expression, want):
    assert arranged(expression) == want


def test_a_vector_in_the_middle_makes_an_outer_product():
    got = arranged(Mul(A, B, C, x, T(y), D, A, B, C, D, A, B))
    left, right = got.args
    assert shape(left) == (n, 1)
    assert shape(right) == (1, n)


def test_a_product_and_its_transpose_are_computed_once():
    for expression in (T(Mul(A, B, x)) * (A * B * x), A * x * x.T * A.T, T(A * B) * (A * B)):
        left, right = arranged(expression).args
        assert left == T(right) or right == T(left)
    middle = arranged(T(A * B * x) * C * (A * B * x))
    assert multiplications(middle) == 3 * n**2 + n


def test_a_sum_and_its_transpose_are_computed_once():
    left, right = arranged((A * B + C) * T(A * B + C)).args
    assert right == T(left)


def test_powers_by_squaring():
    squared = Mul(A, A)
    assert multiplications(arranged(sp.MatPow(A, 32))) == 5 * n**3
    assert multiplications(arranged(sp.MatPow(Mul(A, A), 2))) == 2 * n**3
    assert arranged(Mul(A, A, A)) in (Mul(A, squared), Mul(squared, A))


def test_the_halves_of_a_trace():
    order = Order(shape)
    assert order.cycle(2 * c * A * B) == (2 * c, [A, B])
    _, (left, right) = order.cycle(x * y.T * A * B)
    assert {shape(left), shape(right)} == {(1, n), (n, 1)}
    _, (left, right) = order.cycle(A * B * C * x * x.T)
    assert multiplications(left) + multiplications(right) <= 3 * n * n
    whole = sp.OneMatrix(1, n) * A.applyfunc(sp.sin) * sp.OneMatrix(n, 1)
    assert len(order.cycle(whole)[1]) == 3


def test_a_trace_of_many_factors():
    many = [sp.MatrixSymbol(f"M{k}", n, n) for k in range(40)]
    _, halves = Order(shape).cycle(Mul(*many))
    assert len(halves) == 2


def test_very_long_products_keep_their_order():
    many = [sp.MatrixSymbol(f"M{k}", n, n) for k in range(LONG + 1)]
    assert arranged(Mul(*many)) == Mul(*many)


def test_nested_sums_are_multiplied_out_to_a_limit():
    e = x
    for _ in range(30):
        e = Mul(Add(Mul(A, B), C), Add(e, y))
    assert multiplications(arranged(e)) <= 30 * 4 * n * n
    e = A
    for k in range(30):
        e = Add(Mul(e, B), sp.MatrixSymbol(f"M{k}", n, n))
    order = Order(shape)
    assert multiplications(order.arranged(Mul(e, x))) <= 31 * n**3
