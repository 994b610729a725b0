import numpy as np
from llvmlite import ir

from symbp.machine.loops import loop, place
from tests.machine.texts import same

LONG = ir.IntType(64)


def test_places_are_made_at_the_start():
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [LONG]), "f")
    entry, body = function.append_basic_block("entry"), function.append_basic_block("body")
    ir.IRBuilder(entry).branch(body)
    builder = ir.IRBuilder(body)
    with loop(builder, LONG(0), function.args[0], 2) as k:
        builder.store(k, place(builder, LONG, 3))
    builder.ret_void()
    assert "alloca" in str(entry)
    assert "alloca" not in str(body)


def test_bounds_are_those_of_a_range():
    text = """
@njit
def run(low, high, out):
    for k in range(low, high, 3):
        out[k] += 1.0
"""
    for low, high in ((0, 9), (1, 9), (2, 3), (4, 4), (7, 2)):
        want = np.zeros(9)
        want[range(low, high, 3)] += 1.0
        assert (same(text, low, high, np.zeros(9))[2] == want).all()
