"""The state of lowering: tensors and statements made so far, and the scope of index names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sympy as sp

from symbp.errors import ShapeError, SymbpError, UnsupportedError, shorten
from symbp.ir.brief import brief
from symbp.ir.names import pre_activation_name
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses, index_symbols, postorder, substitute
from symbp.network import LARGEST, check_entries, dimension
from symbp.passes.lower.order import Order

Scope = Mapping[Any, sp.Expr]
"""What SymPy's index symbols and Lambda variables stand for: indices or scalar bodies."""


class Builder:
    """Collects tensors and statements; `equation` is the one being lowered."""

    def __init__(self, dims: dict[str, int], reserved: frozenset[str] = frozenset()):
        self.dims = dims
        self.reserved = reserved
        self.tensors: dict[str, Tensor] = {}
        self.statements: list[Statement] = []
        self.equation: object = None
        self.current: str = ""
        self.memo: dict[Any, Any] = {}
        self.shared = 0
        self.order = Order(self.shape)

    def declare(self, tensor: Tensor) -> Tensor:
        check_entries(tensor.shape, repr(tensor.name), self.equation)
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

    def name(self, name: str, indices: tuple[Index, ...], body: sp.Expr) -> Access:
        """Define `name` by `body`; where the body is nothing but the last reduction, that gets the name."""
        last = self.statements[-1] if self.statements else None
        if (
            last is not None
            and last.origin == self.equation
            and isinstance(body, Access)
            and body.name == last.target
            and body.indices == last.indices
            and len(indices) == len(last.indices)
            and set(indices) == set(last.indices)
            and not self._kept(last.target)
        ):
            self.statements.pop()
            del self.tensors[last.target]
            return self.define(
                name, indices, last.body, reduce=last.reduce, bound=last.bound, where=last.where
            )
        return self.define(name, indices, body)

    def activated(self, body: sp.Expr) -> sp.Expr:
        """The body of an activation; where it is a function of the last sum alone, that is called its z."""
        last = self.statements[-1] if self.statements else None
        wish = pre_activation_name(self.current)
        if (
            last is None
            or last.origin != self.equation
            or accesses(body) != [last.access]
            or is_linear(body)
            or self._kept(last.target)
            or self.fresh_name(wish) != wish
        ):
            return body
        self.statements.pop()
        del self.tensors[last.target]
        sum_of = {"reduce": last.reduce, "bound": last.bound, "where": last.where}
        return substitute(body, {last.access: self.define(wish, last.indices, last.body, **sum_of)})

    def _kept(self, name: str) -> bool:
        """Whether later equations may read the tensor."""
        stored = (v[0] for k, v in self.memo.items() if isinstance(k, tuple) and k[0] == "stored")
        return any(isinstance(body, Access) and body.name == name for body in stored)

    def reduce(
        self,
        body: sp.Expr,
        bound: tuple[Index, ...],
        where: tuple = (),
        axes: tuple[Index, ...] = (),
        wish: str | None = None,
    ) -> sp.Expr:
        """The sum of `body`, as an entry of a temporary over the indices that remain.

        Args:
            axes: the order of the indices of the temporary, as far as it matters.
            wish: its name.
        """
        body, outside = loop_invariant(body, bound)
        used = dict.fromkeys(i for part in (body, *where) for i in index_symbols(part))
        ordered = dict.fromkeys([*(i for i in axes if i in used), *used])
        free = tuple(i for i in ordered if i not in bound)
        outside *= sp.prod(i.extent for i in bound if i not in used)
        bound = tuple(i for i in bound if i in used)
        if not bound:
            return outside * body
        name = self.fresh_name(wish or f"s_{self.current}")
        return outside * self.define(name, free, body, reduce="sum", bound=bound, where=where)

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

    def shape(self, matrix: Any) -> tuple[int, int]:
        """Rows and columns as ints, symbolic dimensions resolved."""
        rows, columns = map(sp.sympify, matrix.shape)
        if rows.is_Integer and columns.is_Integer and 0 < rows <= LARGEST and 0 < columns <= LARGEST:
            return int(rows), int(columns)
        what = getattr(matrix, "name", None) or brief(matrix, 30)
        return dimension(rows, self.dims, what), dimension(columns, self.dims, what)

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
    except sp.ShapeError as error:
        # Of matrices that were built with SymPy's checks turned off.
        problem = f"shapes do not fit: {shorten(str(error), 120)}"
        raise b.shape_error(problem, "transpose a factor with .T, or declare shapes that agree") from error
    except Exception as error:
        problem = f"SymPy cannot rebuild this expression: {type(error).__name__}: {shorten(str(error), 120)}"
        raise b.unsupported(problem, "write it with elementary functions of real symbols") from error


def is_linear(body: sp.Expr) -> bool:
    """Whether a body of one access is a multiple of it, or adds to it."""
    return all(isinstance(n, sp.Add | sp.Mul | Access) or n.is_number for n in postorder([body]))


def fresh_index(wish: str, extent: int, taken: Any) -> Index:
    """An index whose name none of `taken` has."""
    names = {i.name for i in taken if isinstance(i, Index)}
    letters = [wish, *"ijklmpqrst", *(f"i{k}" for k in range(len(names) + 1))]
    return Index(next(letter for letter in letters if letter not in names), extent)


def loop_invariant(body: sp.Expr, bound: tuple[Index, ...]) -> tuple[sp.Expr, sp.Expr]:
    """Split a body into a part that the bound indices reach and a factor that they do not.

    From a sum only what all its terms share is taken: sum_j (c a_j + c b_j) = c sum_j (a_j + b_j). A term
    without bound index stays inside: taken out, sum_j (x_j - m) would lose digits to cancellation.
    """
    if isinstance(body, sp.Add):
        terms = [loop_invariant(term, bound) for term in body.args]
        shared = _shared_factors([outside for _, outside in terms])
        if shared is sp.S.One:
            return body, sp.S.One
        return sp.Add(*(inside * (outside / shared) for inside, outside in terms)), shared
    if not isinstance(body, sp.Mul):
        return body, sp.S.One
    inside: list[sp.Expr] = []
    outside: list[sp.Expr] = []
    for factor in body.args:
        (inside if set(index_symbols(factor)) & set(bound) else outside).append(factor)
    return sp.Mul(*inside), sp.Mul(*outside)


def _shared_factors(products: list[sp.Expr]) -> sp.Expr:
    """The factors that all products have, a number only where all have the same, up to its sign."""
    numbers, rests = zip(*(p.as_coeff_Mul() for p in products), strict=True)
    number = abs(numbers[0]) if len({abs(n) for n in numbers}) == 1 else sp.S.One
    first, *others = ([*sp.Mul.make_args(r)] for r in rests)
    return sp.Mul(number, *(f for f in first if f is not sp.S.One and all(f in o for o in others)))
