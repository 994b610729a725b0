"""Matrix notation to bodies over accesses: the (row, column) entry of a matrix expression."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise, product
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.slice import MatrixSlice

from symbp.ir.brief import brief
from symbp.ir.names import pre_activation_name
from symbp.ir.nodes import Access, Index
from symbp.ir.walk import accesses, index_symbols, postorder, substitute
from symbp.passes.cost import is_transcendental
from symbp.passes.lower import scalars
from symbp.passes.lower.builder import Builder, Scope, fresh_index
from symbp.passes.lower.explicit import explicit_entry
from symbp.passes.lower.flat import MOST, is_matrix, is_power, parts_of
from symbp.passes.lower.order import LONG

ZERO = sp.S.Zero
DEEP = 20
"""Operations without a statement of their own are nested to this depth."""


def materialise(b: Builder, root: Any, scope: Scope, named: bool = False) -> None:
    """Store contractions and, where `named`, arguments of elementwise functions, from the inside out.

    Deep products stay shallow that way, and pre-activations get tensors (z1 for a1) whose
    adjoints are the deltas of the textbooks.
    """
    order = postorder([root], leaf=lambda n: not n.args or not isinstance(n, sp.MatrixExpr))
    arguments = {n.expr for n in order if isinstance(n, ElementwiseApplyFunction)}
    depth: dict[Any, int] = {}
    for node in order:
        depth[node] = 1 + max((depth.get(a, 0) for a in node.args), default=0)
        if named and node in arguments and isinstance(node, sp.MatAdd | sp.MatMul):
            stored(b, node, scope, wish=pre_activation_name(b.current))
        elif node is not root and (depth[node] > DEEP or (isinstance(node, sp.MatMul) and _adds_up(b, node))):
            stored(b, node, scope)
        else:
            continue
        depth[node] = 1


def _adds_up(b: Builder, product: sp.MatMul) -> bool:
    """Whether an entry of the product is a sum, not just a product of entries."""
    _, factors = parts_of(product)
    return any(
        b.shape(f)[1] > 1 and not _is_diagonal(f) and not _is_diagonal(g) for f, g in pairwise(factors)
    )


def value(b: Builder, node: Any, i: sp.Expr, j: sp.Expr, scope: Scope, named: bool = False) -> sp.Expr:
    """The body of node[i, j], for a matrix expression as the user wrote it."""
    node = b.order.arranged(node)
    materialise(b, node, scope, named)
    return entry(b, node, i, j, scope)


def entry(b: Builder, node: Any, i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    """The body of node[i, j].

    Raises:
        ShapeError: operands whose shapes differ.
        UnsupportedError: inverses, determinants and other operations without entrywise form.
    """
    for around in (scope, {}):
        if ("stored", node, tuple(around.items()), *_only_ones(i, j)) in b.memo:
            return stored(b, node, around, i, j)
    key = ("entry", node, i, j, tuple(scope.items()))
    if key not in b.memo:
        b.memo[key] = _entry(b, node, i, j, scope)
    return b.memo[key]


def _entry(b: Builder, node: Any, i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    def scalar(e: Any) -> sp.Expr:
        return scalars.scalar(b, e, scope)

    if isinstance(node, sp.MatrixSymbol):
        return _symbol(b, node, i, j)
    if isinstance(node, sp.MatAdd | sp.HadamardProduct):
        sizes = [b.shape(a) for a in node.args if is_matrix(a)]
        if len(set(sizes)) > 1:
            shown = " and ".join(f"{r} x {c}" for r, c in sizes)
            raise b.shape_error(f"{type(node).__name__} of shapes {shown}", "operands need the same shape")
        parts = [entry(b, a, i, j, scope) if is_matrix(a) else scalar(a) for a in node.args]
        return sp.Add(*parts) if isinstance(node, sp.MatAdd) else sp.Mul(*parts)
    if isinstance(node, sp.MatMul):
        coefficient, factors = parts_of(node)
        outside = scalar(coefficient)
        if index_symbols(i) or index_symbols(j):
            outside = _once(b, outside)
        return outside * _chain(b, factors, i, j, scope)
    if isinstance(node, sp.Transpose):
        return entry(b, node.arg, j, i, scope)
    if isinstance(node, ElementwiseApplyFunction):
        inner = entry(b, node.expr, i, j, scope)
        return _apply(b, node.function, inner, scope)
    if isinstance(node, sp.HadamardPower):
        exponent = node.args[1]
        base = entry(b, node.args[0], i, j, scope)
        return base ** (entry(b, exponent, i, j, scope) if is_matrix(exponent) else scalar(exponent))
    if isinstance(node, sp.ZeroMatrix):
        return ZERO
    if isinstance(node, sp.OneMatrix):
        return sp.S.One
    if isinstance(node, sp.Identity):
        return _delta(i, j)
    if isinstance(node, sp.MatPow):
        return _power(b, node, i, j, scope)
    if isinstance(node, DiagMatrix | DiagonalMatrix):
        held = node.args[0] if _is_plain(node.args[0]) else None
        vector = b.shape(node.args[0])[1] == 1
        at = (i, ZERO if vector else i)
        inner = entry(b, held, *at, scope) if held is not None else stored(b, node.args[0], scope, *at)
        return _delta(i, j) * inner
    if isinstance(node, DiagonalOf):
        return entry(b, node.args[0], i, i, scope)
    if isinstance(node, MatrixSlice):
        (r0, _, rs), (c0, _, cs) = node.rowslice, node.colslice
        return entry(b, node.parent, scalar(r0) + i * scalar(rs), scalar(c0) + j * scalar(cs), scope)
    if isinstance(node, sp.MatrixBase):
        return explicit_entry(b, node, i, j, scope)
    if isinstance(node, sp.Trace):
        return trace(b, node.arg, scope)
    name = type(node).__name__
    raise b.unsupported(f"the matrix operation {name} is not compiled", "write it in index notation with Sum")


def _symbol(b: Builder, node: sp.MatrixSymbol, i: sp.Expr, j: sp.Expr) -> sp.Expr:
    tensor = b.tensors.get(node.name)
    if tensor is None:
        raise b.unsupported(f"{node.name!r} has no meaning here", "declare it as an input or parameter")
    rows, columns = b.shape(node)
    expected = (rows,) if columns == 1 else (rows, columns)
    if tensor.shape != expected:
        raise b.shape_error(
            f"{node.name!r} is {rows} x {columns} here and {tensor.shape} where it was declared",
            "use the symbol that was declared",
        )
    return scalars.read(b, node.name, [i] if columns == 1 else [i, j])


def _apply(b: Builder, function: Any, inner: sp.Expr, scope: Scope) -> sp.Expr:
    if not isinstance(function, sp.Lambda):
        t = sp.Dummy("t", real=True)
        function = sp.Lambda(t, function(t))
    if len(function.variables) != 1:
        raise b.unsupported(f"applyfunc of {brief(function, 30)}", "the function takes one argument")
    t = function.variables[0]
    placeholder = Access(f"argument {t}")
    body = scalars.scalar(b, function.expr, {**scope, t: placeholder})
    return substitute(body, {placeholder: inner})


def _delta(i: sp.Expr, j: sp.Expr) -> sp.Expr:
    return sp.Piecewise((1, sp.Eq(i, j)), (0, True))


def _power(b: Builder, node: sp.MatPow, i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    """An entry of a power that was not written out: of a (1, 1) matrix, or to an exponent given by dims."""
    exponent = scalars.scalar(b, node.exp, scope)
    if b.shape(node.base) == (1, 1):
        return entry(b, node.base, ZERO, ZERO, scope) ** exponent
    if exponent == 0:
        return _delta(i, j)
    power = sp.MatPow(node.base, exponent)
    if is_power(power):
        return entry(b, b.order.arranged(power), i, j, scope)
    if exponent.is_Integer and exponent > 0:
        raise b.unsupported(f"the power {exponent} of a matrix", f"powers up to {MOST} are written out")
    if not exponent.is_Integer:
        raise b.unsupported(f"the power {brief(exponent, 30)} of a matrix", "powers are whole numbers")
    raise b.unsupported(
        "matrix inverses are not compiled yet", "solve the system outside and give the result as an input"
    )


def _once(b: Builder, coefficient: sp.Expr) -> sp.Expr:
    """The scalar factors of a matrix; functions in them are computed once, not for every entry.

    Quotients stay: exp(z)/sum(exp(z)) must be seen in one piece to be shifted by its largest exponent.
    """
    factors = []
    for factor in sp.Mul.make_args(coefficient):
        nodes = postorder([factor])
        if any(map(is_transcendental, nodes)) and not any(isinstance(n, sp.Pow) for n in nodes):
            key = ("once", factor)
            if key not in b.memo:
                b.memo[key] = b.share(factor)
            factor = b.memo[key]
        factors.append(factor)
    return sp.Mul(*factors)


def _chain(
    b: Builder, factors: list[Any], i: sp.Expr, j: sp.Expr, scope: Scope, wish: str | None = None
) -> sp.Expr:
    """Entry (i, j) of a matrix product: one sum over all inner indices."""
    sizes = _sizes(b, factors)
    if len(factors) > LONG:
        factors = _folded(b, factors, sizes)
        sizes = _sizes(b, factors)
    taken = [*index_symbols(i), *index_symbols(j), *(x for v in scope.values() for x in index_symbols(v))]
    links: list[sp.Expr] = [i]
    for _, inner in sizes[:-1]:
        links.append(ZERO if inner == 1 else fresh_index("j", inner, taken))
        if isinstance(links[-1], Index):
            taken.append(links[-1])
    links.append(j)
    return _contract(b, factors, links, tuple(x for x in links[1:-1] if isinstance(x, Index)), scope, wish)


def _sizes(b: Builder, factors: list[Any]) -> list[tuple[int, int]]:
    """The shapes of the factors of a product.

    Raises:
        ShapeError: neighbours do not fit.
    """
    sizes = [b.shape(f) for f in factors]
    if any(inner != outer for (_, inner), (outer, _) in pairwise(sizes)):
        shown = " * ".join(f"({r} x {c})" for r, c in sizes)
        raise b.shape_error(f"the product {shown} does not fit", "transpose a factor with .T")
    return sizes


def _folded(b: Builder, factors: list[Any], sizes: list[tuple[int, int]]) -> list[Any]:
    """A very long product as one of two factors, multiplied outwards from its smallest extent.

    Optimal where that extent is 1, else within a factor of two (Chandra 1975); it takes no search.
    """
    extents = [sizes[0][0], *(columns for _, columns in sizes)]
    cut = extents.index(min(extents))
    if cut == 0:
        return [_folded_right(b, factors[:-1]), factors[-1]]
    if cut == len(factors):
        return [factors[0], _folded_left(b, factors[1:])]
    return [_folded_left(b, factors[:cut]), _folded_right(b, factors[cut:])]


def _folded_left(b: Builder, factors: list[Any]) -> Any:
    return reduce(lambda done, factor: _held(b, sp.MatMul(factor, done)), reversed(factors))


def _folded_right(b: Builder, factors: list[Any]) -> Any:
    return reduce(lambda done, factor: _held(b, sp.MatMul(done, factor)), factors)


def _held(b: Builder, node: Any) -> Any:
    """A symbol for a stored product, so that expressions stay shallow."""
    stored(b, node, {})
    symbol = sp.MatrixSymbol(sp.Dummy("product"), *node.shape)
    for ones in product((False, True), repeat=2):  # its only row is 0, whatever index is asked for
        key = ("stored", symbol, (), *ones)
        b.memo[key] = b.memo["stored", node, (), False, False]
    return symbol


def trace(b: Builder, node: Any, scope: Scope) -> sp.Expr:
    """The sum of the diagonal; of a product without forming the product, of a sum term by term."""
    rows, columns = b.shape(node)
    if rows != columns:
        raise b.shape_error(f"the trace of a {rows} x {columns} matrix", "only square matrices have one")
    coefficient, factors = b.order.cycle(node)
    if len(factors) == 1 and isinstance(factors[0], sp.MatAdd):
        body = sp.Add(*(trace(b, term, scope) for term in factors[0].args))
        return scalars.scalar(b, coefficient, scope) * body
    for factor in factors:
        materialise(b, factor, scope)
    sizes = [b.shape(f) for f in factors]
    taken = [x for v in scope.values() for x in index_symbols(v)]
    links: list[sp.Expr] = []
    for (size, _), (_, inner) in zip(sizes, [sizes[-1], *sizes[:-1]], strict=True):
        if size != inner:
            raise b.shape_error(
                f"the product below a trace does not fit: {inner} and {size}", "transpose a factor with .T"
            )
        taken.append(fresh_index("i", size, taken))
        links.append(ZERO if size == 1 else taken[-1])
    bound = tuple(x for x in links if isinstance(x, Index))
    return scalars.scalar(b, coefficient, scope) * _contract(b, factors, [*links, links[0]], bound, scope)


def _contract(
    b: Builder,
    factors: list[Any],
    links: list[sp.Expr],
    bound: tuple[Index, ...],
    scope: Scope,
    wish: str | None = None,
) -> sp.Expr:
    pairs = list(pairwise(links))
    same = _tied([pair for f, pair in zip(factors, pairs, strict=True) if _is_diagonal(f)])
    seen = [{same.get(x, x) for link in pair for x in index_symbols(link)} for pair in pairs]
    around = set().union(*seen)
    free = {same.get(x, x) for link in (links[0], links[-1]) for x in index_symbols(link)}
    sums = not {same.get(x, x) for x in bound} <= (free if links[0] != links[-1] else set())
    entries = []
    for factor, (i, j), own in zip(factors, pairs, seen, strict=True):
        # An operand that does not see every loop would be computed again and again: store it. So is
        # one that is summed with others: the sines of sin(W) x are those of all samples.
        once = own == around and (not sums or all(other == own for other in seen if other))
        if _is_plain(factor) or _is_diagonal(factor) or once:
            entries.append(entry(b, factor, i, j, scope))
        else:
            entries.append(stored(b, factor, scope, i, j))
    body = sp.Mul(*entries)
    if not bound:
        return body
    axes = tuple(x for x in (links[0], links[-1]) if isinstance(x, Index))
    return scalars.collapse(b, body, list(bound), [], axes, wish)


def _tied(pairs: list[tuple[sp.Expr, sp.Expr]]) -> dict[sp.Expr, sp.Expr]:
    """One index for all those that diagonal matrices make equal."""
    same: dict[sp.Expr, sp.Expr] = {}
    for i, j in pairs:
        first, second = same.get(i, i), same.get(j, j)
        same.update({x: first for x in [*same, i, j] if same.get(x, x) in (first, second)})
    return same


def _is_diagonal(node: Any) -> bool:
    return isinstance(node, DiagMatrix | DiagonalMatrix | sp.Identity)


def _is_plain(node: Any) -> bool:
    while isinstance(node, sp.Transpose):
        node = node.arg
    return isinstance(node, sp.MatrixSymbol | sp.OneMatrix | sp.ZeroMatrix | sp.Identity | sp.MatrixBase)


def stored(
    b: Builder, node: Any, scope: Scope, i: sp.Expr = ZERO, j: sp.Expr = ZERO, wish: str | None = None
) -> sp.Expr:
    """The entry (i, j) of a temporary that holds the whole of `node`."""
    if isinstance(node, sp.Transpose):
        return stored(b, node.arg, scope, j, i, wish)
    ones = _only_ones(i, j)
    key = ("stored", node, tuple(scope.items()), *ones)
    if key not in b.memo:
        b.memo[key] = _store(b, node, scope, wish, *ones)
    body, row, column = b.memo[key]
    return substitute(body, {k: v for k, v in ((row, i), (column, j)) if isinstance(k, Index)})


def _only_ones(i: sp.Expr, j: sp.Expr) -> tuple[bool, bool]:
    """Which of a row and a column are indices of length 1.

    The row of an equation with one row keeps its index, so that its gradient has that row, too;
    elsewhere the only row is 0.
    """
    return (isinstance(i, Index) and i.extent == 1, isinstance(j, Index) and j.extent == 1)


def _store(
    b: Builder, node: Any, scope: Scope, wish: str | None, one_row: bool, one_column: bool
) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """An entry of the temporary, with the indices of its row and its column; 0 for those of length 1.

    Args:
        one_row: whether the only row gets an index all the same.
    """
    rows, columns = b.shape(node)
    taken = [x for v in scope.values() for x in index_symbols(v)]
    row = ZERO if rows == 1 and not one_row else fresh_index("i", rows, taken)
    column = ZERO if columns == 1 and not one_column else fresh_index("j", columns, [*taken, row])
    coefficient, factors = parts_of(node)
    if coefficient == 1 and len(factors) > 1:
        body = _chain(b, factors, row, column, scope, wish)
    else:
        body = entry(b, node, row, column, scope)
    axes = [x for x in (row, column) if isinstance(x, Index)]
    outer = [x for x in index_symbols(body) if x not in axes]
    if not isinstance(body, Access) and accesses(body):
        body = b.define(b.fresh_name(wish or f"t_{b.current}"), (*outer, *axes), body)
    return body, row, column
