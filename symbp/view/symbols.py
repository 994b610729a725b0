"""The SymPy symbols of a network: its tensors, their entries, and the indices of loops."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.tensor.indexed import Indexed, IndexedBase

from symbp.ir.nodes import Index, Program, Tensor
from symbp.ir.walk import accesses
from symbp.network import Network, symbol_name

Position = tuple[sp.Expr, ...]
"""One index per axis; vectors have two, the second one 0."""

_LETTERS = ("k", "l", "m", "p", "q", "r")


class Maximum(ExprWithLimits):
    """The largest value of an expression: `Maximum(z[j, 0], (j, 0, 9))`. SymPy has `Sum`, but not this."""

    def doit(self, **hints: Any) -> sp.Expr:
        """Written out as `Max`, where all bounds are numbers."""
        values = [self.function]
        for symbol, low, high in self.limits:
            if not (low.is_Integer and high.is_Integer):
                return self
            values = [v.subs(symbol, k) for v in values for k in range(int(low), int(high) + 1)]
        return sp.Max(*(v.doit(**hints) for v in values))

    def _latex(self, printer: Any, **_: Any) -> str:
        ranges = r",\; ".join(rf"{printer.doprint(a)} \le {printer.doprint(s)} \le {printer.doprint(b)}"
                              for s, a, b in self.limits)  # fmt: skip
        return rf"\max_{{{ranges}}} {printer.doprint(self.function)}"


class Symbols:
    """What tensors and loop indices are called.

    Symbols are the user's own. What the compiler named is a `Symbol` or a `MatrixSymbol`, and an
    `IndexedBase` where it has three axes or follows one of the user's.

    Args:
        network: whose symbols are used.
        programs: tell the shapes of what is named.
        adjoints: name of a tensor -> name of its adjoint, which is written in the same notation.

    Attributes:
        tensors: all tensors by name.
        of: their symbols, by name; an explicit matrix where it is constant.
    """

    def __init__(self, network: Network, programs: Sequence[Program], adjoints: Mapping[str, str]):
        own = [*network.inputs, *network.parameters, *(e.lhs for e in network.equations)]
        self._users = {symbol_name(s): s.base if isinstance(s, Indexed) else s for s in own}
        self.tensors: dict[str, Tensor] = {}
        self.of: dict[str, Any] = {}
        self._indices: dict[Index, sp.Symbol] = {}
        for program in programs:
            self.tensors = {**program.tensors, **self.tensors}
        for name, tensor in self.tensors.items():
            if tensor.role != "defined":
                self.of[name] = self._symbol(tensor, [])
        sources = {adjoint: name for name, adjoint in adjoints.items()}
        for s in (s for program in programs for s in program.statements):
            if s.target not in self.of:
                read = [a.name for a in accesses(s.body) if a.indices]
                follows = [sources[s.target]] if s.target in sources else read
                self.of[s.target] = self._symbol(self.tensors[s.target], follows)

    def _symbol(self, tensor: Tensor, follows: list[str]) -> Any:
        name, shape, own = tensor.name, tensor.shape, self._users.get(tensor.name)
        if tensor.role == "constant":
            return sp.ImmutableMatrix(*matrix_shape(shape), [_exact(v) for v in tensor.values or ()])
        if isinstance(own, IndexedBase):
            return own
        if not shape:
            return own if isinstance(own, sp.Symbol) else sp.Symbol(name)
        indexed = any(isinstance(self.of.get(f), IndexedBase) for f in follows)
        if len(shape) > 2 or (indexed and own is None):
            return IndexedBase(name, shape=shape)
        symbol = sp.MatrixSymbol(name, *matrix_shape(shape))
        return own if isinstance(own, sp.MatrixSymbol) and own.shape == symbol.shape else symbol

    def begin(self) -> None:
        """A new equation: its indices are told apart from each other only."""
        self._indices = {}

    def index(self, i: Index) -> sp.Symbol:
        """The symbol of a loop index; underscores tell it from others, and from tensors, of the same name."""
        if i not in self._indices:
            symbol = sp.Symbol(i.name, integer=True)
            while symbol.name in self.tensors or symbol in self._indices.values():
                symbol = sp.Symbol(symbol.name + "_", integer=True)
            self._indices[i] = symbol
        return self._indices[i]

    def position(self, indices: tuple[Index, ...]) -> Position:
        return tuple(map(self.index, indices))

    def entry(self, name: str, position: Position) -> sp.Expr:
        symbol = self.of[name]
        if isinstance(symbol, IndexedBase):
            return symbol[position[: len(self.tensors[name].shape)]]
        return symbol[(*position, sp.S.Zero)[:2]]

    def reduced(self, what: str, body: sp.Expr, indices: Iterable[Index]) -> sp.Expr:
        kind = Maximum if what == "max" else sp.Sum
        return kind(body, *((self.index(i), 0, i.extent - 1) for i in indices))

    def fresh(self, extents: Iterable[int], taken: Position) -> list[Index]:
        """New loop indices, whose symbols are not among those taken."""
        known = {s.name for p in taken for s in p.free_symbols}.union(self.tensors)
        names = itertools.chain(_LETTERS, map("k{}".format, itertools.count(1)))
        free = (n for n in names if n not in known)
        found: list[Index] = []
        for extent in extents:
            index = next(i for i in (Index(n, extent) for n in free) if self.index(i).name not in known)
            found.append(index)
        return found


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """The shape of a tensor with up to two axes as a matrix: columns for vectors."""
    rows, columns = (*shape, 1, 1)[:2]
    return rows, columns


def _exact(value: float) -> sp.Number:
    return sp.Integer(int(value)) if float(value).is_integer() and abs(value) < 2**53 else sp.Float(value)
