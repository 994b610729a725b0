"""Reverse mode on programs, statement by statement.

For target[I] = sum_J body and every access T[p] in the body,

    adjoint(T)[k] += sum over (I, J) where k = p  of  adjoint(target)[I] * d body / d T[p].

Positions p that are plain indices are substituted; others (affine ones, gathers) become the
condition k = p, so that the transpose of a convolution or a gather is again a statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from symbp.ir.definition import defined
from symbp.ir.names import part_of
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.products import total
from symbp.ir.walk import accesses, index_symbols, postorder, substitute
from symbp.passes.contributions import Term, added, gathered, without_delta
from symbp.passes.cost import calls, cost
from symbp.passes.hoist import WORTH
from symbp.passes.partials import partials, times
from symbp.passes.simplify.beside import best_beside, cheaper_beside, saved_beside
from symbp.passes.simplify.ledger import Ledger, Step
from symbp.passes.simplify.peaks import is_peak
from symbp.passes.simplify.reuse import REUSE, SIMPLER, through_output
from symbp.passes.simplify.signs import conditions_on_value

BESIDE = "derivative beside the value"
SIGN = "sign of the output: the operand is not kept"


@dataclass
class _Visit:
    """What came of one statement: derivatives beside its value, and contributions to other adjoints.

    Attributes:
        adjoint: that of the statement, which it all follows from.
        optional: whether a derivative was rewritten that is accurate as it stands and may share operations.
    """

    adjoint: sp.Expr
    slopes: list[Statement] = field(default_factory=list)
    terms: list[tuple[str, Term]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    optional: bool = False


@dataclass
class Adjoints:
    """The result: statements to append, and where each adjoint is.

    Attributes:
        slopes: derivatives that are evaluated beside the value of their function: its name by theirs.
        shared: whether a derivative was rewritten that may have shared operations with other equations.
        visits: how the statements were differentiated, by target.
    """

    statements: list[Statement] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    gradients: dict[str, str] = field(default_factory=dict)
    slopes: dict[str, str] = field(default_factory=dict)
    shared: bool = False
    visits: dict[str, _Visit] = field(default_factory=dict, repr=False)


def differentiate(
    program: Program,
    output: str,
    wrt: Iterable[str],
    lossy: bool = True,
    ledger: Ledger | None = None,
    shorter: bool = True,
    before: Adjoints | None = None,
) -> Adjoints:
    """Adjoint statements of the scalar `output` with respect to the tensors `wrt`.

    Args:
        lossy: whether a derivative may be written through the function's value where that loses
            relative accuracy; see `symbp.passes.simplify.reuse`.
        ledger: takes note of every such rewrite.
        shorter: whether derivatives are also rewritten that are accurate as they stand and may share
            operations with other equations.
        before: the adjoints of this program with these other options but for `shorter`: what is the same
            is not found again.

    Raises:
        UnsupportedError: a function without derivative.
    """
    wrt = list(wrt)
    sweep = _Sweep(program, output, wrt, lossy, ledger or Ledger(), shorter)
    sweep.before = before or sweep.before
    for statement in reversed(program.statements):
        sweep.visit(statement)
    for name in wrt:
        sweep.finish_gradient(name)
    return sweep.result


class _Sweep:
    def __init__(
        self, program: Program, output: str, wrt: list[str], lossy: bool, ledger: Ledger, shorter: bool
    ):
        self.program, self.output, self.wrt = program, output, wrt
        self.lossy, self.ledger, self.shorter = lossy, ledger, shorter
        self.needed = _depends_on(program, set(wrt))
        self.terms: dict[str, list[Term]] = {}
        self.result = Adjoints()
        self.before = Adjoints()
        self.taken = set(program.tensors)

    def visit(self, statement: Statement) -> None:
        name = statement.target
        if name not in self.needed or (name != self.output and name not in self.terms):
            return
        if is_peak(statement):
            return  # only the stabilising shift is a maximum, and no value depends on it
        adjoint = self.adjoint(name, statement)
        known = self.before.visits.get(name)
        if known is None or known.optional or known.adjoint != adjoint or self.clash(known):
            known = self.visited(statement, adjoint)
        self.result.visits[name] = known
        for step in known.steps:
            self.ledger.note(step)
        for slope in known.slopes:
            self.result.slopes[slope.target] = name
            self.add(slope)
        for source, term in known.terms:
            self.terms.setdefault(source, []).append(term)

    def clash(self, known: _Visit) -> bool:
        return any(slope.target in self.taken for slope in known.slopes)

    def visited(self, statement: Statement, adjoint: sp.Expr) -> _Visit:
        visit = _Visit(adjoint)
        for access, local in partials(statement.body, statement.origin).items():
            if access.name in self.needed:
                if statement.reduce == "none":
                    local = self.reused(statement, local, visit)
                    local = local if adjoint.is_number else self.beside(statement, access, local, visit)
                visit.terms.append((access.name, self.contribution(statement, access, times(adjoint, local))))
        return visit

    def reused(self, statement: Statement, local: sp.Expr, visit: _Visit) -> sp.Expr:
        """The local derivative in its cheapest form, which may be one in the value of the statement."""
        value, form = statement.access, local
        # The formulas of the user's functions are what can be compared; a derivative that a class gives
        # itself may be written through the function.
        body, meant = defined(statement.body), defined(local)
        found = through_output(body, meant, value, self.lossy)
        if found is not None and self.lossy and cheaper_beside(body, meant, found.form, value):
            found = None
        shared = found is not None and (found.shares or self.may_share(statement))
        if found is not None and shared and not found.required:
            visit.optional = True
            found = found if self.shorter else None
        if found is not None:
            self.result.shared |= shared
            form, saved = found.form, cost(meant) - cost(found.form)
            rule = REUSE if value in accesses(form) else SIMPLER
            visit.steps.append(Step(rule, statement.target, meant, form, saved, found.verified, found.loss))
        if self.lossy:
            on_value = conditions_on_value(statement.body, form, value)
            if on_value != form:
                visit.steps.append(Step(SIGN, statement.target, form, on_value, 0, "symbolically"))
            form = on_value
        return form

    def may_share(self, statement: Statement) -> bool:
        """Whether another derivative or statement may evaluate something that one of this statement would."""
        if len(accesses(statement.body)) > 1:
            return True
        own = cost(statement.body) >= WORTH
        return any(self.costly_readers[a.name] > own for a in accesses(statement.body))

    @cached_property
    def costly_readers(self) -> Counter[str]:
        """How many statements that evaluate something worth a name read a tensor."""
        costly = (s for s in self.program.statements if cost(s.body) >= WORTH)
        return Counter(name for s in costly for name in {a.name for a in accesses(s.body)})

    def beside(self, statement: Statement, access: Access, local: sp.Expr, visit: _Visit) -> sp.Expr:
        """The local derivative as an entry of a tensor of its own, where it calls functions.

        Evaluated beside the value it shares calls with it, and what it reads need not be kept.
        """
        if not self.lossy or statement.where or not calls(local) or local in postorder([statement.body]):
            return local  # what stands in the body itself is stored by `hoist`
        body, meant = defined(statement.body), defined(local)
        better = best_beside(body, meant, statement.access)
        if better is not None:
            before, (local, how) = meant, better
            saved = saved_beside(body, before, local, statement.access)
            visit.steps.append(Step(BESIDE, statement.target, before, local, saved, how))
        used = set(index_symbols(local))
        indices = tuple(i for i in statement.indices if i in used)
        wish = f"d{statement.target}/d{access.name}"
        called, branches = local, ()
        if isinstance(local, sp.Piecewise):
            branches = local.args
            called = sp.Piecewise(*((e if calls(e) else sp.S.Zero, c) for e, c in branches))
        slope = self.named(wish, indices, called, statement.origin)
        visit.slopes.append(slope)
        kept = slope.access
        # Zeros and ones stay visible: a product is taken inside of branches, see `partials.times`.
        return sp.Piecewise(*((kept if calls(e) else e, c) for e, c in branches)) if branches else kept

    def adjoint(self, name: str, statement: Statement) -> sp.Expr:
        """The adjoint of the target at the statement's indices; stored unless it is an alias."""
        terms = self.terms.pop(name, [])
        if name == self.output:
            seed = Term(statement.indices, sp.S.One)
            terms = [*terms, seed]
        body = self.combine(name, statement.indices, terms)
        if body.is_number or (isinstance(body, Access) and body.indices == statement.indices):
            if isinstance(body, Access):
                self.result.names[name] = body.name
            return body
        stored = self.define(self.adjoint_name(name), statement.indices, body, statement.origin)
        self.result.names[name] = stored.name
        return stored

    def combine(self, name: str, indices: tuple[Index, ...], terms: list[Term]) -> sp.Expr:
        """The sum of the terms over `indices`; terms that need loops of their own are stored first."""
        terms = gathered(terms)
        alone = len(terms) == 1
        bodies = []
        for k, term in enumerate(terms):
            if not term.bound and not term.where and isinstance(term.body, sp.Piecewise) and not alone:
                wish = part_of(self.adjoint_name(name), f"part{k + 1}")
                entry = self.define(wish, term.indices, term.body, term.origin)
                bodies.append(Access(entry.name, *indices))
            elif term.bound or term.where:
                whole = self.adjoint_name(name)
                wish = whole if alone else part_of(whole, f"part{k + 1}")
                entry = self.define(wish, term.indices, term.body, term.origin, term.bound, term.where)
                bodies.append(Access(entry.name, *indices))
            else:
                bodies.append(substitute(term.body, dict(zip(term.indices, indices, strict=True))))
        return total(*bodies)

    def contribution(self, s: Statement, access: Access, body: sp.Expr) -> Term:
        shape = self.program.tensors[access.name].shape
        axes: list[Index] = []
        conditions = list(s.where)
        for position, extent in zip(access.indices, shape, strict=True):
            if isinstance(position, Index) and position.extent == extent and position not in axes:
                axes.append(position)
                continue
            k = _fresh(extent, {*s.domain, *axes})
            axes.append(k)
            if extent == 1:
                body = self.along(k, body)
            else:
                conditions.append(sp.Eq(k, position))
        bound = tuple(i for i in s.domain if i not in axes)
        return without_delta(Term(tuple(axes), body, bound, tuple(conditions), s.origin))

    def along(self, k: Index, body: sp.Expr) -> sp.Expr:
        """With the index k of length 1 for the only entry 0 of vectors and rows that have one."""
        swap = {}
        for access in accesses(body):
            shape = self.program.tensors[access.name].shape if access.name in self.program.tensors else ()
            at = next((n for n, size in enumerate(shape) if size == 1 and access.indices[n] == 0), None)
            if at is not None:
                swap[access] = Access(access.name, *access.indices[:at], k, *access.indices[at + 1 :])
        return substitute(body, swap)

    def finish_gradient(self, name: str) -> None:
        tensor = self.program.tensors[name]
        letters = "ijklmpqr"
        indices = tuple(Index(letters[k], n) for k, n in enumerate(tensor.shape))
        body = self.combine(name, indices, added(self.terms.pop(name, [])))
        gradient = f"d{self.output}/d{name}"
        last = self.result.statements[-1] if self.result.statements else None
        if not (last and isinstance(body, Access) and body.name == last.target == gradient):
            gradient = self.define(gradient, indices, body, None).name
        self.result.gradients[name] = self.result.names[name] = gradient

    def adjoint_name(self, name: str) -> str:
        """delta1 for a pre-activation z1, dE/da1 for anything else, as zeta."""
        if name[:1] == "z" and not name[1:2].isalpha() and name not in self.wrt:
            return f"delta{name[1:]}"
        return f"d{self.output}/d{name}"

    def define(self, wish: str, indices, body, origin, bound=(), where=()) -> Access:
        statement = self.named(wish, indices, body, origin, bound, where)
        self.add(statement)
        return statement.access

    def named(self, wish: str, indices, body, origin, bound=(), where=()) -> Statement:
        name, k = wish, 1
        while name in self.taken:
            k += 1
            name = f"{wish}_{k}"
        self.taken.add(name)
        return Statement(name, indices, body, "sum" if bound else "none", bound, where, origin)

    def add(self, statement: Statement) -> None:
        name = statement.target
        self.taken.add(name)
        self.result.tensors.append(Tensor(name, tuple(i.extent for i in statement.indices)))
        self.result.statements.append(statement)


def _fresh(extent: int, taken: set[Index]) -> Index:
    names = {i.name for i in taken}
    return Index(
        next(
            n for n in ("k", "l", "m", "p", "q", *(f"k{c}" for c in range(len(names) + 1))) if n not in names
        ),
        extent,
    )


def _depends_on(program: Program, names: set[str]) -> set[str]:

    found = set(names)
    for statement in program.statements:
        if any(a.name in found for a in accesses(statement.body)):
            found.add(statement.target)
    return found
