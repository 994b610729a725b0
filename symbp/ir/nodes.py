"""The one form: programs of statements in index notation.

    target[i, ...]  =  reduce over (j, ...), where conditions, of  body(i, ..., j, ...)

Every tensor is defined by at most one statement (static single assignment); nodes are frozen
and rebuilt, never mutated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp


class Label(sp.AtomicExpr):
    """A named atom, compared by class and content.

    Not a `sympy.Symbol`: those are interned by name and assumptions alone, which would merge
    an index i below 3 with an index i below 5, and a tensor x with a user's symbol x.
    """

    __slots__ = ("name",)
    name: str
    is_commutative = True

    def __new__(cls, name: str, *_: Any) -> Any:
        self = super().__new__(cls)
        self.name = name
        return self

    def _hashable_content(self) -> tuple:
        return (self.name,)

    def __reduce__(self):
        return type(self), self._hashable_content()

    @property
    def free_symbols(self):
        return {self}

    def _sympystr(self, printer):
        return self.name

    _sympyrepr = _latex = _sympystr


class Index(Label):
    """A loop variable that runs over 0 ... extent-1.

    `extent` is an int, or `BATCH` for the axis whose length is known at run time.
    """

    __slots__ = ("extent",)
    extent: Any
    is_integer = True
    is_nonnegative = True
    _diff_wrt = True  # SymPy's Eq tries to solve linear relations, by differentiating them

    def __new__(cls, name: str, extent: Any) -> Index:
        self = super().__new__(cls, name)
        self.extent = extent if extent == BATCH else int(extent)
        return self

    def _hashable_content(self) -> tuple:
        return (self.name, self.extent)


class Batch(Label):
    """The number of samples, known only when data arrives."""

    __slots__ = ()
    is_integer = True
    is_positive = True
    _diff_wrt = True


class TensorName(Label):
    """The label of a tensor inside an access."""

    __slots__ = ()
    is_real = True


BATCH = Batch("N")


class Access(sp.Expr):
    """One entry of a tensor: `Access(name, i, j)`; a scalar tensor has no indices.

    Indices are integer expressions: an index, a number, an affine form such as i + p, or
    an access to an integer tensor (a gather).
    """

    is_real = True
    is_commutative = True
    is_number = False
    # Said in so many words, for SymPy would search for an answer at every entry, in vain.
    is_zero = is_positive = is_negative = is_nonzero = is_nonnegative = is_nonpositive = None
    is_extended_positive = is_extended_negative = is_extended_nonzero = None
    is_extended_nonnegative = is_extended_nonpositive = None
    is_integer = is_noninteger = is_even = is_odd = is_prime = is_composite = None
    is_rational = is_irrational = is_algebraic = is_transcendental = is_polar = None

    name: str
    indices: tuple[sp.Expr, ...]

    def __new__(cls, name: TensorName | str, *indices: Any) -> Access:
        # Equal entries are one object: to compare others takes SymPy longer than all else in a look-up.
        name = name if isinstance(name, str) else name.name
        known = _ENTRIES.get((name, *indices))
        if known is not None:
            return known
        self = super().__new__(
            cls, TensorName(name), *(sp.Integer(i) if isinstance(i, int) else i for i in indices)
        )
        self.name, self.indices = name, self.args[1:]
        if len(_ENTRIES) >= REMEMBERED:
            _ENTRIES.clear()
        return _ENTRIES.setdefault((name, *indices), self)

    @property
    def free_symbols(self):
        # The label is a name, not a variable: only indices may be substituted.
        return set().union(*(i.free_symbols for i in self.indices)) if self.indices else set()

    def _eval_derivative(self, s):
        return sp.S.Zero

    def _sympystr(self, printer):
        inner = ", ".join(printer._print(i) for i in self.indices)
        return f"{self.name}[{inner}]" if inner else self.name


REMEMBERED = 1 << 16
_ENTRIES: dict[tuple, Access] = {}

ROLES = ("input", "label", "parameter", "constant", "defined")


@dataclass(frozen=True)
class Tensor:
    """A named array. Shape entries are ints, or BATCH in front where it holds one row per sample.

    Roles: input (data), label (integer data used as an index below `bound`), parameter, constant
    (with its `values`), defined (the target of a statement). Where `total` is given, the entries of a vector
    add up to it, which is checked when data arrives.
    """

    name: str
    shape: tuple[Any, ...]
    role: str = "defined"
    bound: int | None = None
    values: tuple[float, ...] | None = None
    total: int | None = None

    def __post_init__(self):
        assert self.role in ROLES, self.role

    def __getitem__(self, indices: Any) -> Access:
        indices = indices if isinstance(indices, tuple) else (indices,)
        assert len(indices) == len(self.shape), (self, indices)
        return Access(self.name, *indices)

    @property
    def batched(self) -> bool:
        return bool(self.shape) and self.shape[0] == BATCH

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self.shape[1:] if self.batched else self.shape

    @property
    def row_size(self) -> int:
        """The number of entries of one sample."""
        size = 1
        for extent in self.row_shape:
            size *= extent
        return size


@dataclass(frozen=True)
class Statement:
    """target[indices] = reduce over `bound`, where all of `where` hold, of `body`.

    Attributes:
        target: name of the tensor that is defined.
        indices: one free index per axis of the target.
        body: scalar SymPy expression over accesses and indices.
        reduce: "none", "sum" or "max"; "none" exactly where `bound` is empty.
        bound: the indices that are reduced over.
        where: relations between integer expressions; a point that fails one contributes
            the neutral element (0 for "none" and "sum", -inf for "max").
        origin: the user's equation it came from, as text or what gives the text, for error messages.
    """

    target: str
    indices: tuple[Index, ...]
    body: sp.Expr
    reduce: str = "none"
    bound: tuple[Index, ...] = ()
    where: tuple[sp.Basic, ...] = ()
    origin: object = field(default=None, compare=False)

    @property
    def domain(self) -> tuple[Index, ...]:
        """All loop variables, the free ones first."""
        return self.indices + self.bound

    @property
    def access(self) -> Access:
        """The entry that is defined."""
        return Access(self.target, *self.indices)

    def with_body(self, body: sp.Expr) -> Statement:
        return self if body is self.body else replace(self, body=body)


@dataclass(frozen=True)
class Program:
    """Tensors and the statements that define them, in an order in which they can be run.

    Attributes:
        tensors: every tensor by name, in declaration order.
        statements: one per defined tensor.
        outputs: names of the tensors that must be kept.
    """

    tensors: Mapping[str, Tensor]
    statements: tuple[Statement, ...]
    outputs: tuple[str, ...]

    def statement_of(self) -> dict[str, Statement]:
        """The defining statement by tensor name."""
        return {s.target: s for s in self.statements}

    def by_role(self, *roles: str) -> list[Tensor]:
        return [t for t in self.tensors.values() if t.role in roles]

    def rebuilt(self, statements: Iterable[Statement], tensors: Iterable[Tensor] = ()) -> Program:
        """This program with other statements; tensors without use are dropped, new ones added."""
        statements = tuple(statements)
        known = {**self.tensors, **{t.name: t for t in tensors}}
        targets = {s.target for s in statements}
        kept = {
            name: t
            for name, t in known.items()
            if t.role in ("input", "label", "parameter", "constant") or name in targets
        }
        return Program(kept, statements, self.outputs)
