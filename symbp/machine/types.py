"""Types of what generated modules compute with, under Numba's names and with the attributes it gives them.

Intrinsics of generated modules speak of `types`. Under Numba that is `numba.types`, in machine code this one:
importing Numba takes as long as compiling a small network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Type:
    """Any type; called with the types of arguments it is the signature of a function with such results."""

    def __call__(self, *args: Type) -> Signature:
        return Signature(self, args)


@dataclass(frozen=True)
class Signature:
    """Of a function or an intrinsic."""

    return_type: Type
    args: tuple[Type, ...]


@dataclass(frozen=True)
class Void(Type):
    """Of what has no value."""


@dataclass(frozen=True)
class Scalar(Type):
    """A number or a truth value."""

    name: str
    bitwidth: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Float(Scalar):
    pass


@dataclass(frozen=True)
class Integer(Scalar):
    """With a sign, unless the name says otherwise."""


@dataclass(frozen=True)
class Boolean(Scalar):
    pass


@dataclass(frozen=True)
class Array(Type):
    """An array of so many axes, in C order."""

    dtype: Scalar
    ndim: int
    layout: str

    def copy(self, ndim: int) -> Array:
        return replace(self, ndim=ndim)


@dataclass(frozen=True)
class Tuple(Type):
    types: tuple[Type, ...]

    def __iter__(self) -> Iterator[Type]:
        return iter(self.types)

    def __len__(self) -> int:
        return len(self.types)

    def __getitem__(self, k: int) -> Type:
        return self.types[k]


def UniTuple(dtype: Type, count: int) -> Tuple:
    """A tuple of items of one type."""
    return Tuple((dtype,) * count)


def tuple_of(kinds: Iterable[Type]) -> Tuple:
    return Tuple(tuple(kinds))


void = Void()
boolean = Boolean("bool", 1)
float32, float64 = Float("float32", 32), Float("float64", 64)
int32, int64 = Integer("int32", 32), Integer("int64", 64)
intp = int64
uint32 = Integer("uint32", 32)

NUMBERS: dict[str, Scalar] = {t.name: t for t in (float32, float64, int64)}
"""The types that entries of arrays may have, by NumPy's names."""
