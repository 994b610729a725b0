"""Operations are counted as often as their operands change."""

import sympy as sp

import symbp as sb
from symbp.ir.nodes import BATCH, Access, Index, Statement
from symbp.ir.walk import operations
from symbp.passes.count import arithmetic, points, statement_calls, statement_operations

K, J, N = Index("i", 3), Index("j", 4), Index("n", BATCH)
u, v, W = Access("u", K), Access("v", K), Access("W", K, J)
s, t, x = Access("s"), Access("t"), Access("x", J)


def count(body, indices=(K,), bound=(), **options):
    reduce = "sum" if bound else "none"
    return statement_operations(Statement("a", indices, body, reduce, bound, **options))


def test_each_operation_once_per_entry():
    assert count(u + v) == count(u * v) == count(u - v) == count(sp.exp(u)) == 3
    assert count(u * v + u) == 6
    assert count(u) == 0


def test_what_a_loop_does_not_change_counts_once():
    assert count(u / s) == 3 + 1
    assert count(u / v) == 3 + 3
    assert count(u * sp.exp(s + t)) == 3 + 2
    assert count((u + s) / sp.sqrt(t)) == 3 + 3 + 1
    assert count(W * x + s * t, (K, J)) == 2 * 12 + 1
    assert count(sp.exp(u) * W, (K, J)) == 3 + 12


def test_a_difference_is_one_operation_where_it_is_taken():
    assert count(u - s) == 3
    assert count(u - sp.log(s)) == 3 + 1
    assert count(-u - s) == 2 * 3


def test_sums_add_up():
    assert count(W * x, (K,), (J,)) == 2 * 12
    assert count(x / s, (), (J,)) == 4 + 4 + 1


def test_a_condition_leaves_one_value():
    pinned = Statement("g", (K, J), u * W, where=(sp.Eq(K, Access("label")),))
    assert points(pinned) == statement_operations(pinned) == 4


def test_samples():
    batched = Statement("a", (N, K), Access("u", N, K) * sp.exp(s) + Access("c", N))
    assert statement_operations(batched, 10) == 2 * 30 + 1


def test_calls():
    assert statement_calls(Statement("a", (K,), sp.exp(u) * sp.log(s))) == 3 + 1


def test_a_program():
    d = sb.derive(sb.mlp([3, 2]))
    assert arithmetic(d.forward_program) == sum(map(statement_operations, d.forward_program.statements))


def test_of_one_loop_it_is_the_operations_of_the_body():
    deep = u
    for k in range(100):
        deep = sp.Add(sp.sin(deep, evaluate=False), k % 3, evaluate=False)
    assert count(deep) == 3 * operations(deep)
