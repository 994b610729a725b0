import numba
import pytest

from symbp.machine import types
from symbp.machine.types import Signature

NUMBERS = ["float32", "float64", "int32", "int64", "intp", "uint32", "boolean"]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_as_wide_as_those_of_numba(name):
    ours, numbas = getattr(types, name), getattr(numba.types, name)
    assert str(ours) == str(numbas)
    if name != "boolean":
        assert ours.bitwidth == numbas.bitwidth
    for kind in ("Float", "Integer", "Boolean"):
        assert isinstance(ours, getattr(types, kind)) == isinstance(numbas, getattr(numba.types, kind))


def test_tuples():
    pair = types.UniTuple(types.float32, 2)
    assert pair == types.tuple_of([types.float32, types.float32])
    assert pair != types.UniTuple(types.float64, 2)
    assert (list(pair), len(pair), pair[1]) == ([types.float32] * 2, 2, types.float32)


def test_arrays():
    matrix = types.Array(types.float32, 2, "C")
    assert matrix.copy(ndim=1) == types.Array(types.float32, 1, "C")
    assert len({matrix, matrix.copy(ndim=2), types.Array(types.float64, 2, "C")}) == 2


def test_a_type_called_is_a_signature():
    made = types.void(types.int64, types.float32)
    assert made == Signature(types.void, (types.int64, types.float32))
