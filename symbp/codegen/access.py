"""How a nest reads and writes tensors: as views of textbook shape, or flat inside long code."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import sympy as sp

from symbp.codegen.names import Namer
from symbp.codegen.scalar import Code, Position, affine, integer_text
from symbp.ir.nodes import BATCH, Access, Index, Statement
from symbp.ir.walk import accesses, is_leaf, postorder
from symbp.schedule.looptree import Place, Schedule
from symbp.schedule.parts import MOST_TENSORS


class Reader:
    """Names and addresses of the tensors of one nest.

    Attributes:
        namer: identifiers of the nest.
        tensors: the stored tensors the nest touches, in order of first use.
        fixed: None where the namer has a word in what tensors are called; else they are called exactly as
            `names` says, and as `fixed` says where all axes are one.
        collapsed: where all axes of all tensors are one, its length as text.
        entry: the loop variable there.
        baked: whether addresses are offsets into whole buffers, written into the text.
    """

    def __init__(
        self,
        statements: list[Statement],
        schedule: Schedule,
        names: Mapping[str, str],
        namer: Namer,
        fixed: Mapping[str, str] | None = None,
    ):
        self.schedule = schedule
        self.program = schedule.program
        self.namer = namer
        self.fixed = fixed
        self.names = dict(names)
        self.reads: dict[str, set[str]] = {}
        touched: dict[str, None] = {}
        for s in statements:
            found = {a.name: None for part in (s.body, *s.where) for a in accesses(part)}
            self.reads[s.target] = set(found)
            touched |= {s.target: None} | found
        # Tensors in one place are one array: LLVM vectorises what updates it, not what may overlap.
        first: dict[Any, str] = {}
        self.same = {
            name: first.setdefault((schedule.places[name], self.program.tensors[name].shape), name)
            for name in touched
            if name in schedule.places
        }
        self.tensors = list(first.values())
        self.baked = len(self.tensors) > MOST_TENSORS
        self.collapsed = "" if self.baked else self._collapsed(statements)
        self.entry = "k"
        self.local: dict[str, str] = {}

    def names_read(self, statement: Statement) -> set[str]:
        return self.reads[statement.target]

    def tensor_name(self, tensor: str) -> str:
        """The identifier of a tensor in this nest: of its view, or of its local variable."""
        tensor = self.same.get(tensor, tensor)
        if tensor not in self.local:
            name = self.names.get(tensor, tensor)
            if self.fixed is None:
                name = self.namer.with_ends(name, ("_in", "_at"))
            self.local[tensor] = self.fixed[tensor] if self.fixed and self.collapsed else name
        return self.local[tensor]

    def _collapsed(self, statements: list[Statement]) -> str:
        """Where every tensor is read and written entry by entry in the same order, their number as text.

        One loop over all of them is longer than one per row, and needs no look at whether arrays overlap
        for each row.
        """
        shapes = {tuple(self.program.tensors[s.target].shape) for s in statements}
        if len(shapes) != 1 or len(next(iter(shapes))) < 2:
            return ""
        (shape,) = shapes
        for s in statements:
            if s.bound or s.where or len(set(s.indices)) < len(s.indices):
                return ""
            reads = accesses(s.body)
            if any(a.indices != s.indices or self.program.tensors[a.name].shape != shape for a in reads):
                return ""
            if any(isinstance(n, Index) for n in postorder([s.body], leaf=is_leaf)):
                return ""
        size = prod(n for n in shape if n != BATCH)
        return f"rows*{size}" if shape[0] == BATCH else str(size)

    def shape(self, tensor: str) -> tuple[str, ...]:
        """The extents of the view of a tensor, as text."""
        if self.collapsed:
            return (self.collapsed,)
        t = self.program.tensors[tensor]
        return (*["rows"] * t.batched, *map(str, t.row_shape)) or ("1",)

    def place(self, tensor: str) -> Place:
        return self.schedule.places[tensor]

    def load(self, code: Code, access: Access, names: Mapping[Index, str], s: Statement) -> int:
        positions = self.positions(access, names, s)
        if self.program.tensors[access.name].role == "label":
            return code("int", self.text(access.name, positions))
        return code("load", access.name, positions)

    def positions(self, access: Access, names: Mapping[Index, str], s: Statement) -> tuple[Position, ...]:
        if self.collapsed:
            return (Position(0, ((self.entry, 1),)),)
        shape = self.program.tensors[access.name].shape
        return tuple(self._position(p, n, names, s) for p, n in zip(access.indices, shape, strict=True))

    def _position(self, position: Any, extent: Any, names: Mapping[Index, str], s: Statement) -> Position:
        if isinstance(position, Index):
            return Position(0, ((names[position], 1),))
        result = affine(position, lambda e: self.integer(e, names, s))
        if s.where or extent == BATCH:
            return result
        low, high = self._range(position)
        if low is None or low < 0 or high >= extent:
            # A Piecewise may guard this access; both of its sides are evaluated, so stay inside.
            return Position(0, ((f"min(max({result}, 0), {extent - 1})", 1),))
        return result

    def _range(self, position: Any) -> tuple[Any, Any]:
        """Least and greatest value of an affine index; (None, None) where unknown."""
        low = high = 0
        for part in sp.Add.make_args(position):
            coefficient, rest = part.as_coeff_Mul()
            if rest is sp.S.One:
                top = 1
                bottom = 1
            elif isinstance(rest, Index) and rest.extent != BATCH:
                bottom, top = 0, rest.extent - 1
            elif isinstance(rest, Access) and self.program.tensors[rest.name].bound is not None:
                bottom, top = 0, self.program.tensors[rest.name].bound - 1  # type: ignore[operator]
            else:
                return None, None
            ends = sorted((int(coefficient) * bottom, int(coefficient) * top))
            low, high = low + ends[0], high + ends[1]
        return low, high

    def integer(self, node: Any, names: Mapping[Index, str], s: Statement) -> str:
        """Text of an integer expression, gathers included."""

        def gather(access: Access) -> str:
            text = self.text(access.name, self.positions(access, names, s))
            return text if self.program.tensors[access.name].role == "label" else f"int({text})"

        return integer_text(node, names, gather)

    def text(self, tensor: str, positions: tuple[Position, ...]) -> str:
        """Python text of one entry."""
        if not self.baked:
            return f"{self.tensor_name(tensor)}[{', '.join(map(str, positions)) or '0'}]"
        buffer, const, strides = self.flat(tensor, positions)
        return f"{buffer}[{Position(const, tuple(strides.items()))}]"

    def flat(self, tensor: str, positions: tuple[Position, ...]) -> tuple[str, int, dict[str, int]]:
        """(buffer, constant offset, stride by integer term) of one entry."""
        shape = (BATCH,) if self.collapsed else self.program.tensors[tensor].shape
        const = 0
        strides: dict[str, int] = {}
        step = 1
        for position, extent in zip(reversed(positions), reversed(shape), strict=True):
            const += step * position.const
            for name, coefficient in position.terms:
                strides[name] = strides.get(name, 0) + step * coefficient
            step *= 1 if extent == BATCH else extent
        if not self.baked:
            return self.tensor_name(tensor), const, strides
        place = self.place(tensor)
        if place.streamed:
            strides["start"] = step
        return self.buffer_name(place.buffer), const + place.offset, strides

    def buffer_name(self, buffer: str) -> str:
        """The parameter that holds a whole buffer (baked nests only)."""
        if ":" not in buffer:
            return buffer
        return self.tensor_name(buffer.split(":", 1)[1])

    def buffers(self) -> list[str]:
        """The buffers the nest touches, in order of first use."""
        return list(dict.fromkeys(self.place(t).buffer for t in self.tensors))
