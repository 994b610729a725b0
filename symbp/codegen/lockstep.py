"""Long straight-line code for many samples at once: one instruction for as many as a register holds.

The source of these functions becomes part of generated modules. LLVM's loop vectoriser was tried and
left: of bodies with hundreds of instructions it makes nothing, or takes minutes. Here the samples go in
lockstep from the start, in a text of the form of `symbp.codegen.block` with

    NUMBER load INPUT ENTRY            an entry of the row of an input
    - store NUMBER RESULT ENTRY        an entry of the row of a result

A group of samples is read into vectors, one per entry of the rows of the inputs; the text is computed; the
vectors of the results are written as rows. What is constant is written into its vector once.
"""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.registers import VECTOR_BYTES, exchanged, steps
from symbp.codegen.support import (
    BLOCK_PIECE,
    MOST_INLINED,
    block_call,
    block_operation,
    line_operands,
    wide_function,
)
from symbp.machine.vocabulary import TypingError, intrinsic, types


def lockstep(text, inputs, results, constants, single):
    """An intrinsic, and the entries of the workspace that it needs.

    The intrinsic (inputs, results, work, begin, end) computes the samples begin ... end-1. An input is an
    array of all samples, or of one that stands for all; `work` begins at a cache line.

    Args:
        text: see the top of the file.
        inputs, results: entries of a row of each.
        constants: (entry among those of all results, number) for results that are not stored.
        single: whether to compute in float32.
    """
    plan = Lockstep(text, inputs, results, constants, single)

    @intrinsic
    def run(typingctx, inputs, results, work, begin, end):
        if any(a.layout != "C" or a.dtype != plan.real for a in (*inputs, *results, work)):
            raise TypingError(f"arrays must be of {plan.real} in C order")

        def lower(context, builder, sig, args):
            given, made = (
                [
                    context.make_array(t)(context, builder, builder.extract_value(args[at], k))
                    for k, t in enumerate(sig.args[at])
                ]
                for at in (0, 1)
            )
            room = context.make_array(sig.args[2])(context, builder, args[2]).data
            low, high = (context.cast(builder, args[k], sig.args[k], types.int64) for k in (3, 4))
            plan.loop(context, builder, given, made, room, low, high)
            return context.get_dummy_value()

        return types.void(inputs, results, work, begin, end), lower

    return run, plan.room


def row_check(inputs, results):
    """An intrinsic (inputs, results, samples) that raises ValueError where an array has another shape.

    An `if` for every array is what Numba would take most of its time for, and LLVM after it: all of them are
    compared without a branch.

    Args:
        inputs, results: (name, shape of a row) of each.
    """
    arrays = [(0, k, *named) for k, named in enumerate(inputs)]
    arrays += [(1, k, *named) for k, named in enumerate(results)]

    @intrinsic
    def check(typingctx, given, made, samples):
        def lower(context, builder, sig, args):
            long = ir.IntType(64)
            count = context.cast(builder, args[2], sig.args[2], types.int64)
            first = ir.Constant(long, len(arrays))
            for number, (at, k, _, row) in reversed([*enumerate(arrays)]):
                array = context.make_array(sig.args[at][k])(
                    context, builder, builder.extract_value(args[at], k)
                )
                samples, *sizes = (builder.extract_value(array.shape, axis) for axis in range(1 + len(row)))
                wrong = builder.icmp_signed("!=", samples, count)
                if at == 0:
                    wrong = builder.and_(wrong, builder.icmp_signed("!=", samples, ir.Constant(long, 1)))
                for size, want in zip(sizes, row, strict=True):
                    other = builder.icmp_signed("!=", size, ir.Constant(long, want))
                    wrong = builder.or_(wrong, other)
                first = builder.select(wrong, ir.Constant(long, number), first)
            fit = builder.append_basic_block("fit")
            choice = builder.switch(first, fit)
            for number, (_, _, name, row) in enumerate(arrays):
                block = builder.append_basic_block("misfit")
                choice.add_case(number, block)
                builder.position_at_end(block)
                shape = ", ".join(["N", *map(str, row)]) + ("," if not row else "")
                problem = f"{name} must have shape ({shape})"
                context.call_conv.return_user_exc(builder, ValueError, (problem,))
            builder.position_at_end(fit)
            return context.get_dummy_value()

        return types.void(given, made, samples), lower

    return check


