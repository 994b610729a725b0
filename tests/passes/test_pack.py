"""Numbers of every sample as one array."""

from __future__ import annotations

import numpy as np
import sympy as sp

from symbp.ir import BATCH, Access, Program, Tensor, check, evaluate
from symbp.passes.batch import SAMPLE
from symbp.passes.pack import pack

X = Access("x", SAMPLE)


def packed(shape, found):
    program = Program({"x": Tensor("x", (BATCH,), "input")}, (), ())
    return check(pack(program, "out", shape, found))


def test_entries_stand_at_their_places_and_zeros_elsewhere():
    program = packed((2, 3), {(0, 1): X, (1, 2): sp.Integer(4)})
    assert program.outputs == ("out",)
    got = evaluate(program, {"x": np.array([1.0, 2.0])})["out"]
    assert got.tolist() == [[[0, 1, 0], [0, 0, 4]], [[0, 2, 0], [0, 0, 4]]]


def test_vectors_and_nothing_at_all():
    assert evaluate(packed((2,), {(1,): X}), {"x": np.array([3.0])})["out"].tolist() == [[0, 3]]
    assert evaluate(packed((2,), {}), {"x": np.array([3.0, 4.0])})["out"].tolist() == [[0, 0], [0, 0]]
