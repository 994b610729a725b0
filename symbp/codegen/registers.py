"""The vector registers of the machine, and a writer of LLVM instructions on them.

The source of these functions becomes part of generated modules, so they use nothing but what those
import: a module that is loaded elsewhere adapts to the registers that it finds there.
"""

from __future__ import annotations

from contextlib import contextmanager

import llvmlite.binding as llvm
from llvmlite import ir


def vector_registers():
    """(bytes of a vector register, number of registers) of this machine."""
    llvm.initialize_native_target()
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx"):
        return 32, 16
    if "aarch64" in llvm.get_process_triple():
        return 16, 32
    return 16, 16


VECTOR_BYTES, REGISTERS = vector_registers()


def own_function(module, what, real, kinds):
    """A function of the module without result, and whether it is new and has to be written."""
    name = f"{what}_{'f32' if isinstance(real, ir.FloatType) else 'f64'}"
    if name in module.globals:
        return module.globals[name], False
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return function, True


class Vectors:
    """Writes operations on vectors of one type.

    Attributes:
        real: the type of an entry.
        bytes: its size.
        lanes: the entries of a vector.
    """

    def __init__(self, builder, real):
        self.builder, self.real = builder, real
        self.bytes = 4 if isinstance(real, ir.FloatType) else 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.type = ir.VectorType(real, self.lanes)
        self.zero = ir.Constant(self.type, [0.0] * self.lanes)

    def spread(self, value):
        """A vector with one value in all lanes."""
        undefined = ir.Constant(ir.VectorType(value.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def first(self, count):
        """The mask of the first `count` lanes."""
        count = self.builder.trunc(count, ir.IntType(32))  # one comparison instead of two of half the lanes
        numbers = ir.Constant(ir.VectorType(count.type, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.spread(count))

    def place(self, pointer, v):
        """Where vector number v begins."""
        if v:
            pointer = self.builder.gep(pointer, [ir.Constant(ir.IntType(64), v * self.lanes)])
        return self.builder.bitcast(pointer, self.type.as_pointer())

    def load(self, pointer, v, mask=None):
        """Vector number v, with zeros where a mask is off."""
        if mask is not None:
            align = ir.Constant(ir.IntType(32), self.bytes)
            return self.call("masked.load", ".p0", self.type, self.place(pointer, v), align, mask, self.zero)
        result = self.builder.load(self.place(pointer, v))
        result.align = self.bytes
        return result

    def store(self, value, pointer, v, mask=None):
        """Write vector number v, where a mask is on."""
        if mask is not None:
            align = ir.Constant(ir.IntType(32), self.bytes)
            self.call("masked.store", ".p0", ir.VoidType(), value, self.place(pointer, v), align, mask)
        else:
            self.builder.store(value, self.place(pointer, v)).align = self.bytes

    def fma(self, x, y, z):
        return self.call("fma", "", self.type, x, y, z)

    def total(self, value):
        """The sum of all lanes."""
        zero = ir.Constant(self.real, -0.0)
        return self.call("vector.reduce.fadd", "", self.real, zero, value, flags=("reassoc",))

    def call(self, what, suffix, result, *operands, flags=()):
        """A call of an LLVM intrinsic."""
        name = f"llvm.{what}.v{self.lanes}f{8 * self.bytes}{suffix}"
        function = self.builder.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [o.type for o in operands])
            function = ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, operands, fastmath=flags)


@contextmanager
def steps(builder, start, stop, step):
    """A loop from `start` below `stop`; the step is a number or a value."""
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.phi(start.type)
    at.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", at, stop), body, after)
    builder.position_at_end(body)
    yield at
    at.add_incoming(builder.add(at, start.type(step) if isinstance(step, int) else step), builder.block)
    builder.branch(head)
    builder.position_at_end(after)


def smaller(builder, x, y):
    """The smaller of two integers."""
    return builder.select(builder.icmp_signed("<", x, y), x, y)


def exchanged(builder, square):
    """A square of vectors with its axes exchanged: first its quarters, then theirs."""
    square, lanes = list(square), len(square)
    half = lanes // 2
    while half:
        upper = [k if not k & half else lanes + k - half for k in range(lanes)]
        lower = [k + half if not k & half else lanes + k for k in range(lanes)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), lanes), mask) for mask in (upper, lower)]
        for k in range(lanes):
            if not k & half:
                pair = square[k], square[k + half]
                square[k], square[k + half] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        half //= 2
    return square
