"""Kernels on several threads: the same numbers, from many callers, in children, and beside failures."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from benchmarks.structures import STRUCTURES
from symbp.machine.gate import BUSY, FAILED
from symbp.runtime import threads as module
from symbp.runtime.crew import Crew, crew
from symbp.runtime.threads import CREDITS, KEPT, OF_SAMPLES, Shared, Together, thread_count


def data(samples, inputs, outputs, dtype):
    random = np.random.default_rng(samples)
    y = np.eye(outputs)[random.integers(0, outputs, samples)].astype(dtype)
    return {"x": random.normal(size=(samples, inputs)).astype(dtype), "y": y}


def share_everything(monkeypatch):
    for limit in ("WORTH", "SHARED", "SAMPLES"):
        monkeypatch.setattr(module, limit, 1)
    never_rest(monkeypatch)


def never_rest(monkeypatch):
    monkeypatch.setattr(Shared, "_rest", property(lambda self: 0, lambda self, value: None), raising=False)


def models(net, **options):
    return [sb.compile(net, threads=n, **options) for n in (1, 2, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_numbers_do_not_depend_on_the_threads(dtype, monkeypatch):
    share_everything(monkeypatch)
    net = sb.mlp([13, 40, 24, 5], activation="tanh", loss="softmax_cross_entropy")
    one, *more = models(net, dtype=dtype, cache=False)
    theta = one.init(seed=0)
    for samples in (1, 31, 33, 256, 300, 700):
        given = data(samples, 13, 5, dtype)
        want = one._gradient_kernel().run(theta, list(given.values()), samples, one._layout)
        for model in more:
            results, gradient = model._gradient_kernel().run(
                theta, list(given.values()), samples, one._layout
            )
            assert results[0] == want[0][0]
            np.testing.assert_array_equal(gradient, want[1])


@pytest.mark.parametrize("make", STRUCTURES.values(), ids=[*STRUCTURES])
def test_the_numbers_of_products_in_loops_do_not_depend_on_the_threads(make, monkeypatch):
    share_everything(monkeypatch)
    made = make()
    one, *more = models(made.network, dtype="float32", cache=False)
    theta = one.pack(made.parameters)
    for samples in (1, 5, 6, 12, 33):
        given = [np.resize(rows, (samples, *rows.shape[1:])).astype("f4") for rows in made.data.values()]
        want = one._gradient_kernel().run(theta, given, samples, one._layout)
        for model in more:
            for _ in range(3):
                found = model._gradient_kernel().run(theta, given, samples, one._layout)
                assert found[0][0] == want[0][0]
                np.testing.assert_array_equal(found[1], want[1])


@pytest.mark.parametrize("sizes", [(300, 500, 450, 5), (784, 128, 10)], ids=str)
@pytest.mark.parametrize("spoiled", [False, True])
def test_the_numbers_of_large_products_do_not_depend_on_the_threads(sizes, spoiled, monkeypatch):
    """Those in the matrix unit too, also beside numbers that are too large for it."""
    share_everything(monkeypatch)
    net = sb.mlp(sizes, activation="relu", loss="softmax_cross_entropy")
    one, *more = models(net, dtype="float32", cache=False)
    theta = one.init(seed=0)
    for samples in (1, 31, 127, 128, 255, 300, 700):
        given = data(samples, sizes[0], sizes[-1], "float32")
        if spoiled:
            given["x"][samples // 2, 5], given["x"][samples // 3, 7] = 1e20, np.nan
        want = one._gradient_kernel().run(theta, list(given.values()), samples, one._layout)
        for model in more:
            results, gradient = model._gradient_kernel().run(
                theta, list(given.values()), samples, one._layout
            )
            np.testing.assert_array_equal(results[0], want[0][0])
            np.testing.assert_array_equal(gradient, want[1])


def many_parameters():
    """Loops over more arrays than have names of their own."""
    x, y, E = sb.scalar("x"), sb.scalar("y"), sp.Symbol("E")
    weights = [sb.scalar(f"w{k}") for k in range(30)]
    series = sum(w * sp.sin((k + 1) * x) for k, w in enumerate(weights))
    return sb.Network([sp.Eq(E, (series - y) ** 2)], inputs=[x, y], parameters=weights, loss=E)


@pytest.mark.parametrize("net", [many_parameters(), sb.mlp([1] + [3] * 16 + [1])], ids=["arrays", "layers"])
def test_kernels_that_are_not_cut(net, monkeypatch):
    share_everything(monkeypatch)
    one, two, _ = models(net, cache=False)
    theta = one.init(seed=0)
    shape = (300,) if net.name != "mlp" else (300, 1)
    x, y = np.linspace(-1, 1, 300).reshape(shape), np.linspace(0, 1, 300).reshape(shape)
    want = one.value_and_grad(theta, x=x, y=y)
    for _ in range(5):
        found = two.value_and_grad(theta, x=x, y=y)
        assert found[0] == want[0]
        np.testing.assert_array_equal(found[1], want[1])


@pytest.fixture(scope="module")
def model():
    return sb.compile(sb.mlp([32, 128, 128, 4], activation="tanh"), dtype="float32", threads=2)


@pytest.fixture(scope="module")
def expected(model):
    given = data(512, 32, 4, "float32")
    theta = model.init(seed=0)
    alone = model.value_and_grad(theta, **given)  # the first call rests
    model.value_and_grad(theta, **given)
    return theta, given, alone


def test_large_calls_are_shared(model, expected):
    assert model._gradient_kernel().call._together is not None
    assert any(t.name == "symbp" for t in threading.enumerate())


def test_many_callers_at_once(model, expected):
    theta, given, (loss, gradient) = expected
    wrong = []

    def call():
        for _ in range(10):
            found = model.value_and_grad(theta, **given)
            if found[0] != loss or not np.array_equal(found[1], gradient):
                wrong.append(found)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_computes(model, expected):
    theta, given, (loss, gradient) = expected
    child = os.fork()
    if child == 0:
        found = model.value_and_grad(theta, **given)
        os._exit(0 if found[0] == loss and np.array_equal(found[1], gradient) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_failures_to_load_are_told(monkeypatch):
    never_rest(monkeypatch)

    def fails():
        raise MemoryError

    shared = Shared(lambda: None, 10**9, np.dtype(float), fails, 2)
    for _ in range(2):
        with pytest.raises(MemoryError):
            shared(module.SAMPLES, ())
    assert not crew().gate[BUSY]


def test_what_cannot_be_shared_runs_alone(monkeypatch):
    never_rest(monkeypatch)
    calls, asked = [], []
    shared = Shared(calls.append, 10**9, np.dtype(float), lambda: asked.append(1), 2)
    for k in range(3):
        shared(module.SAMPLES, (k,))
    assert calls == [0, 1, 2]
    assert asked == [1]


class Kernel:
    """Stands for machine code that threads share: notes what it is given."""

    address = 7

    def __init__(self, result=True):
        self.given, self.result = [], result

    def __call__(self, gate, helpers, *arguments):
        self.given.append(arguments)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def plain(monkeypatch):
    """Kernels that are no machine code have no short way."""
    monkeypatch.setattr(module, "Often", lambda *a: lambda: None)
    never_rest(monkeypatch)


def test_who_comes_while_the_crew_is_taken_computes_alone(plain):
    calls = []
    together = Together(Kernel(None), 0, ())
    shared = Shared(lambda *a: calls.append(a), 10**9, np.dtype(float), lambda: together, 2)
    assert shared(module.SAMPLES, (1, 2)) is False
    assert together.function.given == calls == [(1, 2)]


@pytest.mark.parametrize("in_range", [True, False])
def test_whether_all_was_in_range_is_told(in_range, plain):
    shared = Shared(None, 10**9, np.dtype(float), lambda: Together(Kernel(in_range), 0, ()), 2)
    assert shared(module.SAMPLES, ()) is in_range


def test_small_calls_stay_on_the_callers_thread():
    calls = []
    shared = Shared(lambda *a: calls.append(a), 1, np.dtype(float), lambda: pytest.fail("shared"), 2)
    shared(1000, ())
    assert calls == [()]


def test_small_kernels_are_shared_where_they_follow_each_other(monkeypatch):
    calls = []

    class Both:
        fewest = 1

        def run(self, helpers, samples, arguments, dtype, threads):
            calls.append(threads)
            return True, None

    never_rest(monkeypatch)
    shared = Shared(lambda *a: calls.append("alone"), module.HEAVY - 1, np.dtype(float), Both, 2)
    quiet = Crew()
    quiet.last = -1e9
    monkeypatch.setattr(module, "crew", lambda: quiet)
    monkeypatch.setattr(module, "LATELY", 1e6)
    for _ in range(3):
        shared(module.SAMPLES - 1, ())
    shared.work = 1 + module.SHARED // module.SAMPLES
    monkeypatch.setattr(module, "perf_counter", lambda: 0.0)
    shared(module.SAMPLES, ())
    shared(module.SAMPLES, ())
    assert calls == ["alone"] * 4 + [2]


def test_few_samples_are_shared_where_threads_take_columns():
    work, real = module.SHARED, np.dtype(float)
    assert Shared(None, work, real, object, 2, columns=True).fewest_shared == 1
    assert Shared(None, work // 4, real, object, 2, columns=True).fewest_shared == 4
    light = module.HEAVY - 1
    assert Shared(None, light, real, object, 2).fewest_shared == module.SAMPLES


def test_few_samples_are_shared_where_each_is_heavy():
    work, real = module.SHARED, np.dtype(float)
    assert Shared(None, work, real, object, 2).fewest_shared == 2
    assert Shared(None, module.HEAVY, real, object, 2).fewest_shared == module.SHARED / module.HEAVY


def learning():
    shared = Shared(lambda: None, 1, np.dtype(float), lambda: None, 2)
    assert shared._rest == 1  # nothing to compare with
    shared._learn(1.0, False, True)
    assert shared._rest == 0
    return shared


def test_kernels_that_are_slower_together_rest():
    shared, rests = learning(), []
    for _ in range(9):
        calls = 0
        while not shared._rest:
            shared._learn(2.0, True, True)
            calls += 1
        assert 1 < calls < 4  # one may be chance
        rests.append(shared._rest)
        while shared._rest:
            shared._learn(1.0, False, True)
    assert rests == [1, 3, 7, 15, 31, 63, 64, 64, 64]


def test_few_calls_that_take_very_long_count():
    """Another process has taken the processor of a helper, now and then."""
    shared, together, alone = learning(), 0, 0
    for k in range(2000):
        if shared._rest:
            shared._learn(1.0, False, True)
            alone += 1
        else:
            shared._learn(15.0 if k % 11 == 0 else 0.6, True, True)
            together += 1
            assert not shared._credits or shared._mean < module.BETTER
    assert alone > together


def test_calls_that_wake_helpers_do_not_count():
    shared = learning()
    for _ in range(50):
        shared._learn(9.0, True, False)
        assert shared._rest == 0


def test_calls_are_granted_where_sharing_pays():
    shared = learning()
    assert not shared._credits
    for _ in range(30):
        shared._learn(0.5, True, True)
    assert shared._credits == module.MOST_CREDITS
    shared._learn(20.0, True, True)
    assert shared._rest == 1
    assert not shared._credits


def test_shared_kernels_are_compared_again_once_in_a_while():
    shared, rests = learning(), []
    for _ in range(2 * module.LONGEST_REST):
        shared._learn(0.5, True, True)
        rests.append(shared._rest)
        shared._rest = 0
    assert sum(rests) == 2 * module.COMPARED


def test_a_workspace_is_kept_for_the_next_call(plain):
    together = Together(Kernel(), 100, (3,))
    for samples in (10, 10, 20):
        together.run(crew(), samples, (), np.dtype(float), 2)
    (work, rows), (work_2, rows_2), (_, rows_3) = together.function.given
    assert work is work_2
    assert rows is rows_2
    assert (len(rows), len(rows_3)) == (30, 60)
    large = Together(Kernel(), module.KEPT_BYTES // 8 + 1, ())
    for _ in range(2):
        assert large.run(crew(), 10, (), np.dtype(float), 2) == (True, None)
    assert large.function.given[0][0] is not large.function.given[1][0]


def test_a_workspace_is_not_kept_where_a_kernel_fails(plain):
    """A helper may write into it later."""
    together = Together(Kernel(MemoryError()), 100, ())
    for _ in range(2):
        with pytest.raises(MemoryError):
            together.run(crew(), 10, (), np.dtype(float), 2)
    assert together.function.given[0][0] is not together.function.given[1][0]


def test_one_piece_of_work_is_not_shared(plain, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(module, "Often", lambda *a: lambda: None)
    monkeypatch.setattr(module, "LATELY", 1e9)
    crew().last = time.perf_counter()
    calls, together = [], Together(Kernel(), 0, (), 100)
    shared = Shared(lambda: calls.append(1), 10**9, np.dtype(float), lambda: together, 2)
    shared._rest = 0
    shared(99, ())
    assert (len(calls), together.function.given) == (1, [])
    assert shared.ready[CREDITS] == 2 - module.LONGEST_REST  # the next ones neither, and not asked each time
    shared._rest = 0
    shared(100, ())
    assert (len(calls), len(together.function.given)) == (1, 1)


def test_buffers_in_use_are_not_given_to_another_call(plain):
    together, inner = Together(Kernel(), 100, ()), []

    def runs(gate, helpers, *arguments):
        if not inner:
            inner.append(arguments[0])
            together.run(crew(), 10, (), np.dtype(float), 2)
            inner.append(together._kept[0])
        return True

    together.function = runs
    runs.address = 7
    together.run(crew(), 10, (), np.dtype(float), 2)
    assert inner[0] is not inner[1]


def test_a_grant_keeps_its_buffers(plain):
    shared = Shared(None, 10**9, np.dtype(float), lambda: Together(Kernel(), 100, ()), 2)
    shared._alone_seconds, shared._mean = 1e9, 0.0
    shared(module.SAMPLES, ())
    assert shared.ready[CREDITS] == module.MOST_CREDITS
    assert shared.ready[OF_SAMPLES] == module.SAMPLES
    alive = shared._granted[0]
    assert shared.ready[KEPT] == id(alive)
    assert alive[0] is shared._together._kept[0]
    shared(module.SAMPLES, ())
    assert shared._granted[0] is alive
    shared(module.SAMPLES + 1, ())
    assert shared.ready[OF_SAMPLES] == module.SAMPLES + 1


def test_calls_that_rest_are_granted_too(monkeypatch):
    monkeypatch.setattr(module, "Often", lambda *a: lambda: None)
    calls = []
    shared = Shared(lambda: calls.append(1), 10**9, np.dtype(float), lambda: Together(Kernel(), 0, ()), 2)
    shared._rest = 9
    monkeypatch.setattr(module, "LATELY", 1e9)
    crew().last = time.perf_counter()
    shared(module.SAMPLES, ())
    assert calls == [1]
    # The last of the eight that are left is timed.
    assert (shared.ready[CREDITS], shared.ready[OF_SAMPLES], shared._rest) == (-7, module.SAMPLES, 1)


def test_granted_calls_are_those_of_the_long_way(monkeypatch):
    """Equal bits from calls that are shared or left alone without Python, and of other sizes between them."""
    monkeypatch.setattr(module, "MOST_CREDITS", 3)
    never_rest(monkeypatch)
    monkeypatch.setattr(module, "WORTH", 1)
    net = sb.mlp([8, 64, 64, 3], activation="tanh", loss="mean_squared_error")
    one, two = (sb.compile(net, dtype="float32", threads=n) for n in (1, 2))
    theta = one.init(seed=1)
    cases = [data(n, 8, 3, "float32") for n in (256, 200)]
    want = [(one.value_and_grad(theta, **c), one.forward(theta, x=c["x"])) for c in cases]
    shared = [two._gradient_kernel().call, two._forward_kernel(tuple(want[0][1])).call]
    seen = set()
    for k in range(400):
        for call in shared:
            call._mean = 0.5
            if k % 7 == 0:
                call.ready[CREDITS] = -abs(call.ready[CREDITS])
            seen.add(int(np.sign(call.ready[CREDITS])))
        for case, (gradient, outputs) in zip(cases, want, strict=True):
            if k % 50 and case is cases[1]:
                continue
            found = two.value_and_grad(theta, **case)
            assert found[0] == gradient[0]
            np.testing.assert_array_equal(found[1], gradient[1])
            for name, value in two.forward(theta, x=case["x"]).items():
                np.testing.assert_array_equal(value, outputs[name])
    assert seen == {-1, 0, 1}


def test_after_a_failure_there_is_another_crew(monkeypatch):
    first = crew()
    first.gate[FAILED] = 1
    assert crew() is not first
    assert crew() is crew()


def test_what_users_write():
    assert thread_count(3) == 3
    assert thread_count(None) >= 1
    for wrong in (0, -1, True, 1.5, "two"):
        with pytest.raises(sb.DataError, match="threads is"):
            thread_count(wrong)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_is_forked_while_another_thread_writes_a_grant(model, expected):
    """It does not wait for that thread, which it does not have."""
    theta, given, (loss, gradient) = expected
    call = model._gradient_kernel().call
    with call._writes:
        child = os.fork()
        if child == 0:
            found = [model.value_and_grad(theta, **given) for _ in range(20)]
            well = all(f[0] == loss and np.array_equal(f[1], gradient) for f in found)
            os._exit(0 if well else 1)
    end = time.monotonic() + 60
    while (found := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
        time.sleep(0.01)
    if not found[0]:
        os.kill(child, 9)
    assert found == (child, 0)
