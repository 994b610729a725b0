import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Access, Index, Program, Statement, Tensor, evaluate
from symbp.network import Network
from symbp.passes.lower import lower
from symbp.passes.simplify import logarithms as module
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.logarithms import RULE, expand_logarithms
from symbp.pipeline import derive
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning

e, log = sp.exp, sp.log
z, p, y, s = Access("z"), Access("p"), Access("y"), Access("s")


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "expand_logarithms")


def after(definition, body, ledger=None):
    """What the equation E = body becomes after the equation p = definition."""
    tensors = [Tensor("z", (), "parameter"), Tensor("y", (), "parameter"), Tensor("p", ()), Tensor("E", ())]
    statements = (Statement("p", (), definition), Statement("E", (), body))
    program = Program({t.name: t for t in tensors}, statements, ("p", "E"))
    return expand_logarithms(program, ledger).statements[-1].body


FOUND = {
    (1 / (1 + e(-z)), log(p)): -log(1 + e(-z)),
    (1 / (1 + e(-z)), log(1 - p)): -log(1 + e(z)),
    (e(z) / (1 + e(z)), log(p)): -log(1 + e(-z)),
    (e(z) / (1 + e(z)), y * log(p)): -y * log(1 + e(-z)),
    (sp.tanh(z), log(1 - p**2)): log(4) + 2 * z - 2 * log(1 + e(2 * z)),
    (1 - e(-z), log(p)): log(1 - e(-z)),
    (e(-z), log(p)): -z,
    (1 / (1 + e(-z)), log(p / (1 - p))): z,
    (1 / (1 + e(-z)), log(y * p)): log(y) - log(1 + e(-z)),
}


@pytest.mark.parametrize("case", FOUND, ids=str)
def test_definitions_are_put_into_logarithms(case):
    ledger = Ledger()
    found = after(*case, ledger)
    at = {Access("z"): 0.4, Access("y"): 0.7}
    assert abs(float((found - FOUND[case]).xreplace(at).evalf())) < 1e-14
    assert p not in found.atoms(Access)
    (step,) = ledger.steps
    assert step.rule == RULE
    assert step.target == "E"
    assert step.verified


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (log(y * e(z)), z + log(y)),
        (log(e(z) / (e(z) + e(y))), -log(1 + e(y - z))),
        (log(y * e(z) / (e(z) + e(2 * z + y))), log(y) - log(1 + e(z + y))),
    ],
    ids=str,
)
def test_products_need_no_definition(body, expected):
    found = after(z, body)
    at = {Access("z"): 0.4, Access("y"): 0.7}
    assert abs(float((found - expected).xreplace(at).evalf())) < 1e-14
    far = {Access("z"): 800, Access("y"): 0.7}
    assert found.xreplace(far).evalf().is_finite


LEFT = [
    (1 / (1 + e(-z)), log(p + sp.Rational(1, 1000))),
    (1 / (1 + e(-z)), log(p - y)),
    (1 / (1 + e(-z)), p * y),
    (z**2 + 1, log(p)),
    (sp.erf(z), log(1 + p)),
    (sp.Max(0, z), log(p)),
]


@pytest.mark.parametrize("case", LEFT, ids=str)
def test_what_gains_nothing_stays(case):
    found = after(*case)
    assert found == case[1] or not found.has(p)


def test_epsilon_is_not_dropped():
    found = after(1 / (1 + e(-z)), log(p + sp.Rational(1, 1000)))
    at = {Access("z"): -50, Access("p"): 0}
    assert abs(float(found.xreplace(at).evalf()) + np.log(1000)) < 1e-9


def softmax(loss):
    v, t, q, E = nn.vector("z", 3), nn.vector("y", 3), nn.vector("p", 3), nn.scalar("E")
    equations = [sp.Eq(q, nn.softmax(v)), sp.Eq(E, loss(q, t))]
    return lower(Network(equations, inputs=[t], parameters=[v], loss=E, batch=False))


