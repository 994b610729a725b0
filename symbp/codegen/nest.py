"""One loop nest as the text of one Numba function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import sympy as sp

from symbp.codegen.access import Reader
from symbp.codegen.block import LONG, Block, block
from symbp.codegen.invariant import invariant
from symbp.codegen.names import Namer
from symbp.codegen.python_source import PythonText
from symbp.codegen.reduction import clamped_once, neutral, with_term
from symbp.codegen.reorder import reorderable
from symbp.codegen.scalar import Code, Translator, clamp
from symbp.ir.entries import entries
from symbp.ir.nodes import BATCH, Index, Statement
from symbp.ir.walk import accesses, substitute
from symbp.schedule.looptree import ACCUMULATE, ENTRIES, Nest, Schedule, sums_batch
from symbp.schedule.reduction import Plan, plan

UNROLLED = range(8, 513)
"""Rounds of an inner loop that LLVM would unroll before it looks for vectors."""

FEWEST_SUMMED = 32
"""Terms of a sum from which on vectors pay: they end with a sum over what is in one."""

AddBlock = Callable[[Block], str]
"""Registers a block in the module; returns the name of its intrinsic."""


@dataclass
class Segment:
    """Statements computed in one straight line."""

    code: Code = field(default_factory=Code)
    statements: list[tuple[Statement, int, tuple]] = field(default_factory=list)
    """(statement, its value, the positions of its target)"""


class NestWriter:
    """Writes the body of a nest.

    Attributes:
        lines: the text, indented.
        called: the functions used, as `Code` calls them.
        longest: instructions of the longest block.
        ordered: whether only reductions are marked as free to be reordered, not the whole function.
    """

    def __init__(
        self,
        nest: Nest,
        schedule: Schedule,
        reader: Reader,
        add_block: AddBlock,
        single: bool,
        ordered: bool | None = None,
    ):
        self.nest = nest
        self.ordered = not reorderable(nest) if ordered is None else ordered
        self.reader = reader
        self.namer: Namer = reader.namer
        self.add_block = add_block
        self.single = single
        self.stored = {s.target for s in nest.statements if s.target in schedule.places}
        self.inside = nest.targets
        self.lines: list[str] = []
        self.depth = 0
        self.called: set[str] = set()
        self.longest = 0
        self.variable: dict[str, str] = {}
        self.values: dict[str, int] = {}
        self.reads = {s.target: reader.names_read(s) for s in nest.statements}

    def write(self) -> None:
        first = self.nest.statements[0]
        loops = [self.namer(index.name) for index in first.indices]
        if self.nest.form == ACCUMULATE:
            self._accumulate(first, loops)
        elif self.nest.form == ENTRIES:
            self._entries(first, loops)
        else:
            self._dot(loops)

    # Lines and loops

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _loop(self, name: str, extent, low: str = "", high: str = "", stop: str = "") -> None:
        stop = stop or ("rows" if extent == BATCH else str(extent))
        if high:
            stop = f"min({stop}, {high})"
        if low:
            stop = f"max(0, {low}), {stop}"
        self._line(f"for {name} in range({stop}):")
        self.depth += 1

    def _add(self, target: str, value: str, statement: Statement) -> None:
        if statement.reduce == "max":
            self.called.add("max")
        self._line(with_term(target, value, statement))

    def _accumulate_terms(self, code: Code, roots: list[int], variables: list[str], group: list[Statement]):
        """One step of each reduction; sums may be reordered, what is summed is computed as written."""
        alone = self.ordered
        parts = [
            code.operands(root) if alone and s.reduce == "sum" and code.lines[root][0] == "*" else (root,)
            for root, s in zip(roots, group, strict=True)
        ]
        texts = iter(self._values(code, [number for part in parts for number in part]))
        for s, variable, part in zip(group, variables, parts, strict=True):
            values = [next(texts) for _ in part]
            if s.reduce == "sum" and alone:
                name = "accumulate" if len(part) == 1 else "accumulate_product"
                self.called.add(name)
                self._line(f"{variable} = {name}({', '.join([variable, *values])})")
            else:
                self._add(variable, values[0], s)

    # Dot form

    def _dot(self, loops: list[str]) -> None:
        inner = None
        if self.reader.collapsed:
            self.reader.entry = self.namer(self.reader.entry)
            self._loop(self.reader.entry, self.reader.collapsed)
        else:
            inner = self._inner(loops)
            outer = loops if inner is None else loops[:-1]
            for name, extent in zip(outer, self.nest.extents, strict=inner is None):
                self._loop(name, extent)
        segment = Segment()
        statements = list(self.nest.statements)
        while statements:
            s = statements.pop(0)
            names = dict(zip(s.indices, loops, strict=True))
            if not s.bound:
                value = self._translate(segment.code, s, names)
                segment.statements.append((s, value, self.reader.positions(s.access, names, s)))
                self.values[s.target] = value
                continue
            self._straight(segment, [*statements, s])
            segment = Segment()
            together = [s]
            while statements and self._joins(statements[0], together):
                together.append(statements.pop(0))
            self._reduce(together, loops)
        self._straight(segment, [], inner)

    def _inner(self, loops: list[str]) -> tuple[str, Any] | None:
        """The innermost loop where all statements are computed in it, and it has some rounds."""
        extent = self.nest.extents[-1] if loops else 0
        straight = not any(s.bound for s in self.nest.statements)
        many = extent == BATCH or extent >= UNROLLED.start
        return (loops[-1], extent) if straight and many else None

    def _translate(self, code: Code, s: Statement, names: dict[Index, str]) -> int:
        """The number of the value of the body of `s`."""

        def read(access) -> int:
            if access.name in self.inside and access.indices == s.indices:
                if access.name in self.values:
                    return self.values[access.name]
                return code("local", self.variable[access.name])
            return self.reader.load(code, access, names, s)

        return Translator(code, read, names, self.single)(s.body)

    def _straight(
        self, segment: Segment, later: list[Statement], inner: tuple[str, Any] | None = None
    ) -> None:
        """Write a segment; what later statements of the nest use becomes local variables."""
        self.values = {}
        if not segment.statements:
            return
        wanted = set().union(*(self.reads[s.target] for s in later))
        stores = [(s.target, at, v) for s, v, at in segment.statements if s.target in self.stored]
        named: dict[int, str] = {}
        for s, value, _ in segment.statements:
            if s.target in wanted:
                if value not in named:
                    named[value] = self._local(s.target)
                self.variable[s.target] = named[value]
        self._emit(segment.code, stores, named, inner)

    def _local(self, target: str) -> str:
        name = self.reader.tensor_name(target)
        return self.namer(f"{name}_value") if target in self.stored else name

    def _emit(
        self,
        code: Code,
        stores: list[tuple],
        named: dict[int, str],
        inner: tuple[str, Any] | None = None,
    ) -> None:
        """Write values, in an inner loop if one is given."""
        roots = [v for *_, v in stores] + list(named)
        self._note(code, roots)
        if code.size(roots) > LONG:
            if inner:
                self._loop(*inner)
            long = block(code, stores, named, self.reader.flat)
            call = self._block_call(long)
            self._line(
                f"{', '.join(named.values())}{',' if len(named) == 1 else ''} = {call}" if named else call
            )
            return
        writer = self._begin(code, roots, inner)
        texts = writer.write(roots, named)
        for line in writer.lines:
            self._line(line)
        for (target, at, _), text in zip(stores, texts, strict=False):
            self._line(f"{self.reader.text(target, at)} = {text}")

    def _begin(self, code: Code, roots: list[int], inner: tuple[str, Any] | None) -> PythonText:
        """A writer of values, after the head of their inner loop and what does not vary in that.

        The latter is read before the loop, since Numba cannot know that no target overlaps with it.
        """
        writer = PythonText(code, self.reader.text, self.namer, self.single)
        if inner:
            name, extent = inner
            fixed = invariant(code, roots, name)
            writer.write(fixed, {k: writer.temporary(k) for k in fixed})
            for line in writer.lines:
                self._line(line)
            writer.lines.clear()
            hidden = extent != BATCH and extent in UNROLLED
            self._loop(name, extent, stop=f"opaque({extent})" if hidden else "")
        return writer

    def _block_call(self, text: Block) -> str:
        def pack(items: tuple[str, ...]) -> str:
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"

        self.longest = max(self.longest, text.text.count("\n"))
        return f"{self.add_block(text)}({pack(text.buffers)}, {pack(text.integers)}, {pack(text.scalars)})"

    def _note(self, code: Code, roots: list[int]) -> None:
        for number in code.needed(roots):
            line = code.lines[number]
            self.called.add(line[1] if line[0] == "call" else line[0])

    def _guard(self, conditions, s: Statement, names: dict[Index, str]) -> None:
        texts = [self.reader.integer(c, names, s) for c in conditions if c != sp.true]
        if texts:
            self._line(
                f"if {' and '.join(t if len(texts) == 1 or ' or ' not in t else f'({t})' for t in texts)}:"
            )
            self.depth += 1

    # Reductions

    def _joins(self, other: Statement, group: list[Statement]) -> bool:
        """Whether a reduction can run in the loops of the ones before it: same loops, no dependence."""
        first = group[0]
        same = [i.extent for i in plan(other).loops_only] == [i.extent for i in plan(first).loops_only]
        made = {s.target for s in group}
        depends = any(a.name in made for a in accesses(other.body))
        return bool(other.bound) and not other.where and not first.where and same and not depends

    def _reduce(self, statements: list[Statement], loops: list[str]) -> None:
        variables = []
        for s in statements:
            variables.append(self._local(s.target) if s.target not in self.stored else self.namer("total"))
            self._line(f"{variables[-1]} = {neutral(s, self.single)}")
        depth = self.depth
        how = plan(statements[0])
        inner = [self.namer(index.name) for index in how.loops_only]
        code, roots = Code(), []
        for k, s in enumerate(statements):
            own = plan(s)
            names = dict(zip(s.indices, loops, strict=True)) | dict(zip(own.loops_only, inner, strict=True))
            if k == 0:
                self._open(own, s, names)
            roots.append(self._translate(code, clamped_once(s) or s, names))
        self._accumulate_terms(code, roots, variables, statements)
        self.depth = depth
        for s, variable in zip(statements, variables, strict=True):
            self.variable[s.target] = variable
            if clamped_once(s):
                last = Code()
                (value,) = self._values(last, [clamp(last, last("local", variable), self.single)])
                self._line(f"{variable} = {value}")
            if s.target in self.stored:
                names = dict(zip(s.indices, loops, strict=True))
                place = self.reader.text(s.target, self.reader.positions(s.access, names, s))
                if sums_batch(s):
                    self._add(place, variable, s)
                else:
                    self._line(f"{place} = {variable}")

    def _open(self, how: Plan, s: Statement, names: dict[Index, str]) -> None:
        """Loops over bound indices, solved indices, guards."""
        for index, low, high in how.loops:
            limits = [[self.reader.integer(e, names, s) for e in side] for side in (low, high)]
            whole = index is how.loops[-1][0] and not any(limits)
            if whole and index.extent != BATCH and FEWEST_SUMMED <= index.extent < UNROLLED.stop:
                self._loop(names[index], index.extent, stop=f"opaque({index.extent})")
            else:
                self._loop(names[index], index.extent, ", ".join(limits[0]), ", ".join(limits[1]))
        for index, value in how.solved:
            names[index] = self.namer(index.name)
            self._line(f"{names[index]} = {self.reader.integer(value, names, s)}")
        self._guard(how.guards, s, names)

    def _values(self, code: Code, roots: list[int]) -> list[str]:
        """Texts of values; long code goes into a block first."""
        self._note(code, roots)
        if code.size(roots) > LONG:
            named = {root: self.namer("t1") for root in dict.fromkeys(roots)}
            self._emit(code, [], named)
            return [named[root] for root in roots]
        writer = PythonText(code, self.reader.text, self.namer, self.single)
        texts = writer.write(roots)
        for line in writer.lines:
            self._line(line)
        return texts

    # Entry by entry

    def _entries(self, s: Statement, loops: list[str]) -> None:
        found = entries(s)
        assert found is not None
        names = dict(zip(s.indices, loops, strict=True))
        sizes = [i.extent for i in found.pinned]
        if len(found.bodies) < prod(sizes):
            self._store_entries(s, names, s.indices, [({}, found.otherwise)])
        rest = tuple(i for i in s.indices if i not in found.pinned)
        fixed = [
            ({i: sp.Integer(v) for i, v in zip(found.pinned, at, strict=True)}, body)
            for at, body in found.bodies
        ]
        self._store_entries(s, names, rest, fixed)

    def _store_entries(self, s: Statement, names: dict[Index, str], over: tuple, bodies: list) -> None:
        depth = self.depth
        for index in over:
            self._loop(names[index], index.extent)
        code, stores = Code(), []
        for fixed, body in bodies:
            value = self._translate(code, s.with_body(substitute(body, fixed)), names)
            access = substitute(s.access, fixed)
            stores.append((s.target, self.reader.positions(access, names, s), value))
        self._emit(code, stores, {})
        self.depth = depth

    # Accumulate form

    def _accumulate(self, s: Statement, loops: list[str]) -> None:
        how = plan(s)
        names = dict(zip(s.indices, loops, strict=True))
        names |= {index: self.namer(index.name) for index in how.loops_only}
        for name, extent in zip(loops[:-1], self.nest.extents[:-1], strict=True):
            self._loop(name, extent)
        target = self.reader.text(s.target, self.reader.positions(s.access, names, s))
        last = (loops[-1], self.nest.extents[-1])
        depth = self.depth
        if not sums_batch(s):
            self._loop(*last)
            self._line(f"{target} = {neutral(s, self.single)}")
            self.depth = depth
        self._open(how, s, names)
        code = Code()
        (value,) = self._innermost(code, [self._translate(code, s, names)], last)
        self._add(target, value, s)

    def _innermost(self, code: Code, roots: list[int], inner: tuple[str, Any] | None) -> list[str]:
        """Texts of values, after the head of their inner loop if there is one."""
        if code.size(roots) > LONG:
            if inner:
                self._loop(*inner)
            return self._values(code, roots)
        self._note(code, roots)
        writer = self._begin(code, roots, inner)
        texts = writer.write(roots)
        for line in writer.lines:
            self._line(line)
        return texts
