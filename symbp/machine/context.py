"""What intrinsics of generated modules ask of the context they are lowered in.

Numba hands each intrinsic its target context. These are the methods of it that generated modules use, with
the same meaning, so that one intrinsic serves both ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from symbp.machine import types
from symbp.machine.compile import process_has
from symbp.machine.part import Part
from symbp.machine.values import (
    NotCovered,
    Number,
    cast,
    number_type,
    packed,
    parts_of,
    unpacked,
    value_type,
)

if TYPE_CHECKING:
    from symbp.machine.function import Writer

INSTRUCTIONS = {math.sqrt: "sqrt", math.fabs: "fabs", math.floor: "floor", np.floor: "floor"}
"""Functions that LLVM has."""

_NAMES = """acos acosh asin asinh atan atan2 atanh cos cosh erf erfc exp expm1 hypot lgamma log log10 log1p
log2 sin sinh tan tanh"""
LIBRARY = {math.gamma: "tgamma", math.pow: "pow"} | {getattr(math, name): name for name in _NAMES.split()}
"""Functions of the C library, by their names there for float64."""


class Context:
    """The context of the function that a writer writes."""

    def __init__(self, writer: Writer):
        self._writer = writer
        self.active_code_library = writer.module
        self.call_conv = self

    # ---- types and values

    def get_value_type(self, kind: Any) -> ir.Type:
        return value_type(kind)

    def get_constant(self, kind: Any, value: Any) -> ir.Constant:
        return ir.Constant(number_type(kind), value)

    def get_dummy_value(self) -> None:
        """What an intrinsic without result returns."""

    def cast(self, builder: ir.IRBuilder, value: ir.Value, given: Any, wanted: Any) -> ir.Value:
        return cast(builder, value, given, wanted)

    def make_array(self, kind: Any) -> Callable[..., _Parts]:
        return lambda context, builder, value: _Parts(builder, value)

    def make_tuple(self, builder: ir.IRBuilder, kind: Any, values: Sequence[ir.Value]) -> ir.Value:
        made = ir.Constant(value_type(kind), ir.Undefined)
        for k, value in enumerate(values):
            made = builder.insert_value(made, value, k)
        return made

    # ---- calls

    def codegen(self) -> Any:
        return Part

    def get_function(self, function: Any, signature: Any) -> Callable[..., ir.Value]:
        def call(builder: ir.IRBuilder, args: Sequence[ir.Value]) -> ir.Value:
            return call_library(builder, function, args)

        return call

    def compile_subroutine(self, builder: ir.IRBuilder, function: Any, signature: Any) -> Any:
        return _Compiled(self._writer.module.function(function.__name__, tuple(signature.args)))

    def call_internal_no_propagate(
        self, builder: ir.IRBuilder, found: Any, signature: Any, args: Sequence[ir.Value]
    ) -> tuple[None, ir.Value]:
        numbers = [Number(k, a) for k, a in zip(signature.args, args, strict=True)]
        result = found.call(builder, [p for n in numbers for p in parts_of(n)])
        if result is None or result.kind != signature.return_type:
            raise NotCovered(f"{found.name} as {signature}")
        return None, packed(builder, result)

    def return_user_exc(self, builder: ir.IRBuilder, kind: type, arguments: tuple[str]) -> None:
        if kind is not ValueError:
            raise NotCovered(f"errors of type {kind.__name__}")
        self._writer.fail(builder, arguments[0])


class _Parts:
    """An array in the hands of an intrinsic."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value):
        self.data = builder.extract_value(value, 0)
        self.shape = builder.extract_value(value, 1)


class _Compiled:
    """What an intrinsic gets that has a function compiled."""

    def __init__(self, function: Any):
        self.fndesc = function


def call_library(builder: ir.IRBuilder, function: Any, args: Sequence[ir.Value]) -> ir.Value:
    """A call of a function of `math` for numbers of one type of float.

    Raises:
        NotCovered: it is not known, or the process has no such function.
    """
    kind = args[0].type
    single = isinstance(kind, ir.FloatType)
    if function in INSTRUCTIONS:
        name = f"llvm.{INSTRUCTIONS[function]}.{'f32' if single else 'f64'}"
    elif function in LIBRARY:
        name = LIBRARY[function] + "f" * single
        if not process_has(name):
            raise NotCovered(f"{name}, which the process does not have")
    else:
        raise NotCovered(f"the function {function}")
    found = builder.module.globals.get(name)
    if found is None:
        found = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(args)), name)
    return builder.call(found, args)


def call_intrinsic(context: Context, builder: ir.IRBuilder, intrinsic: Any, given: Sequence[Any]) -> Any:
    """The value of a call of one of Numba's intrinsics; None where it has none."""
    signature, lower = intrinsic._defn(None, *(value.kind for value in given))
    arguments = []
    for value, wanted in zip(given, signature.args, strict=True):
        if isinstance(value, Number):
            arguments.append(cast(builder, value.value, value.kind, wanted))
        else:
            arguments.append(packed(builder, value))
    result = lower(context, builder, signature, arguments)
    kind = signature.return_type
    return None if kind == types.void else unpacked(builder, kind, result)
