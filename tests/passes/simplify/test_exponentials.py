import functools
import itertools

import mpmath
import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import Program, Tensor, evaluate
from symbp.ir.evaluate import evaluate_body
from symbp.ir.walk import accesses
from symbp.network import Network
from symbp.passes.lower import lower
from symbp.passes.simplify.exponentials import RULE, shift_exponentials
from symbp.pipeline import derive, forward_kernel, gradient_kernel
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
        maxima = [a for a in accesses(s.body) if a.name.startswith("m_")]
        assert not maxima or s.target in program.outputs


def test_log_softmax_of_huge_entries():
    v, w = nn.vector("v", 3), nn.vector("w", 3)
    network = Network([sp.Eq(w, nn.log_softmax(v))], parameters=[v], batch=False)
    kernel = forward_kernel(derive(network), ("w",))
    got = evaluate(kernel.program, {"v": np.array([1e30, 1e30, 0.0])})["w"]
    np.testing.assert_allclose(got, [-np.log(2), -np.log(2), -1e30])


# Models of sums over an index, compared with the formula in multiprecision arithmetic.

v, w, q, T, c = nn.indexed("v", 4), nn.indexed("w", 4), nn.indexed("q", 4), sp.Symbol("T"), sp.Symbol("c")
i, j = nn.index("i", 4), nn.index("j", 4)
e, log = sp.exp, sp.log
inf, nan = np.inf, np.nan


def S(body, over=i):
    return sp.Sum(body, (over, 0, 3))


def masked(k):
    return sp.Piecewise((e(v[k]), w[k] > 0), (0, True))


MODELS = {
    "log-sum-exp": log(S(e(v[i]))),
    "log(1 + sum)": log(1 + S(e(v[i]))),
    "log(2 + 3 sum)": log(2 + 3 * S(e(v[i]))),
    "log(3 + square)": log(3 + S(e(v[i])) ** 2),
    "log(3 + square of signed terms)": log(3 + S(e(v[i]) * sp.tanh(w[i] - 2)) ** 2),
    "log of another exponential and the sum": log(e(c) + S(e(v[i]))),
    "sum/(1 + sum)": S(e(v[i])) / (1 + S(e(v[i]))),
    "exp/(1 + sum)": e(v[1]) / (1 + S(e(v[i]))),
    "1/(1 + sum)": 1 / (1 + S(e(v[i]))),
    "weighted log-sum-exp": log(S(w[i] * e(v[i]))),
    "weighted softmax": w[1] * e(v[1]) / S(w[i] * e(v[i])),
    "weighted mean of a weighted softmax": S(q[i] * w[i] * e(v[i])) / S(w[i] * e(v[i])),
    "mean of a softmax": S(q[i] * e(v[i])) / S(e(v[i])),
    "log-sum-exp with a choice": log(S(masked(i))),
    "softmax with a choice": masked(1) / S(masked(i)),
    "temperature": log(S(e(v[i] / T))),
    "softmax at a temperature": e(v[0] / T) / S(e(v[i] / T)),
    "base 2": log(S(2 ** v[i]), 2),
    "softmax in base 2": 2 ** v[1] / S(2 ** v[i]),
    "log(1 + sum) in base 2": log(1 + S(2 ** v[i]), 2),
    "two sums": S(e(v[i])) / (S(e(v[i])) + S(e(q[j]), j)),
    "cross-entropy in one equation": -S(q[i] * log(e(v[i]) / S(e(v[j]), j))),
}
POINTS = [
    [1000, -1000, 999, 0],
    [-1000, -999, -1001, -1000],
    [1000, -1000, -999, -1000],
    [-999, 1000, -1001, -1000],
    [1000, 1001, 999.5, 1000],
    [1, 2, -0.5, 0.3],
    [-50, -60, -55, -51],
]
WEIGHTS = [[1, 1, 1, 1], [0, 1, 1, 0.5], [0.25, 0, 3, 1]]


