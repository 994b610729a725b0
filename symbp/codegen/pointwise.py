"""Kernels of numbers alone: every equation gives one number per sample, and no loop is left.

Bare expressions are of this form, with their gradients and Jacobians. All equations become one straight
line of instructions, computed for many samples in lockstep; nothing but what goes in and out is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from symbp.codegen import alike, lockstep, point, registers
from symbp.codegen.block import LONG
from symbp.codegen.driver import Driver
from symbp.codegen.functions import spelled
from symbp.codegen.own_source import own_source
from symbp.codegen.scalar import Code, Translator
from symbp.codegen.shared import JOB_ARGUMENTS
from symbp.codegen.text import equation
from symbp.ir.entries import each_entry, entries
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement
from symbp.ir.walk import accesses
from symbp.machine.gate import DONE, NOTED
from symbp.schedule.kernel import Kernel
from symbp.schedule.looptree import Schedule

if TYPE_CHECKING:
    from symbp.codegen.module import Module

PIECES = range(128, 1025)
"""Samples that one thread takes at a time. For each piece what is constant is written anew."""

PIECE_WORK = 1 << 18
"""What these cost, in the units of `symbp.passes.cost`, as long as they are not too few, nor too many."""

COSTS = {"call": 40, "pow": 40, "/": 5, "sqrt": 5, "const": 0}
"""Instructions that cost more than a multiplication, or less."""

MOST_SHOWN = 20
"""Equations that are written above the call."""


@dataclass(frozen=True)
class Straight:
    """A pointwise kernel as the text that `symbp.codegen.lockstep` takes.

    Attributes:
        text: of the instructions.
        inputs, results: entries of one row of each.
        constants: (entry among those of all results, number) of what is the same for all samples.
        called: functions in the text.
        size: instructions.
        work: what they cost, in the units of `symbp.passes.cost`.
    """

    text: str
    inputs: tuple[int, ...]
    results: tuple[int, ...]
    constants: tuple[tuple[int, str], ...]
    called: frozenset[str]
    size: int
    work: int


def is_pointwise(program: Program) -> bool:
    """Whether all statements define single numbers, per sample or for all of them, from single numbers."""
    tensors = program.tensors.values()
    if any(t.role not in ("input", "defined") for t in tensors):
        return False
    return all(_pointwise(s) for s in program.statements)


def _pointwise(s: Statement) -> bool:
    if s.bound or s.where:
        return False
    body, free = s.body, [i for i in s.indices if i.extent != BATCH]
    parts = [body]
    if free:
        found = entries(s)
        if found is None or set(found.pinned) != set(free) or not found.otherwise.is_Number:
            return False
        parts = [b for _, b in found.bodies]
    reads = [a for part in parts for a in accesses(part)]
    return all(i.is_Integer or _is_sample(i) for a in reads for i in a.indices)


def _is_sample(index: Any) -> bool:
    return isinstance(index, Index) and index.extent == BATCH


def straight(kernel: Kernel) -> Straight | None:
    """The kernel as one straight line; None where it has loops, or is short enough for one of Numba's."""
    program = kernel.program
    whole = not kernel.parameters and not kernel.gradient
    batched = all(program.tensors[n].batched for n in (*kernel.inputs, *kernel.results))
    if not (whole and batched and kernel.inputs and kernel.results and is_pointwise(program)):
        return None
    writer = _Writer(program, kernel.inputs, kernel.dtype == "float32")
    for s in program.statements:
        writer.visit(s)
    found = writer.straight(kernel.results)
    rows = any(size > 1 for size in found.results)
    return found if rows or found.size > LONG else None


class _Writer:
    def __init__(self, program: Program, inputs: Iterable[str], single: bool):
        self.program, self.inputs = program, {name: k for k, name in enumerate(inputs)}
        self.code = Code()
        self.values: dict[tuple[str, tuple[int, ...]], int] = {}
        self.translate = Translator(self.code, self.read, {}, single)

    def read(self, access: Access) -> int:
        at = tuple(int(i) for i in access.indices if i.is_Integer)
        if access.name in self.inputs:
            return self.code("load", self.inputs[access.name], _flat(self.shape(access.name), at))
        return self.values[access.name, at]

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.program.tensors[name].row_shape)

    def visit(self, s: Statement) -> None:
        for at, body in each_entry(s, self.shape(s.target)):
            self.values[s.target, at] = self.translate(body)

    def straight(self, results: Iterable[str]) -> Straight:
        lines: list[str] = []
        constants: list[tuple[int, str]] = []
        stores: dict[int, list[tuple[int, int]]] = {}
        sizes, begin = [], 0
        for k, name in enumerate(results):
            shape = self.shape(name)
            places = list(product(*map(range, shape)))
            for flat, at in enumerate(places):
                number = self.values[name, at]
                op, *rest = self.code.lines[number]
                if op == "const":
                    constants.append((begin + flat, rest[0]))
                else:
                    stores.setdefault(number, []).append((k, flat))
            sizes.append(len(places))
            begin += len(places)
        needed = self.code.needed(list(stores))
        called, work = set(), begin
        for number in needed:
            op, *rest = self.code.lines[number]
            work += COSTS.get(op, 1)
            if op == "pow":
                op, rest = "call", ["power", *rest]
            if op == "call":
                called.add(rest[0])
                rest = [spelled(rest[0]), *rest[1:]]
            else:
                called.add(op)
            lines.append(" ".join(map(str, [number, op, *rest])))
            # A store right after its value keeps few values alive at a time.
            lines += [f"- store {number} {k} {flat}" for k, flat in stores.get(number, ())]
        shapes = [self.shape(name) for name in self.inputs]
        rows = tuple(len(list(product(*map(range, shape)))) for shape in shapes)
        size = self.code.size(list(stores))
        made = tuple(sizes), tuple(constants), frozenset(called)
        return Straight("\n".join(lines), rows, *made, size, work)


