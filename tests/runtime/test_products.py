"""Micro-kernels that another thread compiles."""

import threading

import numpy as np
import pytest

import symbp as sb
from symbp.runtime import products


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(products, "_made", {})


def test_they_are_compiled_once_for_a_type(fresh):
    first = products.begin("float32")
    assert products.begin("float32") is first
    assert products.begin("float64") is not first
    assert set(first.result(60).functions) == {"multiply_f32", "multiply_turned_f32"}


def test_another_processor_has_its_own(fresh, monkeypatch):
    first = products.begin("float32").result(60)
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    second = products.begin("float32").result(60)
    assert second.code != first.code


def test_where_no_thread_can_be_started_they_are_compiled_at_once(fresh, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert products.begin("float64").done()


def test_what_goes_wrong_is_told_to_who_waits(fresh, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("symbp.machine.object_file.machine_code", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            products.begin("float64").result(60)
    assert products.begin("float64").result(60)  # next time it may go well


def test_a_fork_waits(fresh):
    begun = products.begin("float32")
    products._finish()
    assert begun.done()


def test_networks_use_them():
    model = sb.compile(sb.mlp([9, 16, 4]), cache=False)
    loaded = model._gradient_kernel().loaded
    assert loaded.meta["products"] == "float64"
    assert loaded.objects["products.o"] == products.begin("float64").result().code
    assert model.check(x=np.ones((3, 9)), y=np.zeros((3, 4))).passed
