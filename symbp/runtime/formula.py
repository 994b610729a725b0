"""A bare expression as networks: one for its value, one for its derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.tensor.indexed import IndexedBase

from symbp.errors import NetworkError, shorten
from symbp.network import Network, dimension, dimension_names, symbol_name, symbols_listed, symbols_used


@dataclass(frozen=True)
class Formula:
    """What is computed, in terms of which arguments.

    Attributes:
        arguments: the symbols, in the order of the arguments.
        wrt: those that are differentiated for.
        shape: of the values, symbolic sizes included; None for one scalar.
        networks: by kernel: "value", and "value_and_grad" (one scalar) or "jacobian" and
            "value_and_jacobian" (several values, with loops or without).
    """

    arguments: tuple[Any, ...]
    wrt: tuple[Any, ...]
    shape: tuple[Any, ...] | None
    networks: dict[str, Network]

    @property
    def derivative(self) -> str:
        """The name of the kernel with the derivatives."""
        return "value_and_grad" if self.shape is None else "jacobian"

    def kernels(self) -> list[tuple[str, str, Network]]:
        """By kernel: its name, what is derived for it, see `symbp.runtime.kernels`, and from what."""
        derived = {"value_and_jacobian": "jacobian"}
        found = [(what, derived.get(what, "gradient"), net) for what, net in self.networks.items()]
        if self.shape is None:
            found += [(what, what, self.networks["value_and_grad"]) for what in ("hessian", "hvp")]
        return found

    def value_shape(self, dims: dict[str, int]) -> tuple[int, ...] | None:
        """The shape of an array of values, that of a vector with one axis; None for one scalar."""
        if self.shape is None:
            return None
        sizes = tuple(dimension(n, dims, "the value") for n in self.shape)
        return sizes[:1] if len(sizes) == 2 and sizes[1] == 1 else sizes


def formula(
    expression: Any,
    wrt: Sequence[Any] | None = None,
    args: Sequence[Any] | None = None,
    dims: Iterable[str] = (),
) -> Formula:
    """The networks of a scalar or matrix expression, or of a list or Matrix of scalar expressions.

    Args:
        wrt: default all symbols, sorted by name.
        args: default those of `wrt`, then the others sorted by name.
        dims: names of symbolic dimensions that have values; those in shapes are found.

    Raises:
        NetworkError: something is no expression or no symbol, or args lacks a symbol.
    """
    targets, shape = _targets(expression)
    free = {symbol_name(s): s for _, e in targets for s in symbols_used(e)}
    # A dimension has its value from the shapes, also where it stands in the formula as a number.
    sizes = dimension_names(free.values())
    arguments, chosen = _arguments({n: s for n, s in free.items() if n not in sizes}, wrt, args)
    sizes |= dimension_names(arguments) | {*dims}
    taken = {symbol_name(s) for s in arguments}
    for name in sorted(taken & sizes):
        raise NetworkError(
            f"{shorten(name, 80)!r} is an argument and a dimension", hint="give the two different names"
        )
    taken |= sizes
    return Formula(arguments, chosen, shape, _networks(targets, arguments, taken, shape is not None))


def _targets(expression: Any) -> tuple[list[tuple[str, Any]], tuple[Any, ...] | None]:
    """(base name, expression) pairs, and the shape of the values; None for one scalar."""
    shape: tuple[Any, ...]
    if isinstance(expression, sp.MatrixBase):
        items, shape = list(expression.flat()), tuple(expression.shape)
    elif isinstance(expression, list | tuple | sp.Tuple):
        items, shape = list(expression), (len(expression),)
    elif isinstance(expression, sp.MatrixExpr) and not _is_number(expression):
        return [("value", expression)], tuple(expression.shape)
    else:
        return [("value", _scalar(expression))], None
    if not items:
        raise NetworkError("there is no expression in the list", hint=_WRITE)
    return [(f"value{k}", _scalar(e)) for k, e in enumerate(items)], shape


_WRITE = "write an expression of SymPy symbols, a list of such or a Matrix; equations go into sb.Network"


def _scalar(expression: Any) -> sp.Expr:
    try:
        result = sp.sympify(expression, strict=True)
    except (sp.SympifyError, TypeError, RecursionError) as error:
        raise NetworkError(f"{type(expression).__name__} is not a SymPy expression", hint=_WRITE) from error
    matrix = isinstance(result, sp.MatrixExpr) and not _is_number(result)
    if not isinstance(result, sp.Expr) or matrix:
        raise NetworkError(f"{type(result).__name__} is not a scalar SymPy expression", hint=_WRITE)
    return result


def _is_number(expression: sp.MatrixExpr) -> bool:
    """Whether a matrix expression is (1, 1): as in SymPy's derivatives, x.T*A*x is a number."""
    return expression.shape == (1, 1)


