import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Access, evaluate
from symbp.ir.evaluate import evaluate_body
from symbp.network import Network
from symbp.passes.lower import lower
from symbp.passes.stabilise import _stable, shift_exponentials
from symbp.pipeline import derive
from tests.catalogue import CATALOGUE, NAMES
from tests.passes.stages import assert_pass_keeps_meaning

x = Access("x")
k = nn.index("k", 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("work", ["shift_exponentials", "stable_forms"])
def test_meaning_is_kept(name, work):
    assert_pass_keeps_meaning(name, work)


@pytest.mark.parametrize("name", ["dense_softmax", "loss_softmax_cross_entropy", "attention", "log_sum_exp"])
def test_a_maximum_is_subtracted(name):
    forward = CATALOGUE[name].derivation.forward
    assert any(s.reduce == "max" for s in forward.statements)
    values = CATALOGUE[name].values(forward)
    values = {n: 400 * v if CATALOGUE[name].network().parameters else v for n, v in values.items()}
    got = evaluate(CATALOGUE[name].derivation.backward, values)
    assert all(np.all(np.isfinite(got[n])) for n in CATALOGUE[name].derivation.backward.outputs)


def test_an_exponential_sum_with_another_use_is_left_alone():
    v, E = nn.indexed("v", 3), nn.scalar("E")
    net = Network([sp.Eq(E, sp.Sum(sp.exp(v[k]), (k, 0, 2)) ** 2)], parameters=[v], loss=E)
    before = lower(net)
    assert shift_exponentials(before) == before


def test_a_requested_sum_is_left_alone():
    v, s, E = nn.indexed("v", 3), nn.scalar("s"), nn.scalar("E")
    net = Network([sp.Eq(s, sp.Sum(sp.exp(v[k]), (k, 0, 2))), sp.Eq(E, sp.log(s))], parameters=[v], loss=E)
    forward = derive(net).forward
    assert float(evaluate(forward, {"v": np.zeros(3)})["s"]) == pytest.approx(3)


def test_softplus_is_finite_everywhere():
    body = _stable(sp.log(1 + sp.exp(x)))
    v = np.array([-800.0, -1, 0, 1, 800])
    np.testing.assert_allclose(evaluate_body(body, {"x": v}), np.logaddexp(0, v), rtol=1e-14)
    assert _stable(body) == body
