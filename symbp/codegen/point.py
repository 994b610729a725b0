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

from symbp.codegen.alike import alike, levels
from symbp.codegen.lockstep import Lockstep, Values
from symbp.codegen.support import block_call, block_operation, wide_function
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
    lines = [line.split(" ") for line in text.split("\n") if line]
    places = [
        (level, words[2] * (words[1] == "call")) for level, words in zip(levels(lines), lines, strict=True)
    ]
    order = sorted(range(len(lines)), key=places.__getitem__)
    return "\n".join(" ".join(lines[at]) for at in order)


class Point(Lockstep):
    """Writes the code of a text for one sample.

    Attributes:
        width: arguments of one call.
        memory: numbers that outlive their piece of the text.
        groups: of lines that are one operation for a vector, see `symbp.codegen.alike`.
    """

    # Measured: 1,800 instructions compile in half the time whole, and run up to a tenth faster, as fewer
    # numbers go through memory; of 4,000 neither is so. 4,000 lines that are 1,700 run a quarter faster.
    whole = 2000

    def __init__(self, text, inputs, results, constants, single):
        super().__init__(text, inputs, results, constants, single)
        self.width, self.memory = self.lanes, self.room // self.lanes - self.vectors
        self.lanes, self.vector, self.flags, self.vectors = 1, self.kind, ir.IntType(1), 0
        self.columns = {}

    def arranged(self, lines):
        found, self.groups = alike(lines, self.lanes)
        written = sum(words[1] != "const" for words in lines)
        length = written - len(self.groups) + len({*self.groups.values()})
        if length > self.whole:
            found, self.groups = lines, {}  # pieces of the text would cut them
        return found, length

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

        for (op, called, group), lines in groupby(self.pieces[number], self.unit):
            if op == "call":
                self.calls(called, [*lines], values, context, builder)
                continue
            if group:
                self.together(op, [*lines], values, context, builder)
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

    def unit(self, words):
        """What lines have in common that are one call or one operation."""
        return words[1], words[2] * (words[1] == "call"), self.groups.get(words[0], ())

    def together(self, op, lines, values, context, builder):
        """One operation for all lines of a group."""
        size = 1 << (len(lines) - 1).bit_length()
        columns = []
        for names in zip(*(words[2:] for words in lines), strict=True):
            if names not in self.columns:
                self.columns[names] = self.vector_of(builder, [values[n] for n in names], size)
            columns.append(self.columns[names])
        found = block_operation(op, columns, self.real, context, builder)
        self.columns[tuple(words[0] for words in lines)] = found
        for lane, words in enumerate(lines):
            values[words[0]] = builder.extract_element(found, ir.Constant(ir.IntType(32), lane))

    def constant(self, text):
        if text in ("True", "False"):
            return ir.Constant(self.flags, text == "True")
        return ir.Constant(self.kind, float(text))

    def calls(self, called, lines, values, context, builder):
        """One function for the arguments of several lines, as many at once as a register holds.

        For one argument too: the function of a number alone may take another way, and round otherwise.
        """
        for k in range(0, len(lines), self.width):
            group = lines[k : k + self.width]
            given = [[values[w] for w in words[3:]] for words in group]
            vectors = [self.vector_of(builder, column, self.width) for column in zip(*given, strict=True)]
            found = wide_function(called, vectors, context, builder, self.inline)
            for lane, (words, args) in enumerate(zip(group, given, strict=True)):
                if found is None:
                    value = block_call(called, args, self.real, context, builder, inline=False)
                else:
                    value = builder.extract_element(found, ir.Constant(ir.IntType(32), lane))
                values[words[0]] = value

    def vector_of(self, builder, numbers, size):
        """Numbers in the lanes of a vector, the last one repeated."""
        found = ir.Constant(ir.VectorType(numbers[0].type, size), ir.Undefined)
        for lane in range(size):
            number = numbers[min(lane, len(numbers) - 1)]
            found = builder.insert_element(found, number, ir.Constant(ir.IntType(32), lane))
        return found