def _arguments(
    free: dict[str, Any], wrt: Sequence[Any] | None, args: Sequence[Any] | None
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    args = None if args is None else symbols_listed(args, "args")
    if wrt is None:
        chosen = list(args) if args is not None else [free[n] for n in sorted(free)]
    else:
        chosen = list(symbols_listed(wrt, "wrt"))
    rest = [free[n] for n in sorted(free) if n not in {_declared(s) for s in chosen}]
    order = list(args) if args is not None else [*chosen, *rest]
    names = [_declared(s) for s in order]
    missing = [n for n in (*free, *map(_declared, chosen)) if n not in names]
    if missing:
        raise NetworkError(
            f"args does not contain {shorten(missing[0], 80)!r}", hint="list every free symbol"
        )
    for group in (names, [_declared(s) for s in chosen]):
        if len(set(group)) < len(group):
            raise NetworkError("a symbol is listed twice", hint="list each symbol once in wrt= and args=")
    return tuple(order), tuple(chosen)


def _declared(symbol: Any) -> str:
    if not isinstance(symbol, sp.Symbol | sp.MatrixSymbol | IndexedBase):
        raise NetworkError(
            f"{shorten(str(symbol), 80)} is not a symbol", hint="give the SymPy symbols of the expression"
        )
    return symbol_name(symbol)


def _networks(targets: list, arguments: tuple, taken: set[str], several: bool) -> dict[str, Network]:
    """One network for the value, one for the derivatives.

    Several values are differentiated through L = sum_k u_k f_k: with u the k-th unit vector, the
    gradient of L is row k of the Jacobian.
    """
    equations = []
    for base, expression in targets:
        name = _fresh(base, taken)
        matrix = isinstance(expression, sp.MatrixExpr) and not _is_number(expression)
        symbol = sp.MatrixSymbol(name, *expression.shape) if matrix else sp.Symbol(name)
        equations.append(sp.Eq(symbol, expression, evaluate=False))
    result = {"value": Network(equations, inputs=arguments, name="value")}
    if several:
        result["value_and_jacobian"] = Network(equations, inputs=arguments, name="value_and_jacobian")
    if not several:
        name = symbol_name(equations[0].lhs)
        result["value_and_grad"] = Network(equations, inputs=arguments, loss=name, name="value_and_grad")
        return result
    seeds, total = _fresh("seed", taken), sp.Symbol(_fresh("combined", taken))
    first = equations[0].lhs
    if isinstance(first, sp.MatrixSymbol):
        u = sp.MatrixSymbol(seeds, *first.shape)
        combined = sp.Trace(u.T * first)
    else:
        u = sp.MatrixSymbol(seeds, len(equations), 1)
        combined = sp.Add(*(u[k, 0] * e.lhs for k, e in enumerate(equations)))
    result["jacobian"] = Network(
        [*equations, sp.Eq(total, combined)], inputs=[*arguments, u], loss=total, name="jacobian"
    )
    return result


def _fresh(base: str, taken: set[str]) -> str:
    name = base
    while name in taken:
        name += "_"
    taken.add(name)
    return name
