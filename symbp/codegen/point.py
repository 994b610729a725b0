"""Straight-line code for one sample: numbers where `symbp.codegen.lockstep` has vectors of samples.

What takes its time are the calls of functions such as exp. Those that do not wait for each other are one call
for a vector of arguments, so the text is brought into an order in which they stand side by side: first all
operations that need no call, then the calls that need no other, and so on. Every number is computed by the
same operations as in lockstep, and comes out the same.

The source of these functions becomes part of generated modules.
"""

from __future__ import annotations

from itertools import groupby

from llvmlite import ir

from symbp.codegen.lockstep import Lockstep, Values
from symbp.codegen.support import block_call, line_operands, wide_function
from symbp.machine.vocabulary import TypingError, intrinsic, types


def point(text, inputs, results, constants, single):
    """An intrinsic (inputs, results) that computes the first sample; for the arguments see `lockstep`."""
    real = types.float32 if single else types.float64

    @intrinsic
    def run(typingctx, given, made):
        if any(a.layout != "C" or a.dtype != real for a in (*given, *made)):
            raise TypingError(f"arrays must be of {real} in C order")

        def lower(context, builder, sig, args):
            arrays = [
                context.make_array(t)(context, builder, builder.extract_value(args[at], k))
                for at in (0, 1)
                for k, t in enumerate(sig.args[at])
            ]
            Point(in_levels(text), inputs, results, constants, single).once(context, builder, arrays)
            return context.get_dummy_value()

        return types.void(given, made), lower

    return run


def in_levels(text):
    """The lines of a text, those of one function together where none needs another."""
    rank: dict = {}
    lines = []
    for line in filter(None, text.split("\n")):
        words = line.split(" ")
        # Even ranks are operations, odd ones calls; neither waits for others of its rank but operations.
        called = words[1] == "call"
        before = [rank[name] for name in line_operands(words)]
        own = max((r + (r % 2 == 0) + 2 * (r % 2) if called else r + r % 2 for r in before), default=called)
        if words[0] != "-":
            rank[words[0]] = own
        lines.append((own, words[2] if called else "", line))
    return "\n".join(line for _, _, line in sorted(lines, key=lambda found: found[:2]))


class Point(Lockstep):
    """Writes the code of a text for one sample.

    Attributes:
        width: arguments of one call.
        memory: numbers that outlive their piece of the text.
    """

    # Measured: 1,800 lines compile in half the time whole, and run up to a tenth faster, as fewer numbers go
    # through memory; of 4,000 lines neither is so.
    whole = 2000

    def __init__(self, text, inputs, results, constants, single):
        super().__init__(text, inputs, results, constants, single)
        self.width, self.memory = self.lanes, self.room // self.lanes - self.vectors
        self.lanes, self.vector, self.flags, self.vectors = 1, self.kind, ir.IntType(1), 0

    def once(self, context, builder, arrays):
        """The sample of some arrays: inputs, then results."""
        pointer = self.kind.as_pointer()
        with builder.goto_entry_block():
            work = builder.alloca(self.kind, size=max(1, self.memory))
            table = builder.alloca(pointer, size=len(arrays))
        for k, array in enumerate(arrays):
            builder.store(array.data, builder.gep(table, [self.number(k)]))
        for k in range(len(self.pieces)):
            builder.call(self.piece(k, context, builder.module), [work, table])
        ends = [sum(self.results[: k + 1]) for k in range(len(self.results))]
        for entry, value in self.constants:
            k = next(k for k, end in enumerate(ends) if entry < end)
            at = self.number(entry - ends[k] + self.results[k])
            data = arrays[len(self.inputs) + k].data
            builder.store(ir.Constant(self.kind, float(value)), builder.gep(data, [at]))

    def piece(self, number, context, module):
        """(work, addresses of the arrays): one piece of the text."""
        pointer = self.kind.as_pointer()
        inline = "alwaysinline" if len(self.pieces) == 1 else "noinline"
        function, builder = self.function(module, "point", [pointer, pointer.as_pointer()], inline)
        values = Values(self, builder, function.args[0])

        def entry(array, flat):
            data = builder.load(builder.gep(function.args[1], [self.number(array)]))
            return builder.gep(data, [self.number(int(flat))])

        for (op, called), lines in groupby(self.pieces[number], lambda w: (w[1], w[2] * (w[1] == "call"))):
            if op == "call":
                self.calls(called, [*lines], values, context, builder)
                continue
            for name, _, *words in lines:
                if op == "load":
                    values[name] = builder.load(entry(int(words[0]), words[1]))
                elif op == "store":
                    place = entry(len(self.inputs) + int(words[1]), words[2])
                    builder.store(values[words[0]], place)
                else:
                    values[name] = self.computed(op, words, values, context, builder)
        builder.ret_void()
        return function

    def constant(self, text):
        if text in ("True", "False"):
            return ir.Constant(self.flags, text == "True")
        return ir.Constant(self.kind, float(text))

    def calls(self, called, lines, values, context, builder):
        """One function for the arguments of several lines, as many at once as a register holds."""
        for k in range(0, len(lines), self.width):
            group = lines[k : k + self.width]
            given = [[values[w] for w in words[3:]] for words in group]
            found = None
            if len(group) > 1:
                vectors = [self.vector_of(builder, column) for column in zip(*given, strict=True)]
                found = wide_function(called, vectors, context, builder, self.inline)
            for lane, (words, args) in enumerate(zip(group, given, strict=True)):
                if found is not None:
                    value = builder.extract_element(found, ir.Constant(ir.IntType(32), lane))
                else:
                    value = self.call(called, args, context, builder)
                values[words[0]] = value

    def vector_of(self, builder, numbers):
        """Numbers in the lanes of a vector, the last one repeated."""
        found = ir.Constant(ir.VectorType(self.kind, self.width), ir.Undefined)
        for lane in range(self.width):
            number = numbers[min(lane, len(numbers) - 1)]
            found = builder.insert_element(found, number, ir.Constant(ir.IntType(32), lane))
        return found

    def call(self, name, args, context, builder):
        """A call for numbers."""
        found = wide_function(name, args, context, builder, self.inline)
        return block_call(name, args, self.real, context, builder, inline=False) if found is None else found