def _flat(shape: tuple[int, ...], at: tuple[int, ...]) -> int:
    flat = 0
    for extent, k in zip(shape, at, strict=True):
        flat = flat * extent + k
    return flat


class PointwiseDriver(Driver):
    """Writes the functions of a pointwise kernel; arrays of one sample stand for all samples."""

    def __init__(self, kernel: Kernel, found: Straight, module: Module):
        super().__init__(kernel, Schedule(kernel.program, (), {}, 1, 0, ()), module)
        self.module.called |= found.called
        self.run, self.room, self.one = module.lockstep(found, self.single)
        named = [
            tuple((variable, tuple(self.tensors[n].row_shape)) for n, variable in arrays.items())
            for arrays in (self.inputs, self.results)
        ]
        self.check = module.row_check(*named)
        self.zero = "f32(0.0)" if self.single else "0.0"
        self.piece = piece(found.work)

    def write(self) -> None:
        """Append all functions of the kernel to the module."""
        statements = self.kernel.program.statements
        lines = [f"# {equation(s)}" for s in statements[:MOST_SHOWN]]
        if len(statements) > MOST_SHOWN:
            lines.append(f"# ... and {len(statements) - MOST_SHOWN} more")
        first = next(iter(self.results.values()))
        given, made = self.module.local("given"), self.module.local("made")
        lines += [
            f"samples = {first}.shape[0]",
            f"{given}, {made} = {_tuple(self.inputs.values())}, {_tuple(self.results.values())}",
            f"{self.check}({given}, {made}, samples)",
            f"work = room({self.room}, {self.zero})",
        ]
        if self.kernel.parallel:
            lines += [
                f"while ticket*{self.piece} < samples:",
                f"    end = min((ticket + 1)*{self.piece}, samples)",
                f"    {self.run}({given}, {made}, work, ticket*{self.piece}, end)",
                f"    note_range(gate, {NOTED})",
                f"    count_up(gate, {DONE})",
                "    ticket = draw_ticket(gate, number)",
                "keep(work)",
                f"wait_until(gate, {DONE}, number, (samples + {self.piece - 1})//{self.piece})",
            ]
            self._into_function(lines, *JOB_ARGUMENTS)
            return
        self._into_function([*lines, f"{self.run}({given}, {made}, work, 0, samples)", "keep(work)"])
        self._allocating(f"{self.kernel.name}_batch" if self.kernel.point else self.kernel.name)
        if self.kernel.point:
            self._point()
            arguments = [*self._given(), *self.results.values()]
            doc = "Writes all results for one sample into the last arguments."
            self._append(
                f"{self.kernel.name}_point_into",
                arguments,
                [f"{self.one}({_tuple(self.inputs.values())}, {_tuple(self.results.values())})"],
                doc,
            )

    def _point(self) -> None:
        lines: list[str] = []
        rows: list[str] = []
        flat: list[str] = []
        for name, variable in self.inputs.items():
            shape = self.tensors[name].row_shape
            if shape:
                rows.append(f"view({variable}, at(0), ({', '.join(map(str, (1, *shape)))}))")
            else:
                rows.append(f"view(given, at({len(flat)}), (1,))")
                flat.append(variable)
        if flat:
            given = self.module.local("given")
            rows = [r.replace("view(given,", f"view({given},") for r in rows]
            lines.append(f"{given} = room({len(flat)}, {self.zero})")
            lines += [f"{given}[{k}] = {variable}" for k, variable in enumerate(flat)]
        dtype = f"np.{self.kernel.dtype}"
        returned = []
        for name, variable in self.results.items():
            shape = self.tensors[name].row_shape
            size = f"({', '.join(map(str, shape))},)" if shape else "1"
            lines.append(f"{variable} = np.empty({size}, {dtype})")
            returned.append(variable if shape else f"{variable}[0]")
        lines.append(f"{self.one}({_tuple(rows)}, {_tuple(self.results.values())})")
        lines += [f"keep({given})"] if flat else []
        lines += [f"return {_tuple(returned)}"]
        self._append(self.kernel.name, self._given(), lines, "All results for one sample.")


def piece(work: int) -> int:
    """Samples of a piece, of which each costs so much: whole groups of lanes, of any machine."""
    wanted = PIECE_WORK // max(1, work) // 64 * 64
    return min(max(wanted, PIECES.start), PIECES.stop - 1)


def _tuple(items: Iterable[str]) -> str:
    items = list(items)
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def sources(points: bool) -> list[str]:
    """What a module carries for its straight lines, and for single samples."""
    items: tuple = (registers.vector_registers, registers.exchanged, registers.steps)
    items += (lockstep.Lockstep, lockstep.Values, lockstep.lockstep, lockstep.row_check)
    items += (alike.levels, alike.alike, point.Point, point.in_levels, point.point) if points else ()
    texts = [own_source(item) for item in items]
    return [texts[0], "VECTOR_BYTES, REGISTERS = vector_registers()", *texts[1:]]


_OWN = """TypingError Lockstep Values lockstep row_check VECTOR_BYTES REGISTERS vector_registers exchanged
steps contextmanager groupby Point in_levels levels alike point given made"""
OWN_NAMES = frozenset(_OWN.split())
"""What a module calls what it carries."""
