"""Vector registers and the instructions on them."""

from __future__ import annotations

import pytest
from llvmlite import ir

from symbp.codegen.registers import (
    REGISTERS,
    VECTOR_BYTES,
    Vectors,
    exchanged,
    own_function,
    vector_registers,
)


def test_registers_are_those_of_the_machine():
    assert vector_registers() == (VECTOR_BYTES, REGISTERS)
    assert (VECTOR_BYTES, REGISTERS) in {(64, 32), (32, 16), (16, 32), (16, 16)}


@pytest.mark.parametrize("real", [ir.FloatType(), ir.DoubleType()])
def test_lanes_fill_a_register(real):
    vectors = Vectors(ir.IRBuilder(), real)
    assert vectors.lanes * vectors.bytes == VECTOR_BYTES
    assert vectors.bytes == (4 if isinstance(real, ir.FloatType) else 8)


class Columns:
    """Stands for a builder: shuffles lists."""

    def shuffle_vector(self, x, y, mask):
        both = [*x, *y]
        return [both[k] for k in mask.constant]


@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_exchange_turns_rows_into_columns(lanes, monkeypatch):
    monkeypatch.setattr(ir, "Constant", lambda kind, order: type("Mask", (), {"constant": order}))
    square = [[(row, column) for column in range(lanes)] for row in range(lanes)]
    turned = [[(row, column) for row in range(lanes)] for column in range(lanes)]
    assert exchanged(Columns(), square) == turned


def test_functions_of_a_module_are_written_once():
    module = ir.Module()
    first, new = own_function(module, "f", ir.FloatType(), [])
    again, old = own_function(module, "f", ir.FloatType(), [])
    assert new
    assert first is again
    assert not old
