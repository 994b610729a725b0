"""The vocabulary of formulas: elementary functions, a few of linear algebra, and all of `symbp.nn`.

Functions are written down as they stand. SymPy's automatic rewriting is only let loose on plain numbers
(exp(0) becomes 1): for other arguments it may expand powers or search for minimal polynomials, without limit.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

import sympy as sp

from symbp import nn
from symbp.spec.arithmetic import add, is_matrix, is_scalar, multiply, shape_text, transposed
from symbp.spec.scalars import raised

MAX_FACTORIAL = 170  # gamma(171) is the last whole one that float64 holds
MAX_ARGUMENTS = 64  # of max and min

_UNARY: dict[str, type[sp.Function]] = {
    "exp": sp.exp,
    "log": sp.log,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "asin": sp.asin,
    "acos": sp.acos,
    "atan": sp.atan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "asinh": sp.asinh,
    "acosh": sp.acosh,
    "atanh": sp.atanh,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "abs": sp.Abs,
    "sign": sp.sign,
    "floor": sp.floor,
    "ceiling": sp.ceiling,
    "heaviside": sp.Heaviside,
    "gamma": sp.gamma,
    "loggamma": sp.loggamma,
    "digamma": sp.digamma,
}
_NEVER_EVALUATED = (sp.loggamma, sp.digamma)  # they turn whole numbers into factorials and harmonic numbers

# What nn offers for writing Python rather than formulas.
_NOT_FORMULAS = {"elementwise", "index", "indexed", "label", "matrix", "mlp_equations"}
_NOT_FORMULAS |= {"one_hot", "scalar", "vector"}


def apply(function: type[sp.Function], *arguments: sp.Basic) -> sp.Basic:
    """`function(*arguments)`, evaluated only where all arguments are rational numbers.

    Raises:
        ValueError: for a gamma function of a large number.
    """
    plain = all(isinstance(argument, sp.Rational) for argument in arguments)
    if function is sp.gamma and plain and abs(arguments[0]) > MAX_FACTORIAL:
        raise ValueError(f"the argument is larger than {MAX_FACTORIAL}")
    return function(*arguments, evaluate=plain and function not in _NEVER_EVALUATED)


def unary(function: type[sp.Function]) -> Callable[[sp.Basic], sp.Basic]:
    """`function` for a scalar, and entry by entry for a matrix."""

    def call(x: sp.Basic) -> sp.Basic:
        return nn.elementwise(lambda t: apply(function, t), x) if is_matrix(x) else apply(function, x)

    return call


def several(function: type[sp.Function], *names: str) -> Callable[..., sp.Basic]:
    """`function` of several scalars; one of them may be a matrix, whose entries are taken in turn.

    Args:
        names: of the arguments; without names, the function takes 2 to `MAX_ARGUMENTS`.
    """

    def call(*arguments: sp.Basic) -> sp.Basic:
        if len(arguments) > MAX_ARGUMENTS:
            raise TypeError(f"takes {MAX_ARGUMENTS} arguments at most")
        matrices = [k for k, argument in enumerate(arguments) if is_matrix(argument)]
        if not matrices:
            return apply(function, *arguments)
        if len(matrices) > 1:
            raise TypeError(
                "takes at most one matrix; combine entries in index notation, as in x[i] and y[i]"
            )
        (k,) = matrices
        return nn.elementwise(lambda t: apply(function, *arguments[:k], t, *arguments[k + 1 :]), arguments[k])

    one, rest = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL
    parameters = [inspect.Parameter(name, one) for name in names or ("a", "b")]
    if not names:
        parameters.append(inspect.Parameter("c", rest))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def sqrt(x: sp.Basic) -> sp.Basic:
    """The square root, of a scalar or entry by entry."""
    return nn.elementwise(sp.sqrt, x) if is_matrix(x) else raised(x, sp.S.Half)


def reciprocal(x: sp.Basic) -> sp.Basic:
    """1/x, of a scalar or entry by entry."""
    return nn.elementwise(lambda t: 1 / t, x) if is_matrix(x) else raised(x, sp.S.NegativeOne)


def delta(i: sp.Basic, j: sp.Basic) -> sp.Basic:
    """1 where two indices are equal, else 0: the Kronecker delta.

    Raises:
        TypeError: where i or j is no index.
    """
    if not (is_scalar(i) and is_scalar(j) and i.is_integer and j.is_integer):
        raise TypeError("takes two indices")
    return sp.KroneckerDelta(i, j)


def trace(matrix: sp.Basic) -> sp.Basic:
    """The sum of the diagonal of a square matrix.

    Raises:
        TypeError: where the matrix is not square.
    """
    if not is_matrix(matrix) or matrix.shape[0] != matrix.shape[1]:
        raise TypeError(f"takes a square matrix, not {shape_text(matrix)}")
    return sp.Trace(matrix)


def transpose(matrix: sp.Basic) -> sp.Basic:
    """The transpose of a matrix.

    Raises:
        TypeError: where it is a scalar.
    """
    if not is_matrix(matrix):
        raise TypeError("takes a matrix")
    return transposed(matrix)


def contained(function: Callable[..., sp.Basic]) -> Callable[..., sp.Basic]:
    """`function` of the vocabulary, with no rewriting of the scalars in its arguments.

    The function is applied to a real symbol in place of each compound scalar; the scalar is put into the
    resulting formula afterwards, where nothing is evaluated but sums, products and whole powers.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*arguments: sp.Basic, **settings: object) -> sp.Basic:
        signature.bind(*arguments, **settings)  # its TypeError names no internals
        places: dict[sp.Basic, sp.Basic] = {}
        result = function(*(_set_aside(argument, places) for argument in arguments), **settings)
        return _fill(result, places) if places else result

    return call


