import numpy as np
from llvmlite import ir

from symbp.machine.build import build
from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from symbp.machine.object_file import compiled_apart
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
    given = compiled_apart(write)
    assert list(given.functions) == ["scaled_f64"]
    code, messages = build(HEAD + TEXT, {"run": KINDS}, given)
    out = np.zeros(3)
    for other, factor in ((given, 3.0), (compiled_apart(lambda m: write(m, 5.0)), 5.0)):
        Function(Loaded(code, other.code), "run", KINDS, messages)(np.arange(3.0), out)
        assert out.tolist() == [0.0, factor, 2 * factor]
