"""Windows of a tensor as a tensor of their own, so that convolutions are products of matrices.

    z[c, i, j] = sum over d, p, q of k[c, d, p, q] x[d, i + p, j + q]

reads each entry of x in as many windows as hold it. With

    w[d, p, q, i, j] = x[d, i + p, j + q]

the sum is one product of matrices, with d, p, q along its depth and i, j along its columns; without, it is
one for each p, q and i, of a few entries. A margin of zeros is one of the windows: their entries outside of x
are 0. The gradient for k reads the same windows, and that for x is

    dw[d, p, q, i, j] = sum over c of k[c, d, p, q] dz[c, i, j]
    dx[d, i + p, j + q] += dw[d, p, q, i, j]

This is what libraries call im2col and col2im (K. Chellapilla, S. Puri, P. Simard, "High Performance
Convolutional Neural Networks for Document Processing", 2006).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod

import sympy as sp

from symbp.ir.names import free_name, part_of
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import index_symbols, substitute
from symbp.schedule.axes import steps_of
from symbp.schedule.product import products_of
from symbp.schedule.scatter import scatter_of

LEAST_USES = 4
"""Products that each copied entry must be a factor of, for one sample."""

MOST_ENTRIES = 1 << 24
"""Of all windows of a sample."""


def with_windows(program: Program) -> Program:
    """The program with windows that products read, or are added to, as tensors."""
    copier = _Copier(program)
    for s in program.statements:
        copier.add(s)
    return program.rebuilt(copier.statements, copier.new.values()) if copier.new else program


class _Copier:
    """Rebuilds the statements of a program.

    Attributes:
        new: the tensors that are added.
        known: tensors of windows by what they are copies of.
    """

    def __init__(self, program: Program):
        self.tensors = dict(program.tensors)
        self.statements: list[Statement] = []
        self.new: dict[str, Tensor] = {}
        self.known: dict[tuple, tuple[str, tuple[int, ...]]] = {}

    def add(self, s: Statement) -> None:
        self.statements += self._gathering(s) or self._scattering(s) or [s]

    def _gathering(self, s: Statement) -> list[Statement] | None:
        """A sum of products that reads windows, after copies of those."""
        if s.reduce != "sum" or not s.indices:
            return None
        copies: list[Statement] = []
        body = self._reading(s, copies)
        found = None if body is None or body == s.body else replace(s, body=body, where=())
        if found is not None and products_of(found, self.tensors):
            return [*copies, found]
        for copy in copies:  # which is not made
            del self.tensors[copy.target], self.new[copy.target]
            self.known = {key: known for key, known in self.known.items() if known[0] != copy.target}
        return None

    def _reading(self, s: Statement, copies: list[Statement]) -> sp.Expr | None:
        """The body with windows read from copies, some of which are new; None where that is not worth it."""
        terms: list[sp.Expr] = []
        for term in sp.Add.make_args(s.body):
            factors = term.args if isinstance(term, sp.Mul) else ()
            window = next((f for f in factors if isinstance(f, Access) and _is_window(f)), None)
            if window is None or len(factors) != 2:
                if s.where:
                    return None  # windows have zeros where a condition fails, other terms have none
                terms.append(term)
                continue
            (other,) = (f for f in factors if f is not window)
            if not isinstance(other, Access) or not self._is_worth_it(s.domain, window, s.where):
                return None
            terms.append(self._copy(s, window, other, copies) * other)
        return sp.Add(*terms)

    def _copy(self, s: Statement, window: Access, other: Access, copies: list[Statement]) -> Access:
        """What reads the windows in their own tensor, which is made where there is none."""
        single = {i: sp.S.Zero for i in s.domain if i.extent == 1}
        window, *where = (substitute(part, single) for part in (window, *s.where))
        inside = index_symbols(window)
        swap = {index: Index(f"w{k}", index.extent) for k, index in enumerate(inside)}
        key = window.name, *(part.xreplace(swap) for part in (*window.indices, *where))
        if key not in self.known:
            along = [i for i in s.indices if i in inside and i not in index_symbols(other)]
            order = _order(window, along, index_symbols(other))
            name = self._declare(window.name, order)
            self.known[key] = name, tuple(inside.index(i) for i in order)
            copies.append(Statement(name, tuple(order), window, where=tuple(where), origin=s.origin))
        name, positions = self.known[key]
        return Access(name, *(inside[k] for k in positions))

    def _scattering(self, s: Statement) -> list[Statement] | None:
        """Sums of products that are added to windows, as some that are not and their sum."""
        found = scatter_of(s, self.tensors)
        terms = [sp.Mul.make_args(term) for term in sp.Add.make_args(s.body)]
        if found is None or not all(len(t) == 2 and all(isinstance(f, Access) for f in t) for t in terms):
            return None
        entry = found.entry
        inside = index_symbols(entry)
        rest = tuple(i for i in s.bound if i not in inside)
        if not rest or not _is_window(entry) or not self._is_worth_it((*inside, *rest), entry, found.where):
            return None
        first, second = (index_symbols(f) for f in terms[0])
        order = _order(entry, [i for i in first if i in inside and i not in second], second)
        made = Statement(f"{s.target} before its sum", tuple(order), s.body, "sum", rest, origin=s.origin)
        whole = Tensor(made.target, tuple(i.extent for i in order))
        if not products_of(made, {**self.tensors, made.target: whole}):
            return None
        name = self._declare(s.target, order)
        bound = tuple(i for i in s.bound if i in inside)
        spread = replace(s, body=Access(name, *order), bound=bound, reduce="sum" if bound else "none")
        return [replace(made, target=name), spread]

    def _declare(self, name: str, order: Sequence[Index]) -> str:
        name = free_name(part_of(name, "windows"), self.tensors)
        self.tensors[name] = self.new[name] = Tensor(name, tuple(i.extent for i in order))
        return name

    def _is_worth_it(self, domain: Iterable[Index], window: Access, where: Iterable[sp.Basic]) -> bool:
        """Whether each entry of the windows is used often enough, and they are not too many."""
        inside = index_symbols(window)
        uses = prod(i.extent for i in domain if i not in inside and i.extent != BATCH)
        entries = prod(i.extent for i in inside if i.extent != BATCH)
        plain = steps_of(window, self.tensors) is not None
        own = all(i in inside for w in where for i in index_symbols(w))
        return plain and own and uses >= LEAST_USES and entries <= MOST_ENTRIES


def _is_window(access: Access) -> bool:
    """Whether several indices, or one in steps, say where an entry is along an axis."""
    return any(not isinstance(p, Index) and index_symbols(p) for p in access.indices)


def _order(window: Access, along: Sequence[Index], other: Sequence[Index]) -> list[Index]:
    """The order of the axes of windows, in which products have several as one.

    Args:
        along: the indices that are rows or columns together.
        other: the indices of the other factor, in the order in which that is stored.
    """
    inside = index_symbols(window)
    samples = [i for i in inside if i.extent == BATCH]
    first = [i for i in along if i not in samples]
    second = [i for i in other if i in inside and i not in (*first, *samples)]
    shared = [i for i in inside if i not in (*samples, *first, *second)]
    terms = [i for i in sp.Add.make_args(window.indices[-1]) if isinstance(i, Index)]
    contiguous = max(terms, key=lambda i: i.extent, default=None)
    groups = [*second, *first] if contiguous in first else [*first, *second]
    return [*samples, *shared, *groups]
