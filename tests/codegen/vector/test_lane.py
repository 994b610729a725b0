"""How functions over lanes reach the code around them."""

import math
import re

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from llvmlite import ir
from numba import float32, float64, njit

from symbp.codegen.vector import BODIES
from symbp.codegen.vector.lane import Lane
from symbp.codegen.vector.sources import arity
from tests.codegen.under_numba import under_numba
from tests.codegen.vector import loops
from tests.codegen.vector.loops import PRECISIONS, assert_vectorised, exact_errors

lanewise = under_numba("symbp.codegen.vector.lane").lanewise


def test_the_precision_follows_the_arguments():
    exp, power = lanewise(BODIES["exp"]), lanewise(BODIES["power"], 2)
    both = njit(lambda x, y: (exp(x), power(x, y)))
    assert both.compile((float32, float32))
    assert both.nopython_signatures[-1].return_type[1] == float32
    mixed = both(np.float32(2), 3)
    assert mixed == (pytest.approx(math.exp(2)), 8.0)
    assert both.nopython_signatures[-1].return_type[1] == float64


def test_operations_that_the_code_around_may_reorder_stay_in_order():
    """Reassociated, 1 + x - 1 is x: log1p would lose what 1 + x rounds off."""
    x = np.random.default_rng(0).uniform(0, 1e-3, 1000)
    assert "reassoc" in loops.FLAGS
    assert exact_errors(loops.values("log1p", x), lambda v: mpmath.log(1 + v), x).max() < 1


def test_a_call_into_libm_is_noticed(monkeypatch):
    """The check of the assembly can fail."""
    monkeypatch.setitem(BODIES, "exp", lambda x: x)

    @njit(error_model="numpy")
    def scalar(x, out):
        for i in range(x.size):
            out[i] = math.exp(x[i])

    scalar.compile((float64[::1], float64[::1]))
    monkeypatch.setattr(loops, "loop", lambda *_: scalar)
    with pytest.raises(AssertionError):
        assert_vectorised("exp", np.float64)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_polynomials_take_the_highest_power_first(dtype):
    for count in (1, 2, 3, 4, 5, 6, 9):
        coefficients = [float(k + 1) for k in range(count)]
        evaluate = lanewise(lambda x, c=tuple(coefficients): x.polynomial(c))
        run = njit(lambda x, f=evaluate: f(x))
        assert run(dtype(0.5)) == np.polyval(coefficients, 0.5)


def test_integers_and_truth_values():
    function = ir.Function(ir.Module(), ir.FunctionType(ir.DoubleType(), [ir.DoubleType()]), "f")
    x = Lane(ir.IRBuilder(function.append_basic_block()), function.args[0])
    whole, integer = x.nearest(2.0)
    assert whole.is_float()
    assert not integer.is_float()
    assert integer.value.type == ir.IntType(64)
    assert (integer < 3).value.type == ir.IntType(1)
    assert "ashr" in str((integer >> 1).value)
    assert "icmp slt" in str((integer < 3).value)
    assert "fcmp une" in str(x.differs(x).value)


def compiled_elsewhere(name, dtype, triple, processor):
    """The assembly of a loop over a function for another processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, opt=3)
    kind, count = ir.FloatType() if dtype == np.float32 else ir.DoubleType(), arity(name)
    module = ir.Module()
    module.triple, module.data_layout = triple, str(machine.target_data)
    lanes = ir.Function(module, ir.FunctionType(kind, [kind] * count), "lanes")
    lanes.linkage = "internal"
    lanes.attributes.add("alwaysinline")
    builder = ir.IRBuilder(lanes.append_basic_block())
    builder.ret(BODIES[name](*(Lane(builder, v) for v in lanes.args)).value)
    arguments = [ir.PointerType(kind)] * (count + 1) + [ir.IntType(64)]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "loop")
    *arrays, out, size = function.args
    for array in (*arrays, out):
        array.add_attribute("noalias")
    entry, body, end = (function.append_basic_block() for _ in range(3))
    ir.IRBuilder(entry).branch(body)
    builder = ir.IRBuilder(body)
    i = builder.phi(size.type)
    value = builder.call(lanes, [builder.load(builder.gep(a, [i])) for a in arrays])
    builder.store(value, builder.gep(out, [i]))
    after = builder.add(i, ir.Constant(size.type, 1))
    i.add_incoming(ir.Constant(size.type, 0), entry)
    i.add_incoming(after, body)
    builder.cbranch(builder.icmp_signed("<", after, size), body, end)
    ir.IRBuilder(end).ret_void()
    parsed = llvm.parse_assembly(str(module))
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    return machine.emit_assembly(parsed)


PROCESSORS = {
    "NEON": ("aarch64-linux-gnu", "neoverse-n1", r"\sfml[as]\s+v\d+\.{}", ("4s", "2d"), r"\sbl\s"),
    "AVX2": ("x86_64-linux-gnu", "haswell", r"\svfn?m(?:add|sub)\d*{}\s.*%ymm", ("ps", "pd"), r"\scallq?\s"),
    "AVX-512": (
        "x86_64-linux-gnu",
        "znver4",
        r"\svfn?m(?:add|sub)\d*{}\s.*%zmm",
        ("ps", "pd"),
        r"\scallq?\s",
    ),
}
"""Target, processor, the instruction that shows it works on packed numbers, their names, and a call."""


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", BODIES)
def test_vectorised_on_every_architecture(name, processor):
    triple, cpu, packed, names, call = PROCESSORS[processor]
    for dtype, suffix in zip(PRECISIONS, names, strict=True):
        text = compiled_elsewhere(name, dtype, triple, cpu)
        assert re.search(packed.format(f"(?:{'|'.join(names)})" if name == "power" else suffix), text)
        assert not re.search(call, text)
