"""Micro-kernels that another thread compiles."""

import threading

import numpy as np
import pytest
from llvmlite.binding import ffi

import symbp as sb
from symbp.machine.build import kinds_of
from symbp.machine.module import Module
from symbp.runtime import products


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(products, "_made", {})


def test_they_are_compiled_once_for_a_type(fresh):
    first = products.begin("float32")
    assert products.begin("float32") is first
    assert products.begin("float64") is not first
    assert set(first.functions) == {"multiply_f32", "multiply_turned_f32", "tiles_f32"}


def test_another_processor_has_its_own(fresh, monkeypatch):
    first = products.begin("float32").code.result(60)
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    second = products.begin("float32").code.result(60)
    assert second != first


def test_where_no_thread_can_be_started_they_are_compiled_at_once(fresh, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert products.begin("float64").code.done()


def test_what_goes_wrong_is_told_to_who_waits(fresh, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("symbp.machine.object_file.as_written", lambda _: lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            products.begin("float64").code.result(60)
    assert products.begin("float64").code.result(60)  # next time it may go well


def test_a_fork_waits(fresh):
    begun = products.begin("float32")
    products._finish()
    assert begun.code.done()


def test_networks_use_them():
    model = sb.compile(sb.mlp([9, 16, 4]), cache=False)
    loaded = model._gradient_kernel().loaded
    assert loaded.meta["products"] == ["float64"]
    assert loaded.objects["float64.o"] == products.begin("float64").code.result()
    assert model.check(x=np.ones((3, 9)), y=np.zeros((3, 4))).passed


def test_the_text_that_calls_them_is_lowered_without_llvm(monkeypatch):
    """One thread at a time may be in LLVM: the text would wait until the micro-kernels are compiled."""
    model = sb.compile(sb.mlp([9, 16, 4], activation="softplus"), cache=False, dtype="float32")
    loaded = model._gradient_kernel().loaded
    given, calls, call = products.begin("float32").functions, [], ffi._lib_fn_wrapper.__call__

    def told(function, *arguments, **others):
        calls.append(function._cfn.__name__)
        return call(function, *arguments, **others)

    monkeypatch.setattr(ffi._lib_fn_wrapper, "__call__", told)
    module = Module(loaded.source, given)
    module.export({name: kinds_of(kinds) for name, kinds in loaded.meta["machine"].items()})
    assert 'call void @"multiply_turned_f32"' in str(module.module)
    # Python may free what earlier modules left.
    assert not [name for name in calls if "Dispose" not in name]
