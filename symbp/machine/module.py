"""A generated module as one LLVM module: its functions, for the types of arguments they are called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.machine import types
from symbp.machine.function import Compiled, Writer
from symbp.machine.gate import write_job
from symbp.machine.host import triple
from symbp.machine.names import Names
from symbp.machine.part import Part
from symbp.machine.values import LONG, NotCovered, part_types, value_of


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
        given: functions that are compiled apart from it.
        names: what the names of the text mean.
        messages: of the errors that its functions may return; the first one has status 1.
    """

    text: str
    given: Mapping[str, ir.FunctionType] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.module = ir.Module("symbp")
        self.module.triple = triple()
        for name, kind in self.given.items():
            ir.Function(self.module, kind, name)  # where intrinsics find it, they write no other
        self.names = Names(self.text)
        self.exported: dict[str, tuple] = {}
        self._functions: dict[tuple[str, tuple], Compiled] = {}
        self._parts: list[Part] = []
        self._marks: list[LoopMark] = []
        self._tables: dict[str, ir.GlobalVariable] = {}

    def function(self, name: str, kinds: tuple) -> Compiled:
        """The function `name` of the text for these types of arguments."""
        if (name, kinds) not in self._functions:
            definition = self.names.definition(name)
            if definition is None or len(self._functions) > MOST_FUNCTIONS:
                raise NotCovered(f"the function {name}")
            self._functions[name, kinds] = Writer(self, definition, kinds).written()
        return self._functions[name, kinds]

    def export(self, functions: Mapping[str, tuple], shared: bool = False) -> None:
        """Make functions, for these types of arguments, ones that the process can call: (parts of all
        arguments) -> status.

        An array is given as the address of its data and its extents. The status is 0, the number of a
        message, or `NO_MEMORY`. There is no function around them: LLVM would optimise its text twice, before
        it becomes part of that and again after.

        Args:
            shared: whether threads share them, so that they are called as `symbp.machine.gate` does.
        """
        if not shared:
            self.exported.update(functions)
        for name, kinds in functions.items():
            written = self.function(name, kinds)
            if written.kind is not None:
                raise NotCovered(f"the result of {name}")
            if shared:
                written.function.attributes.add("noinline")
                write_job(self.module, name, written.function)
                self.exported[name] = kinds

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
        marks = "".join(mark.definition for mark in self._marks)
        found = llvm.parse_assembly(f"{self.module}\n{marks}")
        for part in self._parts:
            found.link_in(part.parsed(), preserve=True)
        for function in found.functions:
            if not function.is_declaration and function.name not in self.exported:
                function.linkage = "internal"
        return found


MOST_FUNCTIONS = 2000
"""Functions that are lowered for one module: a text without end is left to Numba."""
