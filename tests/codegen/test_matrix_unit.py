"""Who may use the matrix unit."""

from __future__ import annotations

import ctypes

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from symbp.codegen.matrix_unit import MATRIX_UNIT, has_matrix_unit, square_step, unit_allowed
from symbp.codegen.micro import large_multiplication
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.host import triple
from tests.codegen.test_unit_product import product

NUMBER, FLAG, POINTER = ctypes.c_int64, ctypes.c_bool, ctypes.c_void_p
KINDS = [POINTER, NUMBER, POINTER, NUMBER, NUMBER, POINTER, *[NUMBER] * 4, FLAG, ctypes.c_float, *[FLAG] * 3]


def multiplied(a, b, answer, memory=True):
    """a @ b, where the system has answered already whether the unit may be used: 1 or 2; 0 is not yet."""
    module = ir.Module()
    module.triple = triple()
    if not memory:
        address = ir.IntType(8).as_pointer()
        malloc = ir.Function(module, ir.FunctionType(address, [ir.IntType(64)]), "malloc")
        malloc.linkage = "internal"
        ir.IRBuilder(malloc.append_basic_block()).ret(address(None))
    large_multiplication(module).linkage = "external"
    if MATRIX_UNIT:
        module.globals["unit_answer"].initializer = ir.IntType(64)(answer)
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    call = ctypes.CFUNCTYPE(None, *KINDS)(code.address("multiply_large_f32"))
    (rows, depth), columns = a.shape, b.shape[1]
    c = np.empty((rows, columns), np.float32)
    places = c.ctypes.data, columns, a.ctypes.data, depth, 1, b.ctypes.data, columns
    call(*places, rows, columns, depth, True, 1.0, False, False, True)
    return c


def test_a_process_that_may_not_use_the_unit_does_without():
    random = np.random.default_rng(8)
    a, b = (random.normal(size=s).astype(np.float32) for s in ((64, 256), (256, 64)))
    np.testing.assert_array_equal(multiplied(a, b, 0), product(a, b))
    np.testing.assert_array_equal(multiplied(a, b, 1), product(a, b))
    np.testing.assert_array_equal(multiplied(a, b, 2), product(a, b, large=False))


def test_without_memory_for_parts_too():
    random = np.random.default_rng(9)
    a, b = (random.normal(size=s).astype(np.float32) for s in ((64, 256), (256, 64)))
    np.testing.assert_array_equal(multiplied(a, b, 0, memory=False), product(a, b, large=False))


def test_who_names_a_processor_gets_nothing_that_is_not_in_all_of_its_kind(monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert not has_matrix_unit()


def test_asked_in_one_place_of_a_module():
    module = ir.Module()
    assert unit_allowed(module) is unit_allowed(module)


def test_six_products_of_parts_in_four_tiles():
    lines = square_step().splitlines()
    assert sum(line.startswith("tdpbf16ps") for line in lines) == 6 * 4
    assert sum(line.startswith("tileload") for line in lines) == 14  # each product keeps one of the last's
