"""One scalar function applied to every entry: exp(M), log(M), ... which SymPy itself has no notation for."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symbp.errors import UnsupportedError
from symbp.nn.operands import Operand, fresh_symbol, is_explicit, is_matrix, operand

# The bound symbol of every Lambda made here. One symbol, not a Dummy per call, so that equal formulas are
# equal expressions; real, so that SymPy differentiates Abs and Max without re and im.
ARGUMENT = sp.Symbol("t", real=True)


class Elementwise(ElementwiseApplyFunction):
    """SymPy's node for f applied entry by entry, the same for every shape.

    For a (1, 1) matrix q, SymPy's own constructor calls f(q) and keeps what comes out where that is a matrix:
    q/(1 + exp(-q)) with a matrix inside of exp, or q**(-1), an inverse; 1 - q even raises. A network with
    one output meets this in its last layer, and every rebuilding of the node would meet it again.
    """

    def __new__(cls, function: sp.Lambda, expr: sp.Expr) -> Elementwise:
        return sp.MatrixExpr.__new__(cls, function, expr)

    def doit(self, **hints: bool) -> sp.Expr:
        # SymPy's doit falls back to the constructor above for nested nodes, and renames the bound symbol.
        expr = self.expr.doit(**hints) if hints.get("deep", True) else self.expr
        if is_explicit(expr):
            return expr.applyfunc(self.function)
        return self.func(self.function, expr)


def elementwise(f: Callable[[sp.Expr], sp.Expr], x: Operand) -> sp.Expr:
    """f applied to x, entry by entry: y[i, j] = f(x[i, j]).

    A scalar gives f(x), a matrix expression the unevaluated `Lambda(t, f(t)).(x)`, an explicit Matrix (or a
    list of scalars, read as a column) the matrix of f(entry). The shape of the result is that of x.

    Raises:
        UnsupportedError: f does not turn a scalar expression into a scalar expression.
    """
    value = operand(x)
    if not is_matrix(value):
        return _apply(f, value)
    if is_explicit(value):
        return value.applyfunc(lambda entry: _apply(f, entry))
    # f may contain a symbol t of the user's (the time, say); the bound symbol must not capture it.
    probe = _apply(f, sp.Dummy("t", real=True))
    bound = fresh_symbol(ARGUMENT.name, [probe], real=True)
    return Elementwise(sp.Lambda(bound, _apply(f, bound)), value)


def exp(x: Operand) -> sp.Expr:
    """e^x, entry by entry."""
    return elementwise(sp.exp, x)


def log(x: Operand) -> sp.Expr:
    """The natural logarithm of x, entry by entry."""
    return elementwise(sp.log, x)


def sqrt(x: Operand) -> sp.Expr:
    """The square root of x, entry by entry."""
    return elementwise(sp.sqrt, x)


def sin(x: Operand) -> sp.Expr:
    """The sine of x, entry by entry."""
    return elementwise(sp.sin, x)


def cos(x: Operand) -> sp.Expr:
    """The cosine of x, entry by entry."""
    return elementwise(sp.cos, x)


def absolute(x: Operand) -> sp.Expr:
    """|x|, entry by entry."""
    return elementwise(sp.Abs, x)


def square(x: Operand) -> sp.Expr:
    """x^2, entry by entry."""
    return elementwise(lambda t: t**2, x)


def _apply(f: Callable[[sp.Expr], sp.Expr], x: sp.Expr) -> sp.Expr:
    if not callable(f):
        raise UnsupportedError(
            f"{type(f).__name__} is not a function", hint="write sb.elementwise(sympy.erf, x), function first"
        )
    try:
        value = f(x)
    except (TypeError, ValueError) as error:  # SymPy's: complex numbers are not compared, for one
        raise UnsupportedError(
            f"the function cannot be applied to {type(x).__name__}: {error}",
            equation=x,
            hint="it takes one real scalar and returns one",
        ) from error
    result = operand(value)
    if is_matrix(result):
        raise UnsupportedError(
            f"an elementwise function must return a scalar, got shape {result.shape}",
            equation=result,
            hint="inside of the function use scalars only, or combine matrices with HadamardProduct",
        )
    return result
