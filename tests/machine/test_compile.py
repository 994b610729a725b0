import ctypes
import os
import subprocess
import sys

import llvmlite.binding as llvm

from symbp.machine.build import kinds_of
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.convention import FREE, NEW
from symbp.machine.module import Module
from tests.machine.texts import HEAD

IR = """
define i32 @add(i32 %a, i32 %b) {
  %c = add i32 %a, %b
  ret i32 %c
}
"""


def test_code_is_loaded_from_bytes():
    loaded = Loaded(machine_code(llvm.parse_assembly(IR)))
    add = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(loaded.address("add"))
    assert add(2, 3) == 5
    assert llvm.address_of_symbol(NEW)
    assert llvm.address_of_symbol(FREE)


def test_it_is_written_for_the_processor_that_numba_is_told():
    code = (
        "import llvmlite.binding as llvm; from symbp.machine.compile import _target; t = _target();"
        "print(t.triple); m = llvm.parse_assembly('define <8 x double> @f(<8 x double> %a) {\\n"
        "%b = fadd <8 x double> %a, %a\\nret <8 x double> %b\\n}'); print(t.emit_assembly(m))"
    )
    told = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | told, capture_output=True, text=True, check=True
    )
    assert "zmm" not in done.stdout
    assert "ymm" not in done.stdout


def test_loops_have_vectors():
    text = """
@njit(nogil=True, error_model="numpy")
def run(x, out):
    for k in range(x.size):
        out[k] = x[k]*x[k] + 1.0
"""
    made = Module(HEAD + text)
    made.export({"run": kinds_of([("float64", 1)] * 2)})
    module = made.parsed()
    machine_code(module)
    assert " x double>" in str(module)


def test_functions_of_the_process_are_found_before_anything_was_compiled():
    code = (
        "from symbp.machine.compile import process_has; print(process_has('asinh'), process_has('no_such'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
