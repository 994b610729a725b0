"""The state of lowering: tensors and statements made so far, and the scope of index names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sympy as sp

from symbp.errors import ShapeError, SymbpError, UnsupportedError, shorten
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses, index_symbols
from symbp.network import brief, check_entries

Scope = Mapping[Any, sp.Expr]
"""What SymPy's index symbols and Lambda variables stand for: indices or scalar bodies."""


class Builder:
    """Collects tensors and statements; `equation` is the text of the one being lowered."""

    def __init__(self, dims: dict[str, int], reserved: frozenset[str] = frozenset()):
        self.dims = dims
        self.reserved = reserved
        self.tensors: dict[str, Tensor] = {}
        self.statements: list[Statement] = []
        self.equation: str = ""
        self.current: str = ""
        self.memo: dict[Any, Any] = {}
        self.shared = 0

    def declare(self, tensor: Tensor) -> Tensor:
        check_entries(tensor.shape, repr(tensor.name), self.equation or None)
        self.tensors[tensor.name] = tensor
        return tensor

    def fresh_name(self, wish: str) -> str:
        """`wish`, or the first of wish_2, wish_3, ... that neither symbp nor the user has taken."""
        name, k = wish, 1
        while name in self.tensors or name in self.reserved:
            k += 1
            name = f"{wish}_{k}"
        return name

    def define(self, name: str, indices: tuple[Index, ...], body: sp.Expr, **reduction: Any) -> Access:
        """Add the statement name[indices] = ... and return the entry it defines."""
        if not isinstance(body, sp.Expr):
            raise self.unsupported(
                f"{brief(body, 60)} stands where a number is needed",
                "write Piecewise((1, condition), (0, True)), or one equation for each value",
            )
        self.declare(Tensor(name, tuple(i.extent for i in indices)))
        self.statements.append(Statement(name, indices, body, origin=self.equation, **reduction))
        return Access(name, *indices)

    def reduce(self, body: sp.Expr, bound: tuple[Index, ...], where: tuple = (), how: str = "sum") -> sp.Expr:
        """The sum (or maximum) of `body`, as an entry of a temporary over the indices that remain."""
        body, outside = _loop_invariant(body, bound) if how == "sum" else (body, sp.S.One)
        used = dict.fromkeys(i for part in (body, *where) for i in index_symbols(part))
        free = tuple(i for i in used if i not in bound)
        if not index_symbols(body) and how == "sum" and not where:
            count = sp.prod(i.extent for i in bound)
            return outside * count * body
        name = self.fresh_name(f"s_{self.current}" if how == "sum" else f"m_{self.current}")
        return outside * self.define(name, free, body, reduce=how, bound=bound, where=where)

    def share(self, body: sp.Expr) -> sp.Expr:
        """`body` as an entry of a temporary over the indices in it; atoms and numbers stay."""
        if isinstance(body, Access) or not accesses(body):
            return body
        self.shared += 1
        name = self.fresh_name(f"u{self.shared}_{self.current}")
        return self.define(name, tuple(index_symbols(body)), body)

    def label(self, name: str, bound: int) -> None:
        """Note that the scalar input `name` holds whole numbers below `bound`."""
        tensor = self.tensors[name]
        if tensor.role not in ("input", "label"):
            raise UnsupportedError(
                f"{name!r} is used as an index but is not an input",
                equation=self.equation,
                hint="only index symbols and integer inputs can stand in an index",
            )
        bound = bound if tensor.bound is None else min(bound, tensor.bound)
        self.tensors[name] = Tensor(name, tensor.shape, "label", bound=bound)

    def shape_error(self, problem: str, hint: str | None = None) -> ShapeError:
        return ShapeError(problem, equation=self.equation, hint=hint)

    def unsupported(self, problem: str, hint: str | None = None) -> UnsupportedError:
        return UnsupportedError(problem, equation=self.equation, hint=hint)

    def program(self, outputs: tuple[str, ...]) -> Program:
        return Program(dict(self.tensors), tuple(self.statements), outputs)


@contextmanager
def refusals(b: Builder) -> Iterator[None]:
    """Turn what SymPy, or a class of the user's, raises below here into an error that names the equation.

    Lowering rebuilds expressions over accesses; SymPy's constructors refuse operands in many ways of
    their own (TypeError, ValueError, PolynomialError, ...).
    """
    try:
        yield
    except SymbpError:
        raise
    except RecursionError as error:
        raise b.unsupported(
            "the expression is nested too deeply for SymPy",
            "give inner parts equations of their own",
        ) from error
    except Exception as error:
        problem = f"SymPy cannot rebuild this expression: {type(error).__name__}: {shorten(str(error), 120)}"
        raise b.unsupported(problem, "write it with elementary functions of real symbols") from error


def fresh_index(wish: str, extent: int, taken: Any) -> Index:
    """An index whose name none of `taken` has."""
    names = {i.name for i in taken if isinstance(i, Index)}
    letters = [wish, *"ijklmpqrst", *(f"i{k}" for k in range(len(names) + 1))]
    return Index(next(letter for letter in letters if letter not in names), extent)


def _loop_invariant(body: sp.Expr, bound: tuple[Index, ...]) -> tuple[sp.Expr, sp.Expr]:
    """Split a product into the factors that the bound indices reach and those they do not."""
    if not isinstance(body, sp.Mul):
        return body, sp.S.One
    inside: list[sp.Expr] = []
    outside: list[sp.Expr] = []
    for factor in body.args:
        (inside if set(index_symbols(factor)) & set(bound) else outside).append(factor)
    return sp.Mul(*inside), sp.Mul(*outside)
