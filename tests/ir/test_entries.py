import sympy as sp

from symbp.ir import Access, Index, Statement
from symbp.ir.entries import entries

i, j = Index("i", 3), Index("j", 2)
t = Access("t")


def choice(*branches, otherwise=sp.S.Zero):
    return sp.Piecewise(*branches, (otherwise, True), evaluate=False)


def test_branches_of_a_vector():
    found = entries(Statement("g", (i,), choice((t, sp.Eq(i, 0)), (t**2, sp.Eq(i, 2)))))
    assert found.pinned == (i,)
    assert found.bodies == (((0,), t), ((2,), t**2))
    assert found.otherwise == 0


def test_branches_of_a_matrix_follow_the_order_of_its_indices():
    found = entries(Statement("g", (i, j), choice((t, sp.And(sp.Eq(j, 1), sp.Eq(i, 2))))))
    assert found.pinned == (i, j)
    assert found.bodies == (((2, 1), t),)


def test_one_index_may_stay_free():
    found = entries(Statement("g", (i, j), choice((Access("x", j), sp.Eq(i, 1)))))
    assert found.pinned == (i,)


def test_other_choices_are_no_entries():
    assert entries(Statement("g", (i,), choice((t, t > 0)))) is None
    assert entries(Statement("g", (i,), choice((t, sp.Eq(i, Access("label")))))) is None
    assert entries(Statement("g", (i, j), choice((t, sp.Eq(i, 0)), (1, sp.Eq(j, 0))))) is None
    assert entries(Statement("g", (i,), sp.Piecewise((t, sp.Eq(i, 0))))) is None
    assert entries(Statement("g", (), choice((t, sp.Eq(i, 0)), (1, True)), "sum", (i,))) is None
