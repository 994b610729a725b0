"""The benchmarks run, compare what they time, and measure what they say."""

import json
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from scipy import special

import symbp as sb
from benchmarks import contest, functions
from benchmarks.__main__ import main
from benchmarks.children import ChildFailed, child
from benchmarks.measure import Budget, Disagreement, Timing, _repeats, agree, exponent, interleaved
from benchmarks.multiply_add import MultiplyAdds
from benchmarks.peers import contender
from benchmarks.records import LEAST, Record, Run, best_peer, ours
from benchmarks.scalar.models import curved_mixture, kinetics, mixture, pendulum, rosenbrock
from benchmarks.scalar.peers import make
from benchmarks.structures import STRUCTURES
from benchmarks.workloads import WORKLOADS, Workload

SHORT = Budget(rounds=4, stretch=1e-5)


def test_one_workload_from_the_command_line(tmp_path, capsys):
    assert main(["--quick", "--only", "M1", "--json", str(tmp_path / "run.json")]) == 0
    assert "M1 2-16-16-1 N=1" in capsys.readouterr().out
    found = json.loads((tmp_path / "run.json").read_text())
    timed = {r["peer"] for r in found["records"] if r["section"] == "value and gradient" and r["timing"]}
    assert {"symbp", "numpy"} <= timed
    assert found["peak"] > 0


def test_names_that_are_none_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "M7"])
    assert "M7" in capsys.readouterr().err


def test_functions_are_timed_as_modules_carry_them(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["functions.py", "--size", "64", "--repeats", "1", "tanh"])
    functions.main()
    assert "tanh" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["functions.py", "nothing"])
    with pytest.raises(SystemExit):
        functions.main()
    assert "there are exp" in capsys.readouterr().err


def test_rounds_are_interleaved_and_take_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "abc"}
    timings = interleaved(calls, Budget(rounds=3, stretch=0.0, pause=0.0))
    # Four calls each to find the number of repeats; then in each round one to warm up and one that counts.
    assert "".join(order) == "aaaabbbbcccc" + "aabbcc" + "bbccaa" + "ccaabb"
    assert all(t.rounds == 3 for t in timings.values())


def test_times_are_those_of_the_calls():
    timings = interleaved({"slow": lambda: time.sleep(0.01), "fast": lambda: None}, SHORT)
    assert timings["slow"].median >= 0.01
    assert timings["fast"].median < 0.01


def test_a_call_that_compiles_does_not_decide_how_many_are_timed():
    calls = []

    def call():
        calls.append(None)
        time.sleep(0.02 if len(calls) == 3 else 0.0)

    assert _repeats(call, 0.02) > 10


