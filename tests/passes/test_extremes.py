import numpy as np
import pytest
import sympy as sp

from symbp.ir import Program, Tensor, evaluate
from symbp.ir.nodes import Access, Index, Statement
from symbp.passes.extremes import roll_maxima

TENSORS = {t.name: t for t in (Tensor("z", (3,), "input"), Tensor("W", (2, 3), "input"), Tensor("m", ()))}


def rolled(body, **extra):
    program = Program(TENSORS, (Statement("m", (), body, **extra),), ("m",))
    (after,) = roll_maxima(program).statements
    values = {"z": np.array([1.0, 3.0, 2.0]), "W": np.ones((2, 3))}
    assert evaluate(roll_maxima(program), values)["m"] == evaluate(program, values)["m"]
    return after


def test_the_maximum_of_all_entries():
    after = rolled(sp.Max(*(Access("z", sp.Integer(k)) for k in range(3))))
    assert (after.reduce, after.bound, after.body) == ("max", (Index("j", 3),), Access("z", Index("j", 3)))


@pytest.mark.parametrize(
    "args",
    [
        [Access("z", sp.Integer(0)), Access("z", sp.Integer(1))],
        [0, *(Access("z", sp.Integer(k)) for k in range(3))],
        [Access("W", sp.Integer(0), sp.Integer(k)) for k in range(3)],
    ],
)
def test_other_maxima_stay(args):
    assert rolled(sp.Max(*args)).reduce == "none"
