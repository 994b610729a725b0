import sympy as sp

from symbp.ir import Access, Index, Statement
from symbp.passes.simplify import values
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
    held = Values([softmax()])
    assert not held.related(e(Access("q", j) - Access("m")))
    assert not held.related(sp.sin(Access("z", j)))
    assert not held.related(e(Access("z", k) - Access("m")))


def test_reductions_are_not_related():
    s = Statement("s", (), e(Access("z", i)), "sum", (i,))
    assert not Values([s]).related(e(Access("z", j)))


def test_no_formula_reads_another_entry_of_the_answer():
    first = Statement("a", (i,), 1 / (1 + e(-Access("z", i))))
    second = Statement("b", (i,), e(Access("a", i)))
    found = Values([first, second]).related(Access("a", j) * Access("b", j))
    assert list(found) == [Access("b", j)]


def test_parts_of_a_definition_are_written_out():
    """p = exp(z) t with t = m/s is found by exp(z) m/s."""
    m, s, t = (Access(n) for n in "mst")
    z = Access("z", k)
    statements = (Statement("t", (), m / s), Statement("p", (k,), sp.exp(z) * t))
    found = Values(statements, {"p"}).related(sp.exp(z) * m / s)
    assert found == {Access("p", k): sp.exp(z) * m / s}
    assert Values(statements).related(sp.exp(z) * m / s) == {Access("p", k): sp.exp(z) * t}


def test_only_what_exponentials_are_made_of_is_written_out(monkeypatch):
    a, b, c = (Access(n) for n in "abc")
    statements = [Statement("b", (), a * a), Statement("c", (), sp.sin(b)), Statement("d", (), c + b)]
    statements += [Statement("e", (), b + 1), Statement("f", (), sp.exp(Access("e")))]
    looked_at = []
    original = values._written_out
    monkeypatch.setattr(
        values, "_written_out", lambda s, parts: looked_at.append(s.target) or original(s, parts)
    )
    assert list(Values(statements, {"f"}).related(sp.exp(a**2 + 1))) == [Access("f")]
    assert looked_at == ["b", "e", "f"]


def test_a_value_is_held_rather_than_a_logarithm_that_reads_it():
    z, p = Access("z"), Access("p")
    statements = (
        Statement("p", (), 1 / (1 + sp.exp(-z))),
        Statement("E", (), (1 - p) ** 2 * sp.log(1 + sp.exp(-z))),
    )
    assert list(Values(statements).related(p * sp.exp(-z))) == [p]
