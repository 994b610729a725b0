import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import BATCH, Access, Index, Program, Statement, Tensor, check, evaluate
from symbp.ir.functions import times_logarithm
from symbp.passes import hoist as hoist_module
from symbp.passes.hoist import _canonical, hoist, hoist_outermost
from tests.calls import calls
from tests.catalogue import CATALOGUE
from tests.passes.stages import assert_pass_keeps_meaning

i, j, k = Index("i", 3), Index("j", 3), Index("k", 4)
n = Index("n", BATCH)
a, b = Access("a", i), Access("b", i)
INPUTS = [Tensor("a", (3,), "input"), Tensor("b", (3,), "input"), Tensor("M", (3, 4), "input")]


def program(*statements):
    tensors = [*INPUTS, *(Tensor(s.target, tuple(x.extent for x in s.indices)) for s in statements)]
    return Program({t.name: t for t in tensors}, statements, tuple(s.target for s in statements))


def same(before, after):
    check(after)
    random = np.random.default_rng(0)
    values = {t.name: random.uniform(0.1, 0.9, t.shape) for t in INPUTS}
    old, new = evaluate(before, values), evaluate(after, values)
    for name in before.outputs:
        np.testing.assert_allclose(new[name], old[name], rtol=1e-13)


@pytest.mark.parametrize("name", CATALOGUE)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "hoist")


def test_a_costly_expression_of_two_statements_is_computed_once():
    before = program(Statement("s", (i,), sp.erf(a * b) + 1), Statement("t", (i,), 2 * sp.erf(a * b)))
    after = hoist(before)
    assert [str(s.body) for s in after.statements] == ["erf(a[i]*b[i])", "u_1[i] + 1", "2*u_1[i]"]
    same(before, after)


def test_a_product_that_is_0_where_a_factor_is_stays_in_its_exponents():
    """Its rounding error is put back there; a call in it is computed once nevertheless."""
    product, call = times_logarithm(a - b, b), times_logarithm(a, sp.exp(b))
    before = program(Statement("s", (i,), sp.exp(-product)), Statement("t", (i,), product + 1))
    assert hoist(before) is before
    after = hoist(program(Statement("s", (i,), sp.exp(-call)), Statement("t", (i,), call + 1)))
    assert len(after.statements) == 3
    same(before, hoist(before))


def test_names_of_indices_do_not_matter():
    other = sp.erf(Access("a", j) * Access("b", j))
    before = program(Statement("s", (i,), sp.erf(a * b) + 1), Statement("t", (j,), other**2))
    after = hoist(before)
    assert len(after.statements) == 3
    same(before, after)


def test_axes_may_come_in_another_order():
    first, second = sp.erf(Access("M", i, k)), sp.erf(Access("M", j, k))
    before = program(Statement("s", (k, i), first + 1), Statement("t", (k,), second, "sum", (j,)))
    after = hoist(before)
    assert len(after.statements) == 3
    same(before, after)


def test_bodies_without_anything_costly_are_not_looked_through(monkeypatch):
    def looked(*_):
        raise AssertionError("a cheap body was searched")

    monkeypatch.setattr(hoist_module, "_costly", looked)
    before = program(Statement("s", (i,), 3 * a * b + 17), Statement("t", (i,), 2 + 3 * a * b))
    assert hoist(before) is before


def test_a_statement_that_computes_nothing_else_is_read():
    before = program(Statement("s", (i,), sp.erf(a * b)), Statement("t", (i,), 2 * sp.erf(a * b)))
    after = hoist(before)
    assert [s.target for s in after.statements] == ["s", "t"]
    assert str(after.statements[1].body) == "2*s[i]"
    same(before, after)


@pytest.mark.parametrize(
    "statements",
    [
        (Statement("s", (i,), a * b), Statement("t", (i,), a * b + 1)),
        (Statement("s", (i,), sp.erf(a)), Statement("t", (i,), sp.erf(b))),
        (Statement("s", (i,), sp.erf(a) * 2 + sp.erf(a) ** 2),),
        (
            Statement("s", (i,), sp.Piecewise((sp.log(a), a > 0), (0, True))),
            Statement("t", (i,), sp.Piecewise((sp.log(a), a > 0), (1, True))),
        ),
    ],
    ids=["cheap", "different", "in one statement", "in branches"],
)
def test_what_is_left_alone(statements):
    before = program(*statements)
    assert hoist(before) is before


