import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import evaluate
from symbp.ir.walk import accesses
from symbp.network import Network
from symbp.passes.lower import lower
from symbp.passes.simplify.exponentials import shift_exponentials
from symbp.pipeline import derive, forward_kernel
from tests.catalogue import CATALOGUE, NAMES
from tests.passes.stages import assert_pass_keeps_meaning

k = nn.index("k", 3)


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "shift_exponentials")


@pytest.mark.parametrize("name", ["dense_softmax", "loss_softmax_cross_entropy", "attention", "log_sum_exp"])
def test_a_maximum_is_subtracted(name):
    forward = CATALOGUE[name].derivation.forward_program
    assert any(s.reduce == "max" for s in forward.statements)
    values = CATALOGUE[name].values(forward)
    values = {n: 400 * v if CATALOGUE[name].network().parameters else v for n, v in values.items()}
    got = evaluate(CATALOGUE[name].derivation.backward_program, values)
    assert all(np.all(np.isfinite(got[n])) for n in CATALOGUE[name].derivation.backward_program.outputs)


def test_an_exponential_sum_with_another_use_is_left_alone():
    v, E = nn.indexed("v", 3), nn.scalar("E")
    net = Network([sp.Eq(E, sp.Sum(sp.exp(v[k]), (k, 0, 2)) ** 2)], parameters=[v], loss=E)
    before = lower(net)
    assert shift_exponentials(before) == before


def test_a_requested_sum_is_left_alone():
    v, s, E = nn.indexed("v", 3), nn.scalar("s"), nn.scalar("E")
    net = Network([sp.Eq(s, sp.Sum(sp.exp(v[k]), (k, 0, 2))), sp.Eq(E, sp.log(s))], parameters=[v], loss=E)
    forward = derive(net).forward_program
    assert float(evaluate(forward, {"v": np.zeros(3)})["s"]) == pytest.approx(3)


def test_the_maximum_is_added_where_digits_remain():
    """log(sum) is stored alone: next to a maximum of 1e30 it would be rounded away."""
    v, u, w = nn.vector("v", 3), nn.scalar("u"), nn.vector("w", 3)
    equations = [sp.Eq(w, nn.log_softmax(v)), sp.Eq(u, nn.total(w))]
    program = shift_exponentials(lower(Network(equations, parameters=[v], batch=False)))
    stored = [s for s in program.statements if s.body.has(sp.log)]
    assert stored
    for s in stored:
        maxima = [a for a in accesses(s.body) if a.name.startswith("max_")]
        assert not maxima or s.target in program.outputs


def test_log_softmax_of_huge_entries():
    v, w = nn.vector("v", 3), nn.vector("w", 3)
    network = Network([sp.Eq(w, nn.log_softmax(v))], parameters=[v], batch=False)
    kernel = forward_kernel(derive(network), ("w",))
    got = evaluate(kernel.program, {"v": np.array([1e30, 1e30, 0.0])})["w"]
    np.testing.assert_allclose(got, [-np.log(2), -np.log(2), -1e30])
