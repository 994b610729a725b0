import numpy as np
import pytest
from llvmlite.binding import Linkage

from symbp.machine.build import kinds_of
from symbp.machine.module import Module
from symbp.machine.values import NotCovered
from tests.machine.texts import HEAD, machine

PLAIN = """
@njit(error_model="numpy")
def one(a):
    return a + 1.0

@njit(nogil=True, error_model="numpy")
def run(x, out):
    for n in range(x.shape[0]):
        for k in range(4):
            out[n] += one(x[n])*float(k)
"""


def module(text=PLAIN, name="run"):
    made = Module(HEAD + text)
    made.export(name, kinds_of([("float64", 1), ("float64", 1)]))
    return made


def test_only_what_is_exported_is_seen_from_outside():
    parsed = module().parsed()
    seen = [f.name for f in parsed.functions if not f.is_declaration and f.linkage == Linkage.external]
    assert seen == ["run"]


def test_functions_are_lowered_once_for_a_type():
    made = Module(HEAD + PLAIN)
    first, second = (made.function("one", kinds_of([("float64", 0)])) for _ in range(2))
    assert first is second
    assert made.function("one", kinds_of([("float32", 0)])) is not first


def test_short_loops_are_marked_and_long_ones_are_not():
    assert "llvm.loop.unroll.full" in str(module().parsed())
    assert "llvm.loop.unroll.full" not in str(module(PLAIN.replace("range(4)", "range(400)")).parsed())
    out = np.zeros(3)
    machine(PLAIN)(np.ones(3), out)
    assert out.tolist() == [12.0] * 3


def test_what_is_no_function_of_the_text():
    made = Module(HEAD + PLAIN)
    with pytest.raises(NotCovered, match="other"):
        made.function("other", ())
    with pytest.raises(NotCovered, match="result"):
        made.export("one", kinds_of([("float64", 0)]))
