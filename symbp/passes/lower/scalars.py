"""Scalar and index notation to bodies over accesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.indexed import Idx, Indexed

from symbp.errors import UnsupportedError
from symbp.ir.brief import brief
from symbp.ir.definition import definition, has_own_derivative, known, simple
from symbp.ir.nodes import Access, Index
from symbp.ir.walk import index_symbols, postorder, rebuild, substitute
from symbp.network import LARGEST, dimension, symbol_name
from symbp.passes.lower.builder import Builder, Scope, fresh_index
from symbp.passes.lower.guards import conditions, guard, guarded, is_guard, unguarded
from symbp.passes.lower.pieces import in_pieces, is_large

UNROLL = 64
"""Sums whose index is used as a number are written out up to this many terms."""

LARGEST_NUMBER = sp.Float(1.7e308)
_OVERFLOW = "a constant overflows float64"
_ELEMENTARY = "write it with elementary functions of real symbols"

_OPAQUE = (
    Indexed,
    Idx,
    MatrixElement,
    sp.Sum,
    sp.Product,
    sp.MatrixExpr,
    sp.MatrixBase,
    sp.Trace,
    sp.Determinant,
    DotProduct,
)

_INFINITE = (sp.oo, -sp.oo)

_UNEVALUATED = (sp.Derivative, sp.Integral, sp.Limit, sp.Subs, sp.Order)


def scalar(b: Builder, root: Any, scope: Scope) -> sp.Expr:
    """The body that a scalar SymPy expression stands for.

    Raises:
        UnsupportedError: complex values, unknown functions, matrix functions.
    """
    memo = b.memo.setdefault(("scalar", tuple(scope.items()), b.memo.get("guards")), {})
    order = postorder([root], leaf=lambda n: _is_leaf(n, scope))
    if root in memo:
        return memo[root]
    _check_infinite(b, order)
    if is_large(order):
        memo[root] = in_pieces(b, order, lambda node, bodies: _node(b, node, scope, bodies))
        return memo[root]
    for node in order:
        if node not in memo:
            memo[node] = _node(b, node, scope, memo)
    return memo[root]


def _is_leaf(node: Any, scope: Scope) -> bool:
    opaque = not node.args or isinstance(node, _OPAQUE + _UNEVALUATED) or node in scope
    return opaque or _of_matrix(node) or is_guard(node, scope)


def _node(b: Builder, node: Any, scope: Scope, memo: Mapping[Any, Any]) -> Any:
    if node in scope:
        return scope[node]
    if is_guard(node, scope):
        return guard(b, node, scope, scalar)
    if isinstance(node, _OPAQUE):
        return _opaque(b, node, scope)
    if not node.args:
        return _atom(b, node)
    if _of_matrix(node):
        hint = f"for the elementwise function write sb.exp(M) or M.applyfunc({type(node).__name__})"
        raise b.unsupported(f"{type(node).__name__} of a matrix is a matrix function", hint)
    if isinstance(node, _UNEVALUATED):
        hint = "drop it with .removeO()" if isinstance(node, sp.Order) else "evaluate it first with .doit()"
        raise b.unsupported(f"an unevaluated {type(node).__name__}", hint)
    if isinstance(node, sp.KroneckerDelta):
        for arg, other in (node.args, reversed(node.args)):
            if isinstance(memo[arg], Access) and isinstance(memo[other], Index):
                b.label(memo[arg].name, memo[other].extent)
    result = simple(rebuild(node, tuple(memo[a] for a in node.args)))
    if result.is_number and result.is_Atom is False and isinstance(result, sp.Expr):
        _check_real(b, result, node)
    if not known(result) and isinstance(result, sp.Function):
        expanded = definition(result, origin=b.equation)
        return result if has_own_derivative(result) and _from_user(result) else expanded
    if isinstance(result, sp.polygamma) and not result.args[0].is_Integer:
        raise b.unsupported(f"the order of {brief(result, 30)} varies", "write polygamma(0, x), (1, x), ...")
    if not known(result) and not isinstance(result, sp.Tuple):
        raise b.unsupported(f"{type(result).__name__} {brief(result, 30)} is not compiled", _ELEMENTARY)
    return result


def _of_matrix(node: Any) -> bool:
    return isinstance(node, sp.Function) and any(getattr(arg, "is_Matrix", False) for arg in node.args)


def _from_user(node: sp.Basic) -> bool:
    return not str(type(node).__module__).startswith("sympy.")


def _check_real(b: Builder, value: sp.Expr, source: Any) -> None:
    if value.is_real is False or value.has(sp.I) or (value.is_real is None and not _evaluates_real(value)):
        raise UnsupportedError(
            f"{brief(source, 30)} is not a real number",
            equation=b.equation,
            hint="symbp compiles real functions; write a real formula instead",
        )
    if _overflows(value):
        raise b.unsupported(_OVERFLOW, "scale the equation so that its constants are below 1e308")


def _overflows(value: sp.Expr) -> bool:
    number = value.evalf(20)
    return bool(number.is_Float and abs(number) > LARGEST_NUMBER)


def _evaluates_real(value: sp.Expr) -> bool:
    number = value.evalf(20)
    return bool(number.is_real) and number.is_finite is not False


def _check_infinite(b: Builder, order: Sequence[Any]) -> None:
    """Refuse infinite numbers, but for values of branches: Piecewise((s, i <= j), (-oo, True)) is a mask."""
    for node in order:
        for arg in () if isinstance(node, ExprCondPair) else node.args:
            if arg in _INFINITE:
                raise _no_constant(b, arg)
    if order[-1] in _INFINITE:
        raise _no_constant(b, order[-1])


def _no_constant(b: Builder, node: Any) -> UnsupportedError:
    word = "complex" if node is sp.I else "not finite"
    hint = "symbp compiles real, finite constants; a mask is Piecewise((x, condition), (-oo, True))"
    return b.unsupported(f"the constant {node} is {word}", hint)


def _atom(b: Builder, node: Any) -> Any:
    if isinstance(node, sp.Symbol):
        name = node.name
        tensor = b.tensors.get(name)
        if tensor is None and name in b.dims:
            return sp.Integer(b.dims[name])
        if tensor is None:
            raise b.unsupported(
                f"{name!r} has no meaning here", "declare it, bind it by a Sum, or give its value in dims="
            )
        if tensor.shape:
            raise b.shape_error(f"{name!r} has shape {tensor.shape} and is used as a scalar", "index it")
        return Access(name)
    if node in _INFINITE:
        return node
    if node is sp.I or node in (sp.zoo, sp.nan):
        raise _no_constant(b, node)
    if node.is_Number and abs(node) > LARGEST_NUMBER:
        raise b.unsupported(_OVERFLOW, "scale the equation so that its constants are below 1e308")
    if node.is_Number or isinstance(node, sp.NumberSymbol | sp.logic.boolalg.BooleanAtom):
        return node
    raise b.unsupported(f"{type(node).__name__} {brief(node, 30)} is not compiled", _ELEMENTARY)


def _opaque(b: Builder, node: Any, scope: Scope) -> Any:
    from symbp.passes.lower import matrices as matrix

    if isinstance(node, sp.Sum):
        return _sum(b, node, scope)
    if isinstance(node, sp.Product):
        return _product(b, node, scope)
    if isinstance(node, Indexed):
        name = symbol_name(node.base)
        if name not in b.tensors:
            raise b.unsupported(f"{name!r} has no meaning here", "declare it as an input or parameter")
        return read(b, name, [position(b, i, scope) for i in node.indices])
    if isinstance(node, MatrixElement):
        row, column = (position(b, i, scope) for i in node.args[1:])
        return matrix.value(b, node.args[0], row, column, scope)
    if isinstance(node, sp.Trace):
        return matrix.trace(b, node.arg, scope)
    if isinstance(node, DotProduct):  # its shape is that of an operand in some versions of SymPy
        return matrix.value(b, node, sp.S.Zero, sp.S.Zero, scope)
    if isinstance(node, sp.Determinant):
        raise b.unsupported("determinants are not compiled yet", "write it out for a fixed small size")
    if isinstance(node, sp.MatrixExpr | sp.MatrixBase):
        rows, columns = b.shape(node)
        if (rows, columns) == (1, 1):
            return matrix.value(b, node, sp.S.Zero, sp.S.Zero, scope)
        hint = "take an entry, or reduce it: sb.total(v), v.T*w, Trace(M); x*OneMatrix(n, 1) repeats x"
        raise b.shape_error(f"a {rows} x {columns} matrix stands where a scalar is needed", hint)
    raise b.unsupported(f"the index {node} is not bound", "use it on the left-hand side or in a Sum")


def position(b: Builder, index: Any, scope: Scope) -> sp.Expr:
    """An index expression: a bound index, a number, an affine form, or an integer input."""
    index = sp.sympify(index, strict=True)
    result = scalar(b, index, scope)
    if isinstance(result, Access) or result.is_integer:
        return result
    raise b.unsupported(
        f"{brief(index, 30)} is not an integer index", "indices are integers, affine in the loop indices"
    )


def read(b: Builder, name: str, positions: list[sp.Expr]) -> Access:
    """The entry at `positions`, after checking that it lies inside the tensor.

    Raises:
        ShapeError: wrong number of indices, or an index that leaves the extent.
    """
    shape = b.tensors[name].shape
    if len(positions) != len(shape):
        raise b.shape_error(
            f"{name!r} has {len(shape)} axes and is given {len(positions)} indices",
            "write one index per axis",
        )
    for axis, (where, extent) in enumerate(zip(positions, shape, strict=True)):
        if isinstance(where, Access):
            b.label(where.name, extent)
            continue
        low, high = interval(where)
        # Inside a Sum with bounds that depend on an outer index the interval is too wide;
        # those statements are checked point by point afterwards.
        if low < 0 or high >= extent:
            b.memo.setdefault("to check", set()).add((name, axis))
            b.memo["left"] = True
            if not (b.memo.get("guarded") or low > high):
                raise b.shape_error(
                    f"index {where} of {name!r} runs over {low}..{high}, axis {axis} has {extent} entries",
                    "make ranges and shapes agree; Piecewise((x[i - 1], i >= 1), (0, True)) adds zeros",
                )
    return Access(name, *positions)


def interval(where: sp.Expr) -> tuple[int, int]:
    """The smallest and largest value of an affine index expression."""
    constant, terms = sp.expand(where).as_coeff_Add()
    low = high = int(constant)
    for term in sp.Add.make_args(terms):
        coefficient, index = term.as_coeff_Mul()
        if term == 0:
            continue
        if not isinstance(index, Index):
            return (-(10**9), 10**9)
        reach = int(coefficient) * (index.extent - 1)
        low, high = low + min(0, reach), high + max(0, reach)
    return low, high


def _limits(b: Builder, node: Any, scope: Scope):
    for limit in node.limits:
        if len(limit) != 3 and not (
            len(limit) == 1 and isinstance(limit[0], Idx) and limit[0].upper is not None
        ):
            raise b.unsupported(
                f"the range of {limit[0]} in {brief(node, 30)} is not given", "write Sum(f, (k, 0, n - 1))"
            )
    return [tuple(x) if len(x) == 3 else (x[0], x[0].lower, x[0].upper) for x in node.limits]


def _sum(b: Builder, node: sp.Sum, scope: Scope) -> sp.Expr:
    """A Sum over integers as reductions, the outermost limit first; bounds may hold outer indices."""
    body_scope: dict[Any, sp.Expr] = dict(scope)
    bound: list[Index] = []
    where: list[Any] = []
    for symbol, low, high in reversed(_limits(b, node, scope)):
        first, last = (_bound(b, e, body_scope) for e in (low, high))
        (first_min, _), (_, last_max) = interval(first), interval(last)
        if last_max < first_min:
            return sp.S.Zero
        if last_max - first_min >= LARGEST:
            raise b.unsupported(f"a Sum has more than {LARGEST} terms", "use a shorter range")
        wish = str(symbol.name if isinstance(symbol, sp.Symbol | Idx) else symbol)
        taken = {i for v in body_scope.values() for i in index_symbols(v)} | set(bound)
        k = fresh_index(wish if wish.isidentifier() else "k", last_max - first_min + 1, taken)
        value = k + first_min
        body_scope[symbol] = value
        if isinstance(symbol, Idx):
            body_scope[symbol.label] = value
        if index_symbols(first):
            where.append(sp.Ge(value, first))
        if index_symbols(last):
            where.append(sp.Le(value, last))
        bound.append(k)
    was, b.memo["guarded"] = b.memo.get("guarded"), bool(where) or b.memo.get("guarded")
    function, guards = unguarded(node.function, body_scope)
    held = [c for found in guards for c in conditions(b, found, body_scope, scalar)]
    with guarded(b, held) if held else nullcontext(bool) as left:
        body = scalar(b, function, body_scope)
        if left():
            where += held
        elif held:
            body = sp.Piecewise((body, sp.And(*held)), (0, True))
    b.memo["guarded"] = was
    return collapse(b, body, bound, where, tuple(i for i in scope.values() if isinstance(i, Index)))


def _bound(b: Builder, limit: Any, scope: Scope) -> sp.Expr:
    if not limit.free_symbols:
        value: Any = limit
    elif not any(s in scope for s in limit.free_symbols) and all(
        getattr(s, "name", "") in b.dims for s in limit.free_symbols
    ):
        value = sp.Integer(dimension(limit + 1, b.dims, "the bound of a Sum") - 1)
    else:
        value = scalar(b, limit, scope)
    if value.is_integer is not True or any(isinstance(n, Access) for n in postorder([value])):
        raise b.unsupported(
            f"the bound {limit} of a Sum is not a known integer", "bounds are integers or outer indices"
        )
    return value


def collapse(
    b: Builder,
    body: sp.Expr,
    bound: list[Index],
    where: list[Any],
    axes: tuple[Index, ...] = (),
    wish: str | None = None,
) -> sp.Expr:
    """Resolve Kronecker deltas over bound indices, write out short numeric sums, reduce the rest.

    `axes` and `wish` are those of `Builder.reduce`.
    """
    for k in list(bound):
        solved = _solve_delta(body, k)
        if solved is not None:
            body, value, in_range = solved
            where = [substitute(w, {k: value}) for w in where] + in_range
            bound.remove(k)
    used = {i for part in (body, *where) for i in index_symbols(part)}
    bound = [k for k in bound if k.extent > 1 or k in used]
    where = [w for w in where if w != sp.true]
    if any(w == sp.false for w in where):
        return sp.S.Zero
    for k in list(bound):
        if k.extent <= UNROLL and _used_as_exponent(body, k):
            if where:
                raise b.unsupported(f"{k} is an exponent in a Sum whose bounds vary", "use constant bounds")
            body = sp.Add(*(substitute(body, {k: sp.Integer(v)}) for v in range(k.extent)))
            bound.remove(k)
    if not bound:
        return body if not where else sp.Piecewise((body, sp.And(*where)), (0, True))
    return b.reduce(body, tuple(bound), tuple(where), axes, wish)


def _solve_delta(body: sp.Expr, k: Index):
    """Replace k by what a factor delta(k, e) says it is: (body, e, range conditions), or None."""
    for factor in sp.Mul.make_args(body):
        if not (isinstance(factor, sp.Piecewise) and len(factor.args) == 2 and factor.args[0][0] == 1):
            continue
        condition = factor.args[0][1]
        if factor.args[1][0] != 0 or not isinstance(condition, sp.Eq) or k not in condition.args:
            continue
        value = condition.rhs if condition.lhs == k else condition.lhs
        if k in index_symbols(value):
            continue
        rest = substitute(sp.Mul(*(f for f in sp.Mul.make_args(body) if f != factor)), {k: value})
        if isinstance(value, Access):
            return rest, value, []  # a label: its range is checked when data arrives
        low, high = interval(value)
        return rest, value, ([] if low >= 0 and high < k.extent else [value >= 0, value <= k.extent - 1])
    return None


def _used_as_exponent(body: sp.Expr, k: Index) -> bool:
    nodes = postorder([body])
    return any(isinstance(n, sp.Pow) and k in postorder([n.exp]) for n in nodes)


def _product(b: Builder, node: sp.Product, scope: Scope) -> sp.Expr:
    limits = _limits(b, node, scope)
    if (
        len(limits) != 1
        or any(e.free_symbols for e in limits[0][1:])
        or limits[0][2] - limits[0][1] >= UNROLL
    ):
        raise b.unsupported(
            "a Product with many or varying factors", "write exp(Sum(log(...))) for positive factors"
        )
    symbol, low, high = limits[0]
    return sp.Mul(
        *(scalar(b, node.function, {**scope, symbol: sp.Integer(v)}) for v in range(int(low), int(high) + 1))
    )