def test_the_samples_come_first_in_what_is_stored():
    x = Access("x", n, i)
    tensors = {t.name: t for t in (Tensor("x", (BATCH, 3), "input"), Tensor("w", (3,), "parameter"))}
    costly = sp.erf(Access("w", i) * x)
    statements = (Statement("s", (n,), costly, "sum", (i,)), Statement("t", (n,), costly**2, "sum", (i,)))
    tensors |= {s.target: Tensor(s.target, (BATCH,)) for s in statements}
    after = check(hoist(Program(tensors, statements, ("s", "t"))))
    assert after.tensors["u_1"].shape == (BATCH, 3)


def test_names_the_user_took_stay_his():
    before = program(
        Statement("u_1", (i,), a + 1),
        Statement("s", (i,), sp.erf(a) + 1),
        Statement("t", (i,), sp.erf(a) * 2),
    )
    after = hoist(before)
    assert "u_1_" in after.tensors
    same(before, after)


def test_repeated_parts_of_what_is_hoisted():
    """exp(a) stands in 1/(1 + exp(a)), which is hoisted, and beside it."""
    inner = sp.exp(a)
    whole = 1 / (1 + inner)
    before = program(Statement("s", (i,), whole * b), Statement("t", (i,), whole + b * inner))
    for work, evaluated in ((hoist, 1), (hoist_outermost, 2)):
        after = work(before)
        same(before, after)
        bodies = [node for s in after.statements for node in sp.preorder_traversal(s.body)]
        assert sum(isinstance(node, sp.exp) for node in bodies) == evaluated


def test_branches_read_what_is_evaluated_in_any_case():
    """The adjoint of q in tanh(q[0]) tanh(q[1]) chooses by entry between products with either of them."""
    first, second = (sp.tanh(Access("a", sp.Integer(k))) for k in (0, 1))
    chosen = sp.Piecewise((second, sp.Eq(i, 0)), (first, sp.Eq(i, 1)), (sp.exp(a), True))
    before = program(Statement("s", (), first * second), Statement("t", (i,), chosen))
    after = hoist(before)
    (t,) = [s.body for s in after.statements if s.target == "t"]
    assert not t.has(sp.tanh)
    assert t.has(sp.exp)
    same(before, after)


def test_backward_passes_over_single_entries_call_no_function():
    x, z = sb.vector("x", 4), sb.vector("z", 3)
    W, E = sb.matrix("W", 3, 4), sp.Symbol("E")
    loss = sp.log(sp.exp(z[0, 0]) + sp.exp(z[1, 0]) + sp.exp(z[2, 0])) - z[1, 0]
    net = sb.Network([sp.Eq(z, W * x), sp.Eq(E, loss)], inputs=[x], parameters=[W], loss=E)
    assert sb.derive(net).cost.transcendental("backward") == 0
    model = sb.compile(net, cache=False)
    model.check(model.init(seed=0), x=np.eye(4))
    far = np.array([[1000.0, 999, 998]]).T * np.ones((3, 4))
    _, gradient = model.value_and_grad(far.ravel(), x=np.array([[1.0, 0, 0, 0]]))
    p = np.exp([0.0, -1, -2])
    want = p / p.sum() - [0, 1, 0]
    np.testing.assert_allclose(model.params(gradient)["W"][:, 0], want, rtol=1e-12)


def test_over_the_samples_alone_expressions_are_compared_as_they_stand():
    other = Index("m", BATCH)
    x, y = Access("x", n), Access("y", n)
    assert _canonical(sp.exp(x * y)) == sp.exp(x * y)
    assert _canonical(sp.exp(Access("x", other))) == _canonical(sp.exp(x))
    assert _canonical(sp.exp(Access("a", j))) == _canonical(sp.exp(a))
    many = [sp.exp(x * y / k) + sp.sin(x * k) for k in range(1, 20)]
    assert calls(lambda: [_canonical(node) for node in many]) < 80 * len(many)
