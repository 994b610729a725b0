import pytest
import sympy as sp

from symbp.ir import Access, Program, Statement, Tensor, check
from symbp.ir.walk import operations
from symbp.network import Network
from symbp.passes.split import WHOLE, split
from symbp.pipeline import derive
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning, stages, work_of

x = [Access("x", k) for k in range(40)]


def program(body):
    tensors = [Tensor("x", (40,), "parameter"), Tensor("s", ())]
    return Program({t.name: t for t in tensors}, (Statement("s", (), body),), ("s",))


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "split")


@pytest.mark.parametrize("name", NAMES)
def test_bodies_are_small_and_no_work_is_added(name):
    for before, after in stages(name)["split"]:
        assert max(operations(s.body) for s in after.statements) <= WHOLE
        assert work_of(after) <= work_of(before)


def test_the_argument_of_a_neuron_is_cut_off():
    z = x[0] * x[1] + x[2] * x[3] + x[4]
    after = check(split(program(sp.tanh(z) ** 2 + sp.tanh(z))))
    assert [s.target for s in after.statements] == ["z_s", "s"]
    assert after.statements[0].body == z


def test_functions_of_one_access_stay_whole():
    body = sp.log(1 + sp.exp(-x[0])) * sp.exp(x[0] / 2) + x[0] ** 2
    assert len(split(program(body)).statements) == 1


def test_long_products_and_sums_become_pieces():
    for body in (sp.Mul(*x), sp.Add(*(sp.sin(v) * v for v in x))):
        after = check(split(program(body)))
        assert max(operations(s.body) for s in after.statements) <= 3 * 16


def test_taken_names_are_avoided():
    p = program(sp.tanh(x[0] * x[1] + x[2]) ** 2 + 1)
    p = Program({**p.tensors, "t1_s": Tensor("t1_s", (), "input")}, p.statements, p.outputs)
    assert "t1_s_" in {s.target for s in check(split(p, loss="s")).statements}
    p = Program({**p.tensors, "z_s": Tensor("z_s", (), "input")}, p.statements, p.outputs)
    assert "t1_s_" in {s.target for s in check(split(p)).statements}


def test_what_an_activation_is_a_function_of_is_its_z():
    """1/(1 + exp(-u - v)) is a function of u + v, as SymPy writes -(u + v)."""
    first, last = check(split(program(1 / (1 + sp.exp(-x[0] - x[1]))))).statements
    assert (first.target, first.body) == ("z_s", x[0] + x[1])
    assert last.body == 1 / (1 + sp.exp(-Access("z_s")))
    assert check(split(program(sp.tanh(x[0] + x[1]) ** 2 + 1), loss="s")).statements[0].target == "t1_s"


def iterated(depth):
    """x -> x*x/2 + sin(x), again and again: 3^depth nodes as a tree."""
    v, w, E = sp.symbols("v w E", real=True)
    e = v * w
    for _ in range(depth):
        square = sp.Mul(sp.S.Half, e, e, evaluate=False)
        e = sp.Add(square, sp.sin(e, evaluate=False), evaluate=False)
    return Network([sp.Eq(E, e, evaluate=False)], inputs=[v], parameters=[w], loss=E)


def test_a_deeply_shared_expression_is_derived():
    counts = [len(derive(iterated(depth)).backward_program.statements) for depth in (20, 40, 60)]
    assert counts[2] - counts[1] == counts[1] - counts[0] <= 60


def test_an_argument_and_its_multiples_are_one():
    """SymPy writes -(u + v) as -u - v: log(cosh(u + v)) is a function of u + v all the same."""
    u = x[0] + x[1] * x[2]
    body = sp.log((sp.exp(u) + sp.exp(-u)) / 2)
    first, last = check(split(program(body))).statements
    z = Access("z_s")
    assert first.body == u
    assert last.body == sp.log((sp.exp(z) + sp.exp(-z)) / 2)


def test_floats_are_not_hashed(monkeypatch):
    body = sp.Add(*(sp.Float(k + 0.25) * x[k] * x[k + 1] * x[k + 2] for k in range(30)))
    given = program(body)
    hashed = []
    plain = sp.Float.__hash__
    monkeypatch.setattr(sp.Float, "__hash__", lambda self: hashed.append(self) or plain(self))
    after = split(given)
    assert len(after.statements) > 10
    assert len(hashed) <= 60  # those that hashing what was built takes
