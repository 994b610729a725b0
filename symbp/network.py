"""A network: an ordered system of equations with the roles of its symbols, validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from sympy.tensor.indexed import Idx, Indexed, IndexedBase

from symbp.errors import NetworkError, ShapeError, shorten
from symbp.ir.brief import brief

LARGEST = 2**40
"""The largest dimension, the largest range of a sum, and the most entries of an array."""

Name: TypeAlias = sp.Basic
"""A declared symbol: `Symbol`, `MatrixSymbol` or `IndexedBase`."""


class Network:
    """Equations for one sample, in the order in which they are computed.

    Args:
        equations: `sympy.Eq(name, expression)`; the left-hand side is a Symbol, a MatrixSymbol or an
            Indexed whose free indices are the loops.
        inputs: the symbols that data is given for.
        parameters: the symbols that gradients are taken for.
        loss: the scalar that is differentiated; None for a network that is only evaluated.
        reduction: "mean" or "sum" of the loss over the samples.
        batch: False compiles the equations as they stand, without a sample axis.
        name: used in reports.

    Raises:
        NetworkError: an equation or a name is not well formed; the message says which and why.
    """

    def __init__(
        self,
        equations: Iterable[Any],
        *,
        inputs: Iterable[Any] = (),
        parameters: Iterable[Any] = (),
        loss: Any = None,
        reduction: str = "mean",
        batch: bool = True,
        name: str = "network",
    ):
        if not (isinstance(reduction, str) and reduction in ("mean", "sum")):
            shown = shorten(repr(reduction), 60)
            raise NetworkError(f"reduction is {shown}", hint='write reduction="mean" or "sum"')
        if not isinstance(batch, int):
            raise NetworkError(f"batch is {shorten(repr(batch), 60)}", hint="write batch=True or False")
        self.equations: tuple[sp.Eq, ...] = tuple(_equation(e) for e in _listed(equations, "equations"))
        self.inputs: tuple[Name, ...] = tuple(_declared(s, "input") for s in _listed(inputs, "inputs"))
        self.parameters: tuple[Name, ...] = tuple(
            _declared(s, "parameter") for s in _listed(parameters, "parameters")
        )
        self.reduction, self.batch, self.name = reduction, bool(batch), str(name)
        if not self.equations:
            raise NetworkError("a network needs at least one equation", hint="write sb.Network([Eq(...)])")
        self.loss: str | None = None if loss is None else symbol_name(loss)
        _check_names(self)

    @property
    def defined(self) -> tuple[str, ...]:
        """The names on the left-hand sides, in order."""
        return tuple(symbol_name(e.lhs) for e in self.equations)

    def __repr__(self) -> str:
        lines = [f"Network {self.name!r}"]
        lines += [f"  {shorten(equation_text(e), 120)}" for e in self.equations[:20]]
        if len(self.equations) > 20:
            lines.append(f"  ... {len(self.equations) - 20} more equations")
        return "\n".join(lines)


def symbol_name(symbol: Any) -> str:
    """The name of a Symbol, MatrixSymbol, IndexedBase or of the base of an Indexed.

    Raises:
        NetworkError: it is something without a name.
    """
    if isinstance(symbol, str):
        return symbol
    if isinstance(symbol, Indexed):
        symbol = symbol.base
    if isinstance(symbol, IndexedBase):
        return str(symbol.label.name if isinstance(symbol.label, sp.Symbol) else symbol.label)
    name = getattr(symbol, "name", None)
    if not isinstance(name, str):
        shown = brief(symbol) if isinstance(symbol, sp.Basic) else type(symbol).__name__
        raise NetworkError(f"{shown} is not a symbol", hint="give a symbol or its name")
    return name


def equation_text(equation: sp.Eq) -> str:
    """`left = right`, shortened; built from the outside so that huge expressions stay cheap."""
    return f"{equation.lhs} = {brief(equation.rhs)}"


class Origin:
    """An equation as error messages show it: its text is written when somebody reads it."""

    __slots__ = ("equation",)

    def __init__(self, equation: sp.Eq):
        self.equation = equation

    def __str__(self) -> str:
        return equation_text(self.equation)

    def __repr__(self) -> str:
        return repr(str(self))


def symbols_listed(symbols: Any, what: str) -> tuple[Any, ...]:
    """Symbols or names as a tuple; one alone stands for itself.

    Raises:
        NetworkError: something is not a symbol, or is listed twice.
    """
    alone = isinstance(symbols, str) or (isinstance(symbols, sp.Basic) and not isinstance(symbols, sp.Tuple))
    if not alone and not isinstance(symbols, Iterable):
        raise NetworkError(f"{what}= is {type(symbols).__name__}, not a list", hint=f"write {what}=[...]")
    chosen = (symbols,) if alone else tuple(symbols)
    names = [symbol_name(s) for s in chosen]
    for k, name in enumerate(names):
        if name in names[:k]:
            shown = shorten(name, 80)
            raise NetworkError(f"{shown!r} is listed twice in {what}=", hint="list each symbol once")
    return chosen


def _listed(items: Any, what: str) -> list[Any]:
    # A SymPy symbol or a text is iterable in ways that nobody means.
    if isinstance(items, str | sp.Basic) or not isinstance(items, Iterable):
        raise NetworkError(f"{what}= is {type(items).__name__}, not a list", hint=f"write {what}=[...]")
    return list(items)


def _equation(equation: Any) -> sp.Eq:
    if isinstance(equation, sp.logic.boolalg.BooleanAtom | bool):
        raise NetworkError(
            f"an equation was simplified to {equation} by SymPy before symbp saw it",
            hint="use a new name on the left-hand side that does not occur on the right; where a Symbol is "
            "to equal a 1 x 1 matrix, write Eq(name, Trace(matrix)) or Eq(name, matrix, evaluate=False)",
        )
    if not isinstance(equation, sp.Eq):
        raise NetworkError(
            f"{type(equation).__name__} is not an equation",
            equation=brief(equation) if isinstance(equation, sp.Basic) else type(equation).__name__,
            hint="write sympy.Eq(name, expression)",
        )
    left = equation.lhs
    if not isinstance(left, sp.Symbol | sp.MatrixSymbol | Indexed):
        raise NetworkError(
            "the left-hand side of an equation must be a name",
            equation=equation_text(equation),
            hint="write Eq(name, expression) with a Symbol, a MatrixSymbol or an Indexed z[i]",
        )
    if isinstance(left, Indexed) and (
        len(set(left.indices)) < len(left.indices)
        or not all(isinstance(i, sp.Symbol | Idx) for i in left.indices)
    ):
        raise NetworkError(
            "the indices on a left-hand side must be distinct free indices",
            equation=equation_text(equation),
            hint="write z[i, j] with i and j from sb.index or sympy.Idx",
        )
    return equation


def _declared(symbol: Any, role: str) -> Name:
    if isinstance(symbol, sp.Symbol) and (symbol.is_real is False or symbol.is_commutative is False):
        raise NetworkError(
            f"the {role} {shorten(str(symbol), 80)!r} is declared as a symbol that is not a real number",
            hint="write Symbol(name) or Symbol(name, real=True)",
        )
    if isinstance(symbol, sp.Symbol | sp.MatrixSymbol | IndexedBase):
        return symbol
    hint = "declare with sb.vector, sb.matrix, sympy.Symbol or sympy.IndexedBase"
    raise NetworkError(f"the {role} {shorten(str(symbol), 80)} is not a symbol", hint=hint)


def _check_names(net: Network) -> None:
    declared: dict[str, str] = {}
    for role, symbols in (("input", net.inputs), ("parameter", net.parameters)):
        for symbol in symbols:
            name = symbol_name(symbol)
            if name in declared:
                raise NetworkError(
                    f"{shorten(name, 80)!r} is declared twice: {declared[name]} and {role}",
                    hint="list each symbol once, in inputs= or in parameters=",
                )
            declared[name] = role
    position = {}
    for k, (name, equation) in enumerate(zip(net.defined, net.equations, strict=True)):
        if name in position or name in declared:
            what = declared.get(name, "the result of an earlier equation")
            raise NetworkError(
                f"{shorten(name, 80)!r} is defined twice: it is already {what}",
                equation=equation_text(equation),
                hint="give each result its own name",
            )
        position[name] = k
    _check_order(net, declared, position)
    if net.loss is not None and net.loss not in position:
        raise NetworkError(
            f"the loss {shorten(net.loss, 80)!r} is not defined by any equation",
            hint=f"defined are: {', '.join(shorten(n, 30) for n in net.defined[-8:])}",
        )


def _check_order(net: Network, declared: dict[str, str], position: dict[str, int]) -> None:
    uses = [names_used(e) for e in net.equations]
    lefts = [e.lhs.base if isinstance(e.lhs, Indexed) else e.lhs for e in net.equations]
    sizes_used = dimension_names((*net.inputs, *net.parameters, *lefts))
    for name in sorted(sizes_used):
        if name in declared or name in position:
            raise NetworkError(
                f"{shorten(name, 80)!r} is a dimension and {declared.get(name, 'the result of an equation')}",
                hint="give the two different names",
            )
    for k, equation in enumerate(net.equations):
        for name in uses[k]:
            if name in declared or position.get(name, k) < k:
                continue
            if name in sizes_used and name not in position:
                continue
            text = equation_text(equation)
            shown = shorten(name, 80)
            if name not in position:
                raise NetworkError(
                    f"{shown!r} is neither an input, a parameter nor defined by an equation",
                    equation=text,
                    hint="add it to inputs= or parameters=, or define it by an equation before this one",
                )
            if _reaches(position[name], k, uses, position):
                raise NetworkError(
                    f"the equations are cyclic: {shown!r} depends on itself",
                    equation=text,
                    hint="unroll the recurrence with one name per step",
                )
            raise NetworkError(
                f"{shown!r} is used before its definition",
                equation=text,
                hint=f"move the equation of {shown} up",
            )


def dimension_names(symbols: Iterable[Any]) -> set[str]:
    """Names of the symbolic dimensions: they have a value in equations, too, as in Sum(x[k]) / n."""
    shapes = [getattr(s, "shape", None) or () for s in symbols]
    return {s.name for shape in shapes for n in shape for s in getattr(n, "free_symbols", ())}


def _reaches(start: int, goal: int, uses: Sequence[Sequence[str]], position: dict[str, int]) -> bool:
    stack, seen = [start], set()
    while stack:
        at = stack.pop()
        if at == goal:
            return True
        if at not in seen:
            seen.add(at)
            stack.extend(position[n] for n in uses[at] if n in position)
    return False


def names_used(equation: sp.Eq) -> list[str]:
    """Names of the symbols on the right-hand side, bound variables and dimensions excluded."""
    free = set(equation.lhs.indices) if isinstance(equation.lhs, Indexed) else set()
    return [symbol_name(s) for s in symbols_used(equation.rhs, free)]


def symbols_used(root: sp.Basic, bound: Iterable[Any] = ()) -> list[Name]:
    """The distinct declared symbols in an expression, in order of first use; linear in its size."""
    found: dict[str, Name] = {}
    done: set = set()
    stack: list[tuple[Any, frozenset]] = [(root, frozenset(bound))]
    while stack:
        node, hidden = stack.pop()
        if isinstance(node, sp.Number):  # they are many, and SymPy computes the hash of a float at length
            continue
        count = len(done)
        done.add((node, hidden))
        if len(done) == count:
            continue
        if isinstance(node, Idx) or node in hidden:
            continue
        if isinstance(node, sp.Symbol | sp.MatrixSymbol | IndexedBase):
            _same(found.setdefault(symbol_name(node), node), node)
        elif isinstance(node, sp.Lambda):
            stack.append((node.expr, hidden | set(node.variables)))
        elif isinstance(node, sp.Sum | sp.Product):
            # The bounds hold numbers, outer indices and symbolic dimensions, never data.
            stack.append((node.function, hidden | {limit[0] for limit in node.limits}))
        elif isinstance(node, sp.Limit):
            stack.append((node.args[0], hidden | {node.args[1]}))
        elif isinstance(node, sp.Integral | sp.Subs):
            stack.extend((arg, hidden | set(node.bound_symbols)) for arg in reversed(node.args))
        elif isinstance(node, Indexed):
            found.setdefault(symbol_name(node.base), node.base)
            stack.extend((i, hidden) for i in reversed(node.indices))
        elif isinstance(node, sp.matrices.expressions.matexpr.MatrixElement):
            stack.extend((a, hidden) for a in reversed(node.args))
        elif isinstance(node, sp.ZeroMatrix | sp.OneMatrix | sp.Identity):
            continue  # their arguments are dimensions
        elif isinstance(node, sp.MatrixBase):
            stack.extend((entry, hidden) for entry in reversed(node.flat()))
        else:
            stack.extend((arg, hidden) for arg in reversed(node.args))
    return list(found.values())


def _same(known: Name, symbol: Name) -> None:
    """Symbols that differ in assumptions only are one symbol here; dummies of one name never are.

    Raises:
        NetworkError: two dummies have the same name.
    """
    if known != symbol and (isinstance(known, sp.Dummy) or isinstance(symbol, sp.Dummy)):
        raise NetworkError(
            f"two different symbols are called {shorten(symbol_name(symbol), 80)!r}",
            hint="give dummies names of their own, Dummy('x1') and Dummy('x2')",
        )


def dimension(size: Any, dims: dict[str, int], what: str) -> int:
    """A dimension as an int, symbolic ones looked up by name in `dims`."""
    size = sp.sympify(size, strict=True)
    if not size.is_Integer:
        size = size.xreplace({s: sp.Integer(dims[s.name]) for s in size.free_symbols if s.name in dims})
    if not size.is_Integer and not size.free_symbols:
        raise ShapeError(
            f"the dimension of {shorten(what, 80)} is {size}, no whole number", hint="use other dimensions"
        )
    if not size.is_Integer:
        missing = ", ".join(sorted(s.name for s in size.free_symbols))
        raise ShapeError(
            f"the dimension {size} of {shorten(what, 80)} is not known",
            hint=f"give dims={{{missing}: ...}} to sb.compile, or data that shows it",
        )
    if size < 1:
        raise ShapeError(
            f"the dimension of {shorten(what, 80)} is {size}, it must be at least 1",
            hint="leave empty symbols out",
        )
    if size > LARGEST:
        raise ShapeError(
            f"the dimension of {shorten(what, 80)} is more than {LARGEST}", hint="use a smaller dimension"
        )
    return int(size)


def check_entries(shape: Iterable[int], what: str, equation: object = None) -> None:
    """Refuse arrays that no memory holds, before an index into them overflows.

    Raises:
        ShapeError: there are more than `LARGEST` entries.
    """
    extents = tuple(shape)
    if prod(extents) > LARGEST:
        shown = " x ".join(map(str, extents))
        raise ShapeError(
            f"{shorten(what, 80)} has {shown} entries, at most {LARGEST} are possible",
            equation=equation,
            hint="use smaller dimensions, or sums that need no such array",
        )


def sizes(dims: Any) -> dict[str, int]:
    """What a user gave as `dims=`, by name.

    Raises:
        ShapeError: it is no mapping from symbols or names to positive integers.
    """
    if dims is None:
        return {}
    hint = "write dims={n: 64}"
    if not isinstance(dims, Mapping):
        raise ShapeError(f"dims is {type(dims).__name__}, not a dictionary", hint=hint)
    result = {}
    for symbol, size in dims.items():
        name = symbol_name(symbol)
        whole = isinstance(size, int | np.integer | sp.Integer) and not isinstance(size, bool)
        if not whole or size < 1:
            shown = shorten(repr(size), 40)
            raise ShapeError(f"the dimension {shorten(name, 80)} is {shown}, no positive integer", hint=hint)
        result[name] = int(size)
    return result
