"""Bodies as terms in matrix notation, where they have such a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import accesses, postorder
from symbp.view.terms import Term, matrix_product, product, term, total
from symbp.view.writer import Axes, Writer, parted_maximum, plain


class NoMatrixForm(Exception):
    """The body has no form in matrix notation."""


class Matrix(Writer):
    """Matrix notation: the value for all `axes` at once, a number where none of them occurs."""

    def statement(self, s: Statement) -> Term:
        if not s.bound:
            result = self.show(s.body, s.indices)
            if s.indices and not result.array and _constant(s.body):
                return result  # every entry is the same number
        elif s.reduce == "sum":
            result = self.contraction(s.body, s.indices, s.bound)
        elif s.reduce == "max" and not s.indices:
            fixed, varied = parted_maximum(s.body, s.bound)
            result = term("call", self.show(varied, s.bound), data="max", array=False)
            if fixed:
                result = term("call", *(self.show(a) for a in fixed), result, data="max")
        else:
            raise NoMatrixForm
        if s.indices and not result.array:
            raise NoMatrixForm  # a number spread over an array
        return result

    def leaf(self, node: sp.Basic) -> Term:
        if isinstance(node, Index):
            raise NoMatrixForm
        return plain(node)

    def access(self, a: Access, axes: Axes) -> Term:
        indices = a.indices
        if not any(set(axes) & i.free_symbols or isinstance(i, Index) for i in indices):
            known = None if indices else self.take(a.name)
            if known is not None:
                return known
            if any(_indices_of(i) for i in indices):
                raise NoMatrixForm
            return plain(a)
        if indices != axes and not (len(axes) == 2 and indices == axes[::-1]):
            raise NoMatrixForm
        known = self.take(a.name)
        if known is None:
            known = term("name", data=a.name, array=True)
        elif not known.array:
            raise NoMatrixForm
        known = replace(known, leads=a.name in self.taken or "/d" in a.name)
        return known if indices == axes else turned(known)

    def multiply(self, node: sp.Mul, axes: Axes) -> Term:
        """A product; over two axes, factors of the one times factors of the other are an outer product."""
        if len(axes) == 2:
            top, bottom, sign = self.factors(node)
            groups = _grouped(top, axes)
            rows, columns = groups.pop(axes[:1], []), groups.pop(axes[1:], [])
            if rows and columns:
                outer = matrix_product([self.group(rows, axes[:1]), turned(self.group(columns, axes[1:]))])
                rest = [self.show(f, axes) for fs in groups.values() for f in fs]
                return product([*rest, outer], [self.show(d, axes) for d in bottom], sign)
        return super().multiply(node, axes)

    def group(self, factors: list[sp.Basic], axes: Axes) -> Term:
        return product([self.show(f, axes) for f in factors], [])

    def contraction(self, body: sp.Expr, axes: Axes, bound: Axes) -> Term:
        """sum over `bound` of a product, with `axes` free."""
        if len(bound) == 2 and not axes:  # of sum(W) and sum(W.T) the plain one
            found = {a.indices for a in accesses(body)}
            bound = bound[::-1] if bound not in found and bound[::-1] in found else bound
        top, bottom, sign = self.factors(body)
        everything = axes + bound
        # A divisor with a bound index cannot leave the sum: it is a factor like any other.
        inside = [d for d in bottom if _indices_of(d) & set(bound)]
        bottom = [d for d in bottom if d not in inside]
        top = [*top, *(sp.Pow(d, -1, evaluate=False) for d in inside)]
        groups = _grouped(top, everything)
        free = [key for key in groups if not set(key) & set(bound)]
        outside = [self.show(f, axes) for key in free for f in groups.pop(key)]
        core = self.core({key: self.group(fs, key) for key, fs in groups.items()}, groups, axes, bound)
        return product([*outside, core], [self.show(d, axes) for d in bottom], sign)

    def core(self, terms: dict[Axes, Term], groups: dict, axes: Axes, bound: Axes) -> Term:
        keys = set(terms)
        if len(bound) == 1:
            (j,) = bound
            vector = terms.get(bound)
            if not axes or keys == {bound}:  # s = sum_j v[j]
                return self.summed(groups[bound], bound) if keys == {bound} else _refuse()
            for i in axes:
                if keys == {(i, j), bound} and vector is not None:  # y[i] = sum_j W[i, j]*x[j]
                    return matrix_product([terms[(i, j)], vector])
            if len(axes) == 2:
                i, k = axes
                if keys == {(i, j), (k, j)}:  # C[i, k] = sum_j A[i, j]*B[j, k]
                    return matrix_product([terms[(i, j)], turned(terms[(k, j)])])
        elif len(bound) == 2 and not axes:
            i, j = bound
            if keys == {bound}:
                return self.summed(groups[bound], bound)
            if keys == {(i,), bound, (j,)}:
                return matrix_product([turned(terms[(i,)]), terms[bound], terms[(j,)]], array=False)
        elif keys == {bound}:
            return self.summed(groups[bound], bound)
        return _refuse()

    def summed(self, factors: list[sp.Basic], bound: Axes) -> Term:
        """A full sum: a dot product of two names, or sum(...)."""
        terms = [self.show(f, bound) for f in factors]
        if len(bound) == 1 and len(terms) == 2 and all(t.kind in ("name", "matmul") for t in terms):
            return term("matmul", transposed(terms[0]), terms[1], array=False)
        inside = product(terms, [])
        if inside.kind == "plus" and all(a.kind == "minus" for a in inside.args):
            return term(
                "minus", term("call", total([a.args[0] for a in inside.args]), data="sum", array=False)
            )
        return term("call", inside, data="sum", array=False)


def _refuse() -> Term:
    raise NoMatrixForm


def transposed(t: Term) -> Term:
    """`t.T`, without a second transpose."""
    return t.args[0] if t.kind == "transpose" else term("transpose", t)


def turned(t: Term) -> Term:
    """The transpose of a matrix, pushed into products: q*k.T for (k*q.T).T."""
    if t.kind == "matmul":
        return replace(t, args=tuple(turned(a) for a in reversed(t.args)))
    if t.kind == "minus" or (t.kind in ("times", "fraction") and sum(a.array for a in t.args) == 1):
        return replace(t, args=tuple(turned(a) if a.array else a for a in t.args))
    return transposed(t)


def _grouped(factors: Iterable[sp.Basic], axes: Axes) -> dict[Axes, list[sp.Basic]]:
    """Factors by the axes that occur in them, in the order of `axes`."""
    groups: dict[Axes, list[sp.Basic]] = {}
    for f in factors:
        inside = _indices_of(f)
        groups.setdefault(tuple(i for i in axes if i in inside), []).append(f)
    return groups


def _indices_of(node: sp.Basic) -> set[Index]:
    return {n for n in postorder([node], leaf=lambda n: not n.args) if isinstance(n, Index)}


def _constant(node: sp.Basic) -> bool:
    return not accesses(node) and not _indices_of(node)
