"""Sums that are taken term by term, as the text of one Numba function; see `symbp.schedule.scatter`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

import sympy as sp

from symbp.codegen.nest import NestWriter
from symbp.codegen.scalar import Code
from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import index_symbols
from symbp.schedule.looptree import sums_batch
from symbp.schedule.reduction import Plan, plan
from symbp.schedule.scatter import Scatter, scatter_of, without_parts


@dataclass(frozen=True)
class _Terms:
    """A sum, seen from its terms, and the loops over them."""

    statement: Statement
    found: Scatter
    how: Plan

    @property
    def loops(self) -> object:
        """What sums that are taken in the same loops have in common; their own where there are conditions."""
        plain = not (
            self.how.solved or self.how.guards or any(low or high for _, low, high in self.how.loops)
        )
        return tuple(i.extent for i in self.how.loops_only), None if plain else self.statement.target


class ScatterWriter(NestWriter):
    """Writes a nest whose terms name the entry that each is added to."""

    def write(self) -> None:
        *parts, last = self.nest.statements
        loops = [self.namer(index.name) for index in last.indices]
        if not sums_batch(last):
            self._begun(last.with_body(without_parts(last, parts) if parts else sp.S.Zero), loops)
        for _, alike in groupby(map(self._from_terms, parts or [last]), lambda terms: terms.loops):
            self._added([*alike], last.target)

    def _begun(self, s: Statement, loops: list[str]) -> None:
        """The target before any term is added to it."""
        names = dict(zip(s.indices, loops, strict=True))
        for name, extent in zip(loops[:-1], self.nest.extents, strict=False):
            self._loop(name, extent)
        code = Code()
        store = s.target, self.reader.positions(s.access, names, s), self._translate(code, s, names)
        self._emit(code, [store], {}, (loops[-1], self.nest.extents[-1]) if loops else None)
        self.depth = 0

    def _from_terms(self, s: Statement) -> _Terms:
        found = scatter_of(s, self.reader.program.tensors)
        assert found is not None
        every = replace(s, indices=(), bound=(*found.free, *s.bound), where=found.where)
        shared = [i for i in found.free if not any(i in index_symbols(w) for w in found.where)]
        return _Terms(s, found, plan(every, (found.entry,), (*shared, *_shifts(found.entry))))

    def _added(self, sums: list[_Terms], target: str) -> None:
        """Add terms of sums with the same loops to the target."""
        how = sums[0].how
        loops = [self.namer(i.name) for i in how.loops_only]
        variables = [dict(zip(terms.how.loops_only, loops, strict=True)) for terms in sums]
        last = None
        if how.loops and not (how.solved or how.guards or any(how.loops[-1][1:])):
            last = loops[-1], how.loops[-1][0].extent
            how = replace(how, loops=how.loops[:-1])
        self._open(how, sums[0].statement, variables[0])
        code, roots, places = Code(), [], []
        for terms, names in zip(sums, variables, strict=True):
            s, entry = terms.statement, Access(target, *terms.found.entry.indices)
            roots.append(self._translate(code, s, names))
            places.append(self.reader.text(target, self.reader.positions(entry, names, s)))
        for place, value, terms in zip(places, self._innermost(code, roots, last), sums, strict=True):
            self._add(place, value, terms.statement)
        self.depth = 0


def _shifts(entry: Access) -> list[Index]:
    """The indices that move where others go, as p in d[i + p].

    They are those of the outermost loops: a processor that has just written entries waits when it is to read
    them again, some places further.
    """
    sums = [index_symbols(position) for position in entry.indices]
    return [i for some in sums for i in some if len(some) > 1 and i is not max(some, key=lambda i: i.extent)]