class Lockstep:
    """Writes the code of a text; see `lockstep` for the arguments.

    Attributes:
        lanes: samples of a group.
        room: entries of the workspace: vectors of inputs, of results, of values between pieces.
    """

    whole = 0  # instructions up to which a text is one function

    def __init__(self, text, inputs, results, constants, single):
        self.inputs, self.results, self.constants = inputs, results, constants
        self.real = types.float32 if single else types.float64
        self.kind = ir.FloatType() if single else ir.DoubleType()
        self.bytes = 4 if single else 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(self.kind, self.lanes)
        self.flags = ir.VectorType(ir.IntType(1), self.lanes)
        self.long = ir.IntType(64)
        lines, length = self.arranged([line.split(" ") for line in text.split("\n") if line])
        self.inline = sum(words[1] == "call" for words in lines) <= MOST_INLINED
        # Register allocation is superlinear in the length of a function.
        size = BLOCK_PIECE if length > self.whole else max(1, len(lines))
        self.pieces = [lines[k : k + size] for k in range(0, len(lines), size)]
        self.home = {w[0]: k for k, piece in enumerate(self.pieces) for w in piece if w[0] != "-"}
        self.vectors = sum(inputs) + sum(results)
        self.slots, self.truths = {}, set()
        self.room = (self.vectors + self.place_slots()) * self.lanes

    def arranged(self, lines):
        """The lines in the order in which they are written, and the instructions that they are."""
        return lines, len(lines)

    def place_slots(self):
        """Give slots to values that outlive their piece; a slot is taken again after the last use."""
        last = {name: k for k, piece in enumerate(self.pieces) for w in piece for name in line_operands(w)}
        free: list = []
        count = 0
        for k, piece in enumerate(self.pieces):
            for words in piece:
                if last.get(words[0], k) > k:
                    self.slots[words[0]] = free.pop() if free else count
                    count = max(count, self.slots[words[0]] + 1)
            free += [slot for name, slot in self.slots.items() if last[name] == k]
        return count

    def number(self, value):
        return ir.Constant(self.long, value)

    def loop(self, context, builder, given, made, room, low, high):
        """All groups of samples; the last one may have lanes without a sample."""
        read, write = self.reader(builder.module), self.writer(builder.module)
        pieces = [self.piece(k, context, builder.module) for k in range(len(self.pieces))]
        work = builder.bitcast(room, self.vector.as_pointer())
        begin = sum(self.inputs)
        inputs = self.tables(builder, read, given, self.inputs, work, 0, True)
        results = self.tables(builder, write, made, self.results, work, begin, False)
        for entry, value in self.constants:
            constant = ir.Constant(self.vector, [float(value)] * self.lanes)
            builder.store(constant, builder.gep(work, [self.number(begin + entry)]))
        lanes, once, always = self.number(self.lanes), self.number(1), self.number(0)
        for move, table in inputs:
            builder.call(move, [table, self.number(0), once, once])
        with steps(builder, low, high, self.lanes) as start:
            left = builder.sub(high, start)
            count = builder.select(builder.icmp_signed("<", left, lanes), left, lanes)
            for move, table in inputs:
                builder.call(move, [table, start, count, always])
            for piece in pieces:
                builder.call(piece, [work])
            for move, table in results:
                builder.call(move, [table, start, count, always])

    def tables(self, builder, move, arrays, sizes, work, begin, repeated):
        """(function, table) for every length of rows: the function moves rows of all arrays in the table.

        Of each array that is its data, its vectors and whether it is read once: where arrays may be
        `repeated`, those of one sample are. Branches for each of many
        arrays, instead of a loop over them, are what LLVM takes long for.
        """
        record = ir.LiteralStructType([self.kind.as_pointer(), self.vector.as_pointer(), self.long])
        groups: dict = {}
        for array, size in zip(arrays, sizes, strict=True):
            groups.setdefault(size, []).append((array, begin))
            begin += size
        found = []
        for size, members in groups.items():
            with builder.goto_entry_block():
                table = builder.alloca(record, size=len(members))
            for k, (array, at) in enumerate(members):
                one = self.number(0)
                if repeated:
                    length = builder.extract_value(array.shape, 0)
                    one = builder.zext(builder.icmp_signed("==", length, self.number(1)), self.long)
                for place, field in enumerate((array.data, builder.gep(work, [self.number(at)]), one)):
                    to = builder.gep(table, [self.number(k), ir.Constant(ir.IntType(32), place)])
                    builder.store(field, to)
            found.append((self.moving(builder.module, move, record, len(members), size), table))
        return found

    def moving(self, module, move, record, count_of_arrays, size):
        """(table, start, count, once): moves `count` rows from `start` of the arrays that are read once, or
        of the others."""
        function, builder = self.function(module, "move", [record.as_pointer(), *[self.long] * 3])
        table, start, count, once = function.args
        size = self.number(size)
        with steps(builder, self.number(0), self.number(count_of_arrays), 1) as each:
            fields = builder.load(builder.gep(table, [each]))
            data, vectors, one = (builder.extract_value(fields, at) for at in range(3))
            with builder.if_then(builder.icmp_signed("==", one, once)):
                rows = builder.gep(data, [builder.mul(start, size)])
                builder.call(move, [rows, vectors, size, count])
        builder.ret_void()
        return function

    def function(self, module, name, kinds, inline="noinline"):
        """A new function and a builder at its start."""
        shape = ir.FunctionType(ir.VoidType(), kinds)
        function = ir.Function(module, shape, module.get_unique_name(f"lockstep_{name}"))
        function.linkage = "internal"
        function.attributes.add(inline)
        return function, ir.IRBuilder(function.append_basic_block())

    def reader(self, module):
        """(rows, vectors, size, count): the rows of some samples as one vector per entry.

        Lanes without a sample hold the last one: nothing is computed that is not computed anyway.
        """
        pointers = [self.kind.as_pointer(), self.vector.as_pointer()]
        function, builder = self.function(module, "read", [*pointers, self.long, self.long], "alwaysinline")
        rows, vectors, size, count = function.args
        whole = builder.icmp_signed("==", count, self.number(self.lanes))
        alone = builder.icmp_signed("==", size, self.number(1))
        with builder.if_else(builder.and_(whole, alone)) as (copied, picked):
            with copied:
                values = builder.load(builder.bitcast(rows, pointers[1]), align=self.bytes)
                builder.store(values, vectors)
            with picked:
                flat = builder.bitcast(vectors, pointers[0])
                last = builder.sub(count, self.number(1))
                with steps(builder, self.number(0), size, 1) as entry:
                    for lane in range(self.lanes):
                        inside = builder.icmp_signed("<", self.number(lane), last)
                        row = builder.select(inside, self.number(lane), last)
                        at = builder.add(builder.mul(row, size), entry)
                        value = builder.load(builder.gep(rows, [at]))
                        to = builder.add(builder.mul(entry, self.number(self.lanes)), self.number(lane))
                        builder.store(value, builder.gep(flat, [to]))
        builder.ret_void()
        return function

    def writer(self, module):
        """(rows, vectors, size, count): vectors, one per entry, as the rows of some samples."""
        pointers = [self.kind.as_pointer(), self.vector.as_pointer()]
        function, builder = self.function(module, "write", [*pointers, self.long, self.long], "alwaysinline")
        rows, vectors, size, count = function.args
        lanes = self.number(self.lanes)
        flat = builder.bitcast(vectors, pointers[0])
        whole = builder.icmp_signed("==", count, lanes)
        squares = builder.mul(builder.sdiv(size, lanes), lanes)
        squares = builder.select(whole, squares, self.number(0))
        with steps(builder, self.number(0), squares, self.lanes) as entry:
            square = [
                builder.load(builder.gep(vectors, [builder.add(entry, self.number(k))]))
                for k in range(self.lanes)
            ]
            for row, values in enumerate(exchanged(builder, square)):
                at = builder.add(builder.mul(size, self.number(row)), entry)
                place = builder.bitcast(builder.gep(rows, [at]), pointers[1])
                builder.store(values, place, align=self.bytes)
        alone = builder.and_(whole, builder.icmp_signed("==", size, self.number(1)))
        with builder.if_else(alone) as (copied, picked):
            with copied:
                place = builder.bitcast(rows, pointers[1])
                builder.store(builder.load(vectors), place, align=self.bytes)
            with picked:
                rest = steps(builder, squares, size, 1)
                with rest as entry, steps(builder, self.number(0), count, 1) as lane:
                    at = builder.add(builder.mul(entry, lanes), lane)
                    value = builder.load(builder.gep(flat, [at]))
                    to = builder.add(builder.mul(lane, size), entry)
                    builder.store(value, builder.gep(rows, [to]))
        builder.ret_void()
        return function

    def piece(self, number, context, module):
        """(work): one piece of the text; values go from piece to piece through the workspace."""
        function, builder = self.function(module, "piece", [self.vector.as_pointer()])
        values = Values(self, builder, function.args[0])
        inputs = [sum(self.inputs[:k]) for k in range(len(self.inputs))]
        results = [sum(self.inputs) + sum(self.results[:k]) for k in range(len(self.results))]
        for name, op, *words in self.pieces[number]:
            if op == "load":
                values[name] = builder.load(values.place(inputs[int(words[0])] + int(words[1])))
            elif op == "store":
                builder.store(values[words[0]], values.place(results[int(words[1])] + int(words[2])))
            elif op == "call":
                values[name] = self.call(words[0], [values[w] for w in words[1:]], context, builder)
            else:
                values[name] = self.computed(op, words, values, context, builder)
        builder.ret_void()
        return function

    def computed(self, op, words, values, context, builder):
        """The value of a constant or an operation."""
        if op == "const":
            return self.constant(words[0])
        return block_operation(op, [values[w] for w in words], self.real, context, builder)

    def constant(self, text):
        if text in ("True", "False"):
            return ir.Constant(self.flags, [text == "True"] * self.lanes)
        return ir.Constant(self.vector, [float(text)] * self.lanes)

    def call(self, name, args, context, builder):
        """A call for all lanes at once; lane by lane where a function knows only numbers."""
        found = wide_function(name, args, context, builder, self.inline)
        if found is not None:
            return found
        found = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.lanes):
            at = ir.Constant(ir.IntType(32), lane)
            one = [builder.extract_element(a, at) for a in args]
            one = block_call(name, one, self.real, context, builder, inline=False)
            found = builder.insert_element(found, one, at)
        return found


class Values(dict):
    """Values of a piece by name; what comes from an earlier piece, or goes to a later one, is in memory."""

    def __init__(self, plan, builder, work):
        self.plan, self.builder, self.work = plan, builder, work

    def place(self, entry):
        return self.builder.gep(self.work, [self.plan.number(entry)])

    def slot(self, name):
        return self.place(self.plan.vectors + self.plan.slots[name])

    def __missing__(self, name):
        value = self.builder.load(self.slot(name))
        if name in self.plan.truths:
            value = self.builder.fcmp_unordered("!=", value, self.plan.constant("0.0"))
        super().__setitem__(name, value)
        return value

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        if name in self.plan.slots:
            if value.type == self.plan.flags:
                self.plan.truths.add(name)
                value = self.builder.uitofp(value, self.plan.vector)
            self.builder.store(value, self.slot(name))
