import sys

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import pipeline
from symbp.ir import Access, Index, Program, Statement, Tensor, check, evaluate, program_text
from symbp.passes.differentiate import differentiate
from symbp.passes.partials import partials
from symbp.passes.prune import prune
from symbp.passes.simplify.ledger import Ledger
from symbp.pipeline import derive
from tests.catalogue import CATALOGUE, NAMES
from tests.passes.stages import assert_gradients, stages, work_of

i, j = Index("i", 3), Index("j", 3)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_equal_the_complex_step(name):
    derivation = CATALOGUE[name].derivation
    assert_gradients(derivation, CATALOGUE[name].values(derivation.forward_program))


@pytest.mark.parametrize("name", NAMES)
def test_the_forward_statements_are_kept(name):
    ((before, after),) = stages(name)["differentiate"]
    check(after)
    assert after.statements[: len(before.statements)] == before.statements


@pytest.mark.parametrize("name", NAMES)
def test_loss_and_gradient_cost_a_small_multiple_of_the_loss(name):
    derivation = CATALOGUE[name].derivation
    forward = derivation.forward_program
    needed = Program(forward.tensors, forward.statements, (derivation.loss,))
    assert work_of(derivation.backward_program) <= 5 * work_of(prune(needed))


def test_gradients_with_respect_to_inputs():
    for name in ("dense_tanh", "convolution", "attention", "log_sum_exp", "l2_penalty"):
        net = CATALOGUE[name].network()
        derivation = derive(net, wrt=[*net.parameters, *net.inputs])
        assert len(derivation.gradients) == len(net.parameters) + len(net.inputs)
        assert_gradients(derivation, CATALOGUE[name].values(derivation.forward_program))


def gradient(tensors, statements, wrt):
    program = Program({t.name: t for t in tensors}, tuple(statements), ("s",))
    found = differentiate(program, "s", wrt)
    whole = Program(
        {**program.tensors, **{t.name: t for t in found.tensors}},
        (*program.statements, *found.statements),
        ("s", *found.gradients.values()),
    )
    return check(whole), found


def test_a_repeated_index_gives_the_diagonal():
    A = Tensor("A", (3, 3), "parameter")
    program, found = gradient(
        [A, Tensor("s", ())], [Statement("s", (), Access("A", i, i) ** 2, "sum", (i,))], ["A"]
    )
    a = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(evaluate(program, {"A": a})[found.gradients["A"]], 2 * np.diag(np.diag(a)))


def test_a_gather_scatters():
    tensors = [Tensor("T", (4,), "parameter"), Tensor("c", (3,), "label", bound=4), Tensor("s", ())]
    body = Access("T", Access("c", i)) ** 2
    program, found = gradient(tensors, [Statement("s", (), body, "sum", (i,))], ["T"])
    got = evaluate(program, {"T": np.array([1.0, 2, 3, 4]), "c": np.array([1, 3, 1])})
    np.testing.assert_allclose(got[found.gradients["T"]], [0, 8, 0, 8])


def test_a_parameter_without_influence_has_gradient_zero():
    tensors = [Tensor("w", (), "parameter"), Tensor("v", (3,), "parameter"), Tensor("s", ())]
    program, found = gradient(tensors, [Statement("s", (), sp.sin(Access("w")))], ["w", "v"])
    got = evaluate(program, {"w": 1.0, "v": np.ones(3)})
    np.testing.assert_array_equal(got[found.gradients["v"]], np.zeros(3))


def test_adjoints_carry_the_names_of_textbooks():
    text = program_text(derive(sb.mlp((2, 3, 1), activation="sigmoid")).backward_program)
    assert "delta1[i] = " in text
    assert "dE/dW1[i, j] = delta1[i]*x[j]" in text
    assert "exp" not in text.split("delta1")[1]


def test_names_in_use_are_not_taken():
    x, y, E = sp.symbols("x y E", real=True)
    odd = sp.Symbol("dE/dx", real=True)
    net = sb.Network([sp.Eq(odd, x**2), sp.Eq(E, odd * y)], inputs=[y], parameters=[x], loss=E)
    derivation = derive(net)
    assert_gradients(derivation, {"x": np.array(1.5), "y": np.array(0.5)})