@functools.cache
def compiled(name):
    """The model's parameters, and value and gradient as a function of their values."""
    formula = MODELS[name]
    parameters = [p for p in (v, w, q, T, c) if formula.has(p)]
    E = nn.scalar("E")
    derivation = derive(Network([sp.Eq(E, formula)], parameters=parameters, loss=E, batch=False))
    kernel = gradient_kernel(derivation)
    gradients = [derivation.gradients[str(getattr(p, "label", p))] for p in parameters]

    def function(values):
        got = evaluate(kernel.program, {str(getattr(p, "label", p)): x for p, x in values.items()})
        return float(got["E"]), {p: got[g] for p, g in zip(parameters, gradients, strict=True)}

    return parameters, function


@functools.cache
def in_multiprecision(name):
    """Value and derivatives as a function of all numbers of the parameters, in their order."""
    parameters, _ = compiled(name)
    entries = {p: [p] if p in (T, c) else [p[k] for k in range(4)] for p in parameters}
    names = {x: sp.Symbol(f"x{n}") for n, x in enumerate(itertools.chain(*entries.values()))}
    whole = MODELS[name].doit().subs(names)
    return sp.lambdify(list(names.values()), [whole, *(whole.diff(x) for x in names.values())], "mpmath")


@pytest.mark.parametrize("name", MODELS)
def test_values_and_gradients_at_a_thousand(name):
    parameters, function = compiled(name)
    for at, weight in itertools.product(POINTS, WEIGHTS if w in parameters else WEIGHTS[:1]):
        values = {v: at, w: weight, q: [0.3, -1.5, 2.0, 999.0], T: 0.5, c: 1001.0}
        values = {p: np.array(values[p], float) for p in parameters}
        with mpmath.workdps(1200):
            numbers = [mpmath.mpf(x) for p in parameters for x in np.ravel(values[p])]
            truth = [float(x) for x in in_multiprecision(name)(*numbers)]
        value, slopes = function(values)
        got = [value, *np.concatenate([np.ravel(slopes[p]) for p in parameters])]
        # The slope by T, the last parameter, is a difference of terms as large as v/T^2.
        rounding = [1e-290] * len(got)
        rounding[-1] = np.finfo(float).eps * 1001 / 0.5**2 if parameters[-1] == T else rounding[-1]
        for x, right, least in zip(got, truth, rounding, strict=True):
            # The slope by a weight of 0 may be as large as exp(2000).
            if np.isfinite(right):
                assert x == pytest.approx(right, rel=1e-12, abs=least), (at, weight)


@pytest.mark.parametrize("name", ["log-sum-exp", "weighted log-sum-exp", "base 2", "temperature"])
def test_infinite_entries(name):
    """The answers of jax.nn.logsumexp, and 0 where an entry is masked."""
    parameters, function = compiled(name)
    values = {v: [-inf, 1, 2, -inf], w: [1, 1, 1, 1], T: 1.0}
    values = {p: np.array(values[p], float) for p in parameters}
    value, slopes = function(values)
    p = 1 / (1 + (2 if name == "base 2" else np.e))
    assert value == pytest.approx(np.log2(6) if name == "base 2" else 2 - np.log(1 - p))
    np.testing.assert_allclose(slopes[v], [0, p, 1 - p, 0], rtol=1e-14)
    assert function(values | {v: np.full(4, -inf)})[0] == -inf
    assert function(values | {v: np.array([1.0, inf, 0.0, -inf])})[0] == inf
    assert np.isnan(function(values | {v: np.array([1.0, nan, 0.0, -inf])})[0])


def test_infinite_entries_beside_a_constant():
    _, function = compiled("log(1 + sum)")
    value, slopes = function({v: np.full(4, -inf)})
    assert value == 0
    np.testing.assert_array_equal(slopes[v], 0)
    assert function({v: np.array([1.0, inf, 0.0, -inf])})[0] == inf


