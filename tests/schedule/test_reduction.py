"""Loops of one reduction."""

from __future__ import annotations

import sympy as sp

from symbp.ir import Index, Statement, Tensor
from symbp.schedule.reduction import plan

X = Tensor("x", (9, 9), "input")
I, J, K = Index("i", 9), Index("j", 9), Index("k", 9)  # noqa: E741


def test_an_equality_determines_an_index():
    how = plan(Statement("y", (I,), X[J, K], "sum", (J, K), (sp.Eq(I, J + K),)))
    assert len(how.loops) == len(how.solved) == 1
    (index, value), loop = how.solved[0], how.loops[0][0]
    assert {index, loop} == {J, K}
    assert sp.expand(value - (I - loop)) == 0
    limits = [limit for _, low, high in how.loops for limit in low + high]
    assert len(limits) + len(how.guards) == 2  # 0 <= value < 9


def test_inequalities_become_limits():
    how = plan(Statement("y", (I,), X[I, J], "sum", (J,), (sp.Lt(J, I), sp.Ge(J, 2))))
    assert how.loops == ((J, (2,), (I,)),)
    assert not how.guards


def test_contiguous_index_is_innermost():
    how = plan(Statement("y", (), X[K, J], "sum", (J, K)))
    assert how.loops_only == (K, J)
