import sympy as sp

from symbp.ir import Access, Index
from symbp.passes.contributions import Term, added, gathered, without_delta

i, j, k = Index("i", 3), Index("j", 3), Index("k", 2)
x, s, t = Access("x", i), Access("s"), Access("t")


def test_contributions_to_single_entries_are_one_choice():
    single = ((i, s, 0), (j, t, 2), (i, t, 0))
    first, second, third = (Term((n,), body, (), (sp.Eq(n, at),)) for n, body, at in single)
    rest = Term((i,), x)
    alone, choice = gathered([first, rest, second, third])
    assert alone is rest
    assert choice.indices == (i,)
    assert choice.body == sp.Piecewise((s + t, sp.Eq(i, 0)), (t, sp.Eq(i, 2)), (0, True))
    assert not choice.where


def test_sums_of_the_same_extents_are_one_sum():
    (one,) = added([Term((), x, (i,)), Term((), 2 * Access("y", j), (j,))])
    assert one.bound == (i,)
    assert one.body == x + 2 * Access("y", i)
    assert len(added([Term((), x, (i,)), Term((), Access("z", k), (k,)), Term((), s)])) == 3


def test_a_condition_that_sets_a_bound_index_is_solved():
    term = without_delta(Term((i,), Access("A", i, j), (j,), (sp.Eq(i, j),)))
    assert term == Term((i,), Access("A", i, i))
    other = Term((i,), Access("A", i, k), (k,), (sp.Eq(i, k),))
    assert without_delta(other) == other
