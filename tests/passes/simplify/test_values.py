import sympy as sp

from symbp.ir import Access, Index, Statement
from symbp.passes.simplify.values import Values

i, j, k = Index("i", 4), Index("j", 4), Index("k", 3)
e = sp.exp


def softmax():
    return Statement("p", (i,), e(Access("z", i) - Access("m")) / Access("s"))


def test_a_tensor_with_the_same_exponential_is_related():
    found = Values([softmax()]).related(e(Access("z", j) - Access("m")) * Access("t"))
    assert found == {Access("p", j): e(Access("z", j) - Access("m")) / Access("s")}


def test_a_tensor_that_is_read_is_related():
    found = Values([softmax()]).related(Access("y", j) / Access("p", j))
    assert list(found) == [Access("p", j)]


def test_a_hyperbolic_function_is_one_of_exponentials():
    p = Statement("p", (i,), (1 + sp.tanh(Access("z", i) / 2)) / 2)
    assert list(Values([p]).related(1 / (1 + e(-Access("z", j))))) == [Access("p", j)]


def test_other_exponentials_and_other_shapes_are_not():
    values = Values([softmax()])
    assert not values.related(e(Access("q", j) - Access("m")))
    assert not values.related(sp.sin(Access("z", j)))
    assert not values.related(e(Access("z", k) - Access("m")))


def test_reductions_are_not_related():
    s = Statement("s", (), e(Access("z", i)), "sum", (i,))
    assert not Values([s]).related(e(Access("z", j)))


def test_no_formula_reads_another_entry_of_the_answer():
    first = Statement("a", (i,), 1 / (1 + e(-Access("z", i))))
    second = Statement("b", (i,), e(Access("a", i)))
    found = Values([first, second]).related(Access("a", j) * Access("b", j))
    assert list(found) == [Access("b", j)]
