"""Matrix notation to bodies over accesses: the (row, column) entry of a matrix expression."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.slice import MatrixSlice

from symbp.ir.nodes import Access, Index, Tensor
from symbp.ir.walk import index_symbols, postorder, substitute
from symbp.network import brief, dimension
from symbp.passes.lower import scalars
from symbp.passes.lower.builder import Builder, Scope, fresh_index

ZERO = sp.S.Zero
LONG = 6
"""Factors of a product that become one sum; longer products are stored in groups."""


def shape(b: Builder, node: Any) -> tuple[int, int]:
    """Rows and columns as ints, symbolic dimensions resolved."""
    what = getattr(node, "name", None) or brief(node, 30)
    rows, columns = node.shape
    return dimension(rows, b.dims, what), dimension(columns, b.dims, what)


def materialise(b: Builder, root: Any) -> None:
    """Store contractions and arguments of elementwise functions, from the inside out.

    Deep products stay shallow that way, and pre-activations get tensors (z1 for a1) whose
    adjoints are the deltas of the textbooks.
    """
    for node in postorder([root], leaf=lambda n: not n.args or not isinstance(n, sp.MatrixExpr)):
        if node is not root and isinstance(node, sp.MatMul) and len(_split(node)[1]) > 1:
            stored(b, node, {})
        elif isinstance(node, ElementwiseApplyFunction) and isinstance(node.expr, sp.MatAdd | sp.MatMul):
            stored(b, node.expr, {}, wish=pre_activation_name(b.current))


def pre_activation_name(activation: str) -> str:
    """z1 for a1 or h1, z_p for p."""
    return f"z{activation[1:]}" if activation[:1] in "ah" else f"z_{activation}"


def entry(b: Builder, node: Any, i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    """The body of node[i, j].

    Raises:
        ShapeError: operands whose shapes differ.
        UnsupportedError: inverses, determinants and other operations without entrywise form.
    """
    if ("stored", node, ()) in b.memo:
        return stored(b, node, {}, i, j)
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
        sizes = [shape(b, a) for a in node.args if getattr(a, "is_Matrix", False)]
        if len(set(sizes)) > 1:
            shown = " and ".join(f"{r} x {c}" for r, c in sizes)
            raise b.shape_error(f"{type(node).__name__} of shapes {shown}", "operands need the same shape")
        parts = [entry(b, a, i, j, scope) if getattr(a, "is_Matrix", False) else scalar(a) for a in node.args]
        return sp.Add(*parts) if isinstance(node, sp.MatAdd) else sp.Mul(*parts)
    if isinstance(node, sp.MatMul):
        coefficient, factors = _split(node)
        return scalar(coefficient) * _chain(b, factors, i, j, scope)
    if isinstance(node, sp.Transpose):
        return entry(b, node.arg, j, i, scope)
    if isinstance(node, ElementwiseApplyFunction):
        inner = entry(b, node.expr, i, j, scope)
        return _apply(b, node.function, inner, scope)
    if isinstance(node, sp.HadamardPower):
        exponent = node.args[1]
        matrix_power = getattr(exponent, "is_Matrix", False)
        return entry(b, node.args[0], i, j, scope) ** (
            entry(b, exponent, i, j, scope) if matrix_power else scalar(exponent)
        )
    if isinstance(node, sp.ZeroMatrix):
        return ZERO
    if isinstance(node, sp.OneMatrix):
        return sp.S.One
    if isinstance(node, sp.Identity):
        return _delta(i, j)
    if isinstance(node, sp.MatPow) and node.exp.is_Integer and 0 <= int(node.exp) <= 64:
        if node.exp == 0:
            return _delta(i, j)
        return _chain(b, [node.base] * int(node.exp), i, j, scope)
    if isinstance(node, sp.Inverse | sp.MatPow):
        raise b.unsupported(
            "matrix inverses are not compiled yet", "solve the system outside and give the result as an input"
        )
    if isinstance(node, DiagMatrix | DiagonalMatrix):
        vector = shape(b, node.args[0])[1] == 1
        return _delta(i, j) * entry(b, node.args[0], i, ZERO if vector else i, scope)
    if isinstance(node, DotProduct):
        left, right = (a if shape(b, a)[1] == 1 else sp.Transpose(a) for a in node.args)
        return _chain(b, [sp.Transpose(left), right], ZERO, ZERO, scope)
    if isinstance(node, MatrixSlice):
        (r0, _, rs), (c0, _, cs) = node.rowslice, node.colslice
        return entry(b, node.parent, scalar(r0) + i * scalar(rs), scalar(c0) + j * scalar(cs), scope)
    if isinstance(node, sp.MatrixBase):
        return _explicit(b, node, i, j, scope)
    if isinstance(node, sp.Trace):
        return trace(b, node.arg, scope)
    name = type(node).__name__
    raise b.unsupported(f"the matrix operation {name} is not compiled", "write it in index notation with Sum")


def _symbol(b: Builder, node: sp.MatrixSymbol, i: sp.Expr, j: sp.Expr) -> sp.Expr:
    tensor = b.tensors.get(node.name)
    if tensor is None:
        raise b.unsupported(f"{node.name!r} has no meaning here", "declare it as an input or parameter")
    rows, columns = shape(b, node)
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


def _split(node: sp.MatMul) -> tuple[sp.Expr, list[Any]]:
    """The scalar coefficient and the matrix factors of a product."""
    scalars = [a for a in node.args if not getattr(a, "is_Matrix", False)]
    return sp.Mul(*scalars), [a for a in node.args if getattr(a, "is_Matrix", False)]


def _chain(b: Builder, factors: list[Any], i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    """Entry (i, j) of a matrix product: one sum over all inner indices."""
    while len(factors) > LONG:
        # Grouped from the side of a vector: the product stays a vector, never a matrix.
        if shape(b, factors[0])[0] == 1:
            factors = [sp.MatMul(*factors[:LONG]), *factors[LONG:]]
        else:
            factors = [*factors[:-LONG], sp.MatMul(*factors[-LONG:])]
    sizes = [shape(b, f) for f in factors]
    for (_, inner), (outer, _) in pairwise(sizes):
        if inner != outer:
            shown = " * ".join(f"({r} x {c})" for r, c in sizes)
            raise b.shape_error(f"the product {shown} does not fit", "transpose a factor with .T")
    taken = [*index_symbols(i), *index_symbols(j), *(x for v in scope.values() for x in index_symbols(v))]
    links: list[sp.Expr] = [i]
    for _, inner in sizes[:-1]:
        links.append(ZERO if inner == 1 else fresh_index("j", inner, taken))
        if isinstance(links[-1], Index):
            taken.append(links[-1])
    links.append(j)
    return _contract(b, factors, links, tuple(x for x in links[1:-1] if isinstance(x, Index)), scope)


def trace(b: Builder, node: Any, scope: Scope) -> sp.Expr:
    """The sum of the diagonal; of a product without forming the product."""
    rows, columns = shape(b, node)
    if rows != columns:
        raise b.shape_error(f"the trace of a {rows} x {columns} matrix", "only square matrices have one")
    coefficient, factors = _split(node) if isinstance(node, sp.MatMul) else (sp.S.One, [node])
    sizes = [shape(b, f) for f in factors]
    taken = [x for v in scope.values() for x in index_symbols(v)]
    links: list[sp.Expr] = []
    for size, _ in sizes:
        links.append(fresh_index("i", size, taken))
        if isinstance(links[-1], Index):
            taken.append(links[-1])
    for (_, inner), (outer, _) in zip(sizes, [*sizes[1:], sizes[0]], strict=True):
        if inner != outer:
            raise b.shape_error(
                f"the product below a trace does not fit: {inner} and {outer}", "transpose a factor with .T"
            )
    bound = tuple(x for x in links if isinstance(x, Index))
    return scalars.scalar(b, coefficient, scope) * _contract(b, factors, [*links, links[0]], bound, scope)


def _contract(b: Builder, factors: list[Any], links: list, bound: tuple[Index, ...], scope: Scope) -> sp.Expr:
    around = {x for link in links for x in index_symbols(link)}
    entries = []
    for factor, i, j in zip(factors, links, links[1:], strict=False):
        own = set(index_symbols(i)) | set(index_symbols(j))
        # An operand that does not see every loop would be computed again and again: store it.
        if bound and own < around and not _is_plain(factor):
            entries.append(stored(b, factor, scope, i, j))
        else:
            entries.append(entry(b, factor, i, j, scope))
    body = sp.Mul(*entries)
    return scalars.collapse(b, body, list(bound), []) if bound else body


def _is_plain(node: Any) -> bool:
    while isinstance(node, sp.Transpose):
        node = node.arg
    return isinstance(node, sp.MatrixSymbol | sp.OneMatrix | sp.ZeroMatrix | sp.Identity)


def stored(
    b: Builder, node: Any, scope: Scope, i: sp.Expr = ZERO, j: sp.Expr = ZERO, wish: str | None = None
) -> sp.Expr:
    """The entry (i, j) of a temporary that holds the whole of `node`."""
    if isinstance(node, sp.Transpose):
        return stored(b, node.arg, scope, j, i, wish)
    key = ("stored", node, tuple(scope.items()))
    if key not in b.memo:
        rows, columns = shape(b, node)
        taken = [x for v in scope.values() for x in index_symbols(v)]
        row = fresh_index("i", rows, taken)
        column = ZERO if columns == 1 else fresh_index("j", columns, [*taken, row])
        body = entry(b, node, row, column, scope)
        axes = [x for x in (row, column) if isinstance(x, Index)]
        outer = [x for x in index_symbols(body) if x not in axes]
        if not isinstance(body, Access):
            body = b.define(b.fresh_name(wish or f"t_{b.current}"), (*outer, *axes), body)
        b.memo[key] = body, row, column
    body, row, column = b.memo[key]
    return substitute(body, {k: v for k, v in ((row, i), (column, j)) if isinstance(k, Index)})


def _explicit(b: Builder, node: Any, i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    """An explicit Matrix: a constant table, or a choice among its entries."""
    rows, columns = node.shape
    if i.is_Integer and j.is_Integer:
        return scalars.scalar(b, node[int(i), int(j)], scope)
    entries = [scalars.scalar(b, e, scope) for e in node.flat()]
    if all(e.is_number for e in entries):
        values = tuple(float(e) for e in entries)
        size = (rows,) if columns == 1 else (rows, columns)
        name = next(
            (
                t.name
                for t in b.tensors.values()
                if t.role == "constant" and (t.values, t.shape) == (values, size)
            ),
            None,
        )
        name = name or b.declare(Tensor(b.fresh_name("c"), size, "constant", values=values)).name
        return Access(name, *([i] if columns == 1 else [i, j]))
    cases = [
        (entries[r * columns + c], sp.And(sp.Eq(i, r), sp.Eq(j, c)))
        for r in range(rows)
        for c in range(columns)
    ]
    return sp.Piecewise(*cases, (0, True))
