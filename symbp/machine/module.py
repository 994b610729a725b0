"""A generated module as one LLVM module: its functions, for the types of arguments they are called with."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine import types
from symbp.machine.convention import STATUS
from symbp.machine.function import WIDE, Compiled, Writer
from symbp.machine.object_file import ObjectFile
from symbp.machine.part import Part
from symbp.machine.values import LONG, NotCovered, part_types, value_of
from symbp.machine.vocabulary import meanings


@dataclass(frozen=True)
class LoopMark:
    """Metadata of a loop that is to be written out. It refers to itself, which llvmlite cannot write."""

    number: int

    def get_reference(self) -> str:
        return f"!{FIRST_MARK + 2 * self.number}"

    @property
    def definition(self) -> str:
        own, what = self.get_reference(), f"!{FIRST_MARK + 2 * self.number + 1}"
        return f'{own} = distinct !{{{own}, {what}}}\n{what} = !{{!"llvm.loop.unroll.full"}}\n'


FIRST_MARK = 1_000_000
"""The number of the first mark, above those of llvmlite."""


@dataclass
class Module:
    """The LLVM module of a text.

    Attributes:
        text: of the generated module.
        given: functions that are compiled already, apart from it.
        names: what the names of the text mean.
        messages: of the errors that its functions may return; the first one has status 1.
    """

    text: str
    given: ObjectFile | None = None
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.module = ir.Module("symbp")
        self.module.triple = llvm.get_process_triple()
        for name, kind in self.given.functions.items() if self.given else ():
            ir.Function(self.module, kind, name)  # where intrinsics find it, they write no other
        tree = ast.parse(self.text)
        self.names = meanings(tree)
        self.definitions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
        self._functions: dict[tuple[str, tuple], Compiled] = {}
        self._parts: list[Part] = []
        self._marks: list[LoopMark] = []
        self._tables: dict[str, ir.GlobalVariable] = {}

    def function(self, name: str, kinds: tuple) -> Compiled:
        """The function `name` of the text for these types of arguments."""
        if (name, kinds) not in self._functions:
            definition = self.definitions.get(name)
            if definition is None or len(self._functions) > MOST_FUNCTIONS:
                raise NotCovered(f"the function {name}")
            self._functions[name, kinds] = Writer(self, definition, kinds).written()
        return self._functions[name, kinds]

    def export(self, name: str, kinds: Sequence[Any]) -> None:
        """Make a function one that the process can call: (parts of all arguments) -> status.

        An array is given as the address of its data and its extents. The status is 0, the number of a
        message, or `NO_MEMORY`.
        """
        inner = self.function(name, tuple(kinds))
        if inner.kind is not None:
            raise NotCovered(f"the result of {name}")
        parts = [part for kind in kinds for part in part_types(kind)]
        function = ir.Function(self.module, ir.FunctionType(STATUS, parts), name)
        set.add(function.attributes, WIDE)
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(builder.call(inner.function, function.args))

    def table(self, name: str, array: Any) -> Any:
        """A constant array of the text, as a value."""
        kind = types.Array(types.NUMBERS[array.dtype.name], array.ndim, "C")
        if name not in self._tables:
            (entry, *_) = part_types(kind)
            content = ir.ArrayType(entry.pointee, array.size)
            table = ir.GlobalVariable(self.module, content, f"constant_{name}")
            table.linkage, table.global_constant, table.align = "internal", True, 64
            table.initializer = ir.Constant(content, array.ravel().tolist())
            self._tables[name] = table
        zero = ir.Constant(ir.IntType(32), 0)
        start = self._tables[name].gep([zero, zero])
        return value_of(kind, [start, *(ir.Constant(LONG, n) for n in array.shape)])

    def unrolled(self) -> LoopMark:
        """What marks a loop that is to be written out."""
        self._marks.append(LoopMark(len(self._marks)))
        return self._marks[-1]

    def add_linking_library(self, library: Part) -> None:
        """Remember what an intrinsic calls; the name is Numba's."""
        if library not in self._parts:
            self._parts.append(library)

    def parsed(self) -> llvm.ModuleRef:
        """The whole as LLVM has it, not optimised yet; only what is exported can be seen from outside."""
        exported = {f.name for f in self.module.functions if f.linkage != "internal" and f.blocks}
        marks = "".join(mark.definition for mark in self._marks)
        found = llvm.parse_assembly(f"{self.module}\n{marks}")
        for part in self._parts:
            assert part.module is not None
            found.link_in(part.module, preserve=True)
        for function in found.functions:
            if not function.is_declaration and function.name not in exported:
                function.linkage = "internal"
        return found


MOST_FUNCTIONS = 2000
"""Functions that are lowered for one module: a text without end is left to Numba."""