def test_a_name_that_merely_begins_with_z_is_no_preactivation():
    x, zeta, z1, loss = sp.symbols("x zeta z1 E")
    w = sp.Symbol("w")
    equations = [sp.Eq(zeta, w * x), sp.Eq(z1, zeta**2), sp.Eq(loss, sp.sin(z1))]
    derivation = derive(sb.Network(equations, inputs=[x], parameters=[w], loss=loss))
    assert derivation.adjoints["zeta"] == "dE/dzeta"
    assert derivation.adjoints["z1"] == "delta1"


def test_words_that_begin_like_an_activation_are_none():
    x, hid, h2, y = sb.vector("x", 2), sb.vector("hid", 3), sb.vector("h2", 3), sb.vector("y", 3)
    U, V, c, loss = sb.matrix("U", 3, 2), sb.matrix("V", 3, 3), sb.vector("c", 3), sp.Symbol("E")
    equations = [
        sp.Eq(hid, sb.tanh(U * x + c)),
        sp.Eq(h2, sb.tanh(V * hid)),
        sp.Eq(loss, sb.squared_error(h2, y)),
    ]
    derivation = derive(sb.Network(equations, inputs=[x, y], parameters=[U, V, c], loss=loss))
    names = {str(equation.lhs) for equation in derivation.backward}
    assert {"delta_hid", "delta2"} <= names


def two(second):
    """1/z, and another function of z, both of which the loss reads."""
    z = Access("z", i)
    tensors = [Tensor("z", (3,), "parameter"), Tensor("a", (3,)), Tensor("b", (3,)), Tensor("E", ())]
    statements = (
        Statement("a", (i,), 1 / z),
        Statement("b", (i,), second(z)),
        Statement("E", (), Access("a", i) * Access("b", i), "sum", (i,)),
    )
    return Program({t.name: t for t in tensors}, statements, ("E",))


def test_derivatives_that_may_share_operations_can_be_kept():
    def local(program, **options):
        adjoints = differentiate(program, "E", ["z"], **options)
        return adjoints.shared, {s.target: s.body for s in adjoints.statements}["dE/dz"]

    z, a, b = Access("z", i), Access("a", i), Access("b", i)
    shared, body = local(two(lambda z: z**-2))
    assert shared
    assert b * a**2 in sp.preorder_traversal(-body) or a**2 in sp.preorder_traversal(body)
    shared, body = local(two(lambda z: z**-2), shorter=False)
    assert not shared
    assert z**-2 in sp.preorder_traversal(body)
    # Nothing else evaluates 1/z^2.
    shared, body = local(two(lambda z: z + 1))
    assert not shared
    assert local(two(lambda z: z + 1), shorter=False) == (shared, body)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_sweep_with_what_the_first_found_is_one_by_itself(name, monkeypatch):
    network = CATALOGUE[name].network()
    if network.loss is None:
        pytest.skip("nothing to differentiate")
    seen = []
    monkeypatch.setattr(pipeline, "differentiate", lambda *args: seen.append(args) or differentiate(*args))
    derive(network)
    forward, loss, names, lossy, *_ = seen[0]
    first = differentiate(forward, loss, names, lossy)
    found, alone = (Ledger(), first), (Ledger(), None)
    second, other = (
        differentiate(forward, loss, names, lossy, *(ledger, False, before))
        for ledger, before in (found, alone)
    )
    assert second.statements == other.statements
    assert second.tensors == other.tensors
    assert (second.names, second.gradients, second.slopes) == (other.names, other.gradients, other.slopes)
    assert found[0].steps == alone[0].steps


def test_it_looks_again_only_at_derivatives_that_it_may_not_rewrite(monkeypatch):
    x, y = sp.symbols("x y")
    a, b, c, E = sp.symbols("a b c E")
    net = sb.Network(
        [sp.Eq(a, 1 / x), sp.Eq(b, 1 / x**2), sp.Eq(c, sp.tanh(y)), sp.Eq(E, a * b * c)],
        parameters=[x, y], loss=E, batch=False,
    )  # fmt: skip
    asked = []
    module = sys.modules[differentiate.__module__]
    monkeypatch.setattr(module, "partials", lambda *args: asked.append(args[0]) or partials(*args))
    derivation = derive(net)
    program = derivation.forward_program
    first = differentiate(program, "E", ["x", "y"])
    optional = [s.body for s in reversed(program.statements) if first.visits[s.target].optional]
    assert 0 < len(optional) < len(asked)
    asked.clear()
    differentiate(program, "E", ["x", "y"], True, None, False, first)
    assert asked == optional