def _set_aside(argument: sp.Basic, places: dict[sp.Basic, sp.Basic]) -> sp.Basic:
    """`argument` with a symbol for each compound scalar in it; `places` is told what they stand for."""
    if is_matrix(argument):
        if isinstance(argument, (sp.MatrixBase, sp.MatrixSymbol)):
            return argument
        parts = [part if isinstance(part, sp.Lambda) else _set_aside(part, places) for part in argument.args]
        if all(new is old for new, old in zip(parts, argument.args, strict=True)):
            return argument
        return argument.func(*parts)
    if not is_scalar(argument) or argument.is_Atom or argument.is_number:
        return argument
    symbol = sp.Dummy(f"a{len(places)}", real=True)
    places[symbol] = argument
    return symbol


def _fill(formula: sp.Basic, places: Mapping[sp.Basic, sp.Basic]) -> sp.Basic:
    """`formula` with symbols replaced, rebuilt without evaluation."""
    if formula in places:
        return places[formula]
    arguments = [_fill(argument, places) for argument in formula.args]
    if all(new is old for new, old in zip(arguments, formula.args, strict=True)):
        return formula
    if isinstance(formula, sp.Pow):
        return raised(*arguments)
    if isinstance(formula, (sp.Mul, sp.MatMul)):
        return multiply(arguments, "*" * len(arguments))
    if isinstance(formula, (sp.Add, sp.MatAdd)):
        return add(arguments, [1] * len(arguments))
    if isinstance(formula, (sp.Function, sp.Piecewise, sp.Rel, sp.Max, sp.Min)):
        return formula.func(*arguments, evaluate=False)
    return formula.func(*arguments)


def _vocabulary() -> Mapping[str, Callable[..., object]]:
    formulas = {
        name: contained(getattr(nn, name))
        for name in nn.__all__
        if inspect.isfunction(getattr(nn, name)) and name not in _NOT_FORMULAS
    }
    return MappingProxyType(
        {
            **formulas,
            **{name: unary(function) for name, function in _UNARY.items()},
            "sqrt": sqrt,
            "reciprocal": reciprocal,
            "max": several(sp.Max),
            "min": several(sp.Min),
            "atan2": several(sp.atan2, "y", "x"),
            "delta": delta,
            "trace": trace,
            "transpose": transpose,
        }
    )


FUNCTIONS: Mapping[str, Callable[..., object]] = _vocabulary()
"""Every function that model files know, by name."""
