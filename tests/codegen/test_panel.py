"""Panels as micro-kernels copy them."""

from __future__ import annotations

import ctypes

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from symbp.codegen.panel import copy_panel, turn_panel
from symbp.codegen.registers import Vectors
from symbp.codegen.tile import WIDTH
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.host import triple


def copied(write, panel, columns, terms, width):
    """What a function writes of some columns and terms of a matrix, in rows of some width."""
    module, real, index = ir.Module(), ir.FloatType(), ir.IntType(64)
    module.triple = triple()
    kinds = [real.as_pointer(), index, real.as_pointer(), index, index, index]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "copied")
    builder = ir.IRBuilder(function.append_basic_block())
    write(Vectors(builder, real), *function.args)
    builder.ret_void()
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    number, pointer = ctypes.c_int64, ctypes.c_void_p
    call = ctypes.CFUNCTYPE(None, pointer, number, pointer, number, number, number)(code.address("copied"))
    room = np.full((terms + 16, width), np.nan, np.float32)
    call(room.ctypes.data, width, panel.ctypes.data, panel.shape[1], columns, terms)
    return room


@pytest.mark.parametrize("columns", [1, 15, 16, 33, 16 * WIDTH])
@pytest.mark.parametrize("terms", [1, 16, 37])
def test_rows_after_each_other_and_with_their_axes_exchanged(columns, terms):
    panel = np.random.default_rng(0).normal(size=(80, 80)).astype(np.float32)
    width = -(-columns // 16) * 16
    plain, turned = (copied(write, panel, columns, terms, width) for write in (copy_panel, turn_panel))
    np.testing.assert_array_equal(plain[:terms, :columns], panel[:terms, :columns])
    np.testing.assert_array_equal(turned[:terms, :columns], panel[:columns, :terms].T)
