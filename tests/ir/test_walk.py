import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.walk import (
    accesses,
    index_symbols,
    node_operations,
    operations,
    postorder,
    substitute,
    substitute_all,
)

i, j = Index("i", 3), Index("j", 3)
x, y = Access("x", i), Access("y", i)


def iterated(depth):
    e = x
    for _ in range(depth):
        square = sp.Mul(sp.S.Half, e, e, evaluate=False)
        e = sp.Add(square, sp.sin(e, evaluate=False), evaluate=False)
    return e


def test_postorder_visits_shared_nodes_once_and_operands_first():
    e = sp.sin(x) * sp.exp(sp.sin(x))
    order = postorder([e])
    assert len(order) == len(set(order)) == 4
    assert all(order.index(a) < order.index(n) for n in order if n is not x for a in n.args)


def test_walks_are_linear_in_shared_and_deep_expressions():
    # As a tree it has more than 2^60 nodes.
    e = iterated(60)
    assert len(postorder([e])) < 400
    assert operations(e) < 400
    assert accesses(e) == [x]
    assert index_symbols(e) == [i]
    assert accesses(substitute(e, {x: y})) == [y]


def test_deep_expressions_do_not_overflow_the_stack():
    e = x
    for _ in range(5000):
        e = sp.Add(sp.Mul(e, y, evaluate=False), x, evaluate=False)
    assert len(postorder([e])) == 2 + 2 * 5000


def test_substitution_is_simultaneous_and_reaches_into_accesses():
    assert substitute(x + 2 * y, {x: y, y: x}) == y + 2 * x
    assert substitute(Access("A", i, j + 1), {i: j, j: i}) == Access("A", j, i + 1)
    assert substitute_all([x, x**2], {x: y}) == [y, y**2]
    assert substitute(sp.sin(x + 1), {x + 1: y}) == sp.sin(y)


def test_substitution_keeps_what_does_not_change():
    e = sp.Mul(2, x + 1, evaluate=False)
    assert substitute(e, {y: x}) is e


def test_zero_base_with_a_varying_exponent_keeps_the_power():
    e = substitute(Access("b") ** Access("p"), {Access("b"): sp.S.Zero})
    assert isinstance(e, sp.Pow)


def test_gathers_count_as_accesses():
    e = Access("T", Access("label"), i)
    assert accesses(e) == [e, Access("label")]


def test_operations_of_written_forms():
    assert operations(x + y + 1) == 2
    assert operations(x - y) == 1
    assert operations(-x - y) == 2
    assert operations(x / y) == 2
    assert operations(sp.sin(x) + sp.cos(sp.sin(x))) == 3
    assert operations(sp.sqrt(2) * x) == 1
    assert operations(sp.Piecewise((x, x > 0), (y, True))) == 2
    assert node_operations(sp.Integer(3)) == node_operations(x) == 0
