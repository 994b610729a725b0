"""Kernels on several threads: the same numbers, from many callers, in children, and beside failures."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.runtime import threads as module
from symbp.runtime.threads import Shared, thread_count


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


def test_sleeping_threads_keep_no_arrays():
    array = np.zeros(3)
    kept = weakref.ref(array)
    # Both threads must come, or the meeting is broken.
    module._Crew().run(lambda _, meeting, *rest: meeting.wait(60), (array, threading.Barrier(2)), 2)
    del array
    for _ in range(200):
        gc.collect()
        if kept() is None:
            break
        time.sleep(0.05)
    assert kept() is None


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


def test_failures_free_the_crew(monkeypatch):
    never_rest(monkeypatch)

    def fails():
        raise MemoryError

    shared = Shared(lambda: None, 10**9, np.dtype(float), fails, 2)
    for _ in range(2):
        with pytest.raises(MemoryError):
            shared(module.SAMPLES, ())
    assert not module._crew.taken.locked()


def test_who_comes_while_the_crew_is_taken_computes_alone(monkeypatch):
    never_rest(monkeypatch)

    calls = []
    shared = Shared(lambda *a: calls.append(a), 10**9, np.dtype(float), lambda: pytest.fail("shared"), 2)
    with module._crew.taken:
        shared(module.SAMPLES, (1, 2))
    assert calls == [(1, 2)]


def test_small_calls_stay_on_the_callers_thread():
    calls = []
    shared = Shared(lambda *a: calls.append(a), 1, np.dtype(float), lambda: pytest.fail("shared"), 2)
    shared(1000, ())
    assert calls == [()]


def test_small_kernels_are_shared_where_they_follow_each_other(monkeypatch):
    calls = []

    class Both:
        def run(self, samples, arguments, dtype, threads):
            calls.append(threads)

    never_rest(monkeypatch)
    shared = Shared(lambda *a: calls.append("alone"), module.SHARED, np.dtype(float), Both, 2)
    monkeypatch.setattr(module._crew, "last", -1e9)
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
    assert Shared(None, work, real, object, 2).fewest_shared == module.SAMPLES


def learning():
    shared = Shared(lambda: None, 1, np.dtype(float), lambda: None, 2)
    assert shared._rest == 1  # nothing to compare with
    shared._learn(1.0, False, True)
    assert shared._rest == 0
    return shared


def test_kernels_that_are_slower_together_rest():
    shared, rests = learning(), []
    for _ in range(9):
        for _ in range(module.MOST_LATE + 1):
            assert shared._rest == 0
            shared._learn(2.0, True, True)
        rests.append(shared._rest)
        while shared._rest:
            shared._learn(1.0, False, True)
    assert rests == [1, 3, 7, 15, 31, 63, 64, 64, 64]


def test_calls_that_wake_helpers_or_are_late_by_chance_do_not_count():
    shared = learning()
    for soon, seconds in (
        (False, 9.0),
        (False, 9.0),
        (False, 9.0),
        (True, 9.0),
        (True, 9.0),
        (True, 0.5),
    ) * 2:
        shared._learn(seconds, True, soon)
        assert shared._rest == 0


def test_shared_kernels_are_compared_again_once_in_a_while():
    shared, rests = learning(), []
    for _ in range(2 * module.LONGEST_REST):
        shared._learn(0.5, True, True)
        rests.append(shared._rest)
        shared._rest = 0
    assert sum(rests) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_buffers_begin_at_a_cache_line(dtype):
    for entries in (1, 7, 1000, 100_001):
        array = module._aligned(entries, np.dtype(dtype))
        assert len(array) == entries
        assert array.ctypes.data % module.CACHE_LINE == 0


def test_a_workspace_is_kept_for_the_next_call(monkeypatch):
    given = []
    monkeypatch.setattr(module._crew, "run", lambda function, arguments, threads: given.append(arguments))
    together = module.Together(None, 100, (3,))
    for _ in range(2):
        together.run(10, (), np.dtype(float), 2)
    (work, rows, counters), (work_2, rows_2, counters_2) = given
    assert work is work_2
    assert rows is not rows_2
    assert len(rows) == 30
    assert counters is not counters_2  # a late helper of the last job reads the old ones
    large = module.Together(None, module.KEPT_BYTES // 8 + 1, ())
    for _ in range(2):
        large.run(10, (), np.dtype(float), 2)
    assert given[-1][0] is not given[-2][0]


def test_a_workspace_is_not_kept_where_a_kernel_fails(monkeypatch):
    """A helper may write into it later."""
    given = []

    def run(function, arguments, threads):
        given.append(arguments)
        raise MemoryError

    monkeypatch.setattr(module._crew, "run", run)
    together = module.Together(None, 100, ())
    for _ in range(2):
        with pytest.raises(MemoryError):
            together.run(10, (), np.dtype(float), 2)
    assert given[0][0] is not given[1][0]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be placed here")
@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="one processor")
def test_helpers_keep_off_the_processor_of_the_caller():
    crew = module._Crew()
    crew.run(lambda *a: None, (), 2)
    places = os.sched_getaffinity(crew.helpers[0].thread.native_id)
    assert places == os.sched_getaffinity(0) - {crew.processor}


def test_a_helper_does_each_job_once():
    crew, done, met = module._Crew(), [], threading.Barrier(2)

    def job(name, meeting, bell, number):
        done.append((name, number > 0))
        bell[0] += number == 0
        meeting.wait(60)

    for name in ("first", "second"):
        crew.run(job, (name, met), 2)
    assert sorted(done) == [(n, helper) for n in ("first", "second") for helper in (False, True)]


def test_what_users_write():
    assert thread_count(3) == 3
    assert thread_count(None) >= 1
    for wrong in (0, -1, True, 1.5, "two"):
        with pytest.raises(sb.DataError, match="threads is"):
            thread_count(wrong)