def test_an_infinite_exponent_does_not_lose_its_weight():
    """What is inf/inf is nan, not 0, though the sum below the line makes a factor of 0."""
    _, function = compiled("weighted log-sum-exp")
    values = {v: np.array([inf, 1.0, 2.0, 3.0])}
    value, slopes = function(values | {w: np.ones(4)})
    assert value == inf
    assert np.isnan(slopes[v][0])
    value, slopes = function(values | {w: np.array([0.0, 1, 1, 1])})
    assert value == pytest.approx(3 + np.log(1 + np.exp(-1) + np.exp(-2)))
    assert slopes[v][0] == 0


def test_sums_with_a_name_of_their_own():
    """s is kept where it is asked for; p and E do not go through it."""
    x, s, p, E = nn.indexed("x", 4), nn.scalar("s"), nn.indexed("p", 4), nn.scalar("E")
    equations = [
        sp.Eq(s, S(e(x[i]))),
        sp.Eq(p[i], e(x[i]) / s),
        sp.Eq(E, -log(p[1])),
    ]
    derivation = derive(Network(equations, parameters=[x], loss=E, batch=False))
    got = evaluate(gradient_kernel(derivation).program, {"x": np.array([1000.0, -1000.0, 0.0, 1.0])})
    assert float(got["E"]) == 2000
    np.testing.assert_array_equal(got["dE/dx"], [1, -1, 0, 0])
    got = evaluate(derivation.forward_program, {"x": np.zeros(4)})
    assert float(got["s"]) == 4
    np.testing.assert_array_equal(got["p"], [0.25] * 4)


def test_the_maximum_of_rows_is_one_for_all_that_is_summed_with_the_same_exponents():
    k = nn.index("k", 4)
    A, B, u = nn.indexed("A", 4, 4), nn.indexed("B", 4, 4), nn.indexed("u", 4, 4)
    body = S(e(A[i, j]) * B[j, k], j) / S(e(A[i, j]), j)
    net = Network([sp.Eq(u[i, k], body)], inputs=[A], parameters=[B], batch=False)
    program = shift_exponentials(lower(net))
    (maximum,) = [s for s in program.statements if s.reduce == "max"]
    assert len(maximum.indices) == 1
    values = {"A": 1000 * np.eye(4), "B": np.arange(16.0).reshape(4, 4)}
    np.testing.assert_allclose(evaluate(program, values)["u"], values["B"], rtol=1e-14)


def test_one_maximum_in_two_bases():
    """max(0, v) is subtracted from exponents of e and of 2: the same sum is another one then."""
    s = S(e(v[i]) * w[i])
    body = log(1 + 2 * S(e(v[i]))) + log(1 + s + S(e(v[i]))) + (1 + S(e(v[i]))) / (1 + S(2 ** v[i]))
    E = nn.scalar("E")
    before = lower(Network([sp.Eq(E, body)], inputs=[w], parameters=[v], loss=E, batch=False))
    values = {"v": np.array([0.3, -1.2, 0.8, 0.1]), "w": np.array([1.5, 0.4, 2.1, 1.0])}
    now = float(evaluate(shift_exponentials(before), values)["E"])
    assert now == pytest.approx(float(evaluate(before, values)["E"]), rel=1e-14)


@pytest.mark.parametrize(
    "name", ["log-sum-exp", "softmax at a temperature", "log(1 + sum) in base 2", "two sums"]
)
def test_the_ledger_tells_it(name):
    """What was there before, with its sums, has the value of what is there now."""
    parameters, _ = compiled(name)
    E = nn.scalar("E")
    network = Network([sp.Eq(E, MODELS[name])], parameters=parameters, loss=E, batch=False)
    derivation = derive(network)
    steps = [s for s in derivation.ledger if s.rule == RULE]
    assert steps
    values = {v: [0.5, -1, 2, 0], w: [1, 2, 3, 4], q: [0.3, -1.5, 2.0, 1.0], T: 0.7, c: 0.2}
    given = {str(getattr(p, "label", p)): np.array(values[p], float) for p in parameters}
    now = evaluate(derivation.forward_program, given)
    for step in steps:
        sums = {
            a: evaluate_sum(s, a, given)
            for s in step.sums
            for a in accesses(step.before)
            if a.name == s.target
        }
        assert sums
        known = {
            a.name: now[a.name] for part in (step.before, step.after) for a in accesses(part) if a.name in now
        }
        before = evaluate_body(step.before, given | known | {a.name: x for a, x in sums.items()})
        after = evaluate_body(step.after, given | known)
        np.testing.assert_allclose(before, after, rtol=1e-13)
    assert "sum(" in str(derivation.ledger)


