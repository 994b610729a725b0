import pytest
import sympy as sp

from symbp.ir import Access, Index, Statement
from symbp.passes.simplify.accuracy import accurate
from symbp.passes.simplify.exponential_forms import X
from symbp.passes.simplify.node_rules import RULES
from symbp.passes.simplify.several_exponentials import multiple
from symbp.passes.simplify.single import Definitions, Single, combined, is_concerned

x, y, a = Access("x"), Access("y"), Access("a")
i, j = Index("i", 3), Index("j", 3)
e = sp.exp


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (2 * x, (x, 2)),
        (-x / 3, (x, sp.Rational(-1, 3))),
        (sp.Float("-0.5") * x * y, (x * y, sp.Rational(-1, 2))),
        (2 * x - 2 * y, (x - y, 2)),
        (y - x, (x - y, -1)),
    ],
    ids=str,
)
def test_multiples(argument, expected):
    assert multiple(argument) == expected


def single(node, *parts):
    return combined(node, parts, {n: n for n in node.args})


def test_combinations():
    one = Single(x, e(X))
    assert single(e(-2 * x), None) == Single(x, e(-2 * X))
    assert single(1 + e(x), None, one) == Single(x, 1 + e(X))
    assert single(sp.log(1 + e(x)), Single(x, 1 + e(X))) == Single(x, sp.log(1 + e(X)), True)
    assert single(e(x) + y, None, one) is None
    assert single(e(x) + e(y), one, Single(y, e(X))) is None
    assert single(sp.sqrt(e(x) + 1), Single(x, 1 + e(X)), None) is None
    assert single(sp.sin(e(x)), one) is None


def test_what_is_held_is_seen_through_by_logarithms_only():
    held = Single(x, 1 / (1 + e(-X)), held=True)
    rest = single(1 - a, None, held)
    assert rest.held
    assert single(sp.log(a), held) == Single(x, sp.log(held.body), True)
    assert single(sp.log(1 - a), rest) == Single(x, sp.log(rest.body), True)


def test_definitions_are_looked_up_at_other_indices():
    for relative in (True, False):
        known = Definitions(relative)
        known.add(Statement("a", (i,), e(-Access("z", i))), Single(Access("z", i), e(-X)), False)
        found = known.get(Access("a", j))
        assert (found.argument, found.body, found.held) == (Access("z", j), e(-X), False)
        assert known.get(Access("b", j)) is None
        assert "a" in known
        assert "b" not in known


def test_values_are_held_where_relative_accuracy_is_not_asked_for():
    for relative in (True, False):
        known = Definitions(relative)
        known.add(Statement("a", (), 1 / (1 + e(-x))), Single(x, 1 / (1 + e(-X))), False)
        assert known.get(a).held == (not relative)


def test_what_is_read_is_accurate():
    known = Definitions(True)
    known.add(Statement("a", (), sp.log(1 + e(x))), Single(x, sp.log(1 + e(X)), True), False)
    found = known.get(a)
    assert found.body == sp.log(1 + e(X))
    assert found.read == accurate(found.body).form


def test_sums_over_indices_are_no_definitions():
    known = Definitions(True)
    known.add(Statement("a", (), e(Access("z", i)), "sum", (i,)), Single(Access("z", i), e(X)), False)
    assert "a" not in known


def test_calls_and_sums_are_written_out():
    known = Definitions(False)
    known.add(Statement("u", (), sp.erf(x)), None, False)
    known.add(Statement("v", (), e(x) + e(y)), None, False)
    u, v = Access("u"), Access("v")
    assert known.written_out(1 - u) == 1 - sp.erf(x)
    assert known.written_out(sp.log(v)) == sp.log(e(x) + e(y))
    assert known.sums
    body = sp.sin(Access("w"))
    assert known.written_out(body) is body


def test_back():
    for argument in (x, x * y + 1, sp.Abs(y)):
        form = sp.Piecewise((e(-sp.Abs(X)), X < 0), (1, True)) / (1 + e(-sp.Abs(X))) + sp.Max(0, X)
        back = Single(argument, form).back(form)
        at = {x: sp.Rational(-3, 7), y: sp.Rational(5, 3)}
        value = argument.xreplace(at)
        assert abs(float((back.xreplace(at) - form.xreplace({X: value})).evalf())) < 1e-14


def test_definitions_know_whether_the_rules_concern_them():
    known = Definitions(True)
    for name, body in (("a", 2 * e(x)), ("b", x**2), ("c", 3 * sp.log(x))):
        assert not known.ruled
        known.add(Statement(name, (), body), None, False)
    assert known.ruled == {"c"}


def test_the_rules_concern_what_reads_such_a_call():
    known = Definitions(True)
    for name, body in (("a", 2 * e(x)), ("c", 3 * sp.log(x))):
        known.add(Statement(name, (), body), None, False)
    assert known.is_ruled(sp.log(y))
    assert known.is_ruled(y * Access("c"))
    assert not known.is_ruled(y * Access("a"))


def test_what_the_rules_return_concerns_them():
    # A node without logarithms and error functions, in it or in what it reads, is passed over by `stable`.
    nodes = [x * y, x + y, x**2, e(x), sp.sin(x) * y, sp.Max(x, y), 1 - sp.tanh(x), x * e(-x)]
    for node in nodes:
        assert not is_concerned(node)
        assert all(rule(node, lambda n: n) is None for rule in RULES.values())
