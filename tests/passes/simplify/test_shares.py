"""log(1 - p) where p is a share of a whole: right where p rounds to 1, value and gradient."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.ir import evaluate
from symbp.passes.lower import lower
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.logarithms import expand_logarithms

e, log = sp.exp, sp.log
i, j, k = sp.symbols("i j k", integer=True)
N = 3
FAR = [
    [0.0, 1.0, 2.0],
    [40.0, 0.0, 0.5],
    [0.0, 0.0, 800.0],
    [1e4, 1.0, 2.0],
    [1.0, 1.0, -800.0],
    [5.0, 5.0, 5.0],
]


def softmax_in_an_equation():
    z, y, p = nn.vector("z", N), nn.vector("y", N), nn.vector("p", N)
    equations = [sp.Eq(p, nn.softmax(z)), sp.Eq(nn.scalar("E"), nn.binary_cross_entropy(p, y))]
    return sb.Network(equations, inputs=[y], parameters=[z], loss=nn.scalar("E"))


def everything_in_one_equation():
    z, y = nn.indexed("z", N), nn.indexed("y", N)
    p = e(z[i]) / sp.Sum(e(z[k]), (k, 0, N - 1))
    loss = -sp.Sum(y[i] * log(p) + (1 - y[i]) * log(1 - p), (i, 0, N - 1))
    return sb.Network([sp.Eq(nn.scalar("E"), loss)], inputs=[y], parameters=[z], loss=nn.scalar("E"))


def shifted_by_hand():
    z, y, p, u = (nn.indexed(n, N) for n in "zypu")
    equations = [
        sp.Eq(u[i], z[i] - sp.Max(*(z[k] for k in range(N)))),
        sp.Eq(p[i], e(u[i]) / sp.Sum(e(u[k]), (k, 0, N - 1))),
        sp.Eq(nn.scalar("E"), -sp.Sum(y[i] * log(p[i]) + (1 - y[i]) * log(1 - p[i]), (i, 0, N - 1))),
    ]
    return sb.Network(equations, inputs=[y], parameters=[z], loss=nn.scalar("E"))


NETWORKS = [softmax_in_an_equation, everything_in_one_equation, shifted_by_hand]


def truth(logits, targets):
    """Loss and gradient of the logits, to 60 digits where nothing cancels."""
    with mpmath.workdps(60):
        w = [mpmath.exp(mpmath.mpf(v)) for v in logits]
        s = sum(w)
        p = [v / s for v in w]
        left = [sum(v for n, v in enumerate(w) if n != m) / s for m in range(N)]
        loss = -sum(
            t * mpmath.log(a) + (1 - t) * mpmath.log(b) for t, a, b in zip(targets, p, left, strict=True)
        )
        slopes = [(1 - t) / b - t / a for t, a, b in zip(targets, p, left, strict=True)]
        gradient = [
            sum(slopes[m] * p[m] * (left[m] if m == n else -p[n]) for m in range(N)) for n in range(N)
        ]
        return float(loss), [float(g) for g in gradient]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("network", NETWORKS)
def test_binary_cross_entropy_of_a_softmax(network, dtype):
    model = sb.compile(network(), cache=False, dtype=dtype)
    close = 8 * float(np.finfo(dtype).eps)
    for logits in FAR:
        for targets in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]):
            loss, gradient = model.value_and_grad(np.array(logits, dtype), y=np.array([targets], dtype))
            right, slopes = truth(logits, targets)
            assert loss == pytest.approx(right, rel=close, abs=close)
            np.testing.assert_allclose(
                gradient, slopes, rtol=close, atol=close, err_msg=f"{logits} {targets}"
            )


def test_a_masked_entry_leaves_nothing():
    """Of one share that is 1, 1 - p is 0; a target of 1 makes that count for nothing."""
    z, y, mask, p = (nn.vector(n, N) for n in ("z", "y", "mask", "p"))
    equations = [sp.Eq(p, nn.softmax(z + mask)), sp.Eq(nn.scalar("E"), nn.binary_cross_entropy(p, y))]
    net = sb.Network(equations, inputs=[y, mask], parameters=[z], loss=nn.scalar("E"))
    model = sb.compile(net, cache=False)
    masked, zeros = np.array([[0.0, -np.inf, -np.inf]]), np.zeros(N)
    loss, gradient = model.value_and_grad(zeros, y=np.array([[1.0, 0.0, 0.0]]), mask=masked)
    assert loss == 0
    np.testing.assert_array_equal(gradient, 0)
    loss, _ = model.value_and_grad(zeros, y=np.array([[0.0, 0.0, 0.0]]), mask=masked)
    assert loss == np.inf


def test_rows_of_a_matrix():
    z, p = nn.indexed("z", 2, N), nn.indexed("p", 2, N)
    E = nn.scalar("E")
    net = sb.Network(
        [
            sp.Eq(p[j, i], e(z[j, i]) / sp.Sum(e(z[j, k]), (k, 0, N - 1))),
            sp.Eq(E, -sp.Sum(log(1 - p[j, i]), (i, 0, N - 1), (j, 0, 1))),
        ],
        parameters=[z],
        loss=E,
        batch=False,
    )
    model = sb.compile(net, cache=False)
    rows = [[40.0, 0.0, 0.5], [0.0, 1.0, 900.0]]
    loss, gradient = model.value_and_grad(np.array(rows).ravel())
    found = [truth(row, [0.0, 0.0, 0.0]) for row in rows]
    assert loss == pytest.approx(sum(v for v, _ in found), rel=1e-14)
    np.testing.assert_allclose(gradient, [g for _, row in found for g in row], rtol=1e-14, atol=1e-15)


def weighed(weight):
    """log(1 - p) of shares of weights that are no exponentials by themselves."""
    z, p = nn.indexed("z", N), nn.indexed("p", N)
    w = nn.indexed("w", N)
    E = nn.scalar("E")
    equations = [
        sp.Eq(w[i], weight(z[i])),
        sp.Eq(p[i], w[i] / sp.Sum(w[k], (k, 0, N - 1))),
        sp.Eq(E, sp.Sum(log(1 - p[i]), (i, 0, N - 1))),
    ]
    return sb.Network(equations, parameters=[z], loss=E, batch=False)


def test_weights_that_are_sums():
    model = sb.compile(weighed(lambda t: e(t) + e(2 * t)), cache=False)
    with mpmath.workdps(60):
        w = [mpmath.exp(mpmath.mpf(v)) + mpmath.exp(2 * mpmath.mpf(v)) for v in (50, 1, 2)]
        right = float(
            sum(mpmath.log((sum(w) - v) / sum(w)) for v in w[1:]) + mpmath.log((w[1] + w[2]) / sum(w))
        )
    assert model.value_and_grad(np.array([50.0, 1.0, 2.0]))[0] == pytest.approx(right, rel=1e-14)


def test_weights_of_either_sign_are_left_alone():
    """The others may cancel, and a share may be above 3/4 while another is."""
    program = lower(weighed(lambda t: t - 1))
    assert [s.target for s in expand_logarithms(program).statements] == [s.target for s in program.statements]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_logarithm_is_the_same(network):
    ledger = Ledger()
    program = lower(network())
    after = expand_logarithms(program, ledger)
    assert any("3/4" in str(step.after) and step.verified for step in ledger.steps)
    targets = np.array([0.2, 0.5, 0.3])
    for logits in ([0.3, -1.0, 2.0], [3.0, -1.0, 0.2], [1.0, 1.0, 1.0]):
        values = {"z": np.array(logits), "y": targets}
        before, now = (float(evaluate(x, values)["E"]) for x in (program, after))
        assert now == pytest.approx(before, rel=1e-13)
