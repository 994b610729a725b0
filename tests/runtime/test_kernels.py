import threading

import numpy as np
import pytest
import sympy as sp

from symbp import pipeline
from symbp.errors import DataError
from symbp.network import Network
from symbp.pipeline import forward_kernel, gradient_kernel
from symbp.runtime import cache
from symbp.runtime.kernels import KernelSet, checked_schedule, dtype_name

x, u, w, E = sp.symbols("x u w E")
NETWORK = Network([sp.Eq(E, w * sp.sin(x))], inputs=[x, u], parameters=[w], loss=E)


@pytest.fixture
def derived(monkeypatch):
    """The networks that were derived so far."""
    calls, derive = [], pipeline.derive
    monkeypatch.setattr(pipeline, "derive", lambda net, **named: calls.append(net) or derive(net, **named))
    return calls


def kernels(network=NETWORK, dtype="float64", wrt=None):
    return KernelSet(network, wrt, {}, dtype, reuse=True, cache=True)


def test_each_kernel_is_made_once(derived):
    several, made = kernels(), []
    first = several.get("g", lambda d: made.append(d) or gradient_kernel(d))
    assert several.get("g", lambda d: made.append(d) or gradient_kernel(d)) is first
    several.get("f", lambda d: made.append(d) or forward_kernel(d, ("E",)))
    assert len(made) == 2
    assert derived == [NETWORK]


def test_what_is_on_disk_is_not_derived_again(derived):
    kernels().get("g", gradient_kernel)
    cache.clear_memory()
    again = kernels()
    assert again.get("g", gradient_kernel).loaded.from_disk
    assert len(derived) == 1
    assert again.derivation.loss == "E"
    assert len(derived) == 2


def test_options_are_part_of_the_content(derived):
    first = kernels().get("g", gradient_kernel)
    assert first.real == np.float64
    assert kernels(dtype="float32").get("g", gradient_kernel).real == np.float32
    assert set(kernels(wrt=[w, x]).get("g", gradient_kernel).wrt.values()) == {"w", "x"}
    assert len(derived) == 3


def test_interface_has_all_symbols():
    meta = kernels().get("g", gradient_kernel).loaded.meta["interface"]
    assert meta["inputs"] == [["x", [], "input", None], ["u", [], "input", None]]
    assert meta["parameters"] == [["w", [], "parameter", None]]


def test_a_failure_is_not_remembered():
    several = kernels()
    with pytest.raises(ZeroDivisionError):
        several.get("g", lambda d: 1 // 0)
    assert several.get("g", gradient_kernel).name == "value_and_grad"


def test_racing_threads_derive_once(derived):
    several, ready, found = kernels(), threading.Barrier(4), []

    def work():
        ready.wait()
        found.append(several.get("g", gradient_kernel))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({id(f) for f in found}) == 1
    assert len(found) == 4
    assert len(derived) == 1


def test_dtype_names():
    assert dtype_name(np.float32) == dtype_name("f4") == "float32"
    assert dtype_name(float) == "float64"
    for wrong in ("float16", int, complex, "nothing", object(), None.__class__):
        with pytest.raises(DataError, match="dtype"):
            dtype_name(wrong)


def test_schedules():
    for good in (None, "fused", "layerwise", 1, 4096):
        assert checked_schedule(good) == good
    for wrong in (0, -1, True, 1.5, "layer", [1], 1 << 40):
        with pytest.raises(DataError, match="schedule is"):
            checked_schedule(wrong)
