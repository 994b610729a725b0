"""Threads, forks, processes and extreme values, end to end."""

import json
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import pipeline
from symbp.runtime import cache
from symbp.runtime.model import Model

TOP = Path(sb.__file__).parents[1]
X = np.linspace(-2, 2, 12).reshape(4, 3)
Y = np.linspace(-1, 1, 8).reshape(4, 2)


@pytest.fixture(autouse=True)
def cache_dir(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("SYMBP_CACHE_DIR", str(folder))
    cache.clear_memory()
    yield folder
    cache.clear_memory()


def network(n=3, m=2):
    x, y, a = sb.vector("x", n), sb.vector("y", m), sb.vector("a", m)
    W, b, E = sb.matrix("W", m, n), sb.vector("b", m), sp.Symbol("E")
    equations = [sp.Eq(a, sb.tanh(W * x + b)), sp.Eq(E, sb.squared_error(a, y))]
    return sb.Network(equations, inputs=[x, y], parameters=[W, b], loss=E)


def by_numpy(theta, x, y):
    """Loss and gradient as one would write them."""
    W, b = theta[:6].reshape(2, 3), theta[6:]
    with np.errstate(all="ignore"):
        a = np.tanh(x @ W.T + b)
        delta = (a - y) * (1 - a * a) / len(x)
        slopes = np.concatenate([(delta.T @ x).ravel(), delta.sum(0)])
        return 0.5 * np.sum((a - y) ** 2) / len(x), slopes


# ---- threads


def in_threads(work, count=8):
    """Run `work` in so many threads at once; what they raised."""
    ready, raised = threading.Barrier(count), []

    def run(k):
        ready.wait()
        try:
            work(k)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return raised


def test_first_calls_race_to_compile(monkeypatch):
    derived, derive = [], pipeline.derive
    monkeypatch.setattr(pipeline, "derive", lambda *a, **k: derived.append(1) or derive(*a, **k))
    n, m = sp.symbols("n m", integer=True, positive=True)
    model = sb.compile(network(n, m), dtype="float64")
    theta = np.linspace(-1, 1, 8)
    want = by_numpy(theta, X, Y)
    found = []

    def work(k):
        if k % 2:
            found.append(model.value_and_grad(theta, x=X, y=Y))
        else:
            found.append((model.value(theta, x=X, y=Y), want[1]))

    assert in_threads(work) == []
    assert len(derived) == 1
    assert len(found) == 8
    for loss, gradient in found:
        assert loss == pytest.approx(want[0], rel=1e-14)
        np.testing.assert_allclose(gradient, want[1], rtol=1e-12)


def test_threads_compile_different_models_at_once():
    x = sp.Symbol("x")
    values = {}

    def work(k):
        values[k] = sb.compile(sp.sin(x) + k)(1.0)

    assert in_threads(work) == []
    assert values == {k: pytest.approx(np.sin(1.0) + k) for k in range(8)}


# ---- forks


def in_child(work):
    """Exit code of a forked child that runs `work`."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_calls_and_compilation_after_a_fork():
    model = sb.compile(network(), cache=False)
    theta = model.init(0)
    want = model.value_and_grad(theta, x=X, y=Y)

    def work():
        loss, gradient = model.value_and_grad(theta, x=X, y=Y)
        assert loss == want[0]
        assert np.array_equal(gradient, want[1])
        assert model.forward(theta, x=X)["a"].shape == (4, 2)
        assert sb.compile(sp.Symbol("q") ** 2, cache=False)(3.0) == 9.0

    assert in_child(work) == 0
    work()


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_while_another_thread_compiles():
    started = threading.Event()

    def compile_in_thread():
        started.set()
        sb.compile(network(), cache=False)

    thread = threading.Thread(target=compile_in_thread)
    thread.start()
    started.wait()
    code = in_child(lambda: sb.compile(sp.Symbol("q") ** 3, cache=False)(2.0))
    thread.join()
    assert code == 0


# ---- processes

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
sys.path[:0] = {paths!r}
import numpy as np
import symbp as sb
from tests.test_reliability import X, Y, network
{before}
model = sb.compile(network())
theta = np.linspace(-1, 1, 8)
loss, gradient = model.value_and_grad(theta, x=X, y=Y)
print(json.dumps([loss, *gradient, *model.forward(theta, x=X)["a"].ravel()]))
"""

NOTHING_IS_MADE = """
from numba.core import dispatcher
from symbp import pipeline
from symbp.runtime import kernels

def made(*_, **__):
    raise AssertionError("derived or compiled again")

pipeline.derive = kernels.emit = dispatcher._FunctionCompiler.compile = made
"""


def process(before=""):
    text = PROGRAM.format(paths=[str(TOP)], before=before)
    return subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
    )


def result(running):
    output, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors.decode()
    return json.loads(output)


