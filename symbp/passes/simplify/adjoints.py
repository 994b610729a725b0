"""Simplify adjoints: the backward equations as a person would write them.

Reverse mode works statement by statement, so that the parts of one formula stand in several equations:

    dE/dp = (1 - y)/(1 - p) - y/p,   delta = dE/dp p (1 - p)     ->   delta = p - y

Adjoints that are read entry by entry are put into the equation that reads them, values that the forward
pass holds (p = exp(z)/(1 + exp(z))) eliminate exponentials, factors that a sum does not reach leave it,
and the cheapest verified form wins. What wins nothing stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import sympy as sp

from symbp.ir.names import part_of
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import (
    REMEMBERED,
    accesses,
    index_symbols,
    is_large,
    operations,
    postorder,
    substitute,
)
from symbp.passes.cost import cost
from symbp.passes.simplify.cheapest import Found, Problem, cheapest
from symbp.passes.simplify.ledger import Ledger, Step
from symbp.passes.simplify.values import Values

SIZE = 40
"""Operations of a body, with all that is put into it, up to which it is simplified."""
FEW = 3
"""Entries in a body up to which it may have four times as many: a fraction in few symbols stays small."""
WORTH = 5
"""Bodies cheaper than this are as simple as they get."""

SHORT = 8
"""Operations of an adjoint, with those put into it, up to which it is put into others as a whole."""

TOTAL = "sum over entries that add up to a known total"
COMMON = "common factor before the sum"
FORMULA = "one formula from several equations"
SHORTER = "simpler form of a derivative"


def simplify_adjoints(program: Program, forward: Program, lossy: bool, ledger: Ledger) -> Program:
    """The backward program with its adjoint statements simplified.

    Args:
        program: the forward statements, then the adjoints.
        forward: the forward program; its statements are not touched.
        lossy: see `symbp.passes.simplify.reuse`.
    """
    return _Simplifier(program, forward, lossy, ledger).run()


class _Simplifier:
    def __init__(self, program: Program, forward: Program, lossy: bool, ledger: Ledger):
        self.program, self.lossy, self.ledger = program, lossy, ledger
        self.fixed = {s.target for s in forward.statements}
        self.values = Values(forward.statements, frozenset(forward.outputs))
        self.adjoints: dict[str, Statement] = {}
        self.statements: list[Statement] = []
        self.tensors: list[Tensor] = []
        self.taken = set(program.tensors)

    def run(self) -> Program:
        for statement in self.program.statements:
            if statement.target in self.fixed:
                self.statements.append(statement)
            else:
                self.visit(statement)
        return self.program.rebuilt(self.statements, self.tensors)

    def visit(self, statement: Statement) -> None:
        if not is_large(statement.body, 4 * _most(statement.body)):
            statement = self.simplified(statement)
            if statement.reduce == "sum" and not statement.where:
                statement = self.without_common_factor(statement)
        self.statements.append(statement)
        if statement.reduce == "none" and not statement.where:
            self.adjoints[statement.target] = self.written_out(statement)

    def written_out(self, statement: Statement) -> Statement:
        """The statement with the adjoints it reads written out, where that is short."""
        body = substitute(statement.body, self.formulas(statement.body))
        return statement.with_body(body) if operations(body) <= SHORT else statement

    def simplified(self, statement: Statement) -> Statement:
        swap = self.formulas(statement.body)
        statement = _negated(statement, swap)
        body = statement.body
        if not any(map(_worth_searching, [body, *swap.values()])):
            return statement
        # What calls a logarithm is better read than written out, where nothing cancels it.
        plain = {a: f for a, f in swap.items() if not any(isinstance(n, sp.log) for n in postorder([f]))}
        for formulas in (swap, plain)[: 1 if plain == swap else 2]:
            whole = substitute(body, formulas)
            if cost(whole) < WORTH:
                return self.joined(statement, whole)
            if operations(whole) > _most(whole):
                continue
            held = self.values.related(whole)
            base = substitute(whole, held)
            found = cheapest(Problem(base, tuple(held.items()), self.lossy, cost(body), operations(body)))
            if found is not None:
                return self.found(statement, whole, found)
        return self.joined(statement, whole)

    def found(self, statement: Statement, whole: sp.Expr, found: Found) -> Statement:
        if whole != found.form:  # else the adjoint that it reads is a number
            saved = cost(statement.body) - cost(found.form)
            new = set(accesses(found.form)) - set(accesses(whole))
            rule = FORMULA if new or whole != statement.body else SHORTER
            step = Step(rule, statement.target, whole, found.form, saved, found.verified, found.loss)
            self.ledger.note(replace(step, required=found.required))
        return statement.with_body(found.form)

    def joined(self, statement: Statement, whole: sp.Expr) -> Statement:
        """The statement with the adjoints in it written out, where that is cheaper: what SymPy cancels."""
        saved = cost(statement.body) - cost(whole)
        if saved <= 0:
            return statement
        self.ledger.note(Step(FORMULA, statement.target, statement.body, whole, saved, "by construction"))
        return statement.with_body(whole)

    def formulas(self, body: sp.Expr) -> dict[Access, sp.Expr]:
        """The adjoints that the body reads entry by entry, and what they are."""
        found = {}
        for access in accesses(body):
            source = self.adjoints.get(access.name)
            if source is not None and set(source.indices) >= set(index_symbols(source.body)):
                swap = dict(zip(source.indices, access.indices, strict=True))
                found[access] = substitute(source.body, swap)
        return found

    def total(self, factors: list[sp.Expr], bound: tuple[Index, ...]) -> sp.Expr | None:
        """What the product of the factors adds up to, where one is an entry of a vector of known total, or a
        sum of such and numbers."""
        entries = [f for f in factors if not f.is_number]
        if len(entries) != 1 or len(bound) != 1:
            return None
        total = sp.S.Zero
        for part in sp.Add.make_args(entries[0]):
            number, entry = part.as_coeff_Mul()
            known = bound[0].extent if entry == 1 else self.total_of(entry, bound)
            if known is None:
                return None
            total += number * known
        return sp.Mul(total, *(f for f in factors if f.is_number))

    def total_of(self, entry: sp.Expr, bound: tuple[Index, ...]) -> int | None:
        """What the entries of a vector add up to."""
        if not isinstance(entry, Access) or entry.indices != bound:
            return None
        tensor = self.program.tensors[entry.name]
        return tensor.total if bound[0].extent == tensor.shape[0] else None

    def without_common_factor(self, statement: Statement) -> Statement:
        """sum_j c f_j as c times sum_j f_j, where c costs more than the product that is saved."""
        factors = sp.Mul.make_args(statement.body)
        bound = set(statement.bound)
        outside = [f for f in factors if not set(index_symbols(f)) & bound and not f.is_number]
        inside = [f for f in factors if f not in outside]
        total = self.total(inside, statement.bound)
        if total is not None:
            after = sp.Mul(*outside, total)
            self.note_of_sum(TOTAL, statement, after, cost(statement.body), "by declaration")
            return self.simplified(replace(statement, body=after, reduce="none", bound=()))
        if not statement.indices:
            outside += [f for f in inside if f.is_number]
            inside = [f for f in inside if not f.is_number]
        if not outside or not inside or not any(index_symbols(f) for f in inside):
            return statement
        name = part_of(statement.target, "sum")
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        used = {i for f in inside for i in index_symbols(f)}
        indices = tuple(i for i in statement.indices if i in used)
        self.tensors.append(Tensor(name, tuple(i.extent for i in indices)))
        self.statements.append(replace(statement, target=name, indices=indices, body=sp.Mul(*inside)))
        after = sp.Mul(*outside) * Access(name, *indices)
        self.note_of_sum(COMMON, statement, after, cost(*outside), "by construction")
        return self.simplified(replace(statement, body=after, reduce="none", bound=()))

    def note_of_sum(self, rule: str, s: Statement, after: sp.Expr, saved: int, how: str) -> None:
        self.ledger.note(Step(rule, s.target, s.body, after, saved, how, indices=s.indices, bound=s.bound))


def _negated(statement: Statement, formulas: dict[Access, sp.Expr]) -> Statement:
    """The statement with -y for adjoints that are that, where it costs nothing; the sum of -y is -sum(y)."""
    swap = {a: f for a, f in formulas.items() if isinstance(f, sp.Mul) and isinstance(-f, Access)}
    body = substitute(statement.body, swap)
    free = operations(body) <= operations(statement.body)
    return statement.with_body(body) if free or not statement.indices else statement


def _most(body: sp.Expr) -> int:
    """Operations up to which a body is simplified."""
    return 4 * SIZE if len(accesses(body)) <= FEW else SIZE


@lru_cache(maxsize=REMEMBERED)
def _worth_searching(body: sp.Expr) -> bool:
    """Whether there is something that may cancel: a quotient or an exponential.

    Derivatives of other functions have been written through their values already.
    """
    return any(
        isinstance(n, sp.exp) or (isinstance(n, sp.Pow) and n.exp.is_negative) for n in postorder([body])
    )
