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


KINDS = kinds_of([("float64", 1), ("float64", 1)])


def module(text=PLAIN, name="run"):
    made = Module(HEAD + text)
    made.export({name: KINDS})
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
        made.export({"one": kinds_of([("float64", 0)])})


def test_exported_functions_call_each_other_and_have_no_others_around_them():
    text = PLAIN + "\n@njit\ndef twice(x, out):\n    run(x, out)\n    run(x, out)\n"
    made = Module(HEAD + text)
    made.export({"twice": KINDS, "run": KINDS})
    defined = [f.name for f in made.parsed().functions if not f.is_declaration]
    assert sorted(defined) == ["one.body", "run", "twice"]
    out = np.zeros(3)
    machine(text, "twice")(np.ones(3), out)
    assert out.tolist() == [24.0] * 3


def test_for_other_types_an_exported_function_is_another():
    text = """
@njit
def first(x, out):
    out[0] = x[0]

@njit
def run(x, out):
    first(out, x)
    first(x, out)
"""
    made, other = Module(HEAD + text), kinds_of([("float64", 1), ("float32", 1)])
    made.export({"run": other, "first": other})
    defined = [f.name for f in made.parsed().functions if not f.is_declaration]
    assert sorted(defined) == ["first", "first.body", "run"]
