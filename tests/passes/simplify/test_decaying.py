import sympy as sp

from symbp.ir import Access, Index
from symbp.passes.cost import cost
from symbp.passes.simplify.accuracy import accurate
from symbp.passes.simplify.decaying import decaying, with_shared
from symbp.passes.simplify.exponential_forms import X
from symbp.passes.simplify.single import Single

u, half = Access("u"), sp.Rational(1, 2)


def test_names_of_indices_do_not_matter():
    first, second = (Access("u", Index(name, 3)) for name in "ij")
    assert decaying(sp.exp(-2 * sp.Abs(first)) + 1) == decaying(sp.exp(-2 * sp.Abs(second)))
    assert decaying(sp.exp(-sp.Abs(3 * u) / 2)) == [(u, sp.Rational(3, 2))]
    assert decaying(sp.exp(-u) + sp.Abs(u)) == []


def test_a_form_in_an_exponential_that_is_there_is_taken_where_it_is_cheaper():
    sigmoid = Single(u, 1 / (1 + sp.exp(-X)))
    choice = accurate(sigmoid.body)
    assert with_shared(sigmoid, choice, set()) is choice
    assert with_shared(sigmoid, choice, {(u, sp.S.One * 2)}) is choice
    found = with_shared(sigmoid, choice, {(u, sp.S.One)})
    assert sp.exp(-sp.Abs(X)) in sp.preorder_traversal(found.form)
    assert found is not choice
    assert cost(found.form) - cost(sp.exp(-sp.Abs(X))) < cost(choice.form)
