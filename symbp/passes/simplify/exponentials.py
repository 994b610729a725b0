"""Shift sums of exponentials, before differentiation.

A sum of exponentials that stands in a logarithm or below a line gets its largest exponent subtracted,

    s = sum_j w_j exp(b_j)   ->   m = max_j b_j,  s' = sum_j w_j exp(b_j - m),  s = s' exp(m),

so that log s = m + log s', exp(b_i)/s = exp(b_i - m)/s' and, with m = max(0, max_j b_j),
log(1 + s) = m + log(exp(-m) + s'). No value depends on m: it is not differentiated. Sums that are written
out (`written_sums`) are sums over no index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import (
    accesses,
    conditions,
    index_symbols,
    is_large,
    is_leaf,
    postorder,
    rebuild,
    substitute,
)
from symbp.passes.cost import cost
from symbp.passes.simplify.common_exponents import as_written, without_common_exponents
from symbp.passes.simplify.exponential_sums import base_of, exponent_of, is_bounded, shifted, terms_of
from symbp.passes.simplify.ledger import BY_CONSTRUCTION, Ledger, Step
from symbp.passes.simplify.peaks import Peak, Peaks, Total
from symbp.passes.simplify.renamed import renamed, renamed_body
from symbp.passes.simplify.scale import Writer, own_exponentials
from symbp.passes.simplify.written_sums import written_sums

LARGE = 200
"""Bodies with more nodes, counted as a tree, are left as they are."""
DEPTH = 3
"""Definitions of definitions that are looked up."""


RULE = "greatest exponent subtracted"
"""The name of the rewrite in the ledger."""


def shift_exponentials(program: Program, ledger: Ledger | None = None) -> Program:
    """Subtract the largest exponent wherever a sum of exponentials allows it."""
    taken = without_common_exponents(program)
    if taken is not None:
        found = _shifted(taken.program)
        if found is not None and taken.sums.isdisjoint(found.program.tensors):
            if ledger is not None:
                ledger.lost(taken.gone, as_written)
            _note(ledger, taken.steps, found)
            return found.named
    found = _shifted(program)
    if found is None:
        return program
    _note(ledger, (), found)
    return found.named


@dataclass(frozen=True)
class _Found:
    """A program whose sums are shifted.

    Attributes:
        program, named: with names of their own for the shifted sums, and with those of the sums whose
            places they take.
        gone: the sums that have no equation any more.
        steps: what was rewritten.
    """

    program: Program
    named: Program
    gone: dict[str, Statement]
    steps: list[Step]


def _shifted(program: Program) -> _Found | None:
    shifter = _Shifter(program)
    result = shifter.run() if shifter.sums or shifter.exponential else program
    if result is program:
        return None
    gone = {n: total.statement for n, total in shifter.sums.items() if n not in result.tensors}
    counts = Counter(name for name, _ in shifter.scaled)
    swap = {new: old for (old, _), new in shifter.scaled.items() if counts[old] == 1 and old in gone}
    steps = [replace(s.without(gone), after=renamed_body(s.after, swap)) for s in shifter.steps]
    return _Found(result, renamed(result, swap), gone, steps)


def _note(ledger: Ledger | None, before: Iterable[Step], found: _Found) -> None:
    if ledger is not None:
        for step in before:
            ledger.note(step)
        ledger.lost(found.gone)
        for step in found.steps:
            ledger.note(step)


class _Shifter:
    """Rewrites the readers of sums of exponentials.

    Attributes:
        sums: of exponentials, by name.
        written: those that are written out in a body; they have names of their own while it is rewritten.
        exponential: whether there are exponentials anywhere.
        peaks: the greatest exponents that are defined so far.
        made: statements that the reader at hand needs.
        scaled: sums that were shifted, by name and what was subtracted.
        peaks_used: what was subtracted in sums that are written out.
        steps: what was rewritten.
    """

    def __init__(self, program: Program):
        self.program, self.by_name = program, program.statement_of()
        self.sums: dict[str, Total] = {}
        self.written: dict[sp.Expr, Access] = {}
        self.exponential = any(
            exponent_of(n) is not None for s in program.statements for n in postorder([s.body])
        )
        self.made: list[Statement] = []
        self.tensors: list[Tensor] = []
        self.scaled: dict[tuple[str, Peak], str] = {}
        self.peaks_used: dict[str, None] = {}
        self.steps: list[Step] = []
        self.peaks = Peaks(self.sums, self.define)
        self.taken = set(program.tensors)
        for s in program.statements:
            if s.reduce == "sum" and not is_large(s.body, LARGE):
                body = self.written_out(s.body)
                if not self.divisors(body) and _varies(s.with_body(body)):
                    self.sums[s.target] = Total(s.with_body(body), base_of(body) or sp.E)

    def run(self) -> Program:
        statements: list[Statement] = []
        for s in self.program.statements:
            new = s if s.target in self.sums else self.reader(s)
            statements += [*self.made, new]
            self.made.clear()
        if not self.scaled and not self.peaks_used:
            return self.program
        for name in dict.fromkeys([*(peak.access.name for _, peak in self.scaled), *self.peaks_used]):
            statements = _peeled(statements, name, self.program.outputs)
        read = {a.name for s in statements for part in (s.body, *s.where) for a in accesses(part)}
        unused = {n for n, _ in self.scaled} - read - set(self.program.outputs)
        return self.program.rebuilt((s for s in statements if s.target not in unused), self.tensors)

    def reader(self, s: Statement) -> Statement:
        body = self.written_out(s.body) if not is_large(s.body, LARGE) else s.body
        named = self.named(body, s)
        if not self.divisors(named):
            return s
        new = self.part(named)
        if new is named:
            return s
        names = {access: total for total, access in self.written.items()}
        new = substitute(new, names)
        saved = cost(body) - cost(new)
        self.steps.append(Step(RULE, s.target, body, new, saved, BY_CONSTRUCTION))
        return s.with_body(new)

    def named(self, body: sp.Expr, s: Statement) -> sp.Expr:
        """The body of a statement with names for the sums of exponentials that are written out in it."""
        if not self.exponential or s.where or is_large(body, LARGE):
            return body
        for total in written_sums(body):
            if total not in self.written and not self.reads(total):
                used = index_symbols(total)
                indices = tuple(i for i in s.domain if i in used)
                name = self.free(f"s_{s.target}")
                own = Statement(name, indices, total, origin=s.origin)
                self.sums[name] = Total(own, base_of(total) or sp.E)
                self.written[total] = own.access
        return substitute(body, self.written) if self.written else body

    def written_out(self, body: sp.Expr) -> sp.Expr:
        """The body with the formulas of tensors that are exponentials, sums of such, or one by such."""
        for _ in range(DEPTH):
            # Conditions are left alone: written out, they overflow where the entries that they read do not.
            swap: dict[sp.Basic, sp.Basic] = {c: c for c in conditions(body)}
            kept = len(swap)
            for access in accesses(body):
                source = self.by_name.get(access.name)
                if source is not None and self.has_scale(source):
                    at = dict(zip(source.indices, access.indices, strict=True))
                    swap[access] = substitute(source.body, at)
            wider = substitute(body, swap) if len(swap) > kept else body
            if wider is body or is_large(wider, 2 * LARGE):
                break
            body = wider
        return body

    def has_scale(self, s: Statement) -> bool:
        """Whether a tensor is, entry by entry, an exponential, a sum of such, or one by such a sum."""
        if s.reduce != "none" or s.where or is_large(s.body, LARGE):
            return False
        below = {n: sp.S.One for n in postorder([s.body]) if self.is_divisor(n)}
        as_exponentials = {a: sp.exp(a) for a in accesses(s.body) if a.name in self.sums}
        if not below:
            wider = substitute(s.body, as_exponentials)
            return base_of(wider) is not None and terms_of(wider) is not None
        rest = substitute(s.body, below)
        return not any(
            exponent_of(n) is not None or n in as_exponentials or isinstance(n, sp.log)
            for n in postorder([rest])
        )

    def is_divisor(self, node: Any) -> bool:
        below = isinstance(node, sp.Pow) and node.exp.is_number and node.exp.is_negative
        return bool(below) and self.reads(node)

    def reads(self, node: sp.Basic) -> bool:
        return any(a.name in self.sums for a in accesses(node))

    def divisors(self, body: sp.Expr) -> list[sp.Expr]:
        """What reads sums of exponentials in logarithms of a body and below its lines."""
        if not self.sums or not self.reads(body):
            return []
        found = []
        for node in postorder([body]):
            if isinstance(node, sp.log):
                found += [f for f in sp.Mul.make_args(node.args[0]) if not isinstance(f, sp.Pow)]
            elif self.is_divisor(node):
                found += sp.Mul.make_args(node.base)  # type: ignore[attr-defined]
        return [d for d in found if self.reads(d)]

    def part(self, node: Any) -> Any:
        """A part of a body rewritten; terms of a sum have nothing to do with each other."""
        if isinstance(node, ExprCondPair):
            return rebuild(node, (self.part(node.expr), node.cond))
        divisors = [] if is_leaf(node) or isinstance(node, sp.logic.boolalg.Boolean) else self.divisors(node)
        if not divisors:
            return node
        peak = None if isinstance(node, sp.Add) else self.peak(divisors)
        if peak is None:
            return rebuild(node, tuple(map(self.part, node.args)))
        swap: dict[sp.Basic, sp.Expr] = {}
        for access in accesses(node):
            if access.name in self.sums:
                found = self.shifted(access, peak)
                if found is not None:
                    swap[access] = found
                    swap |= own_exponentials(node, self.sums[access.name], access, peak)
        return Writer(peak, swap).write(node)

    def peak(self, divisors: list[sp.Expr]) -> Peak | None:
        """What all of them have as their greatest exponent; None where they differ."""
        first, *others = dict.fromkeys(map(self.peaks.of, divisors))
        return None if others else first

    def shifted(self, access: Access, peak: Peak) -> sp.Expr | None:
        """An entry of a sum with the peak subtracted from its exponents; what was written out stays so."""
        total = self.sums[access.name].statement
        if not total.bound:
            self.peaks_used[peak.access.name] = None
            return shifted(total.body, peak.base, peak.access)
        own = {i: k for i, k in zip(access.indices, total.indices, strict=True) if index_symbols(i)}
        m = substitute(peak.access, own)
        if not set(index_symbols(m)) <= set(total.indices):
            return None
        key = access.name, Peak(m, peak.base)
        if key not in self.scaled:
            body = shifted(total.body, peak.base, m)
            self.scaled[key] = self.define(replace(total, body=body), f"{access.name}_shifted")
        return Access(self.scaled[key], *access.indices)

    def define(self, statement: Statement, wish: str) -> str:
        """Define the statement under a new name, before the reader at hand."""
        name = self.free(wish)
        self.tensors.append(Tensor(name, tuple(i.extent for i in statement.indices)))
        self.made.append(replace(statement, target=name))
        return name

    def free(self, wish: str) -> str:
        """A name like the one wished for that no tensor has."""
        name, k = wish, 1
        while name in self.taken:
            k += 1
            name = f"{wish}_{k}"
        self.taken.add(name)
        return name


def _varies(s: Statement) -> bool:
    """Whether the body of a sum is one of exponentials that may grow, and their exponents vary in it."""
    if is_bounded(s.body):
        return False
    base = base_of(s.body)
    terms = None if base is None else terms_of(s.body, base)
    return any(i in s.bound for t in terms or () for i in index_symbols(t.exponent))


def _peeled(statements: list[Statement], peak: str, outputs: tuple[str, ...]) -> list[Statement]:
    """Move the maximum out of intermediate results: z - (m + log s) has no digit of log s left at z = 1e30.

    u = m + log s  ->  u = log s, and whoever reads u adds m.
    """
    added: dict[str, tuple[Statement, Access]] = {}
    result = []
    for s in statements:
        read = [a for a in accesses(s.body) if a.name in added]
        if read:
            swap = {}
            for access in read:
                source, m = added[access.name]
                at = dict(zip(source.indices, access.indices, strict=True))
                swap[access] = access + substitute(m, at)
            s = s.with_body(substitute(s.body, swap))
        terms = sp.Add.make_args(s.body)
        maximum = next((t for t in terms if isinstance(t, Access) and t.name == peak), None)
        if maximum is not None and len(terms) > 1 and s.reduce == "none" and s.target not in outputs:
            added[s.target] = (s, maximum)
            s = s.with_body(sp.Add(*(t for t in terms if t is not maximum)))
        result.append(s)
    return result