def test_softmax_in_one_equation_and_its_logarithm_in_another():
    program = expand_logarithms(softmax(nn.cross_entropy))
    body = next(st.body for st in program.statements if st.reduce == "sum" and st.body.has(log))
    assert "p" not in {a.name for a in body.atoms(Access)}
    values = {"z": np.array([0.3, -1.0, 2.0]), "y": np.array([0.2, 0.5, 0.3])}
    probabilities = np.exp(values["z"]) / np.exp(values["z"]).sum()
    expected = -np.sum(values["y"] * np.log(probabilities))
    assert float(evaluate(program, values)["E"]) == pytest.approx(expected, rel=1e-14)


def test_sums_of_other_things_are_not_positive():
    v, t, q, E = nn.vector("z", 3), nn.vector("y", 3), nn.vector("p", 3), nn.scalar("E")
    equations = [sp.Eq(q, nn.exp(v) / nn.total(v)), sp.Eq(E, nn.total(nn.log(q)))]
    program = lower(Network(equations, inputs=[t], parameters=[v], loss=E, batch=False))
    values = {"z": np.array([0.3, -1.0, 2.0]), "y": np.zeros(3)}
    before, now = (float(evaluate(x, values)["E"]) for x in (program, expand_logarithms(program)))
    assert now == pytest.approx(before, rel=1e-14)


def test_indices_are_those_of_the_reader():
    i, j = Index("i", 3), Index("j", 3)
    tensors = [Tensor("z", (3,), "parameter"), Tensor("p", (3,)), Tensor("E", ())]
    statements = (
        Statement("p", (i,), 1 / (1 + e(-Access("z", i)))),
        Statement("E", (), log(Access("p", j)), "sum", (j,)),
    )
    program = Program({t.name: t for t in tensors}, statements, ("p", "E"))
    assert expand_logarithms(program).statements[-1].body == -log(1 + e(-Access("z", j)))


def test_no_call_is_added():
    def calls(program):
        return sum(len(st.body.atoms(sp.exp, sp.log)) for st in program.statements)

    program = softmax(nn.cross_entropy)
    assert calls(expand_logarithms(program)) <= calls(program)


def test_powers_of_what_is_positive_leave_a_logarithm():
    """The likelihood p^y (1 - p)^(1 - y) of a coin is cross-entropy."""
    z, p, y, E = sp.symbols("z p y E")
    loss = -sp.log(p**y * (1 - p) ** (1 - y))
    net = Network([sp.Eq(p, 1 / (1 + sp.exp(-z))), sp.Eq(E, loss)], inputs=[y], parameters=[z], loss=E)
    assert "Backward\n  dE/dz = p - y\n" in str(derive(net))
    assert "E = (1 - y)*log(1 + exp(z)) + y*log(1 + exp(-z))" in str(derive(net))


def test_powers_of_what_may_be_negative_stay():
    """(-2)^2 has a logarithm, and -2 has none."""
    q, y, E = sp.symbols("q y E")
    net = Network([sp.Eq(E, -sp.log(q**y * sp.exp(y)))], inputs=[y], parameters=[q], loss=E)
    values = {"q": np.array(-2.0), "y": np.array(2.0)}
    got = evaluate(derive(net).forward_program, values)["E"]
    assert float(got) == pytest.approx(-np.log(4) - 2)


def test_the_terms_of_a_long_sum_are_factored_once(monkeypatch):
    cancelled = []
    plain = module.cancelled
    monkeypatch.setattr(module, "cancelled", lambda body: cancelled.append(body) or plain(body))
    module._factored.cache_clear()
    expected = {}
    for k in range(3):
        p_k, z_k = Access(f"p{k}"), Access(f"z{k}")
        tensors = [Tensor(f"z{k}", (), "parameter"), Tensor(f"p{k}", ()), Tensor("E", ())]
        statements = (Statement(f"p{k}", (), 1 / (1 + e(-z_k))), Statement("E", (), log(1 - p_k)))
        program = Program({t.name: t for t in tensors}, statements, ("E",))
        expected[z_k] = expand_logarithms(program).statements[-1].body
    assert expected == {z_k: -log(1 + e(z_k)) for z_k in expected}
    assert len(cancelled) == 1
