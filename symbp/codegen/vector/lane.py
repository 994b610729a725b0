"""Scalar code that LLVM inlines into loops and vectorises: arithmetic that emits instructions.

A lane may also stand for a whole register of numbers, in code that is written for vectors.

A body such as `lanes_exp` is a Python function over `Lane`s. It runs once per precision, when Numba
lowers the first call, and leaves behind straight-line LLVM: fused multiply-adds, shifts of the bits,
selects, no branch and no call. The loop vectoriser then turns the lane into as many lanes as a
register has. Jitted Python bodies were rejected: Numba's front end takes 20 to 60 ms for each.

Generated modules carry this file's functions with them, copied as text.
"""

from __future__ import annotations

import zlib

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine.vocabulary import intrinsic, types


class Lane:
    """A float, an integer of the same width, or a truth value, in code that is being emitted.

    Or a vector of such.
    """

    def __init__(self, builder, value):
        self.builder, self.value = builder, value
        self.kind = getattr(value.type, "element", value.type)
        self.count = getattr(value.type, "count", 1)
        self.double = self.kind == ir.DoubleType() or getattr(self.kind, "width", 0) == 64

    def lift(self, other):
        """A number as a constant of this lane's type."""
        return other.value if isinstance(other, Lane) else ir.Constant(self.value.type, other)

    def emit(self, operation, *others):
        return Lane(self.builder, getattr(self.builder, operation)(self.value, *map(self.lift, others)))

    def is_float(self):
        return not isinstance(self.kind, ir.IntType)

    def shaped(self, kind):
        """A type for as many numbers as this lane holds."""
        return ir.VectorType(kind, self.count) if self.count > 1 else kind

    def __add__(self, other):
        return self.emit("fadd" if self.is_float() else "add", other)

    def __sub__(self, other):
        return self.emit("fsub" if self.is_float() else "sub", other)

    def __mul__(self, other):
        return self.emit("fmul" if self.is_float() else "mul", other)

    def __truediv__(self, other):
        return self.emit("fdiv", other)

    def __neg__(self):
        return self.emit("fneg" if self.is_float() else "neg")

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return Lane(self.builder, self.lift(other)) - self

    def __rtruediv__(self, other):
        return Lane(self.builder, self.lift(other)) / self

    def compare(self, sign, other):
        if not self.is_float():
            return Lane(self.builder, self.builder.icmp_signed(sign, self.value, self.lift(other)))
        kind = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return Lane(self.builder, kind(sign, self.value, self.lift(other)))

    def __lt__(self, other):
        return self.compare("<", other)

    def __le__(self, other):
        return self.compare("<=", other)

    def __gt__(self, other):
        return self.compare(">", other)

    def __ge__(self, other):
        return self.compare(">=", other)

    def equals(self, other):
        return self.compare("==", other)

    def differs(self, other):
        return self.compare("!=", other)

    def __and__(self, other):
        return self.emit("and_", other)

    def __or__(self, other):
        return self.emit("or_", other)

    def __xor__(self, other):
        return self.emit("xor", other)

    def __lshift__(self, count):
        return self.emit("shl", count)

    def __rshift__(self, count):
        """The arithmetic shift."""
        return self.emit("ashr", count)

    def llvm(self, name, *others):
        """An intrinsic of LLVM that is one instruction where the processor has it."""
        kind = self.value.type
        lanes = f"v{self.count}" if self.count > 1 else ""
        full = f"llvm.{name}.{lanes}{'f64' if self.double else 'f32'}"
        function = self.builder.module.globals.get(full)
        if function is None:
            shape = ir.FunctionType(kind, [kind] * (1 + len(others)))
            function = ir.Function(self.builder.module, shape, full)
        return Lane(self.builder, self.builder.call(function, [self.value, *map(self.lift, others)]))

    def fused(self, factor, term):
        """self*factor + term, rounded once."""
        return self.llvm("fma", factor, term)

    def times_plus(self, factor, term):
        """self*factor + term, rounded once where the processor does that in one instruction."""
        return self.llvm("fmuladd", factor, term)

    def abs(self):
        return self.llvm("fabs")

    def sqrt(self):
        return self.llvm("sqrt")

    def rint(self):
        """The nearest integer, half to even."""
        return self.llvm("rint")

    def sign_of(self, other):
        """The size of this one, the sign of the other."""
        return self.llvm("copysign", other)

    def where(self, condition, otherwise):
        """This one where the condition holds, else the other."""
        return Lane(self.builder, self.builder.select(condition.value, self.value, self.lift(otherwise)))

    def mended(self, good, found, others):
        """The lanes of several vectors, but those of `others()` where a truth value does not hold.

        Most often it holds in all lanes, and the others are not computed.
        """
        builder, module = self.builder, self.builder.module
        name = f"llvm.vector.reduce.and.v{self.count}i1"
        if name not in module.globals:
            ir.Function(module, ir.FunctionType(ir.IntType(1), [good.value.type]), name)
        every = builder.call(module.globals[name], [good.value])
        before = builder.block
        with builder.if_then(builder.not_(every), likely=False):
            mended = [one.where(good, other) for one, other in zip(found, others(), strict=True)]
            inside = builder.block
        joined = [builder.phi(one.value.type) for one in found]
        for phi, one, other in zip(joined, found, mended, strict=True):
            phi.add_incoming(one.value, before)
            phi.add_incoming(other.value, inside)
        return [Lane(builder, phi) for phi in joined]

    def below(self, limit):
        """The smaller one of this and a number; nan stays nan."""
        return self.constant(limit).where(self > limit, self)

    def above(self, limit):
        """The greater one of this and a number; nan stays nan."""
        return self.constant(limit).where(self < limit, self)

    def within(self, low, high):
        return self.below(high).above(low)

    def negated(self):
        """The opposite of a truth value."""
        return Lane(self.builder, self.builder.not_(self.value))

    def entry(self, values):
        """The entry of a table of float64 at this index."""
        kind = ir.ArrayType(ir.DoubleType(), len(values))
        module = self.builder.module
        name = f"table_{len(module.globals)}"
        table = ir.GlobalVariable(module, kind, name)
        table.global_constant = True
        table.linkage = "internal"
        table.initializer = ir.Constant(kind, list(values))

        def read(index):
            place = self.builder.gep(table, [ir.Constant(ir.IntType(64), 0), index], inbounds=True)
            return self.builder.load(place)

        if self.count == 1:
            return Lane(self.builder, read(self.value))
        found = ir.Constant(ir.VectorType(ir.DoubleType(), self.count), ir.Undefined)
        for k in range(self.count):
            at = ir.Constant(ir.IntType(32), k)
            one = read(self.builder.extract_element(self.value, at))
            found = self.builder.insert_element(found, one, at)
        return Lane(self.builder, found)

    def constant(self, number):
        return Lane(self.builder, self.lift(number))

    def bits(self):
        kind = self.shaped(ir.IntType(64 if self.double else 32))
        return Lane(self.builder, self.builder.bitcast(self.value, kind))

    def floats(self):
        kind = self.shaped(ir.DoubleType() if self.double else ir.FloatType())
        return Lane(self.builder, self.builder.bitcast(self.value, kind))

    def whole(self):
        """An integer lane as a float."""
        kind = self.shaped(ir.DoubleType() if self.double else ir.FloatType())
        return Lane(self.builder, self.builder.sitofp(self.value, kind))

    def wide(self):
        return Lane(self.builder, self.builder.fpext(self.value, self.shaped(ir.DoubleType())))

    def narrow(self):
        if not self.is_float():
            return Lane(self.builder, self.builder.trunc(self.value, self.shaped(ir.IntType(32))))
        return Lane(self.builder, self.builder.fptrunc(self.value, self.shaped(ir.FloatType())))

    def power_of_two(self):
        """2**self of an integer lane whose power is a normal number."""
        digits, bias = (52, 1023) if self.double else (23, 127)
        return ((self + bias) << digits).floats()

    def nearest(self, factor):
        """The integer nearest to self*factor, as a float and as an integer; of at most 2^21 (2^50).

        Adding 3/2 * 2^23 leaves the integer in the last bits of the sum: no conversion is needed.
        """
        shift = 1.5 * 2.0**52 if self.double else 1.5 * 2.0**23
        shifted = self.times_plus(factor, shift)
        return shifted - shift, shifted.bits() - self.constant(shift).bits()

    def polynomial(self, coefficients):
        """Coefficients from the highest power down; even and odd powers do not wait for each other."""
        coefficients = list(coefficients)
        if len(coefficients) < 5:
            total = self.constant(coefficients[0])
            for c in coefficients[1:]:
                total = total.times_plus(self, c)
            return total
        square = self * self
        sums = []
        for part in (coefficients[-1::-2], coefficients[-2::-2]):
            total = self.constant(part[-1])
            for c in part[-2::-1]:
                total = total.times_plus(square, c)
            sums.append(total)
        return sums[1].times_plus(self, sums[0])


