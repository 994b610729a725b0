import numpy as np
from llvmlite import ir
from llvmlite.binding import ffi

from symbp.machine.build import build
from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from symbp.machine.object_file import written_apart
from tests.machine.texts import HEAD

REAL = ir.DoubleType()
KINDS = [("float64", 1), ("float64", 1)]
TEXT = """
from llvmlite import ir
from numba.extending import intrinsic

@intrinsic
def scaled(typingctx, a):
    def lower(context, builder, sig, args):
        known = builder.module.globals.get("scaled_f64")
        if known is None:
            raise ValueError("not given")
        return builder.call(known, args)
    return a(a), lower

@njit
def run(x, out):
    for k in range(x.size):
        out[k] = scaled(x[k])
"""


def write(module, factor=3.0):
    function = ir.Function(module, ir.FunctionType(REAL, [REAL]), "scaled_f64")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(builder.fmul(function.args[0], REAL(factor)))
    return [function]


def test_what_is_given_is_called_and_not_compiled_again():
    given = written_apart(write)
    assert list(given.functions) == ["scaled_f64"]
    code, messages = build(HEAD + TEXT, {"run": KINDS}, given.functions)
    out = np.zeros(3)
    for other, factor in ((given, 3.0), (written_apart(lambda m: write(m, 5.0)), 5.0)):
        Function(Loaded(code, other.compiled()), "run", KINDS, messages)(np.arange(3.0), out)
        assert out.tolist() == [0.0, factor, 2 * factor]


def test_one_call_of_llvm_is_left_to_who_asks_for_the_file(monkeypatch):
    given, calls = written_apart(write), []
    call = ffi._lib_fn_wrapper.__call__

    def told(function, *arguments, **others):
        calls.append(function._cfn.__name__)
        return call(function, *arguments, **others)

    monkeypatch.setattr(ffi._lib_fn_wrapper, "__call__", told)
    assert given.compiled()
    assert calls[0] == "LLVMPY_TargetMachineEmitToMemory"  # then its result is read
    assert not [name for name in calls[1:] if "Emit" in name or "Target" in name]
