import numpy as np
import pytest

from symbp.runtime.into import Into
from symbp.runtime.often import OFTEN
from tests.machine.texts import machine

TEXT = """
@njit(nogil=True)
def run(x, out, count):
    if x.size != out.size:
        raise ValueError("sizes differ")
    for k in range(x.size):
        out[k] = x[k]*count
"""
KINDS = [("float64", 1), ("float64", 1), ("int64", 0)]


def test_the_short_way_does_what_the_function_does():
    into = Into(machine(TEXT, kinds=KINDS))
    x = np.arange(3.0)
    for count in range(2 * OFTEN):
        out = np.zeros(3)
        into(x, out, count)
        assert out.tolist() == [0.0, count, 2.0 * count]
        assert (into._short is not None) is (count >= OFTEN - 1)
        with pytest.raises(ValueError, match="sizes differ"):
            into.function(x, np.zeros(2), 1)
    with pytest.raises(ValueError, match="sizes differ"):
        into(x, np.zeros(2), 1)
    with pytest.raises(TypeError):
        into(x[::2], np.zeros(2), 1)
    out = np.zeros(3)
    into(x, out, np.int64(4))  # no int: left to the function
    assert out[2] == 8.0


def test_functions_of_numba_have_none():
    calls = []
    into = Into(lambda *arguments: calls.append(arguments))
    for k in range(2 * OFTEN):
        into(k)
    assert calls == [(k,) for k in range(2 * OFTEN)]
    assert into._short is None
