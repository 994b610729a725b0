"""Expressions of generated modules, written with LLVM's builder as Numba would compute them."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from symbp.machine import types
from symbp.machine.context import Context, call_intrinsic, call_library
from symbp.machine.convention import NO_MEMORY, STATUS
from symbp.machine.loops import loop, place
from symbp.machine.rooms import ANY, first_line, new_memory
from symbp.machine.values import (
    LONG,
    Array,
    Group,
    NotCovered,
    Number,
    Value,
    cast,
    common,
    number_type,
    parts_of,
    value_of,
)

if TYPE_CHECKING:
    from symbp.machine.module import Module
    from symbp.machine.overlap import Overlap

_FLOAT = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul"}
_WHOLE = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_KINDS = {np.float32: types.float32, np.float64: types.float64, np.intp: types.int64}


class Expressions:
    """What a writer of functions does with expressions; one method for each form.

    Attributes:
        flags: of LLVM, for all operations on floats.
        unchecked: whether a division by 0 is no error.
    """

    module: Module
    builder: ir.IRBuilder
    context: Context
    flags: tuple[str, ...]
    unchecked: bool
    rooms: list[ir.AllocaInstr]
    overlap: Overlap
    _loops: frozenset[int]
    variable: Callable[[str], Value | None]
    leave_with: Callable[[ir.IRBuilder, ir.Value], None]

    def visit(self, node: ast.expr, needed: bool = True) -> Any:
        """The value of an expression; None of a call that has none, where none is `needed`."""
        method = getattr(self, f"of_{type(node).__name__}", None)
        if method is None:
            raise NotCovered(f"the expression {ast.unparse(node)}")
        found = method(node)
        if found is None and needed:
            raise NotCovered(f"no value of {ast.unparse(node)}")
        return found

    def number(self, node: ast.expr) -> Number:
        found = self.visit(node)
        if not isinstance(found, Number):
            raise NotCovered(f"{ast.unparse(node)} as a number")
        return found

    def integer(self, node: ast.expr) -> ir.Value:
        found = self.number(node)
        if not isinstance(found.kind, types.Integer):
            raise NotCovered(f"{ast.unparse(node)} as an integer")
        return cast(self.builder, found.value, found.kind, types.int64)

    def array(self, node: ast.expr) -> Array:
        found = self.visit(node)
        if not isinstance(found, Array):
            raise NotCovered(f"{ast.unparse(node)} as an array")
        return found

    def truth(self, node: ast.expr) -> ir.Value:
        found = self.number(node)
        if isinstance(found.kind, types.Boolean):
            return found.value
        zero = ir.Constant(found.value.type, 0)
        if isinstance(found.kind, types.Integer):
            return self.builder.icmp_signed("!=", found.value, zero)
        return self.builder.fcmp_unordered("!=", found.value, zero)

    # ---- names and numbers

    def of_Constant(self, node: ast.Constant) -> Number:
        for python, kind in ((bool, types.boolean), (int, types.int64), (float, types.float64)):
            if isinstance(node.value, python):
                return Number(kind, ir.Constant(number_type(kind), node.value))
        raise NotCovered(f"the constant {node.value!r}")

    def of_Name(self, node: ast.Name) -> Value:
        found = self.variable(node.id)
        return self._known(node.id, self._meaning(node)) if found is None else found

    def of_Attribute(self, node: ast.Attribute) -> Value:
        if not self._is_global(node):
            array = self.array(node.value)
            if node.attr == "shape":
                return Group(tuple(Number(types.int64, n) for n in array.shape))
            if node.attr == "size":
                return Number(types.int64, self._size(array))
        return self._known(ast.unparse(node), self._meaning(node))

    def _known(self, name: str, thing: Any) -> Value:
        """The value of a constant of the module."""
        if isinstance(thing, np.ndarray):
            return self.module.table(name, thing)
        if isinstance(thing, bool | int | float):
            return self.of_Constant(ast.Constant(thing))
        raise NotCovered(f"{name} as a value")

    def _is_global(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and self.variable(node.id) is None

    def _meaning(self, node: ast.expr) -> Any:
        """What a name, or an attribute of a module, means in the generated module."""
        if isinstance(node, ast.Attribute):
            return getattr(self._meaning(node.value), node.attr)
        if isinstance(node, ast.Name) and node.id in self.module.names:
            return self.module.names[node.id]
        raise NotCovered(f"the name {ast.unparse(node)}")

    def _size(self, array: Array) -> ir.Value:
        size: ir.Value = LONG(1)
        for extent in array.shape:
            size = self.builder.mul(size, extent)
        return size

    # ---- entries

    def of_Subscript(self, node: ast.Subscript) -> Value:
        whole = self.visit(node.value)
        if isinstance(whole, Group):
            return whole.items[int(ast.literal_eval(node.slice))]
        if not isinstance(whole, Array):
            raise NotCovered(ast.unparse(node))
        return Number(whole.kind.dtype, self.builder.load(self.entry(whole, node.slice)))

    def entry(self, array: Array, index: ast.expr) -> ir.Value:
        """The address of an entry. Generated indices are never negative."""
        nodes = index.elts if isinstance(index, ast.Tuple) else [index]
        if len(nodes) != len(array.shape) or any(isinstance(n, ast.UnaryOp | ast.Slice) for n in nodes):
            raise NotCovered(f"the index {ast.unparse(index)}")
        at = self.integer(nodes[0])
        for node, extent in zip(nodes[1:], array.shape[1:], strict=True):
            row = self.builder.mul(at, extent, flags=["nsw"])
            at = self.builder.add(row, self.integer(node), flags=["nsw"])
        return self.builder.gep(array.data, [at], inbounds=True)

    # ---- operations

    def of_BinOp(self, node: ast.BinOp) -> Number:
        return self.binary(node.op, self.number(node.left), self.number(node.right))

    def binary(self, operator: ast.operator, left: Number, right: Number) -> Number:
        """Of two numbers, in the type they have in common; a quotient of integers is a float."""
        kind = common([left.kind, right.kind])
        if isinstance(kind, types.Boolean):
            kind = types.int64
        if isinstance(operator, ast.Div) and isinstance(kind, types.Integer):
            kind = types.float64
        a, b = (cast(self.builder, n.value, n.kind, kind) for n in (left, right))
        if isinstance(kind, types.Integer):
            if type(operator) in _WHOLE:
                return Number(kind, getattr(self.builder, _WHOLE[type(operator)])(a, b, flags=["nsw"]))
            if isinstance(operator, ast.FloorDiv | ast.Mod):
                return Number(kind, self._divided(operator, a, b))
        elif type(operator) in _FLOAT:
            return Number(kind, getattr(self.builder, _FLOAT[type(operator)])(a, b, flags=self.flags))
        elif isinstance(operator, ast.Div) and self.unchecked:
            return Number(kind, self.builder.fdiv(a, b, flags=self.flags))
        raise NotCovered(f"the operation {type(operator).__name__} of {kind}")

    def _divided(self, operator: ast.operator, a: ir.Value, b: ir.Value) -> ir.Value:
        """The quotient, rounded down, or the rest; 0 where b is 0, as in NumPy."""
        build, zero = self.builder, a.type(0)
        safe, known = b, isinstance(b, ir.Constant) and b.constant > 0
        if not (known or self.unchecked):
            raise NotCovered("a division by what may be zero")
        none, opposite = (build.icmp_signed("==", b, a.type(value)) for value in (0, -1))
        if not known:
            # Processors trap on a division by 0, and on that of the least number by -1.
            safe = build.select(build.or_(none, opposite), a.type(1), b)
        rest = build.srem(a, safe)
        below = build.icmp_signed("<", rest if known else build.xor(rest, safe), zero)
        if not known:
            below = build.and_(below, build.icmp_signed("!=", rest, zero))
        if isinstance(operator, ast.Mod):
            return build.select(below, build.add(rest, safe), rest)
        quotient = build.sub(build.sdiv(a, safe), build.zext(below, a.type))
        if known:
            return quotient
        return build.select(none, zero, build.select(opposite, build.neg(a), quotient))

    def of_UnaryOp(self, node: ast.UnaryOp) -> Number:
        if isinstance(node.op, ast.Not):
            return Number(types.boolean, self.builder.not_(self.truth(node.operand)))
        value = self.number(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(value.kind, types.Integer):
            return Number(value.kind, self.builder.neg(value.value))
        if isinstance(node.op, ast.USub) and isinstance(value.kind, types.Float):
            if isinstance(value.value, ir.Constant):
                return Number(value.kind, ir.Constant(value.value.type, -value.value.constant))
            return Number(value.kind, self.builder.fneg(value.value, flags=self.flags))
        raise NotCovered(ast.unparse(node))

    def of_Compare(self, node: ast.Compare) -> Number:
        terms = [self.number(n) for n in (node.left, *node.comparators)]
        found = None
        for operator, left, right in zip(node.ops, terms, terms[1:], strict=False):
            one = self._compared(operator, left, right)
            found = one if found is None else self.builder.and_(found, one)
        return Number(types.boolean, found)

    def _compared(self, operator: ast.cmpop, left: Number, right: Number) -> ir.Value:
        if type(operator) not in _COMPARED:
            raise NotCovered(f"the comparison {type(operator).__name__}")
        sign, kind = _COMPARED[type(operator)], common([left.kind, right.kind])
        a, b = (cast(self.builder, n.value, n.kind, kind) for n in (left, right))
        if not isinstance(kind, types.Float):
            return (self.builder.icmp_unsigned if a.type.width == 1 else self.builder.icmp_signed)(sign, a, b)
        if sign == "!=":
            return self.builder.fcmp_unordered(sign, a, b, flags=self.flags)
        return self.builder.fcmp_ordered(sign, a, b, flags=self.flags)

    def of_BoolOp(self, node: ast.BoolOp) -> Number:
        """What follows is looked at only where it matters: it may read what is there only then."""
        every = isinstance(node.op, ast.And)
        after = self.builder.append_basic_block("known")
        found = []
        for term in node.values[:-1]:
            truth = self.truth(term)
            found.append((ir.IntType(1)(0 if every else 1), self.builder.block))
            more = self.builder.append_basic_block("more")
            self.builder.cbranch(truth, *((more, after) if every else (after, more)))
            self.builder.position_at_end(more)
        found.append((self.truth(node.values[-1]), self.builder.block))
        self.builder.branch(after)
        self.builder.position_at_end(after)
        result = self.builder.phi(ir.IntType(1))
        for value, block in found:
            result.add_incoming(value, block)
        return Number(types.boolean, result)

    def of_IfExp(self, node: ast.IfExp) -> Value:
        truth = self.truth(node.test)
        blocks = [self.builder.append_basic_block(n) for n in ("if", "else", "either")]
        self.builder.cbranch(truth, *blocks[:2])
        found = []
        for block, branch in zip(blocks, (node.body, node.orelse), strict=False):
            self.builder.position_at_end(block)
            value = self.visit(branch)
            found.append((value, self.builder.block))
        values = [value for value, _ in found]
        numbers = all(isinstance(v, Number) for v in values)
        kind = common([v.kind for v in values]) if numbers else values[0].kind
        if not numbers and kind != values[1].kind:
            raise NotCovered("a choice between things of two types")
        ends = []
        for value, end in found:
            self.builder.position_at_end(end)
            parts = [cast(self.builder, value.value, value.kind, kind)] if numbers else parts_of(value)
            self.builder.branch(blocks[2])
            ends.append((parts, end))
        self.builder.position_at_end(blocks[2])
        result = []
        for k, part in enumerate(ends[0][0]):
            phi = self.builder.phi(part.type)
            for parts, end in ends:
                phi.add_incoming(parts[k], end)
            result.append(phi)
        return value_of(kind, result)

    def of_Tuple(self, node: ast.Tuple) -> Group:
        return Group(tuple(self.visit(n) for n in node.elts))

    # ---- calls

    def of_Call(self, node: ast.Call) -> Value | None:
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise NotCovered(f"the arguments of {ast.unparse(node)}")
        if isinstance(node.func, ast.Attribute) and not self._is_global(node.func):
            return self._extreme(self.array(node.func.value), node.func.attr)
        name = ast.unparse(node.func)
        own = getattr(self, f"call_{name}", None)
        if own is not None:
            return own(node.args)
        function = self._meaning(node.func)
        if function in _KINDS:
            return self._converted(node.args, _KINDS[function])
        given = [self.visit(a) for a in node.args]
        if hasattr(function, "_defn"):
            return call_intrinsic(self.context, self.builder, function, given)
        if self.module.names.definition(name):
            found = self.module.function(name, tuple(v.kind for v in given))
            return found.call(self.builder, [p for v in given for p in parts_of(v)], self.leave_with)
        kind = common([v.kind for v in given])
        if not isinstance(kind, types.Float):
            raise NotCovered(f"{name} of {kind}")
        values = [cast(self.builder, v.value, v.kind, kind) for v in given]
        return Number(kind, call_library(self.builder, function, values))

    def call_float(self, nodes: Sequence[ast.expr]) -> Number:
        return self._converted(nodes, types.float64)

    def _converted(self, nodes: Sequence[ast.expr], kind: Any) -> Number:
        (given,) = map(self.number, nodes)
        return Number(kind, cast(self.builder, given.value, given.kind, kind))

    def call_abs(self, nodes: Sequence[ast.expr]) -> Number:
        (given,) = map(self.number, nodes)
        if not isinstance(given.kind, types.Float):
            raise NotCovered("the size of what is no float")
        return Number(given.kind, call_library(self.builder, math.fabs, [given.value]))

    def call_min(self, nodes: Sequence[ast.expr]) -> Number:
        return self._better("<", nodes)

    def call_max(self, nodes: Sequence[ast.expr]) -> Number:
        return self._better(">", nodes)

    def _better(self, sign: str, nodes: Sequence[ast.expr]) -> Number:
        """The smaller or greater one of two integers."""
        a, b = map(self.integer, nodes)
        return Number(types.int64, self.builder.select(self.builder.icmp_signed(sign, a, b), a, b))

    def _extreme(self, array: Array, which: str) -> Number:
        """The smallest or greatest of integers, of which there must be some: others may stand behind none."""
        if which not in ("min", "max") or not isinstance(array.kind.dtype, types.Integer):
            raise NotCovered(f"the method {which}")
        best = place(self.builder, array.data.type.pointee)
        self.builder.store(self.builder.load(array.data), best)
        with loop(self.builder, LONG(0), self._size(array)) as k:
            one = self.builder.load(self.builder.gep(array.data, [k], inbounds=True))
            now = self.builder.load(best)
            better = self.builder.icmp_signed("<" if which == "min" else ">", one, now)
            self.builder.store(self.builder.select(better, one, now), best)
        return Number(array.kind.dtype, self.builder.load(best))

    # ---- what makes arrays and keeps them; as intrinsics of Numba these make its kind of arrays

    def call_view(self, nodes: Sequence[ast.expr]) -> Array:
        buffer, start, shape = self.array(nodes[0]), self.integer(nodes[1]), self.visit(nodes[2])
        if not isinstance(shape, Group):
            raise NotCovered("a view of a shape that is no tuple")
        kind = types.Array(buffer.kind.dtype, len(shape.items), "C")
        extents = [cast(self.builder, n.value, n.kind, types.int64) for n in shape.items]
        return Array(kind, self.builder.gep(buffer.data, [start], inbounds=True), tuple(extents))

    def call_room(self, nodes: Sequence[ast.expr]) -> Array:
        """New memory, which is given back when the function ends."""
        if self._loops:
            raise NotCovered("memory in a loop")
        count, kind = self.integer(nodes[0]), self.number(nodes[1]).kind
        with self.builder.goto_entry_block():
            whole = self.builder.alloca(ANY)
            self.builder.store(ANY(None), whole)
        self.rooms.append(whole)
        given = new_memory(self.builder, self.builder.mul(count, LONG(kind.bitwidth // 8)))
        with self.builder.if_then(self.builder.icmp_unsigned("==", given, ANY(None)), likely=False):
            self.leave_with(self.builder, STATUS(NO_MEMORY))
        self.builder.store(given, whole)
        start = first_line(self.builder, given, self.overlap.known)
        data = self.builder.bitcast(start, number_type(kind).as_pointer())
        return Array(types.Array(kind, 1, "C"), data, (count,))

    def call_keep(self, nodes: Sequence[ast.expr]) -> None:
        """Nothing: memory is kept until the function ends."""
