"""Terms as SymPy: the equations that are printed, as objects to compute with.

Matrix notation where SymPy has it: products, transposes, `HadamardProduct`, `ElementwiseApplyFunction` for
a function of one array, `OneMatrix` for a number added to every entry, `Trace` for a dot product. Where it
has none (a choice between two arrays, the sum of all entries, arrays with three axes) the equation is
written for one entry, as `M[i, 0]` of a `MatrixSymbol` or `A[i, j]` of an `IndexedBase`, with free indices
on the left.

`Symbols` says what is called how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.tensor.indexed import IndexedBase

from symbp.ir.definition import PRIMITIVE
from symbp.ir.nodes import Access, Index, Program
from symbp.ir.walk import accesses, index_symbols, postorder, substitute
from symbp.network import Network
from symbp.nn.elementwise import ARGUMENT, Elementwise
from symbp.nn.operands import fresh_symbol
from symbp.view.equations import Equation
from symbp.view.symbols import Position, Symbols, matrix_shape
from symbp.view.terms import ONE, Term, term

FUNCTIONS: dict[str, Any] = {name: getattr(sp, name) for name in PRIMITIVE}
FUNCTIONS |= {"max": sp.Max, "min": sp.Min, "abs": sp.Abs, "sqrt": sp.sqrt}
FUNCTIONS |= {
    "digamma": lambda x: sp.polygamma(0, x),
    "expm1": lambda x: sp.exp(x) - 1,
    "log1p": lambda x: sp.log(1 + x),
    "one_plus_erf": lambda x: 1 + sp.erf(x),
    "erfcx": lambda x: sp.exp(x**2) * sp.erfc(x),
    "times_logarithm": lambda u, v: u * v,
    "finite": lambda x: x,
}

_RELATIONS = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge, "==": sp.Eq, "!=": sp.Ne}
_LOGIC = {"and": sp.And, "or": sp.Or, "not": sp.Not}


class _NoMatrix(Exception):
    """SymPy has no matrix notation for this term."""


class Symbolic:
    """Writes equations of one network as SymPy; see `Symbols` for the arguments."""

    def __init__(
        self, network: Network, programs: Sequence[Program], adjoints: Mapping[str, str] | None = None
    ):
        self.names = Symbols(network, programs, adjoints or {})

    # ---- equations

    def equation(self, e: Equation) -> sp.Eq:
        """One equation; where conditions hold, as a choice or with a `KroneckerDelta`."""
        s = e.statement
        self.names.begin()
        if e.right.kind == "brief":
            right = self._body(s)
        elif e.left.kind == "access" or e.where:
            right = self._conditional(e)
        elif not s.indices:
            right = self.scalar(e.right)
        else:
            try:
                return sp.Eq(self._whole(s.target), self.matrix(e.right), evaluate=False)
            except _NoMatrix:
                right = self.entry(e.right, self.names.position(s.indices))
        left = (
            self.names.entry(s.target, self.names.position(s.indices))
            if s.indices
            else self.names.of[s.target]
        )
        return sp.Eq(left, right, evaluate=False)

    def _conditional(self, e: Equation) -> sp.Expr:
        """The right-hand side in index notation; its conditions go inside the sum."""
        if not e.where:
            return self.scalar(e.right)
        summed = e.right.kind == "sum" and bool(e.statement.bound)
        body = self.scalar(e.right.args[0] if summed else e.right)
        conditions = [self.scalar(c) for c in e.where]
        neutral = -sp.oo if e.statement.reduce == "max" else sp.S.Zero
        if neutral == 0 and _polynomial(e.statement.body) and all(isinstance(c, sp.Eq) for c in conditions):
            chosen = sp.Mul(body, *(sp.KroneckerDelta(*c.args) for c in conditions))
        else:
            chosen = sp.Piecewise((body, sp.And(*conditions)), (neutral, True), evaluate=False)
        return self.names.reduced(e.right.data[0], chosen, e.statement.bound) if summed else chosen

    def _body(self, s: Any) -> sp.Expr:
        """A body too large to be read, in index notation; shared parts stay shared."""
        swap: dict[Any, Any] = {i: self.names.index(i) for i in (*s.domain, *index_symbols(s.body))}
        swap |= {a: self._access(a) for a in accesses(s.body)}
        right = substitute(s.body, swap)
        if s.where:
            conditions = sp.And(*(substitute(c, swap) for c in s.where))
            neutral = -sp.oo if s.reduce == "max" else sp.S.Zero
            right = sp.Piecewise((right, conditions), (neutral, True), evaluate=False)
        return self.names.reduced(s.reduce, right, s.bound) if s.bound else right

    def _access(self, a: Access) -> sp.Expr:
        swap: dict[Any, Any] = {}
        for position in a.indices:
            swap |= {i: self.names.index(i) for i in index_symbols(position)}
            swap |= {inner: self._access(inner) for inner in accesses(position)}
        position = tuple(substitute(i, swap) for i in a.indices)
        return self.names.entry(a.name, position) if position else self.names.of[a.name]

    # ---- numbers

    def scalar(self, t: Term, taken: Position = ()) -> Any:
        """A term that is one number (or a truth value); arrays in it are summed over or compared."""
        if t.kind in ("call", "matmul") and any(a.array for a in t.args):
            return self._summary(t, taken)
        if t.kind == "access":
            return self.names.entry(t.data, tuple(self.scalar(a) for a in t.args))
        if t.kind == "sum":
            what, indices = t.data
            return self.names.reduced(what, self.scalar(t.args[0]), [i.data for i in indices])
        return self._elementwise(t, lambda a: self.scalar(a, taken))

    def _elementwise(self, t: Term, show: Callable[[Term], Any]) -> Any:
        """One node over operands that `show` writes as numbers."""
        if t.kind == "number":
            return t.data
        if t.kind == "name":
            return self.names.of[t.data]
        if t.kind == "index":
            return self.names.index(t.data)
        if t.kind == "true":
            return sp.true
        args = [show(a) for a in t.args]
        if t.kind == "plus":
            return sp.Add(*args)
        if t.kind == "minus":
            return -args[0]
        if t.kind in ("times", "hadamard", "matmul"):
            return sp.Mul(*args)
        if t.kind == "fraction":
            return args[0] / args[1]
        if t.kind == "power":
            return args[0] ** args[1]
        if t.kind == "call":
            return FUNCTIONS[t.data](*args)
        if t.kind == "relation":
            return _RELATIONS[t.data](*args)
        if t.kind == "logic":
            return _LOGIC[t.data](*args)
        assert t.kind == "if", t.kind
        return sp.Piecewise(*zip(args[::2], args[1::2], strict=True), evaluate=False)

    def _summary(self, t: Term, taken: Position) -> sp.Expr:
        """A number made of arrays: a sum or maximum over all entries, or a product that is 1 x 1."""
        if t.kind == "matmul":
            try:
                return sp.Trace(self.matrix(t))
            except _NoMatrix:
                return self._product_entry(t.args, (sp.S.Zero, sp.S.Zero), taken)
        (inner,) = t.args
        shape = self.shape(inner)
        extents = shape[:1] if len(shape) == 2 and shape[1] == 1 else shape
        indices = self.names.fresh(extents, taken)
        position = self.names.position(tuple(indices))
        return self.names.reduced(t.data, self.entry(inner, position, (*taken, *position)), indices)

    # ---- one entry of an array

    def entry(self, t: Term, at: Position, taken: Position | None = None) -> Any:
        """The entry of an array term at a position; numbers are the same everywhere."""
        taken = at if taken is None else taken
        if not t.array:
            return self.scalar(t, taken)
        if t.kind == "name":
            return self.names.entry(t.data, at)
        if t.kind == "transpose":
            return self.entry(t.args[0], tuple(reversed((*at, sp.S.Zero)[:2])), taken)
        if t.kind == "matmul":
            return self._product_entry(t.args, at, taken)
        if t.kind == "unit":
            return sp.KroneckerDelta(at[0], self.scalar(t.args[0], taken))
        return self._elementwise(t, lambda a: self.entry(a, at, taken))

    def _product_entry(self, factors: Sequence[Term], at: Position, taken: Position) -> sp.Expr:
        if len(factors) == 1:
            return self.entry(factors[0], at, taken)
        row, column = (*at, sp.S.Zero)[:2]
        inner = self.shape(factors[0])[1]
        if inner == 1:
            k: Position = (sp.S.Zero,)
        else:
            (index,) = self.names.fresh([inner], (*taken, *at))
            k = self.names.position((index,))
        taken = (*taken, *k)
        left = self.entry(factors[0], (row, *k), taken)
        right = self._product_entry(factors[1:], (*k, column), taken)
        return left * right if inner == 1 else self.names.reduced("sum", left * right, [index])

    def shape(self, t: Term) -> tuple[int, ...]:
        """The shape of an array term; that of a vector is (n, 1)."""
        if t.kind == "name":
            shape = self.names.tensors[t.data].shape
            return matrix_shape(shape) if len(shape) < 3 else shape
        if t.kind == "unit":
            return t.data, 1
        if t.kind == "transpose":
            return self.shape(t.args[0])[::-1]
        if t.kind == "matmul":
            return self.shape(t.args[0])[0], self.shape(t.args[-1])[1]
        return self.shape(next(a for a in t.args if a.array))

    # ---- whole arrays

    def _whole(self, name: str) -> sp.MatrixExpr:
        symbol = self.names.of[name]
        if isinstance(symbol, IndexedBase):
            raise _NoMatrix
        return symbol

    def matrix(self, t: Term) -> sp.MatrixExpr:
        """An array term in matrix notation.

        Raises:
            _NoMatrix: there is none.
        """
        if t.kind == "name":
            return self._whole(t.data)
        if t.kind == "transpose":
            return sp.Transpose(self.matrix(t.args[0]))
        if t.kind == "matmul":
            return sp.MatMul(*map(self.matrix, t.args))
        if t.kind == "minus":
            return _scaled(sp.S.NegativeOne, self.matrix(t.args[0]))
        if t.kind == "plus":
            return self._sum(t)
        if t.kind == "hadamard":
            return sp.HadamardProduct(*map(self.matrix, t.args))
        if t.kind == "times":
            numbers = [self.scalar(a) for a in t.args if not a.array]
            arrays = [self.matrix(a) for a in t.args if a.array]
            array = arrays[0] if len(arrays) == 1 else sp.HadamardProduct(*arrays)
            return _scaled(sp.Mul(*numbers), array)
        return self._applied(t)

    def _sum(self, t: Term) -> sp.MatrixExpr:
        """A sum of arrays; numbers in it are added to every entry."""
        numbers = [self.scalar(a) for a in t.args if not a.array]
        arrays = [self.matrix(a) for a in t.args if a.array]
        if numbers:
            ones, added = sp.OneMatrix(*self._flat_shape(t)), sp.Add(*numbers)
            arrays.append(_scaled(added, ones))
        return sp.MatAdd(*sorted(arrays, key=sp.default_sort_key))  # as `+` does

    def _flat_shape(self, t: Term) -> tuple[int, int]:
        shape = self.shape(t)
        if len(shape) != 2:
            raise _NoMatrix
        return shape  # type: ignore[return-value]

    def _applied(self, t: Term) -> sp.MatrixExpr:
        """A function applied entry by entry, where it is one of a single array."""
        if t.kind == "fraction" and not t.args[1].array and _is_linear(t.args[0]):
            return _scaled(1 / self.scalar(t.args[1]), self.matrix(t.args[0]))
        leaves = _leaves(t)
        if len(leaves) != 1:
            if t.kind == "fraction":
                return self._quotient(*t.args)
            leaves = {a: None for a in t.args if a.array}
        if len(leaves) != 1:
            raise _NoMatrix
        (leaf,) = leaves
        inner = self.matrix(leaf)
        if t.kind == "power" and t.args[0] == leaf:
            return sp.HadamardPower(inner, self.scalar(t.args[1]))
        bound = sp.Dummy("t", real=True)
        formula = self._of(t, leaf, bound)
        symbol = fresh_symbol(ARGUMENT.name, [formula], real=True)
        return Elementwise(sp.Lambda(symbol, formula.xreplace({bound: symbol})), inner)

    def _of(self, t: Term, leaf: Term, x: sp.Symbol) -> Any:
        if t == leaf:
            return x
        if not t.array:
            return self.scalar(t)
        return self._elementwise(t, lambda a: self._of(a, leaf, x))

    def _quotient(self, above: Term, below: Term) -> sp.MatrixExpr:
        if not below.array:
            return _scaled(1 / self.scalar(below), self.matrix(above))
        # A formula of one array is one function of it, of several it is a matrix of its own.
        whole = below.kind in _LEAVES or len(_leaves(below)) != 1
        inverse = (
            sp.HadamardPower(self.matrix(below), -1) if whole else self._applied(term("fraction", ONE, below))
        )
        if not above.array:
            return _scaled(self.scalar(above), inverse)
        return sp.HadamardProduct(self.matrix(above), inverse)


def _scaled(by: sp.Expr, matrix: sp.MatrixExpr) -> sp.MatrixExpr:
    """A number times a matrix, with one number in front."""
    if isinstance(matrix, sp.MatMul) and not matrix.args[0].is_Matrix:
        by, matrix = by * matrix.args[0], sp.MatMul(*matrix.args[1:])
    return matrix if by == 1 else sp.MatMul(by, matrix)


_LEAVES = ("name", "matmul", "transpose")


def _is_linear(t: Term) -> bool:
    """Whether it is an array, or a number times one."""
    return t.kind in _LEAVES or (t.kind == "times" and all(a.kind in _LEAVES for a in t.args if a.array))


def _leaves(t: Term) -> dict[Term, None]:
    """The distinct arrays that an elementwise formula is one of."""
    if not t.array:
        return {}
    if t.kind in _LEAVES:
        return {t: None}
    return {leaf: None for a in t.args for leaf in _leaves(a)}


def _polynomial(body: sp.Expr) -> bool:
    """Whether a body is finite wherever its operands are: a product with 0 is 0 then."""
    for node in postorder([body]):
        if isinstance(node, sp.Pow) and not (node.exp.is_Integer and node.exp.is_positive):
            return False
        if not isinstance(node, Access | Index | sp.Number | sp.NumberSymbol | sp.Add | sp.Mul | sp.Pow):
            return False
    return True
