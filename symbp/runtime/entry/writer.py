"""Writes the machine code that takes Python's objects apart and calls a kernel with what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from symbp.machine.callable import MachineFunction
from symbp.machine.loops import loop, place
from symbp.runtime.entry.builtin import builtin
from symbp.runtime.entry.objects import (
    AXES,
    DATA,
    DTYPE,
    EXTENTS,
    FLAGS,
    ITEMS,
    NUMBER,
    PLAIN,
    POINTER,
    TYPE,
    new_array_address,
    python_address,
)

_BYTE = ir.IntType(8).as_pointer()
"""The address of anything."""

_INT, _WORD, _DOUBLE, _VOID = ir.IntType(32), ir.IntType(8 * POINTER), ir.DoubleType(), ir.VoidType()

LONG = 10_000
"""Operations from which on other threads of Python may run beside a kernel; to let them takes 0.1 us."""

Extent = Any
"""An extent known now, an int, or one that machine code has found, an LLVM value."""


@dataclass(frozen=True)
class Array:
    """Entries that a kernel takes: their address and extents."""

    address: ir.Value
    shape: tuple[Extent, ...]


class Entry:
    """One function called from Python; its methods append to it.

    Every check that fails leads to the way out, which returns None: the call is left to Python.

    Args:
        name: of the function.
        kernel: the kernel's machine code.
        method: a bound method of Python's that this function stands for.
        otherwise: what the way out calls, with the same arguments, and returns the result of.
    """

    def __init__(self, name: str, kernel: MachineFunction, method: Any = None, otherwise: Any = None):
        self.name, self.kernel, self.method, self.otherwise = name, kernel, method, otherwise
        self.module = ir.Module(name)
        kind = ir.FunctionType(_BYTE, [_BYTE, _BYTE.as_pointer(), _WORD])
        self.function = ir.Function(self.module, kind, name)
        _, self._given, self._count = self.function.args
        self.build = ir.IRBuilder(self.function.append_basic_block("entry"))
        self._out = self.function.append_basic_block("out")
        self._made: list[ir.Value] = []
        self._alive: list[Any] = [kernel]

    # ---- what is given

    def arguments(self, count: int) -> list[ir.Value]:
        """The arguments, of which there must be so many."""
        self.need(self.build.icmp_signed("==", self._count, _word(count)))
        return [self.build.load(self.build.gep(self._given, [_word(k)])) for k in range(count)]

    def items(self, mapping: ir.Value, names: Sequence[str]) -> list[ir.Value]:
        """What a dict holds under these names; it must have no others."""
        self.need(self._is(mapping, dict))
        size = self._python("PyDict_Size", _WORD, mapping)
        self.need(self.build.icmp_signed("==", size, _word(len(names))))
        found = []
        for name in names:
            found.append(self._python("PyDict_GetItemWithError", _BYTE, mapping, self._known(name)))
            self.need(self.build.icmp_unsigned("!=", found[-1], _nothing()))
        return found

    def array(self, given: ir.Value, dtype: np.dtype, shape: Sequence[Extent | None]) -> Array:
        """An array in C order of this dtype and shape; extents that are None are found."""
        build = self.build
        self.need(self._is(given, np.ndarray))
        self.need(self._same(self._part(given, DTYPE, _BYTE), self._known(dtype)))
        self.need(build.icmp_signed("==", self._part(given, AXES, _INT), ir.Constant(_INT, len(shape))))
        flags = build.and_(self._part(given, FLAGS, _INT), ir.Constant(_INT, PLAIN))
        self.need(build.icmp_signed("==", flags, ir.Constant(_INT, PLAIN)))
        extents = self._part(given, EXTENTS, _WORD.as_pointer())
        found: list[Extent] = []
        for axis, wanted in enumerate(shape):
            extent = build.load(build.gep(extents, [_word(axis)]))
            if wanted is not None:
                self.need(build.icmp_signed("==", extent, _word(wanted)))
            found.append(extent if wanted is None else wanted)
        return Array(self._part(given, DATA, _BYTE), tuple(found))

    @contextmanager
    def entries(self, address: ir.Value, kind: ir.Type, count: ir.Value) -> Iterator[ir.Value]:
        """What is written inside is done for each of so many entries."""
        start = self.build.bitcast(address, kind.as_pointer())
        with loop(self.build, _word(0), count) as k:
            yield self.build.load(self.build.gep(start, [k]))

    def size(self, shape: Sequence[Extent]) -> ir.Value:
        """The number of entries."""
        size = _word(1)
        for extent in shape:
            size = self.build.mul(size, _word(extent))
        return size

    def number(self, given: ir.Value, dtype: np.dtype) -> Array:
        """A float, as an array of one entry; its sign, if dtype is narrower, may not hide an overflow."""
        build = self.build
        self.need(self.is_number(given))
        value = self._part(given, NUMBER, _DOUBLE)
        room = self.room(dtype)
        if dtype.itemsize < 8:
            value = build.fptrunc(value, real_type(dtype))
            endless = ir.Constant(value.type, float("inf"))
            size = build.call(self.module.declare_intrinsic("llvm.fabs", [value.type]), [value])
            self.need(build.fcmp_unordered("!=", size, endless))
        build.store(value, build.bitcast(room.address, value.type.as_pointer()))
        return room

    def integer(self, given: ir.Value) -> ir.Value:
        """An int of Python that fits into a machine word."""
        self.need(self._is(given, int))
        value = self._python("PyLong_AsSsize_t", _WORD, given)
        self.need(self.build.icmp_unsigned("==", self._python("PyErr_Occurred", _BYTE), _nothing()))
        return value

    def need(self, condition: ir.Value) -> None:
        """Go on only where this is so."""
        go_on = self.function.append_basic_block("go_on")
        self.build.cbranch(condition, go_on, self._way_out())
        self.build.position_at_end(go_on)

    @contextmanager
    def where(self, condition: ir.Value) -> Iterator[None]:
        """What is written inside, which ends the call, is done where the condition holds."""
        there, here = (self.function.append_basic_block(name) for name in ("there", "here"))
        self.build.cbranch(condition, there, here)
        self.build.position_at_end(there)
        made = [*self._made]
        yield
        self._made = made
        self.build.position_at_end(here)

    def is_number(self, given: ir.Value) -> ir.Value:
        """Whether an argument is a float."""
        return self.build.or_(self._is(given, float), self._is(given, np.float64))

    def is_array(self, given: ir.Value, axes: int) -> ir.Value:
        """Whether an argument is an array of so many axes."""
        yes = self._is(given, np.ndarray)
        read = self.build.select(yes, given, self._known(np.empty((0,) * (axes + 1))))
        return self.build.icmp_signed("==", self._part(read, AXES, _INT), ir.Constant(_INT, axes))

    def fixed(self, array: np.ndarray, shape: Sequence[int]) -> Array:
        """The entries of one array, the same at each call, as an array of another shape."""
        self._alive.append(array)
        return Array(_word(array.ctypes.data).inttoptr(_BYTE), tuple(shape))

    # ---- what is made

    def room(self, dtype: np.dtype) -> Array:
        """One entry that lives as long as the call."""
        address = place(self.build, real_type(dtype))
        return Array(self.build.bitcast(address, _BYTE), (1,))

    def new_array(self, dtype: np.dtype, shape: Sequence[Extent]) -> tuple[ir.Value, Array]:
        """A new array, and its entries."""
        build, extents = self.build, _nothing(_WORD.as_pointer())
        if shape:
            extents = place(build, _WORD, len(shape))
            for axis, extent in enumerate(shape):
                build.store(_word(extent), build.gep(extents, [_word(axis)]))
        made = self._call(
            new_array_address() or 0,
            _BYTE,
            self._known(np.ndarray),
            ir.Constant(_INT, len(shape)),
            extents,
            ir.Constant(_INT, dtype.num),
            _nothing(_WORD.as_pointer()),
            _nothing(),
            ir.Constant(_INT, 0),
            ir.Constant(_INT, 0),
            _nothing(),
        )
        self._own(made)
        return made, Array(self._part(made, DATA, _BYTE), tuple(shape))

    def new_float(self, entry: Array, dtype: np.dtype) -> ir.Value:
        """The first entry as a float."""
        return self._own(self._python("PyFloat_FromDouble", _BYTE, self.double(entry, dtype)))

    def double(self, entry: Array, dtype: np.dtype) -> ir.Value:
        """The first entry in double precision."""
        value = self.build.load(self.build.bitcast(entry.address, real_type(dtype).as_pointer()))
        return value if dtype.itemsize == 8 else self.build.fpext(value, _DOUBLE)

    def keep(self, made: ir.Value, place: ir.Value) -> None:
        """Let a place have an object that was made here, too, in place of the one that it has."""
        old = self.build.load(place)
        self._python("Py_IncRef", _VOID, made)
        self.build.store(made, place)
        self._python("Py_DecRef", _VOID, old)

    def one_of(self, made: Sequence[tuple[ir.Value, ir.Block]]) -> ir.Value:
        """The object that was made on the way here."""
        found = self.build.phi(_BYTE)
        for value, block in made:
            found.add_incoming(value, block)
        self._made = [m for m in self._made if not any(m is value for value, _ in made)] + [found]
        return found

    def new_tuple(self, items: Sequence[ir.Value], borrowed: int = 0) -> ir.Value:
        """A tuple of objects, of which the first ones are the caller's and the rest was made here."""
        made = self._own(self._python("PyTuple_New", _BYTE, _word(len(items))))
        for at, item in enumerate(items):
            if at < borrowed:
                self._python("Py_IncRef", _VOID, item)
            place = self.build.gep(made, [_word(ITEMS + at * POINTER)])
            self.build.store(item, self.build.bitcast(place, _BYTE.as_pointer()))  # takes the reference
        self._made = [m for m in self._made if not any(m is i for i in items[borrowed:])]
        return made

    def new_dict(self, names: Sequence[str], items: Sequence[ir.Value]) -> ir.Value:
        """A dict of objects that were made here."""
        made = self._own(self._python("PyDict_New", _BYTE))
        for name, item in zip(names, items, strict=True):
            status = self._python("PyDict_SetItem", _INT, made, self._known(name), item)
            self.need(self.build.icmp_signed("==", status, ir.Constant(_INT, 0)))
        for item in items:
            self._python("Py_DecRef", _VOID, item)  # the dict has its own reference
        self._made = [made]
        return made

    # ---- the call

    def run(
        self,
        arguments: Sequence[Array | ir.Value],
        operations: ir.Value | int,
        function: MachineFunction | None = None,
    ) -> None:
        """Call the kernel; what it refuses is left to Python, which will be told why.

        Args:
            arguments: arrays and integers.
            operations: about how many there are.
            function: another one of the same arguments, in place of the kernel's.
        """
        status = self._status(arguments, operations, function or self.kernel)
        self.need(self.build.icmp_signed("==", status, ir.Constant(_INT, 0)))

    def _status(
        self,
        arguments: Sequence[Array | ir.Value],
        operations: ir.Value | int,
        function: MachineFunction,
    ) -> ir.Value:
        """The status of a call."""
        self._alive.append(function)
        parts: list[ir.Value] = []
        for given in arguments:
            parts += [given.address, *map(_word, given.shape)] if isinstance(given, Array) else [given]
        kind = ir.FunctionType(_INT, [part.type for part in parts])
        kernel = self.build.inttoptr(_word(function.address), kind.as_pointer())
        long = self.build.icmp_signed(">=", _word(operations), _word(LONG))
        state = place(self.build, _BYTE)
        with self.build.if_then(long, likely=False):
            self.build.store(self._python("PyEval_SaveThread", _BYTE), state)
        status = self.build.call(kernel, parts)
        with self.build.if_then(long, likely=False):
            self._python("PyEval_RestoreThread", _VOID, self.build.load(state))
        return status

    # ---- the end

    def give(self, result: ir.Value) -> None:
        """Return an object that was made here."""
        self.build.ret(result)
        self._made = []

    def give_known(self, thing: Any) -> None:
        """Return an object that lives as long as the function."""
        self._python("Py_IncRef", _VOID, self._known(thing))
        self.give(self._known(thing))

    def finished(self) -> Callable[..., Any]:
        """The function, compiled."""
        self.build = ir.IRBuilder(self._out)
        self._python("PyErr_Clear", _VOID)
        if self.otherwise is None:
            self._python("Py_IncRef", _VOID, self._known(None))
            self.build.ret(self._known(None))
        else:
            call = self._known(self.otherwise), self._given, self._count, _nothing()
            self.build.ret(self._python("PyObject_Vectorcall", _BYTE, *call))
        return builtin(self.module, self.name, self._alive, self.method)

    # ---- inside

    def _way_out(self) -> ir.Block:
        """A block that drops what was made and leaves the call to Python."""
        if not self._made:
            return self._out
        block, kept = self.function.append_basic_block("drop"), self.build
        self.build = ir.IRBuilder(block)
        for made in self._made:
            self._python("Py_DecRef", _VOID, made)
        self.build.branch(self._out)
        self.build = kept
        return block

    def _own(self, made: ir.Value) -> ir.Value:
        """An object made here, which is dropped where the call is left to Python; there may be no memory."""
        self.need(self.build.icmp_unsigned("!=", made, _nothing()))
        self._made.append(made)
        return made

    def _known(self, thing: Any) -> ir.Value:
        """The address of an object that lives as long as the function."""
        self._alive.append(thing)
        return _word(id(thing)).inttoptr(_BYTE)

    def _is(self, given: ir.Value, kind: type) -> ir.Value:
        return self._same(self._part(given, TYPE, _BYTE), self._known(kind))

    def _same(self, one: ir.Value, other: ir.Value) -> ir.Value:
        return self.build.icmp_unsigned("==", one, other)

    def _part(self, of: ir.Value, offset: int, kind: ir.Type) -> ir.Value:
        address = self.build.gep(of, [_word(offset)])
        return self.build.load(self.build.bitcast(address, kind.as_pointer()))

    def _python(self, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        return self._call(python_address(name), result, *arguments)

    def _call(self, address: int, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        kind = ir.FunctionType(result, [a.type for a in arguments]).as_pointer()
        return self.build.call(self.build.inttoptr(_word(address), kind), arguments)


def _word(value: Extent) -> ir.Value:
    return value if isinstance(value, ir.Value) else ir.Constant(_WORD, value)


def _nothing(kind: ir.Type = _BYTE) -> ir.Constant:
    return ir.Constant(kind, None)


def real_type(dtype: np.dtype) -> ir.Type:
    """LLVM's type for numbers of a dtype."""
    return _DOUBLE if dtype.itemsize == 8 else ir.FloatType()
