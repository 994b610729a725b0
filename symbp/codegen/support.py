"""Code that generated modules carry with them, copied by `own_source`.

Written so that it works when pasted: it uses only the names imported here, and nothing of symbp.
"""

from __future__ import annotations

import math

from llvmlite import ir

from symbp.codegen.gamma import BERNOULLI, cotangent_derivative, digamma, log_gamma, polygamma  # noqa: F401
from symbp.machine.vocabulary import impl_ret_new_ref, intrinsic, njit, signature, types


@intrinsic
def view(typingctx, buffer, offset, shape):
    """The array of a shape that begins at an offset of a flat buffer.

    Does what slice and reshape do; those take twice as long to compile as the loops around them. It does
    not keep the buffer alive: see `keep`.

    Loops around views are vectorised for whole registers: of those of 64 bytes LLVM would use one half, as
    some processors run slower with the other. exp and sin take 1.4 times as long then.
    """

    def lower(context, builder, sig, args):
        from numba.np.arrayobj import (
            populate_array,
        )  # not at the top: it takes long, and machine code is kept

        whole = context.make_array(sig.args[0])(context, builder, args[0])
        part = context.make_array(sig.return_type)(context, builder)
        start = context.cast(builder, args[1], sig.args[1], types.intp)
        sizes = [
            context.cast(builder, builder.extract_value(args[2], k), t, types.intp)
            for k, t in enumerate(sig.args[2])
        ]
        step = context.get_constant(types.intp, buffer.dtype.bitwidth // 8)
        strides = [step]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        data = builder.gep(whole.data, [start])
        populate_array(part, data=data, shape=sizes, strides=strides, itemsize=step, meminfo=None)
        # llvmlite's own set knows only attributes that are words. Other processors have no use for this one.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return part._getvalue()

    return buffer.copy(ndim=len(shape))(buffer, offset, shape), lower


@intrinsic
def room(typingctx, count, kind):
    """A new array of so many numbers of the type of `kind`, at the start of a cache line.

    np.empty compiles several functions of its own for this.
    """
    array = types.Array(kind, 1, "C")

    def lower(context, builder, sig, args):
        from numba.np.arrayobj import populate_array  # not at the top, see `view`

        step = context.get_constant(types.intp, kind.bitwidth // 8)
        size = context.cast(builder, args[0], sig.args[0], types.intp)
        line = context.get_constant(types.uint32, 64)
        meminfo = context.nrt.meminfo_alloc_aligned(builder, builder.mul(size, step), line)
        whole = context.make_array(array)(context, builder)
        data = builder.bitcast(context.nrt.meminfo_data(builder, meminfo), whole.data.type)
        populate_array(whole, data=data, shape=[size], strides=[step], itemsize=step, meminfo=meminfo)
        return impl_ret_new_ref(context, builder, array, whole._getvalue())

    return array(count, kind), lower


@intrinsic
def keep(typingctx, buffer):
    """Nothing; but Numba frees no array before its last use, and this is one."""

    def lower(context, builder, sig, args):
        return context.get_dummy_value()

    return types.void(buffer), lower


@intrinsic
def opaque(typingctx, number):
    """The number, kept from LLVM, which would unroll a short loop whole and find no vectors in that."""

    def lower(context, builder, sig, args):
        number = context.cast(builder, args[0], sig.args[0], types.intp)
        kind = ir.FunctionType(number.type, [number.type])
        return builder.asm(kind, "", "=r,0", [number], False)

    return types.intp(number), lower


@intrinsic
def fma(typingctx, a, b, c):
    """a*b + c, rounded once."""

    def lower(context, builder, sig, args):
        return builder.fma(*args)

    return a(a, b, c), lower


@intrinsic
def accumulate(typingctx, total, value):
    """total + value, where LLVM may add the terms of a sum in any order; no other operation is touched."""

    def lower(context, builder, sig, args):
        term = context.cast(builder, args[1], sig.args[1], sig.return_type)
        return builder.fadd(args[0], term, flags=("reassoc", "contract"))

    return total(total, value), lower


@intrinsic
def accumulate_product(typingctx, total, a, b):
    """total + a*b as `accumulate` does it; the product is not rounded where the processor does both in one.

    One instruction from the start: of a multiplication and an addition LLVM would put together whichever
    product it sees first, so that two kernels with one formula would differ in the last digit.
    """

    def lower(context, builder, sig, args):
        factors = [context.cast(builder, args[k], sig.args[k], sig.return_type) for k in (1, 2)]
        kind = args[0].type
        name = f"llvm.fmuladd.{kind.intrinsic_name}"
        function = builder.module.globals.get(name)
        if function is None:
            function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return builder.call(function, [*factors, args[0]], fastmath=("reassoc", "contract"))

    return total(total, a, b), lower


@njit(error_model="numpy")
def maximum(a, b):
    """The greater one; nan if one is nan."""
    return a if a > b or a != a else b


@njit(error_model="numpy")
def minimum(a, b):
    """The smaller one; nan if one is nan."""
    return a if a < b or a != a else b


@njit(error_model="numpy")
def sign(x):
    """-1, 0 or 1; nan at nan."""
    return 1.0 if x > 0 else -1.0 if x < 0 else x * 0.0


def make_block(text, single):
    """An intrinsic (buffers, integers, scalars) -> floats that runs the three-address code `text`.

    Straight-line code goes to LLVM directly, because Numba's front end takes minutes over it.
    """
    outs = text.count("- out ")
    real = types.float32 if single else types.float64

    @intrinsic
    def run(typingctx, buffers, integers, scalars):
        result = types.UniTuple(real, outs) if outs else types.void

        def lower(context, builder, sig, args):
            return lower_block(text, real, outs, context, builder, sig, args)

        return result(buffers, integers, scalars), lower

    return run


def lower_block(text, real, outs, context, builder, sig, args):
    """Emit the instructions of a block at the place of its call."""
    arrays = [
        context.make_array(t)(context, builder, builder.extract_value(args[0], k))
        for k, t in enumerate(sig.args[0])
    ]
    widths = [t.dtype for t in sig.args[0]]
    integers, scalars = (
        [context.cast(builder, builder.extract_value(args[at], k), t, to) for k, t in enumerate(sig.args[at])]
        for at, to in ((1, types.int64), (2, real))
    )
    given = [[a.data for a in arrays], integers, scalars]
    lines = [line.split(" ") for line in text.split("\n")]
    pieces = [lines[k : k + BLOCK_PIECE] for k in range(0, len(lines), BLOCK_PIECE)]
    if len(pieces) == 1:
        inline = sum(words[1] == "call" for words in lines) <= MOST_INLINED
        values = run_lines(lines, {}, given, widths, real, context, builder, inline)
    else:
        values = run_pieces(pieces, given, widths, real, context, builder)
    results = [values[words[2]] for words in lines if words[1] == "out"]
    return context.make_tuple(builder, sig.return_type, results) if outs else context.get_dummy_value()


BLOCK_PIECE = 300
MOST_INLINED = 40


def run_pieces(pieces, given, widths, real, context, builder):
    """Emit a long block as a row of functions that hand values on through memory.

    LLVM's register allocator is superlinear in the length of a function, and hoisting what a loop
    around the block does not change would keep thousands of values alive.
    """
    kind = context.get_value_type(real)
    home = {words[0]: k for k, piece in enumerate(pieces) for words in piece if words[0] != "-"}
    slots: dict = {}
    for k, piece in enumerate(pieces):
        for words in piece:
            for name in line_operands(words):
                if home[name] != k or words[1] == "out":
                    slots.setdefault(name, len(slots))
    with builder.goto_entry_block():
        memory = builder.alloca(kind, size=max(1, len(slots)))
    arguments = [v for group in given for v in group] + [memory]
    shape = ir.FunctionType(ir.VoidType(), [v.type for v in arguments])
    flags = set()
    for k, piece in enumerate(pieces):
        name = builder.module.get_unique_name(f"{builder.function.name}.piece{k}")
        function = ir.Function(builder.module, shape, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        inner = ir.IRBuilder(function.append_basic_block())
        values = {}
        for name in dict.fromkeys(n for words in piece for n in line_operands(words)):
            if home[name] != k:
                value = inner.load(inner.gep(function.args[-1], [ir.Constant(ir.IntType(32), slots[name])]))
                values[name] = (
                    inner.fcmp_unordered("!=", value, ir.Constant(kind, 0)) if name in flags else value
                )
        ends = [0]
        for group in given:
            ends.append(ends[-1] + len(group))
        own = [list(function.args[ends[g] : ends[g + 1]]) for g in range(3)]
        run_lines(piece, values, own, widths, real, context, inner, inline=False)
        for name, slot in slots.items():
            if home[name] == k:
                value = values[name]
                if value.type != kind:
                    flags.add(name)
                    value = inner.uitofp(value, kind)
                inner.store(value, inner.gep(function.args[-1], [ir.Constant(ir.IntType(32), slot)]))
        inner.ret_void()
        builder.call(function, arguments)
    outs = [words[2] for piece in pieces for words in piece if words[1] == "out"]
    return {n: builder.load(builder.gep(memory, [ir.Constant(ir.IntType(32), slots[n])])) for n in outs}


def line_operands(words):
    """The names of values a line of a block uses."""
    if words[1] in ("load", "const", "int", "local"):
        return ()
    if words[1] == "store":
        return words[2:3]
    return words[3:] if words[1] == "call" else words[2:]


def run_lines(lines, values, given, widths, real, context, builder, inline):
    """Emit lines one after the other; `values` holds earlier results by name, and is filled.

    Where `inline`, functions become part of the code, so that a loop around it can be vectorised.
    """
    kind = context.get_value_type(real)
    buffers, integers, scalars = given
    places = {}

    def place(words):
        key = tuple(words)
        if key not in places:
            index = ir.Constant(ir.IntType(64), int(words[1]))
            for word in words[2:]:
                number, stride = word.split(":")
                step = builder.mul(integers[int(number)], ir.Constant(ir.IntType(64), int(stride)))
                index = builder.add(index, step)
            places[key] = builder.gep(buffers[int(words[0])], [index])
        return places[key]

    for name, op, *words in lines:
        if op == "load":
            values[name] = context.cast(builder, builder.load(place(words)), widths[int(words[0])], real)
        elif op == "store":
            builder.store(values[words[0]], place(words[1:]))
        elif op == "const":
            flag = words[0] in ("True", "False")
            value = words[0] == "True" if flag else float(words[0])
            values[name] = ir.Constant(ir.IntType(1) if flag else kind, value)
        elif op == "int":
            values[name] = builder.sitofp(integers[int(words[0])], kind)
        elif op == "local":
            values[name] = scalars[int(words[0])]
        elif op == "call":
            operands = [values[w] for w in words[1:]]
            values[name] = block_call(words[0], operands, real, context, builder, inline)
        elif op != "out":
            values[name] = block_operation(op, [values[w] for w in words], real, context, builder)
    return values


def block_operation(op, args, real, context, builder):
    """One arithmetic instruction."""
    if op in ("+", "-", "*", "/"):
        return {"+": builder.fadd, "-": builder.fsub, "*": builder.fmul, "/": builder.fdiv}[op](*args)
    if op == "neg":
        return builder.fneg(*args)
    if op == "!=":
        return builder.fcmp_unordered(op, *args)
    if op in ("<", "<=", ">", ">=", "=="):
        return builder.fcmp_ordered(op, *args)
    if op == "select":
        return builder.select(*args)
    if op in ("and", "or"):
        return (builder.and_ if op == "and" else builder.or_)(*args)
    if op == "not":
        return builder.not_(*args)
    if op in ("max", "min"):
        better = builder.fcmp_ordered(">" if op == "max" else "<", *args)
        take = builder.or_(better, builder.fcmp_unordered("uno", args[0], args[0]))
        return builder.select(take, *args)
    name = {"sqrt": "sqrt", "abs": "fabs", "fma": "fma"}[op]
    return llvm_function(name, args, builder)


def llvm_function(name, args, builder):
    """A call of an intrinsic of LLVM, for numbers or for vectors of them."""
    kind = args[0].type
    count, one = getattr(kind, "count", 0), getattr(kind, "element", kind)
    full = f"llvm.{name}.{f'v{count}' if count else ''}{one.intrinsic_name}"
    function = builder.module.globals.get(full)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(args)), full)
    return builder.call(function, args)


def block_call(name, args, real, context, builder, inline):
    """One call: of LLVM, of a function in `math` or over lanes, or of a helper of this module."""
    known = globals()
    # One number at a time, libm is faster: it branches. Its erfc is off by 4.06 units (glibc 2.36).
    if "lanes_" + name in known and not inline and hasattr(math, name) and name != "erfc":
        name = "math." + name
    found = wide_function(name, args, context, builder, inline)
    if found is not None:
        return found
    library, _, short = name.rpartition(".")
    if library == "math":
        function = getattr(math, short)
        return context.get_function(function, signature(real, *[real] * len(args)))(builder, args)
    # Helpers compute in double precision whatever the kernel does.
    double = types.float64
    args = [context.cast(builder, a, real, double) for a in args]
    shape = double(*[double] * len(args))
    found = context.compile_subroutine(builder, known[name].py_func, shape)
    # They raise nothing; a function that is cut out of a block could not hand an error on.
    _, value = context.call_internal_no_propagate(builder, found.fndesc, shape, args)
    return context.cast(builder, value, double, real)


def wide_function(name, args, context, builder, inline):
    """A call of a function that is the same for numbers and for vectors of them; None for others."""
    known = globals()
    if "lanes_" + name in known:
        how = "alwaysinline" if inline else "noinline"
        return known["call_lanes"](known["lanes_" + name], args, context, builder, how)
    library, _, short = name.rpartition(".")
    return llvm_function(short, args, builder) if library == "np" else None
