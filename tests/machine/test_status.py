"""What the processor remembers of operations."""

from __future__ import annotations

import ctypes
import platform

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from symbp.machine import status
from symbp.machine.compile import Loaded, machine_code

DOUBLE, LONG = ir.DoubleType(), ir.IntType(64)
ON_X86 = platform.machine().lower() in ("x86_64", "amd64")


def made(operation):
    """(a, b, room for the result) -> 1 where the operation has left the range of numbers."""
    module = ir.Module()
    kind = ir.FunctionType(LONG, [DOUBLE, DOUBLE, DOUBLE.as_pointer()])
    function = ir.Function(module, kind, "f")
    build = ir.IRBuilder(function.append_basic_block())
    noted = build.alloca(LONG)
    build.store(LONG(0), noted)
    a, b, out = function.args
    build.store(getattr(build, operation)(a, b), out)
    with status.out_of_range(build):
        build.store(LONG(1), noted)
    build.ret(build.load(noted))
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    double = ctypes.c_double
    call = ctypes.CFUNCTYPE(ctypes.c_int64, double, double, ctypes.POINTER(double))(code.address("f"))
    call.code = code
    room = double()
    return lambda a, b: call(a, b, ctypes.byref(room))


@pytest.mark.skipif(not ON_X86, reason="other processors are not asked")
def test_what_leaves_the_range_is_noted_once():
    times, over, minus = made("fmul"), made("fdiv"), made("fsub")
    times(1e200, 1e200)  # whatever others have left
    assert [times(2.0, 3.0), over(1.0, 3.0), minus(1.0, 1.0)] == [0, 0, 0]
    assert [times(1e200, 1e200), times(2.0, 3.0)] == [1, 0]
    assert [times(1e-200, 1e-200), over(1.0, 0.0), minus(np.inf, np.inf), times(0.0, np.inf)] == [1] * 4
    assert [minus(np.inf, 1.0), times(np.nan, 1.0), over(1.0, np.inf)] == [0, 0, 0]


def test_processors_that_are_not_asked_may_have_left_it(monkeypatch):
    monkeypatch.setattr(status.platform, "machine", lambda: "aarch64")
    assert made("fmul")(2.0, 3.0) == 1
