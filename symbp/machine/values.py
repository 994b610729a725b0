"""Values while a text is lowered: numbers, arrays in C order and tuples, with the types Numba gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from symbp.machine import types

LONG = ir.IntType(64)


class NotCovered(Exception):
    """The text has a form that is left to Numba."""


@dataclass(frozen=True)
class Number:
    """A float, an integer or a truth value."""

    kind: Any
    value: ir.Value


@dataclass(frozen=True)
class Array:
    """Entries in C order, one after the other.

    Attributes:
        kind: its type.
        data: the address of the first entry.
        shape: the extents, as 64-bit integers.
    """

    kind: Any
    data: ir.Value
    shape: tuple[ir.Value, ...]


@dataclass(frozen=True)
class Group:
    """A tuple."""

    items: tuple[Any, ...]

    @property
    def kind(self) -> Any:
        return types.tuple_of(item.kind for item in self.items)


Value = Number | Array | Group


def number_type(kind: Any) -> ir.Type:
    """LLVM's type for a number."""
    if kind in (types.float64, types.float32):
        return ir.DoubleType() if kind == types.float64 else ir.FloatType()
    if isinstance(kind, types.Integer):
        return ir.IntType(kind.bitwidth)
    if isinstance(kind, types.Boolean):
        return ir.IntType(1)
    raise NotCovered(f"numbers of type {kind}")


def value_type(kind: Any) -> ir.Type:
    """LLVM's type for any value, as intrinsics take it: arrays are {data, [extents]}, tuples are structs."""
    if isinstance(kind, types.Array):
        entries = number_type(kind.dtype).as_pointer()
        return ir.LiteralStructType([entries, ir.ArrayType(LONG, kind.ndim)])
    if isinstance(kind, types.Tuple):
        return ir.LiteralStructType([value_type(k) for k in kind.types])
    return number_type(kind)


def parts_of(value: Value) -> list[ir.Value]:
    """The single LLVM values that a value is made of."""
    if isinstance(value, Number):
        return [value.value]
    if isinstance(value, Array):
        return [value.data, *value.shape]
    return [part for item in value.items for part in parts_of(item)]


def part_types(kind: Any) -> list[ir.Type]:
    """The types of those."""
    if isinstance(kind, types.Array):
        return [number_type(kind.dtype).as_pointer(), *[LONG] * kind.ndim]
    if isinstance(kind, types.Tuple):
        return [part for k in kind.types for part in part_types(k)]
    return [number_type(kind)]


def value_of(kind: Any, parts: Iterable[ir.Value]) -> Value:
    """The value of a type that is made of some LLVM values."""
    parts = list(parts)
    if isinstance(kind, types.Array):
        return Array(kind, parts[0], tuple(parts[1:]))
    if isinstance(kind, types.Tuple):
        items, rest = [], parts
        for k in kind.types:
            count = len(part_types(k))
            items.append(value_of(k, rest[:count]))
            rest = rest[count:]
        return Group(tuple(items))
    return Number(kind, parts[0])


def packed(builder: ir.IRBuilder, value: Value) -> ir.Value:
    """A value as one LLVM value, as intrinsics take it."""
    if isinstance(value, Number):
        return value.value
    made = ir.Constant(value_type(value.kind), ir.Undefined)
    if isinstance(value, Array):
        made = builder.insert_value(made, value.data, 0)
        for axis, extent in enumerate(value.shape):
            made = builder.insert_value(made, extent, [1, axis])
        return made
    for k, item in enumerate(value.items):
        made = builder.insert_value(made, packed(builder, item), k)
    return made


def unpacked(builder: ir.IRBuilder, kind: Any, value: ir.Value) -> Value:
    """The opposite of `packed`."""
    if isinstance(kind, types.Array):
        extents = tuple(builder.extract_value(value, [1, axis]) for axis in range(kind.ndim))
        return Array(kind, builder.extract_value(value, 0), extents)
    if isinstance(kind, types.Tuple):
        return Group(
            tuple(unpacked(builder, k, builder.extract_value(value, at)) for at, k in enumerate(kind.types))
        )
    return Number(kind, value)


def cast(builder: ir.IRBuilder, value: ir.Value, given: Any, wanted: Any) -> ir.Value:
    """A number as one of another type; a float never becomes an integer unasked."""
    if given == wanted:
        return value
    kind = number_type(wanted)
    if isinstance(wanted, types.Float):
        if isinstance(given, types.Float):
            return (builder.fpext if wanted.bitwidth > given.bitwidth else builder.fptrunc)(value, kind)
        if isinstance(given, types.Integer):
            return builder.sitofp(value, kind)
        if isinstance(given, types.Boolean):
            return builder.uitofp(value, kind)
    if isinstance(wanted, types.Integer):
        if isinstance(given, types.Boolean):
            return builder.zext(value, kind)
        if isinstance(given, types.Integer):
            if wanted.bitwidth == given.bitwidth:
                return value
            return (builder.sext if wanted.bitwidth > given.bitwidth else builder.trunc)(value, kind)
    raise NotCovered(f"{given} as {wanted}")


def common(kinds: Sequence[Any]) -> Any:
    """The type of what is computed from numbers of these types: NumPy's, as in Numba."""
    if all(k == kinds[0] for k in kinds):
        return kinds[0]
    if all(isinstance(k, types.Integer | types.Boolean) for k in kinds):
        return types.int64
    if all(k in (types.float32, types.float64) or isinstance(k, types.Integer) for k in kinds):
        return types.float64
    raise NotCovered(f"a number that is {' or '.join(map(str, kinds))}")
