import gc

import numpy as np
import pytest

from tests.machine.texts import machine

TEXT = """
@njit(nogil=True)
def run(x, m, count, out):
    out[0] = x[0]*m[1, 2] + count
"""
KINDS = [("float64", 1), ("float32", 2), ("int64", 0), ("float64", 1)]


def test_arrays_and_whole_numbers():
    function, out = machine(TEXT, kinds=KINDS), np.zeros(1)
    gc.collect()
    function(np.full(2, 3.0), np.arange(6, dtype=np.float32).reshape(2, 3), 4, out)
    assert out[0] == 19.0


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, np.ones(2, np.float32)),
        (0, np.ones((2, 2))),
        (0, np.ones(4)[::2]),
        (0, np.ones(2).astype(">f8")),
        (0, np.frombuffer(b"\0" * 17, np.uint8)[1:].view(float)),
        (1, np.asfortranarray(np.ones((2, 3), np.float32))),
    ],
)
def test_other_arrays_are_refused(place, wrong):
    given = [np.ones(2), np.ones((2, 3), np.float32), 1, np.zeros(1)]
    given[place] = wrong
    with pytest.raises(TypeError, match="run takes aligned arrays of"):
        machine(TEXT, kinds=KINDS)(*given)


def test_the_number_of_arguments():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        machine(TEXT, kinds=KINDS)(np.ones(2))
