"""A maximum that is subtracted by hand is not differentiated through."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.network import Network
from symbp.passes.lower import lower
from symbp.passes.simplify.common_exponents import RULE, without_common_exponents
from symbp.passes.simplify.exponentials import shift_exponentials

N = 4
w, p, e = (sb.indexed(name, N) for name in "wpe")
y = sb.one_hot("y", N)
m, s, E = sp.symbols("m s E")
i, j = sb.index("i", N), sb.index("j", N)


def S(body, over=j):
    return sp.Sum(body, (over, 0, N - 1))


TOP = sp.Eq(m, sp.Max(*(w[k] for k in range(N))))
LOSS = sp.Eq(E, -S(y[i, 0] * sp.log(p[i]), i))
WHOLE = [TOP, sp.Eq(p[i], sp.exp(w[i] - m) / S(sp.exp(w[j] - m))), LOSS]
NAMED = [TOP, sp.Eq(e[i], sp.exp(w[i] - m)), sp.Eq(s, S(e[j])), sp.Eq(p[i], e[i] / s), LOSS]
FIRST = [sp.Eq(p[i], sp.exp(w[i] - w[0]) / S(sp.exp(w[j] - w[0]))), LOSS]


def network(equations):
    return Network(equations, inputs=[y], parameters=[w], loss=E)


@pytest.mark.parametrize("equations", [WHOLE, NAMED, FIRST])
def test_the_gradient_is_p_minus_y(equations):
    text = str(sb.derive(network(equations)))
    assert "Backward\n  dE/dw = p - y\n" in text
    assert "if w[" not in text


def test_the_maximum_that_the_user_wrote_is_the_one_that_is_subtracted():
    text = str(sb.derive(network(NAMED)))
    assert "Forward\n  m = max(w)\n  e = exp(w - m)\n  s = sum(e)\n  p = e/s\n" in text
    assert "_all" not in text


@pytest.mark.parametrize("equations", [WHOLE, NAMED, FIRST])
def test_the_values_are_kept_and_finite(equations):
    before = lower(network(equations))
    after = shift_exponentials(before)
    values = {"w": np.array([0.3, -1.0, 2.0, 0.1]), "y": np.eye(N)[2]}
    for name in before.outputs:
        np.testing.assert_allclose(evaluate(after, values)[name], evaluate(before, values)[name], rtol=1e-13)
    values["w"] = np.array([1000.0, -1000.0, 999.0, 0.0])
    assert np.all(np.isfinite(evaluate(after, values)["p"]))


def test_a_factor_that_does_not_cancel_stays():
    c = sp.Symbol("c")
    for loss in (sp.log(S(sp.exp(w[j] + c))), S(sp.exp(w[j] - m)) ** 2 + m):
        net = Network([TOP, sp.Eq(E, loss)], inputs=[c], parameters=[w], loss=E)
        assert without_common_exponents(lower(net)) is None


def test_a_maximum_with_another_use_is_differentiated_there():
    net = network([*WHOLE[:2], sp.Eq(E, -S(y[i, 0] * sp.log(p[i]), i) + m**2)])
    model = sb.compile(net, cache=False)
    theta = np.array([0.3, -1.0, 2.0, 0.1])
    _, gradient = model.value_and_grad(theta, y=np.eye(N)[:1])
    probabilities = np.exp(theta) / np.exp(theta).sum()
    np.testing.assert_allclose(gradient, probabilities - np.eye(N)[0] + [0, 0, 2 * 2.0, 0], rtol=1e-12)


def test_the_ledger_tells_it():
    (step, *_) = [step for step in sb.derive(network(WHOLE)).ledger if step.rule == RULE]
    assert step.target == "p"
    text = " ".join(str(sb.derive(network(WHOLE)).ledger).split())
    assert "before exp(w - m)/sum(exp(w - m)) after exp(w)/sum(exp(w))" in text
    assert "before log(exp(w - m)/sum(exp(w - m))) after w - log(sum(exp(w - m))) - m" in text
