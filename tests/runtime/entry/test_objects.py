"""Objects are laid out as machine code reads them, or nothing is read."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import symbp as sb
from symbp.runtime.direct import direct_gradient
from symbp.runtime.entry import objects
from tests.runtime.entry.test_writer import doubled, in_a_tuple


@pytest.fixture
def fresh():
    objects.new_array_address.cache_clear()
    yield
    objects.new_array_address.cache_clear()


def test_numpys_function_is_found():
    assert objects.new_array_address()


def test_functions_of_python_are_found():
    address = objects.python_address("PyFloat_FromDouble")
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_double)(address)
    assert make(0.1) == 0.1


@pytest.mark.parametrize(
    "part", ["REFERENCES", "TYPE", "NUMBER", "ITEMS", "DATA", "AXES", "EXTENTS", "DTYPE", "FLAGS"]
)
def test_nothing_is_read_where_objects_are_laid_out_otherwise(part, fresh, monkeypatch):
    offset = getattr(objects, part)
    other = objects.HEAD + 8 * objects.POINTER if part != "NUMBER" else objects.TYPE
    assert other != offset
    monkeypatch.setattr(objects, part, objects.DATA if part == "EXTENTS" else other)
    assert objects.new_array_address() is None


def test_other_implementations_of_python_take_the_long_way(fresh, monkeypatch):
    monkeypatch.setattr(objects.sys.implementation, "name", "other")
    assert objects.new_array_address() is None
    model = sb.compile(sb.mlp([2, 3, 1]), cache=False)
    assert direct_gradient(model._gradient_kernel(), model.size) is None
    theta, x, y = model.init(0), np.ones((2, 2)), np.ones((2, 1))
    losses = {model.value_and_grad(theta, x=x, y=y)[0] for _ in range(10)}
    assert len(losses) == 1
    assert model._direct is None


def test_what_others_declared_of_pythons_functions_stays(fresh, monkeypatch):
    shared = [ctypes.pythonapi.PyCapsule_GetPointer, ctypes.pythonapi.PyCFunction_NewEx]
    for function in shared:
        monkeypatch.setattr(function, "restype", ctypes.c_int)
        monkeypatch.setattr(function, "argtypes", (ctypes.c_int,))
    assert objects.new_array_address()
    assert doubled(in_a_tuple)(np.ones(2))[0] == 2.0
    assert {(f.restype, f.argtypes) for f in shared} == {(ctypes.c_int, (ctypes.c_int,))}
