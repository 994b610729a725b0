"""Programs run by an array library: NumPy, jax.numpy or torch, one operation of the library after another.

Sums of products become einsum, which the libraries hand to their matrix products; everything else is
broadcast arithmetic over the indices of a statement. JAX and PyTorch differentiate what comes out.

SymPy is walked once, on real arrays: the operations that were needed are kept as a list, so that a call
costs what the library costs, not what reading equations costs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.errors import UnsupportedError
from symbp.ir.functions import (
    compensated_exp,
    erfcx,
    expm1,
    finite,
    first,
    log1p,
    one_plus_erf,
    times_logarithm,
)
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement
from symbp.ir.walk import postorder

NAMES: dict[Any, str] = {
    sp.exp: "exp", compensated_exp: "exp", sp.log: "log", expm1: "expm1", log1p: "log1p",
    sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.asin: "arcsin", sp.acos: "arccos", sp.atan: "arctan",
    sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.asinh: "arcsinh", sp.acosh: "arccosh",
    sp.atanh: "arctanh", sp.atan2: "arctan2", sp.Abs: "abs", sp.sign: "sign", sp.floor: "floor",
    sp.ceiling: "ceil",
}  # fmt: skip
"""SymPy's functions by the name that all three libraries have for them."""

FOLDS: dict[Any, Callable[[Any, Any], Any]] = {
    sp.Add: operator.add,
    sp.Mul: operator.mul,
    times_logarithm: operator.mul,
    sp.And: operator.and_,
    sp.Or: operator.or_,
    sp.Lt: operator.lt,
    sp.Le: operator.le,
    sp.Gt: operator.gt,
    sp.Ge: operator.ge,
    sp.Eq: operator.eq,
    sp.Ne: operator.ne,
}
"""Operators that take their operands two by two."""


class Library:
    """What the three libraries have different names for.

    Args:
        xp: the module `numpy`, `jax.numpy` or `torch`.
        permute: (array, axes) -> array.
        erf: of an array.
    """

    def __init__(self, xp: Any, permute: Callable[..., Any], erf: Callable[[Any], Any]):
        self.xp, self.permute, self.erf = xp, permute, erf

    def array(self, value: Any) -> Any:
        return value if hasattr(value, "shape") else self.xp.asarray(value)

    def call(self, name: str, *arguments: Any) -> Any:
        return getattr(self.xp, name)(*map(self.array, arguments))

    def einsum(self, subscripts: str, *operands: Any) -> Any:
        if self.xp is np and len(operands) == 2:
            return _product(subscripts, *operands)
        return self.xp.einsum(subscripts, *operands)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        if isinstance(condition, bool):
            return yes if condition else no
        return self.xp.where(condition, yes, no)

    def extreme(self, name: str, a: Any, b: Any) -> Any:
        """maximum or minimum; PyTorch's take no numbers."""
        like = a if hasattr(a, "shape") else b
        a, b = (v if hasattr(v, "shape") else self.xp.full_like(self.array(like), v) for v in (a, b))
        return getattr(self.xp, name)(a, b)

    def power(self, base: Any, exponent: Any) -> Any:
        if isinstance(exponent, float) and abs(exponent) == 0.5:
            root = self.xp.sqrt(self.array(base))
            return root if exponent > 0 else 1 / root
        if isinstance(exponent, int):
            return {2: lambda: base * base, -1: lambda: 1 / base}.get(exponent, lambda: base**exponent)()
        return self.array(base) ** exponent


@dataclass(frozen=True)
class _Value:
    """What an operation gave, and its place in the tape; none for what does not depend on the values."""

    now: Any
    place: int | None = None


class _Tape:
    """The operations of a program, in order."""

    def __init__(self) -> None:
        self.size = 0
        self.operations: list[tuple[Callable[..., Any], tuple[tuple[bool, Any], ...], int]] = []

    def entry(self, now: Any) -> _Value:
        self.size += 1
        return _Value(now, self.size - 1)

    def do(self, function: Callable[..., Any], *operands: _Value) -> _Value:
        now = function(*(v.now for v in operands))
        if all(v.place is None for v in operands):
            return _Value(now)
        result = self.entry(now)
        taken = tuple((v.place is not None, v.now if v.place is None else v.place) for v in operands)
        self.operations.append((function, taken, self.size - 1))
        return result

    def replay(self, given: Sequence[Any], wanted: Sequence[int]) -> list[Any]:
        memory: list[Any] = [*given, *[None] * (self.size - len(given))]
        for function, taken, place in self.operations:
            memory[place] = function(*[memory[v] if moving else v for moving, v in taken])
        return [memory[k] for k in wanted]