def test_median_and_quartiles():
    timing = Timing.of([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (timing.low, timing.median, timing.high) == (2.0, 3.0, 4.0)
    assert timing.spread == pytest.approx(2 / 3)


@pytest.mark.parametrize("wrong", [np.array([1.0, 2.1]), np.array([1.0, np.nan]), np.array([1.0])])
def test_disagreement(wrong):
    agree("same", np.array([1.0, 2.0 + 1e-6]), np.array([1.0, 2.0]), 1e-6)
    with pytest.raises(Disagreement, match="peer"):
        agree("peer", wrong, np.array([1.0, 2.0]), 1e-3)


def test_exponents_are_fitted_to_the_larger_sizes():
    sizes = [1, 10, 100, 1000, 10_000, 100_000]
    assert exponent(sizes, [5 if n < 100 else n**1.5 for n in sizes]) == pytest.approx(1.5)


def test_who_fails_disagrees_or_is_absent_is_not_timed():
    def fails():
        raise ValueError("no")

    value = np.ones(2)
    makers = {
        "symbp": lambda: (lambda: None, lambda: (1.0, value)),
        "equal": lambda: (lambda: None, lambda: (1.0, value)),
        "other": lambda: (lambda: None, lambda: (1.0, 2 * value)),
        "broken": fails,
        "missing": lambda: "absent (it)",
        "silent": lambda: None,
    }
    run = Run({})
    contest.contest(run, "section", "subject", makers, SHORT, 1e-6, {"FLOP/s": 10.0})
    notes = {r.peer: r.note for r in run.records}
    assert list(notes) == ["symbp", "equal", "other", "broken", "missing"]
    assert [r.peer for r in run.records if r.timing] == ["symbp", "equal"]
    assert notes["other"].startswith("FAILED: Disagreement")
    assert notes["broken"] == "FAILED: ValueError: no"
    assert [r.peer for r in run.records if r.failed] == ["other", "broken"]


def test_what_operations_take_at_least_is_timed_with_the_contenders(monkeypatch):
    least = MultiplyAdds(turns=1000)
    called = []

    def timed(calls, budget):
        called.extend(call() for call in calls.values())
        return {name: Timing.of([4.0]) for name in calls}

    monkeypatch.setattr(contest, "interleaved", timed)
    run, makers = Run({}), {"symbp": lambda: (lambda: None, lambda: 1.0)}
    contest.contest(run, "section", "subject", makers, SHORT, 1e-6, {"FLOP/s": least.operations / 4}, least)
    assert len(called) == 2
    assert {r.peer: r.timing.median for r in run.records} == {"symbp": 4.0, LEAST: 1.0}


def test_the_best_peer_is_not_symbp():
    timings = {"symbp": 1.0, "symbp, bound": 0.5, LEAST: 0.1, "jax": 3.0, "numpy": 2.0}
    records = [Record("s", "x", p, Timing.of([t])) for p, t in timings.items()]
    records.append(Record("s", "x", "torch", note="absent (torch)"))
    assert best_peer(records).peer == "numpy"
    assert ours(records).peer == "symbp"
    assert best_peer(records[:3]) is None


@pytest.mark.parametrize("model", [pendulum(1), mixture(2), kinetics(6, 5)], ids=lambda m: m.name)
@pytest.mark.parametrize("samples", [1, 3])
def test_a_bound_call_gives_what_the_call_gives(model, samples):
    points = model.points(samples)
    (_, called), (_, bound) = (make(peer, model, points) for peer in ("symbp", "symbp, bound"))
    np.testing.assert_array_equal(bound(), called())


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_are_written_twice(name):
    """As equations, and for arrays of a batch."""

    def convolve(x, k):
        windows = np.lib.stride_tricks.sliding_window_view(x, k.shape[2:], axis=(2, 3))
        return np.einsum("ndijpq,cdpq->ncij", windows, k)

    functions = SimpleNamespace(
        tanh=np.tanh,
        relu=lambda x: np.maximum(x, 0),
        softmax=partial(special.softmax, axis=-1),
        log_softmax=partial(special.log_softmax, axis=-1),
        convolve=convolve,
        pool=lambda x: np.maximum.reduce([x[:, :, u::2, v::2] for u in (0, 1) for v in (0, 1)]),
    )
    made = STRUCTURES[name](samples=3)
    value, _ = sb.compile(made.network).value_and_grad(
        sb.compile(made.network).pack(made.parameters), data=made.data
    )
    assert value == pytest.approx(float(made.loss(functions, made.parameters, made.data)), rel=1e-4)


def test_structures_are_timed(capsys):
    assert main(["--quick", "--only", "recurrence"]) == 0
    assert "recurrence 16 steps 8-32 N=64" in capsys.readouterr().out


def test_a_missing_library_is_absent(monkeypatch):
    def missing(_):
        raise ImportError(name="numpy")

    monkeypatch.setattr("benchmarks.peers.numpy_.gradient", missing)
    assert contender("numpy", "gradient", WORKLOADS[0]) == "absent (numpy)"
    assert contender("numpy", "epoch", None) is None


def test_operations_of_value_and_gradient():
    first = WORKLOADS[0]
    layers = 2 * 16 + 16 * 16 + 16 * 1
    assert first.flops == 6 * layers - 2 * 2 * 16
    assert first.with_samples(10).flops == 10 * first.flops
    assert first.forward_flops == 2 * layers


def test_scalar_models_are_what_they_say():
    chain = pendulum(1)  # a single pendulum: u' = -g sin(q), the angle measured from below
    (acceleration,) = chain.expressions
    q, u = chain.arguments
    assert float(acceleration.subs({q: 0.3, u: 0.7})) == pytest.approx(-9.81 * np.sin(0.3))
    blend = mixture(1)
    at = dict(zip(blend.arguments, [0.4, 0.2, 0.1, 0.9], strict=True))
    density = np.exp(-(((0.9 - 0.2) / np.exp(0.1)) ** 2) / 2) / (np.exp(0.1) * np.sqrt(2 * np.pi))
    assert float(blend.expressions[0].subs(at)) == pytest.approx(np.log(density))
    small = kinetics(6, 5)
    assert sum(small.expressions).expand() == 0  # mass is conserved
    valley = rosenbrock(3)
    assert valley.expressions[0].subs(dict.fromkeys(valley.arguments, 1)) == 0
    assert len(valley.formulas) == 9
    assert curved_mixture(1).expressions == blend.expressions


@pytest.mark.parametrize("peer", ["symbp", "symbp, bound", "lambdify+Numba"])
def test_second_derivatives_of_scalar_models(peer):
    model = curved_mixture(1)
    points = model.points(4)
    right = sp.lambdify(model.arguments, model.formulas)
    found = make(peer, model, points)[1]()
    np.testing.assert_allclose(found, [right(*point) for point in points.T], rtol=1e-9, atol=1e-12)


def test_products_with_the_hessian():
    workload = Workload("small", (3, 5, 4, 2), 7, "tanh", "softmax_cross_entropy")
    found = contender("symbp", "product", workload)[1]()
    model = sb.compile(workload.network)
    theta, vector = (
        model.pack({f"{n}{k}": a for k, pair in enumerate(pairs, 1) for n, a in zip("Wb", pair, strict=True)})
        for pairs in (workload.parameters, workload.direction)
    )
    x, y = workload.data
    up, down = (model.value_and_grad(theta + h * vector, x=x, y=y)[1] for h in (1e-5, -1e-5))
    np.testing.assert_allclose(found, (up - down) / 2e-5, rtol=1e-3, atol=1e-5)


def test_fresh_processes(tmp_path):
    (tmp_path / "work_of_a_child.py").write_text(
        "import sys, time, json\n"
        "if sys.argv[1] == 'import': import no_such_library\n"
        "if sys.argv[1] == 'fail': raise ValueError('no')\n"
        "if sys.argv[1] == 'hang': time.sleep(60)\n"
        "print('words'); print(json.dumps({'now': time.time()}))\n"
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    assert child("work_of_a_child", "go", environment=environment)["spawned"] > 0
    with pytest.raises(ImportError, match="no_such_library"):
        child("work_of_a_child", "import", environment=environment)
    with pytest.raises(ChildFailed, match="ValueError: no"):
        child("work_of_a_child", "fail", environment=environment)
    with pytest.raises(ChildFailed, match="not done"):
        child("work_of_a_child", "hang", environment=environment, limit=1.0)