def test_eight_processes_compile_the_same_models_and_a_ninth_makes_nothing(cache_dir):
    found = [result(p) for p in [process() for _ in range(8)]]
    theta = np.linspace(-1, 1, 8)
    loss, gradient = by_numpy(theta, X, Y)
    a = np.tanh(X @ theta[:6].reshape(2, 3).T + theta[6:])
    np.testing.assert_allclose(found[0], [loss, *gradient, *a.ravel()], rtol=1e-12)
    assert found == [found[0]] * 8
    assert len(list(cache_dir.iterdir())) == 2
    assert result(process(NOTHING_IS_MADE)) == found[0]


def test_the_counter_of_what_is_made_counts():
    failed = process(NOTHING_IS_MADE)
    _, errors = failed.communicate(timeout=300)
    assert failed.returncode
    assert b"derived or compiled again" in errors


# ---- the cache


def test_models_that_differ_in_a_constant_never_share_a_kernel():
    x = sp.Symbol("x")
    constants = [2.0, 2.0 + 2**-51, -2.0, 0.2, 20.0]
    for _ in range(2):
        values = [sb.compile(sp.Float(c) * x)(1.0) for c in constants]
        assert values == constants
        cache.clear_memory()


def test_kernels_of_other_options_are_other_kernels():
    x = sp.Symbol("x")
    net = sb.Network([sp.Eq(sp.Symbol("E"), x**2)], inputs=[x], loss=sp.Symbol("E"))
    data = np.array([1.0, 3.0])
    for _ in range(2):
        assert sb.compile(net).value(x=data) == 5
        assert sb.compile(net, reduction="sum").value(x=data) == 10
        assert sb.compile(net, batch=False).value(x=3.0) == 9
        assert sb.compile(net, dtype="float32").value(x=data) == 5
        cache.clear_memory()


def test_without_a_cache_nothing_is_written(cache_dir):
    sb.compile(network(), cache=False).value_and_grad(np.zeros(8), x=X, y=Y)
    assert not cache_dir.exists()
    sb.compile(network()).value_and_grad(np.zeros(8), x=X, y=Y)
    assert len(list(cache_dir.iterdir())) == 1


@pytest.mark.parametrize("where", ["no folder", "read-only"])
def test_a_cache_that_cannot_be_written_is_done_without(where, tmp_path, monkeypatch):
    if where == "no folder":
        folder = Path("/proc/self/symbp") if os.path.isdir("/proc/self") else tmp_path / "file" / "below"
        (tmp_path / "file").write_text("")
    else:
        folder = tmp_path / "sealed"
        folder.mkdir(mode=0o500)
        if os.access(folder, os.W_OK):  # nothing is read-only to the superuser
            write = Path.write_bytes
            sealed = PermissionError(13, "Permission denied")

            def refuse(path, *args):
                if folder in path.parents:
                    raise sealed
                return write(path, *args)

            monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setenv("SYMBP_CACHE_DIR", str(folder))
    with pytest.warns(sb.CacheWarning, match="not kept on disk") as caught:
        model = sb.compile(network())
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss, _ = model.value_and_grad(np.zeros(8), x=X, y=Y)
    assert loss == pytest.approx(by_numpy(np.zeros(8), X, Y)[0])
    assert not folder.is_dir() or list(folder.iterdir()) == []


# ---- values


EXTREME = [0.0, -0.0, 1000.0, -1000.0, 1e300, -1e300, 5e-324, -5e-324, 1e-310, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("value", EXTREME)
@pytest.mark.parametrize("place", ["x", "y", "W", "b"])
def test_extreme_values_come_out_as_from_numpy(place, value, extreme):
    theta, x, y = np.linspace(-1, 1, 8), X.copy(), Y.copy()
    target = {"x": x, "y": y, "W": theta[:6].reshape(2, 3), "b": theta[6:, None]}[place]
    target[1, 0] = value
    loss, gradient = extreme.value_and_grad(theta, x=x, y=y)
    want, slopes = by_numpy(theta, x, y)
    np.testing.assert_allclose(loss, want, rtol=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-300)


@pytest.fixture(scope="module")
def extreme():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Model(network(), cache=False)


def test_one_sample_and_none(extreme):
    theta = np.linspace(-1, 1, 8)
    for k in range(4):
        loss, gradient = extreme.value_and_grad(theta, x=X[k : k + 1], y=Y[k : k + 1])
        want, slopes = by_numpy(theta, X[k : k + 1], Y[k : k + 1])
        assert loss == pytest.approx(want, rel=1e-13)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-12)
    for call in (extreme.value_and_grad, extreme.value, extreme.forward):
        with pytest.raises(sb.DataError, match="no samples"):
            call(theta, x=X[:0], y=Y[:0])


def test_single_precision_data_in_a_double_precision_model(extreme):
    theta = np.linspace(-1, 1, 8)
    want = extreme.value_and_grad(theta.astype("f4").astype("f8"), x=X.astype("f4").astype("f8"), y=Y)
    loss, gradient = extreme.value_and_grad(theta.astype("f4"), x=X.astype("f4"), y=Y)
    assert loss == want[0]
    assert np.array_equal(gradient, want[1])