def evaluate_sum(s, access, given):
    assert not access.indices
    return evaluate(Program({**tensors_of(given), s.target: Tensor(s.target, ())}, (s,), (s.target,)), given)[
        s.target
    ]


def tensors_of(given):
    return {n: Tensor(n, np.shape(x), "parameter") for n, x in given.items()}


@pytest.mark.parametrize("name", ["mean of a softmax", "weighted mean of a weighted softmax"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_softmax_of_nothing_is_0(name, dtype):
    parameters, _ = compiled(name)
    derivation = derive(
        Network(
            [sp.Eq(nn.scalar("E"), MODELS[name])], parameters=parameters, loss=nn.scalar("E"), batch=False
        )
    )
    program = gradient_kernel(derivation).program
    at = {"v": np.array([1000, -1000, 0, 1.0]), "q": np.array([3, 1, 2, 4.0]), "w": np.zeros(4)}
    if w not in parameters:
        at["v"] = np.full(4, -inf)
    got = evaluate(program, {str(p.label): at[str(p.label)] for p in parameters}, dtype)
    assert got["E"] == 0
    np.testing.assert_array_equal(got[derivation.gradients["v"]], np.zeros(4))
    np.testing.assert_array_equal(got[derivation.gradients["q"]], np.zeros(4))


def test_gates_are_no_sums_of_exponentials():
    """1/(1 + s^2) of a weighted sum of e^z/(1 + e^z), which cannot overflow: there is nothing to subtract."""
    x, v, W, E = nn.vector("x", 2), nn.vector("v", 2), nn.matrix("W", 3, 2), nn.scalar("E")
    gate = nn.elementwise(lambda t: sp.exp(t) / (1 + sp.exp(t)), x)
    out = nn.elementwise(lambda t: 1 / (1 + t**2), W * sp.HadamardProduct(gate, v))
    d = derive(Network([sp.Eq(E, nn.total(out))], inputs=[x, v], parameters=[W], loss=E))
    assert not any(step.rule == RULE for step in d.rewrites)


def test_conditions_are_read_as_they_stand():
    """p > 1/4 with its formula instead of p would be inf/inf, and no branch would hold."""
    z, w, p, E = (nn.indexed("z", 2), nn.indexed("w", 2), nn.indexed("p", 2), nn.scalar("E"))
    i, j = sp.symbols("i j", integer=True)
    equations = [
        sp.Eq(w[i], sp.exp(z[i]) + sp.exp(2 * z[i])),
        sp.Eq(p[i], w[i] / sp.Sum(w[j], (j, 0, 1))),
        sp.Eq(E, sp.Sum(sp.Piecewise((sp.log(p[i]), p[i] > sp.Rational(1, 4)), (0, True)), (i, 0, 1))),
    ]
    net = Network(equations, parameters=[z], loss=E, batch=False)
    got = evaluate(gradient_kernel(derive(net)).program, {"z": np.array([1000.0, 999.5])})
    assert float(got["E"]) == pytest.approx(float(-2 * np.log1p(np.exp(-1)) - 1), rel=1e-14)
    np.testing.assert_allclose(got["dE/dz"], [-2 * np.tanh(0.5), 2 * np.tanh(0.5)], rtol=1e-14)
