import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import evaluate
from symbp.network import Network
from symbp.passes.lower import lower
from symbp.passes.simplify.exponentials import shift_exponentials
from symbp.pipeline import derive
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