def lanewise(body, count=1):
    """The intrinsic of a body over lanes: float32 where all arguments are, else float64."""

    def typed(arguments):
        return types.float32 if all(a == types.float32 for a in arguments) else types.float64

    def code(real, given):
        def lower(context, builder, sig, args):
            values = [context.cast(builder, v, t, real) for v, t in zip(args, given, strict=True)]
            return call_lanes(body, values, context, builder, "alwaysinline")

        return real(*given), lower

    if count == 1:

        @intrinsic
        def run(typingctx, x):
            return code(typed([x]), [x])

    else:

        @intrinsic
        def run(typingctx, x, y):
            return code(typed([x, y]), [x, y])

    return run


LIBRARIES: dict = {}
"""Of every body and precision: the name of its function and the library that holds it."""


def call_lanes(body, values, context, builder, inlining):
    """A call of the function that a body makes.

    It lives in a library of its own because Numba lets LLVM reassociate every operation of a function
    that allows it for its sums: x - n*HIGH - n*LOW would lose what it is for.
    """
    kinds = [v.type for v in values]
    key = (body, str(kinds[0]), context.codegen())
    if key not in LIBRARIES:
        LIBRARIES[key] = compile_lanes(body, kinds, context)
    name, library = LIBRARIES[key]
    context.active_code_library.add_linking_library(library)
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kinds[0], kinds), name)
    return builder.call(function, values, attrs=(inlining,))


def compile_lanes(body, kinds, context):
    """The function of a body; its name tells the content, since other modules may have one of that name."""
    module = ir.Module(body.__name__)
    module.triple = llvm.get_process_triple()
    function = ir.Function(module, ir.FunctionType(kinds[0], kinds), "lanes")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(body(*(Lane(builder, v) for v in function.args)).value)
    kind = "".join(filter(str.isalnum, str(kinds[0])))
    name = f"{body.__name__}_{kind}_{zlib.crc32(str(module).encode()):x}"
    library = context.codegen().create_library(name)
    library.add_llvm_module(llvm.parse_assembly(str(module).replace('@"lanes"', f'@"{name}"')))
    library.finalize()
    return name, library