def plan(
    program: Program, values: Mapping[str, Any], library: Library
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function of values by name that gives the outputs of a program by name.

    Args:
        values: inputs, labels, parameters and constants by name, as arrays of the library; those of
            later calls have the same shapes.

    Raises:
        UnsupportedError: a function that the library lacks.
    """
    tape = _Tape()
    names = list(values)
    memory = {name: tape.entry(values[name]) for name in names}
    samples = next(
        (len(values[t.name]) for t in program.tensors.values() if t.batched and t.name in values), 1
    )
    for statement in program.statements:
        memory[statement.target] = _Statement(statement, memory, samples, library, tape).value()
    places = {name: memory[name] for name in program.outputs}
    moving = [name for name, v in places.items() if v.place is not None]
    still = {name: v.now for name, v in places.items() if v.place is None}

    def run(values: Mapping[str, Any]) -> dict[str, Any]:
        found = tape.replay([values[n] for n in names], [places[n].place for n in moving])  # type: ignore[misc]
        return {**still, **dict(zip(moving, found, strict=True))}

    return run


class _Statement:
    """One statement on its way to an array."""

    def __init__(
        self, statement: Statement, memory: Mapping[str, _Value], samples: int, library: Library, tape: _Tape
    ):
        self.statement, self.memory, self.samples, self.library = statement, memory, samples, library
        self.xp, self.do, self.domain = library.xp, tape.do, statement.domain

    def value(self) -> _Value:
        s = self.statement
        product = self._contraction()
        if product is not None:
            return product
        body = self._expression(s.body)
        for condition in s.where:
            neutral = -np.inf if s.reduce == "max" else 0.0
            body = self.do(self.library.where, self._expression(condition), body, _Value(neutral))
        shape = tuple(self.samples if i.extent == BATCH else i.extent for i in self.domain)
        if tuple(getattr(body.now, "shape", (None,))) != shape:
            body = self.do(lambda v: self.xp.broadcast_to(self.library.array(v), shape), body)
        axes = tuple(range(len(s.indices), len(self.domain)))
        if s.reduce == "none":
            return body
        reduce = self.xp.amax if s.reduce == "max" else self.xp.sum
        return self.do(lambda v: reduce(v, axis=axes), body)

    def _contraction(self) -> _Value | None:
        """A sum of products of whole tensors, else None."""
        s = self.statement
        factors = sp.Mul.make_args(s.body)
        numbers = [f for f in factors if f.is_number]
        tensors = [f for f in factors if isinstance(f, Access)]
        if s.reduce != "sum" or s.where or len(tensors) < 2 or not all(map(_plain, tensors)):
            return None
        if len(numbers) + len(tensors) < len(factors):
            return None
        if {i for t in tensors for i in t.indices} != set(self.domain):
            return None
        letters = {index: chr(ord("a") + k) for k, index in enumerate(self.domain)}
        inputs = ",".join("".join(letters[i] for i in t.indices) for t in tensors)  # type: ignore[index]
        subscripts = f"{inputs}->{''.join(letters[i] for i in s.indices)}"
        operands = [self.memory[t.name] for t in tensors]
        found = self.do(lambda *arrays: self.library.einsum(subscripts, *arrays), *operands)
        return self.do(operator.mul, found, _Value(float(sp.Mul(*numbers)))) if numbers else found

    def _expression(self, root: sp.Basic) -> _Value:
        done: dict[sp.Basic, _Value] = {}
        for node in postorder([root]):
            if isinstance(node, Access):
                done[node] = self._read(node)
            elif isinstance(node, Index):
                done[node] = _Value(self._range(node))
            elif node == BATCH:
                done[node] = _Value(float(self.samples))
            elif node.is_Number or isinstance(node, sp.NumberSymbol):
                done[node] = _Value(int(node) if node.is_Integer else float(node))
            elif isinstance(node, sp.logic.boolalg.BooleanAtom):
                done[node] = _Value(bool(node))
            elif not isinstance(node, ExprCondPair):
                done[node] = self._apply(node, done)
        return done[root]

    def _range(self, index: Index) -> Any:
        extent = self.samples if index.extent == BATCH else index.extent
        shape = [1] * len(self.domain)
        shape[self.domain.index(index)] = extent
        return self.xp.arange(extent).reshape(shape)

    def _read(self, access: Access) -> _Value:
        """A tensor with its axes where the domain has them, size 1 elsewhere."""
        array = self.memory[access.name]
        if _plain(access):
            places = [self.domain.index(i) for i in access.indices]  # type: ignore[arg-type]
            order = sorted(range(len(places)), key=places.__getitem__)
            if order != list(range(len(places))):
                array = self.do(lambda a: self.library.permute(a, order), array)
            there = set(places)
            if len(there) == len(self.domain):
                return array
            view = tuple(slice(None) if k in there else None for k in range(len(self.domain)))
            return self.do(lambda a: a[view], array)
        position = []
        for index, extent in zip(access.indices, array.now.shape, strict=True):
            # Points outside are dropped by `where`; they are read as some entry inside.
            place = self._expression(index)
            if not isinstance(place.now, int):
                place = self.do(lambda p, last=extent - 1: self.xp.clip(p, 0, last), place)
            position.append(place)
        return self.do(lambda a, *at: a[at], array, *position)

    def _apply(self, node: sp.Basic, done: Mapping[sp.Basic, _Value]) -> _Value:
        library, xp = self.library, self.xp
        if isinstance(node, sp.Piecewise):
            result = _Value(float("nan"))
            for value, condition in reversed(node.args):
                result = self.do(library.where, done[condition], done[value], result)
            return result
        args = [done[a] for a in node.args]
        if isinstance(node, sp.Pow):
            return self.do(library.power, args[0], _half(node.exp) or args[1])
        if isinstance(node, sp.Max | sp.Min):
            name = "maximum" if isinstance(node, sp.Max) else "minimum"
            return self._folded(partial(library.extreme, name), args)
        if isinstance(node, sp.KroneckerDelta):
            return self.do(library.where, self.do(operator.eq, *args), _Value(1.0), _Value(0.0))
        if isinstance(node, finite | first):
            return args[0]
        if isinstance(node, sp.erf | one_plus_erf):
            value = self.do(library.erf, args[0])
            return value if isinstance(node, sp.erf) else self.do(operator.add, _Value(1.0), value)
        if isinstance(node, erfcx):
            square = self.do(partial(library.call, "exp"), self.do(operator.mul, args[0], args[0]))
            rest = self.do(operator.sub, _Value(1.0), self.do(library.erf, args[0]))
            return self.do(operator.mul, square, rest)
        for kind in type(node).__mro__:
            if kind in FOLDS:
                return self._folded(FOLDS[kind], args)
            if kind in NAMES:
                return self.do(partial(library.call, NAMES[kind]), *args)
        raise UnsupportedError(
            f"{type(node).__name__} cannot be handed to {xp.__name__}",
            equation=self.statement.origin,
            hint="leave that library out of --vs",
        )

    def _folded(self, function: Callable[[Any, Any], Any], args: Sequence[_Value]) -> _Value:
        result = args[0]
        for a in args[1:]:
            result = self.do(function, result, a)
        return result


def _half(exponent: sp.Basic) -> _Value | None:
    return _Value(float(exponent)) if exponent in (sp.S.Half, -sp.S.Half) else None


def _plain(access: Access) -> bool:
    """Whether it is a whole tensor, each axis with an index of its own."""
    return all(isinstance(i, Index) for i in access.indices) and len(set(access.indices)) == len(
        access.indices
    )


def _product(subscripts: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """einsum of two operands through BLAS, where np.einsum alone takes loops of its own."""
    inputs, output = subscripts.split("->")
    left, right = inputs.split(",")
    common = [c for c in left if c in right]
    if any(c in output for c in common) or set(left + right) - set(common) != set(output):
        return np.einsum(subscripts, a, b)
    axes = ([left.index(c) for c in common], [right.index(c) for c in common])
    found = np.tensordot(a, b, axes)
    got = [c for c in left + right if c not in common]
    return found if got == list(output) else found.transpose([got.index(c) for c in output])
