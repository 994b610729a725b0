"""Modules of kernels: machine code where a text is covered, Numba elsewhere, and both for who asks."""

import sys

import numpy as np
import pytest

from symbp.machine.callable import Function
from symbp.runtime.loaded import MACHINE_CODE, LoadedModule, types_of

TEXT = '''"""Scales."""
from numba import njit

@njit(nogil=True, error_model="numpy", cache=True)
def scaled_into(x, result):
    for i in range(x.shape[0]):
        result[i] = x[i]FACTOR
'''
ARRAY = ["float64", 1]
KINDS = {"scaled_into": [ARRAY, ARRAY]}


def made(tmp_path, name, factor="*2.0", **meta):
    text = TEXT.replace("FACTOR", factor)
    (tmp_path / f"{name}.py").write_text(text)
    return LoadedModule(name, text, {"compile": KINDS, **meta}, tmp_path)


def run(function):
    result = np.zeros(3)
    function(np.arange(3.0), result)
    return result.tolist()


def test_machine_code_and_numba(tmp_path):
    ours = made(tmp_path, "loaded_a", machine=KINDS)
    assert isinstance(ours.function("scaled_into"), Function)
    assert ours.function("scaled_into") is ours.function("scaled_into")
    assert not ours.module.scaled_into.overloads
    numba = made(tmp_path, "loaded_b", machine={})
    assert not numba.objects
    assert numba.function("scaled_into").overloads
    for loaded in (ours, numba):
        assert run(loaded.function("scaled_into")) == run(loaded.module.scaled_into) == [0.0, 2.0, 4.0]


def test_what_is_not_covered_is_left_to_numba(tmp_path):
    loaded = made(tmp_path, "loaded_c", "**2", machine=KINDS)
    assert not loaded.objects
    assert loaded.meta["machine"] == {}
    assert run(loaded.function("scaled_into")) == [0.0, 1.0, 4.0]


def test_from_disk_nothing_is_compiled_or_imported(tmp_path):
    first = made(tmp_path, "loaded_d", machine=KINDS)
    assert "loaded_d" not in sys.modules
    again = LoadedModule("loaded_d", first.source, first.meta, tmp_path, first.objects, from_disk=True)
    assert run(again.function("scaled_into")) == [0.0, 2.0, 4.0]
    assert "loaded_d" not in sys.modules
    assert again.module.__file__ == str(tmp_path / "loaded_d.py")
    again.moved(tmp_path / "there")
    assert again.module.__file__ == str(tmp_path / "there" / "loaded_d.py")
    with pytest.raises(ValueError, match="missing"):
        LoadedModule("loaded_d", first.source, first.meta, tmp_path, None, from_disk=True)
    (tmp_path / "loaded_e.py").write_text(first.source)
    with pytest.raises(ValueError, match="does not fit"):
        LoadedModule("loaded_e", first.source, {"compile": KINDS}, tmp_path, None, from_disk=True)


def test_micro_kernels_are_kept_beside_what_calls_them(tmp_path):
    ours = made(tmp_path, "loaded_g", machine=KINDS, products=["float64"])
    assert list(ours.objects) == [MACHINE_CODE, "float64.o"]
    assert run(ours.function("scaled_into")) == [0.0, 2.0, 4.0]
    again = LoadedModule("loaded_g", ours.source, ours.meta, tmp_path, ours.objects, from_disk=True)
    assert run(again.function("scaled_into")) == [0.0, 2.0, 4.0]
    del ours.objects["float64.o"]
    with pytest.raises(ValueError, match="missing"):
        LoadedModule("loaded_g", ours.source, ours.meta, tmp_path, ours.objects, from_disk=True)


def test_modules_that_cannot_be_imported_leave_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        LoadedModule("loaded_f", "1/0", {"compile": {}, "machine": KINDS}, tmp_path)
    assert "loaded_f" not in sys.modules


def test_types():
    integer, matrix = types_of([("int64", 0), ("float32", 2)])
    assert str(integer) == "int64"
    assert (str(matrix.dtype), matrix.ndim, matrix.layout) == ("float32", 2, "C")
