import pytest
import sympy as sp

from symbp.ir import Access, Index, walk
from symbp.ir.walk import (
    accesses,
    choice,
    chooses_by_choices,
    conditions,
    index_symbols,
    node_operations,
    operations,
    postorder,
    rebuild,
    stands_as_it_is,
    substitute,
    substitute_all,
)
from tests.calls import calls

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
    assert all(order.index(a) < order.index(n) for n in order if n != x for a in n.args)


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


def test_the_order_of_a_walk_belongs_to_the_caller():
    e = sp.sin(x) + y
    postorder([e]).clear()
    assert postorder([e])[-1] is e


def test_a_walk_gives_the_nodes_themselves_not_equal_ones():
    first, second = Access("x", i), Access("x", i)
    assert postorder([first])[-1] is first
    assert postorder([second])[-1] is second


class asks_for_a_sign(sp.Function):
    @classmethod
    def eval(cls, u):
        if u.is_positive:
            return sp.S.One
        if u.is_negative is False:
            return sp.S.Zero


class raises(sp.Function):
    @classmethod
    def eval(cls, u):
        if not isinstance(u, sp.Symbol):
            raise ValueError("symbols only")


def test_functions_of_one_entry_are_rebuilt_as_sympy_would():
    s = sp.Symbol("s")
    for function in (sp.sin, sp.log, sp.Abs, sp.re, sp.im, sp.conjugate, sp.exp, sp.sign, asks_for_a_sign):
        assert rebuild(function(s), (x,)) == function(x), function
    assert stands_as_it_is(sp.sin)
    assert stands_as_it_is(asks_for_a_sign)
    assert not stands_as_it_is(sp.re)
    assert not stands_as_it_is(raises)


def test_sympy_is_asked_once_about_functions_of_entries():
    node = sp.sin(sp.Symbol("s"))
    rebuild(node, (x,))
    entries = [Access(f"e{k}") for k in range(50)]
    rebuilt = calls(lambda: [rebuild(node, (e,)) for e in entries])
    asked = calls(lambda: [sp.sin(Access(f"f{k}")) for k in range(50)])
    assert 2 * rebuilt < asked


def test_an_entry_is_real_and_nothing_else_is_known():
    from sympy.core.assumptions import _assume_defined

    known = {fact: getattr(x, f"is_{fact}") for fact in _assume_defined}
    unknown = {fact for fact, value in known.items() if value is None}
    assert known == sp.Dummy(real=True)._assumptions.copy() | dict.fromkeys(unknown)
    assert calls(lambda: [x.is_zero, x.is_positive, x.is_integer, x.is_rational]) == 1  # the lambda


def test_indices_come_in_the_order_of_first_use():
    w = Access("W", i, j)
    assert index_symbols(w * i) == [i, j]
    assert index_symbols(Access("T", j, Access("label", i)) + 1) == [j, i]
    assert index_symbols(sp.Integer(1)) == []
    index_symbols(w).clear()
    assert index_symbols(w) == [i, j]


def test_the_conditions_of_choices():
    inner = sp.Piecewise((x, x > 0), (0, True))
    outer = sp.Piecewise((inner + 1, y < 2), (x, True))
    assert set(conditions(outer)) == {sp.true, x > 0, y < 2}
    conditions(outer).clear()
    assert conditions(outer)
    assert conditions(x + y) == []


def test_nothing_to_replace_is_nothing_to_do():
    e = sp.sin(x) + y
    assert substitute(e, {}) is e
    assert calls(lambda: substitute(e, {})) < 6


EXPONENTS = [
    *(x * y, -2 * x, sp.Float(-0.4) / x, x + y, x - 2 * y * x, (x + y) ** 2 / 3, sp.sin(x) * y),
    *(x + 1, x + sp.Float(0.5), sp.Integer(0), sp.Float(1.5), sp.pi * x, sp.sqrt(2) * x, x + sp.pi),
    *(2 * sp.log(x), y * sp.log(x), x + sp.log(y), sp.log(x) / y + x, sp.oo * x, -sp.oo * x, sp.zoo),
    *(x * sp.pi * sp.I, sp.I * x, 2 * sp.pi * sp.I, sp.Max(x, y), sp.Piecewise((x, x > 0), (y, True))),
]


def test_exponentials_are_those_of_sympy():
    for argument in EXPONENTS:
        assert rebuild(sp.exp(Access("other")), (argument,)) == sp.exp(argument), argument


def test_exponents_in_which_nothing_combines_are_not_searched():
    call = sp.exp(Access("other"))
    new = [sp.Float(-0.25) * k * Access(f"a{k}") / Access(f"b{k}") for k in range(1, 50)]
    ours = calls(lambda: [rebuild(call, (argument,)) for argument in new])
    theirs = calls(lambda: [sp.exp(2 * argument) for argument in new])
    assert 4 * ours < theirs


def test_substitutions_of_one_kind_share_what_they_have_rebuilt(monkeypatch):
    rebuilt = []
    original = walk.rebuild
    monkeypatch.setattr(walk, "rebuild", lambda node, args: rebuilt.append(node) or original(node, args))
    into = walk.Substitution({x: y})
    shared = sp.sin(x) + 1
    assert into(shared * x) == (sp.sin(y) + 1) * y
    count = len(rebuilt)
    assert into(shared**3) == (sp.sin(y) + 1) ** 3
    assert len(rebuilt) == count + 1
    assert into(y + 1) == y + 1


def test_a_float_is_not_looked_up_for_accesses(monkeypatch):
    def hashed(_):
        raise AssertionError("SymPy computed the hash of a float")

    monkeypatch.setattr(sp.Float, "__hash__", hashed)
    assert accesses(sp.Float(0.3)) == []


def nested_choice():
    inner = choice((Access("a"), Access("b") > 0), (Access("c"), sp.true))
    return choice((Access("x"), inner > 0), (Access("y"), sp.true))


@pytest.mark.parametrize(
    "node",
    [
        *(Access("x") + 1, 2 * Access("x"), Access("x") ** 2, sp.sin(Access("x")), sp.Max(Access("x"), 3)),
        *(sp.Abs(Access("x")), Access("x") > 1, sp.Piecewise((Access("x"), Access("z") > 0), (2, True))),
    ],
    ids=str,
)
def test_whatever_is_built_over_choices_by_choices_is_left_as_it_stands(node):
    nested = nested_choice()
    built = substitute(node, {Access("x"): nested})
    assert nested in postorder([built])
    assert built.func is node.func


def test_a_pair_keeps_its_condition_and_branches_that_are_never_taken_are_dropped():
    chosen = sp.Piecewise((Access("x"), Access("z") > 0), (2, Access("w") > 0), (3, True))
    first, second, last = chosen.args
    holds = nested_choice().args[0].cond
    pair = rebuild(first, (Access("x"), holds))
    assert pair.args == (Access("x"), holds)
    always, never = (rebuild(second, (sp.Integer(2), value)) for value in (sp.true, sp.false))
    assert rebuild(chosen, (pair, always, last)).args == (pair, always)
    assert rebuild(chosen, (pair, never, last)).args == (pair, last)
    assert rebuild(chosen, (rebuild(first, (Access("x"), sp.true)), pair, last)) == Access("x")


def test_shared_operands_are_looked_at_once():
    shared = Access("x")
    for k in range(200):
        shared = sp.Add(sp.Mul(shared, Access(f"d{k}"), evaluate=False), shared, evaluate=False)
    assert calls(lambda: chooses_by_choices(shared)) < 5000
