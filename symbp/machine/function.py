"""Statements: one function of a generated module, written with LLVM's builder.

Variables are places on the stack, which LLVM turns into registers. A function returns a status; its result
is written where its first argument points.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from symbp.machine import types
from symbp.machine.compile import processor
from symbp.machine.context import Context
from symbp.machine.convention import FREE, STATUS
from symbp.machine.expressions import Expressions
from symbp.machine.loops import loop, place
from symbp.machine.overlap import Overlap
from symbp.machine.rooms import ANY, helper
from symbp.machine.values import (
    LONG,
    Array,
    Group,
    NotCovered,
    Number,
    Value,
    cast,
    number_type,
    part_types,
    parts_of,
    value_of,
)

if TYPE_CHECKING:
    from symbp.machine.module import Module

WIDE = '"prefer-vector-width"="512"'
"""An attribute that lets LLVM use whole registers of 64 bytes: it would take halves of them, since some
processors run slower with the other. exp and sin take 1.4 times as long then."""


MOST_ROUNDS, MOST_UNROLLED = 8, 600
"""Rounds of a loop, and expressions in all of them, up to which it is written out: loops around it may have
vectors then. LLVM, left to itself, writes out longer ones, and others in part: it takes a third longer for
code that is not faster."""


TINY = 16
"""Rounds below which LLVM, if it knows their number, makes no vectors of a loop where it would have to look
whether arrays overlap, or where rounds are left over and the processor has no masks."""


@dataclass(frozen=True)
class Compiled:
    """A function of the module.

    Attributes:
        kind: of its result; None where there is none.
    """

    name: str
    function: ir.Function
    kind: Any
    may_fail: bool

    def call(self, builder: ir.IRBuilder, parts: Sequence[ir.Value], failed: Any = None) -> Value | None:
        """Call it; `failed` writes what happens where the status is not 0."""
        room = None
        if self.kind is not None:
            room = place(builder, number_type(self.kind))
        status = builder.call(self.function, [*([] if room is None else [room]), *parts])
        if self.may_fail:
            if failed is None:
                raise NotCovered(f"{self.name}, which may fail, in an expression")
            with builder.if_then(builder.icmp_signed("!=", status, STATUS(0)), likely=False):
                failed(builder, status)
        return None if room is None else Number(self.kind, builder.load(room))


@dataclass
class Variable:
    """Where a value lives.

    Attributes:
        kind: its type; None where that depends on the way that was taken.
        read: the blocks in which it has been read, and those around them.
    """

    kind: Any
    places: list[ir.AllocaInstr]
    read: set[int] = field(default_factory=set)


class Writer(Expressions):
    """Writes the function of one definition for some types of arguments."""

    def __init__(self, module: Module, definition: ast.FunctionDef, kinds: tuple):
        self.module, self.definition, self.kinds = module, definition, kinds
        self.flags, self.unchecked = _options(definition)
        self.variables: dict[str, Variable] = {}
        self.rooms: list[ir.AllocaInstr] = []
        self.may_fail = False
        self.kind: Any = None
        self._blocks: tuple[int, ...] = ()
        self._loops: frozenset[int] = frozenset()
        self._count = 0
        self._repeated: list[ast.stmt] = []
        self.overlap = Overlap(definition, module.names)
        self.context = Context(self)

    def written(self) -> Compiled:
        """The finished function."""
        if (arguments := self.definition.args).kwonlyargs or arguments.vararg or arguments.defaults:
            raise NotCovered("arguments with defaults")
        self.kind = _result_kind(self.definition, self.kinds)
        given = [part for kind in self.kinds for part in part_types(kind)]
        room = [] if self.kind is None else [number_type(self.kind).as_pointer()]
        exported = self.module.exported.get(self.definition.name) == self.kinds
        name = self.definition.name if exported else f"{self.definition.name}.body"
        name = self.module.module.get_unique_name(name)
        self.function = ir.Function(self.module.module, ir.FunctionType(STATUS, [*room, *given]), name)
        self.function.linkage = "" if exported else "internal"
        set.add(self.function.attributes, WIDE)  # llvmlite's own set knows only attributes that are words
        entry, body = (self.function.append_basic_block(n) for n in ("entry", "body"))
        self.exit = self.function.append_basic_block("exit")
        ir.IRBuilder(entry).branch(body)
        self.builder = ir.IRBuilder(body)
        with self.builder.goto_entry_block():
            self.status = self.builder.alloca(STATUS)
            self.builder.store(STATUS(0), self.status)
        parts = list(self.function.args)[len(room) :]
        for argument, kind in zip(arguments.args, self.kinds, strict=True):
            count = len(part_types(kind))
            self.assign(argument.arg, value_of(kind, parts[:count]))
            parts = parts[count:]
        self.block(self.definition.body)
        if not self.builder.block.is_terminated:
            self.builder.branch(self.exit)
        self._leave()
        return Compiled(self.definition.name, self.function, self.kind, self.may_fail)

    def _leave(self) -> None:
        self.builder.position_at_end(self.exit)
        for room in self.rooms:
            free = helper(self.builder, FREE, ir.VoidType(), [ANY])
            self.builder.call(free, [self.builder.load(room)])
        self.builder.ret(self.builder.load(self.status))

    # ---- statements

    def block(self, statements: Sequence[ast.stmt], repeated: bool = False) -> None:
        """Statements that are run together, or `repeated`."""
        kept, loops, before = self._blocks, self._loops, dict(self.variables)
        self._count += 1
        self._blocks = (*kept, self._count)
        if repeated:
            self._loops |= {self._count}
        for statement in statements:
            if self.builder.block.is_terminated:
                break  # after a return
            method = getattr(self, f"on_{type(statement).__name__}", None)
            if method is None:
                raise NotCovered(f"the statement {type(statement).__name__}")
            method(statement)
        self._blocks, self._loops = kept, loops
        for name, variable in before.items():
            if self.variables[name] is not variable:
                self.variables[name] = Variable(None, [])

    def on_Pass(self, statement: ast.Pass) -> None:
        pass

    def on_Expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):  # a docstring
            self.visit(statement.value, needed=False)

    def on_Assign(self, statement: ast.Assign) -> None:
        if len(statement.targets) > 1:
            raise NotCovered("several targets")
        self._store(statement.targets[0], self.visit(statement.value))

    def _store(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.assign(target.id, value)
        elif isinstance(target, ast.Tuple) and isinstance(value, Group):
            for one, item in zip(target.elts, value.items, strict=True):
                self._store(one, item)
        elif isinstance(target, ast.Subscript):
            array = self.array(target.value)
            if isinstance(target.slice, ast.Slice):
                self._fill(array, target.slice, value)
            else:
                self._write(self.entry(array, target.slice), array, value)
        else:
            raise NotCovered(f"a target {ast.unparse(target)}")

    def _write(self, at: ir.Value, array: Array, value: Value) -> None:
        if not isinstance(value, Number):
            raise NotCovered("an array in an entry")
        self.builder.store(cast(self.builder, value.value, value.kind, array.kind.dtype), at)

    def _fill(self, array: Array, part: ast.Slice, value: Value) -> None:
        """A[low:high] = number, of numbers in between the ends of the array."""
        if part.step is not None or part.lower is None or part.upper is None or len(array.shape) != 1:
            raise NotCovered("a slice")
        low, high = (self.integer(e) for e in (part.lower, part.upper))
        with loop(self.builder, low, high) as k:
            self._write(self.builder.gep(array.data, [k], inbounds=True), array, value)

    def on_AugAssign(self, statement: ast.AugAssign) -> None:
        target = statement.target
        if isinstance(target, ast.Name):
            now = self.number(ast.copy_location(ast.Name(target.id, ast.Load()), target))
            result = self.binary(statement.op, now, self.number(statement.value))
            if result.kind != now.kind:
                raise NotCovered(f"{target.id} changes its type")
            self.assign(target.id, result)
        elif isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
            array = self.array(target.value)
            at = self.entry(array, target.slice)
            change = self.number(statement.value)
            now = Number(array.kind.dtype, self.builder.load(at))
            self._write(at, array, self.binary(statement.op, now, change))
        else:
            raise NotCovered(f"a target {ast.unparse(target)}")

    def on_If(self, statement: ast.If) -> None:
        condition = self.truth(statement.test)
        then, after = (self.function.append_basic_block(n) for n in ("then", "after"))
        other = self.function.append_basic_block("else") if statement.orelse else after
        self.builder.cbranch(condition, then, other)
        self._branch(then, statement.body, after)
        if statement.orelse:
            self._branch(other, statement.orelse, after)
        self.builder.position_at_end(after)

    def _branch(
        self, start: ir.Block, statements: Sequence[ast.stmt], after: ir.Block, repeated: bool = False
    ) -> None:
        self.builder.position_at_end(start)
        self.block(statements, repeated)
        if not self.builder.block.is_terminated:
            self.builder.branch(after)

    def on_While(self, statement: ast.While) -> None:
        if statement.orelse:
            raise NotCovered("else after a loop")
        head, body, after = (self.function.append_basic_block(n) for n in ("while", "do", "done"))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        self.builder.cbranch(self.truth(statement.test), body, after)
        self._branch(body, statement.body, head, repeated=True)
        self.builder.position_at_end(after)

    def on_For(self, statement: ast.For) -> None:
        call, target = statement.iter, statement.target
        if not (isinstance(call, ast.Call) and isinstance(target, ast.Name)) or statement.orelse:
            raise NotCovered("a loop that is not over a range")
        if ast.unparse(call.func) != "range" or call.keywords:
            raise NotCovered("a loop that is not over a range")
        ends = call.args
        step = ends[2] if len(ends) == 3 else ast.Constant(1)
        if not (isinstance(step, ast.Constant) and isinstance(step.value, int) and step.value > 0):
            raise NotCovered("a range with such a step")
        self._repeated = statement.body
        low = self.integer(ends[0]) if len(ends) > 1 else LONG(0)
        high = self.integer(ends[min(1, len(ends) - 1)])
        short = _known(low, high) and not isinstance(ends[-1], ast.Call)  # such are not to be written out
        rounds = range(low.constant, high.constant, step.value) if short else range(0)
        unrolled = 0 < len(rounds) <= MOST_ROUNDS and len(rounds) * _size(statement.body) <= MOST_UNROLLED
        with loop(self.builder, low, high, step.value, self.module.unrolled() if unrolled else None) as k:
            self.assign(target.id, Number(types.int64, k))
            self.block(statement.body, repeated=True)

    def call_opaque(self, nodes: Sequence[ast.expr]) -> Number:
        """The rounds of a loop that is not to be written out.

        Where LLVM knows their number, it writes no code for what is left over beside the vectors.
        """
        rounds = self.integer(nodes[0])
        if not _known(rounds) or (rounds.constant < TINY and not self._has_masks()):
            kind = ir.FunctionType(LONG, [LONG])
            rounds = self.builder.asm(kind, "", "=r,0", [rounds], False)
        return Number(types.int64, rounds)

    def _has_masks(self) -> bool:
        """Whether one vector with lanes that are off will do for the few rounds of the loop that begins."""
        return "+avx512f" in processor()[1] and self.overlap.none_in(self._repeated)

    def on_Return(self, statement: ast.Return) -> None:
        if statement.value is not None:
            value = self.number(statement.value)
            result = cast(self.builder, value.value, value.kind, self.kind)
            self.builder.store(result, self.function.args[0])
        self.builder.branch(self.exit)

    def on_Raise(self, statement: ast.Raise) -> None:
        error = statement.exc
        if (
            isinstance(error, ast.Call)
            and isinstance(error.func, ast.Name)
            and error.func.id == "ValueError"
            and len(error.args) == 1
            and isinstance(error.args[0], ast.Constant)
        ):
            self.fail(self.builder, str(error.args[0].value))
        else:
            raise NotCovered("an error of another type")

    # ---- ends

    def fail(self, builder: ir.IRBuilder, message: str) -> None:
        """Leave with an error."""
        messages = self.module.messages
        if message not in messages:
            messages.append(message)
        self.leave_with(builder, STATUS(1 + messages.index(message)))

    def leave_with(self, builder: ir.IRBuilder, status: ir.Value) -> None:
        if builder.function is not self.function:
            raise NotCovered("an error in a function of an intrinsic")
        self.may_fail = True
        builder.store(status, self.status)
        builder.branch(self.exit)

    # ---- variables

    def assign(self, name: str, value: Value) -> None:
        """Give a variable a value, in a new place where it takes another type.

        What was read earlier in a loop would be of that type the next time: such text is not covered.
        """
        known = self.variables.get(name)
        if known is None or known.kind != value.kind:
            if known is not None and known.read & self._loops:
                raise NotCovered(f"{name} changes its type")
            places = [place(self.builder, part.type) for part in parts_of(value)]
            known = self.variables[name] = Variable(value.kind, places)
        for part, at in zip(parts_of(value), known.places, strict=True):
            self.builder.store(part, at)

    def variable(self, name: str) -> Value | None:
        """The value of a variable; None where it is none."""
        known = self.variables.get(name)
        if known is None:
            return None
        if known.kind is None:
            raise NotCovered(f"{name} is of one type or another")
        known.read.update(self._blocks)
        return value_of(known.kind, [self.builder.load(at) for at in known.places])


def _known(*values: ir.Value) -> bool:
    return all(isinstance(v, ir.Constant) for v in values)


def _size(statements: Sequence[ast.stmt]) -> int:
    """Operations in statements, as often as loops of known length repeat them."""
    total = 0
    for node in statements:
        inner = node.body if isinstance(node, ast.For | ast.If | ast.While) else []
        rounds = 1
        if isinstance(node, ast.For):
            end = node.iter.args[-1] if isinstance(node.iter, ast.Call) else None
            rounds = int(str(end.value)) if isinstance(end, ast.Constant) else MOST_UNROLLED
        total += rounds * _size(inner) if inner else sum(isinstance(n, ast.expr) for n in ast.walk(node))
    return total


def _result_kind(definition: ast.FunctionDef, kinds: tuple) -> Any:
    """The type of what a function returns, a number like its arguments; None where it returns nothing."""
    if not any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(definition)):
        return None
    if len(set(kinds)) != 1 or not isinstance(kinds[0], types.Float):
        raise NotCovered(f"the result of {definition.name}")
    return kinds[0]


def _options(definition: ast.FunctionDef) -> tuple[tuple[str, ...], bool]:
    """Flags of all operations on floats, and whether divisions by 0 give infinity; see `numba.njit`."""
    (decorator,) = definition.decorator_list or (None,)
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    if decorator is None or ast.unparse(getattr(decorator, "func", decorator)) != "njit":
        raise NotCovered(f"{definition.name}, which is no function of Numba")
    options = {k.arg: ast.literal_eval(k.value) for k in given}
    flags = options.pop("fastmath", ())
    unchecked = options.pop("error_model", "") == "numpy"
    if set(options) - {"nogil", "cache", "inline"}:
        raise NotCovered(f"the options {set(options)}")
    return tuple(sorted(flags)) if flags else (), unchecked
