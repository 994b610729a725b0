"""Stable forms: bodies that overflow or cancel, rewritten by formula; the last pass before scheduling.

Functions of one exponential get the cheapest form that keeps their digits (`accuracy`). What is left is
looked at node by node: each rule of `RULES` returns the node that stands for another, or None.
"""

from __future__ import annotations

import operator
from collections import ChainMap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.ir.functions import finite, log1p, times_logarithm
from symbp.ir.nodes import Access, Program, Statement
from symbp.ir.walk import (
    accesses,
    chooses_by_choices,
    is_large,
    is_leaf,
    is_undefined,
    postorder,
    rebuild,
)
from symbp.passes.cost import cost
from symbp.passes.simplify.accuracy import accurate, answers_nan
from symbp.passes.simplify.compensate import compensated
from symbp.passes.simplify.decaying import decaying, with_shared
from symbp.passes.simplify.ends import AT_ENDS, AT_LARGE, zero_at_ends
from symbp.passes.simplify.exponential_forms import SIZE
from symbp.passes.simplify.exponential_sums import exponent_of
from symbp.passes.simplify.floats import integer
from symbp.passes.simplify.ledger import BY_CONSTRUCTION, Ledger, Step
from symbp.passes.simplify.node_rules import AGAIN, RULES, SEEN, maximum_first
from symbp.passes.simplify.one_variable import without_nans
from symbp.passes.simplify.peak_rules import (
    MASKED,
    NEAR_ONE,
    NO_FACTS,
    NOTHING,
    Facts,
    counted_divisor,
    logarithm_near_one,
    masked_first,
)
from symbp.passes.simplify.rescue import rescued
from symbp.passes.simplify.several_exponentials import keeps_scale, shifted_quotients
from symbp.passes.simplify.single import EXPONENTIAL, Definitions, Single, combined, is_concerned, is_constant
from symbp.passes.simplify.vanishing import TRIED, opposed, zero_first
from symbp.passes.simplify.zero_factors import TRIED as TRIED_FAR
from symbp.passes.simplify.zero_factors import ZeroFactors

Note = Callable[[str, sp.Expr, sp.Expr, str], None]
"""Takes note of a rewrite: rule, before, after, how it was verified."""

FEW = 100
"""Statements of a program up to which products are looked at where their variable is infinite."""
LARGE = 2000
"""Bodies with more nodes, counted as a tree, are left as they are."""

FUNCTIONS = (*EXPONENTIAL, sp.log, log1p, sp.erf, sp.erfc)
"""What the rules are about; bodies without it are left alone at a glance."""

ROOTS = (sp.S.Half, -sp.S.Half)
"""Powers that they are about."""

BY_CONVENTION = "by convention: 0/0 is 0"
VANISHING = "zero times infinity"


def stable_forms(program: Program, ledger: Ledger | None = None, relative: bool = False) -> Program:
    """Every statement in its stable form.

    Args:
        ledger: takes note of every rewrite.
        relative: whether values close to 0 must be right relative to themselves, at the price of
            evaluating exponentials again that another tensor holds.
    """
    if relative:
        statements = _rewritten(program, True, frozenset(), ledger)
        found = program.rebuilt(compensated(statements, program.statement_of()))
        if len(program.statements) > FEW:
            return found
        written = program.statement_of()
        carried, mended = rescued(found, written)
        found, limits = without_nans(carried, written, found)
        for step in (*mended, *limits) if ledger is not None else ():
            ledger.note(step)  # type: ignore[union-attr]
        return found
    steps = Ledger()
    statements = _rewritten(program, False, frozenset(), steps)
    shared = frozenset(key for s in statements for key in decaying(s.body))
    if shared:
        steps = Ledger()
        statements = _rewritten(program, False, shared, steps)
    if ledger is not None:
        for step in steps.steps:
            ledger.note(step)
    return program.rebuilt(statements)


def _rewritten(program: Program, relative: bool, shared: frozenset, ledger: Ledger | None) -> list[Statement]:
    definitions, facts = Definitions(relative), Facts.of(program.statements, program.tensors)
    definitions.ends = not relative or len(program.statements) <= FEW
    zeros = ZeroFactors(program.statement_of(), facts.maxima) if definitions.ends else None
    statements = []
    for statement in program.statements:

        def note(rule: str, before: sp.Expr, after: sp.Expr, how: str, name: str = statement.target) -> None:
            if ledger is not None:
                ledger.note(Step(rule, name, before, after, cost(before) - cost(after), how))

        if is_large(statement.body, LARGE):
            statements.append(statement)
            continue
        rewriter = _Rewriter(definitions, shared, note, facts, zeros)
        body = maximum_first(rewriter.body(statement.body), facts.maxima)
        statements.append(statement.with_body(finite(body) if statement.reduce == "max" else body))
        definitions.add(statement, rewriter.single.get(statement.body), rewriter.whole)
    return statements


@lru_cache(maxsize=4096)
def stable_body(body: sp.Expr, relative: bool = True) -> sp.Expr:
    """One body in its stable form."""
    return _Rewriter(Definitions(relative), frozenset(), _forget).body(body)


def _forget(*_: Any) -> None:
    pass


class _Rewriter:
    """Rewrites bodies from the leaves to the root.

    A node that is a function of one exponential waits, as `single`, until its parents are no longer such
    a function; then the whole of it is written in its best form.

    Attributes:
        single: what waits, by node.
        plain: every node with its operands rewritten, itself not.
        done: every node in its final form, where it was needed.
        whole: whether quotients of several exponentials were shifted.
    """

    def __init__(
        self,
        definitions: Definitions,
        shared: frozenset,
        note: Note,
        facts: Facts = NO_FACTS,
        zeros: ZeroFactors | None = None,
    ):
        self.definitions, self.shared, self.note, self.facts = definitions, shared, note, facts
        self.zeros = zeros
        self.single: dict[sp.Basic, Single] = {}
        self.plain: dict[sp.Basic, Any] = {}
        self.done: dict[sp.Basic, Any] = {}
        self.known = ChainMap(self.done, self.plain)
        self.whole = False

    def body(self, body: sp.Expr) -> sp.Expr:
        if not any(self.matters(n) for n in postorder([body])):
            return body
        body = self.shifted(body)
        # Conditions are left alone: rewritten, they could decide differently.
        self.visited(body)
        found = self.final(body)
        # SymPy makes the root of a negative number imaginary, also where it stands in a branch not taken.
        return body if is_undefined(found) else found

    def shifted(self, body: sp.Expr) -> sp.Expr:
        """The body with quotients of several exponentials shifted, also where parts of them are held."""
        parts = self.definitions.parts
        exponentials = [n for n in postorder([body]) if exponent_of(n) is not None]
        exponentials += [a for a in accesses(body) if a.name in parts]
        if not self.definitions.sums and len(exponentials) < 2:
            return body
        wider = self.definitions.written_out(body, self.definitions.parts)
        new = body if is_large(wider, LARGE) else shifted_quotients(wider)
        if new in (body, wider):
            return body
        self.whole = not keeps_scale(wider)
        self.note("quotient of exponentials", wider, new, BY_CONSTRUCTION)
        return new

    def matters(self, node: sp.Basic) -> bool:
        if isinstance(node, Access):
            return node.name in self.definitions or node.name in self.facts.sums
        return isinstance(node, FUNCTIONS) or (isinstance(node, sp.Pow) and node.exp in ROOTS)

    def visit(self, node: sp.Basic) -> None:
        if isinstance(node, Access):
            self.plain[node] = self.done[node] = node
            known = self.definitions.get(node)
            if known is not None:
                self.single[node] = known
            return
        if _leaf(node):
            self.plain[node] = self.done[node] = integer(node) if isinstance(node, sp.Float) else node
            return
        single = None
        if not isinstance(node, sp.functions.elementary.piecewise.ExprCondPair | sp.Piecewise):
            for argument in node.args if isinstance(node, sp.Function) else ():
                self.final(argument)
            parts = [self.single.get(a) if a.args else None for a in node.args]
            single = combined(node, parts, self.known)
        if single is not None:
            self.single[node] = single
            # What an exponential is of is final, and named by `single`; what a logarithm is of may wait.
            operands = self.known if isinstance(node, EXPONENTIAL) else self.plain
            self.plain[node] = rebuild(node, tuple(operands[a] for a in node.args))
        else:
            self.plain[node] = self.done[node] = self.mixed(node)

    def final(self, node: sp.Basic) -> Any:
        if isinstance(node, sp.Float):
            return integer(node)  # faster than to look it up
        if node not in self.done:
            single = self.single.get(node)
            self.done[node] = self.plain[node] if single is None else self.chosen(single, self.plain[node])
        return self.done[node]

    def chosen(self, single: Single, plain: sp.Expr) -> sp.Expr:
        """The best form of a function of one exponential; `plain` where it is good enough."""
        if single.held and not answers_nan(single.evaluated):
            return plain
        relative = self.definitions.relative
        choice = accurate(single.body, relative, single.positive, single.read)
        if self.shared:
            choice = with_shared(single, choice, self.shared)
        if not choice.rule:
            return plain
        result = single.back(choice.form)
        self.note(choice.rule, plain, result, choice.verified)
        return result

    def mixed(self, node: Any) -> Any:
        """A node that is no function of one exponential, from what its operands are."""
        spread = self.spread(node) if isinstance(node, sp.Mul) else node
        if spread is not node:
            self.note("factor into a sum", node, spread, BY_CONSTRUCTION)
            self.visited(spread)
            return self.final(spread)
        args = [self.final(a) for a in node.args]
        if isinstance(node, sp.Add | sp.Mul):
            args, meaning = self.grouped(node, args)
            if isinstance(node, sp.Mul):
                args = self.zero_first(node, args, meaning)
            # Compared by identity: 1.0 equals 1.
            same = len(args) == len(node.args) and all(map(operator.is_, args, node.args))
            new = node if same else node.func(*args, evaluate=not any(map(chooses_by_choices, args)))
        else:
            new = rebuild(node, tuple(args))
        if self.facts.from_zero and isinstance(new, sp.log):
            near_one = logarithm_near_one(new, self.parts, self.facts)
            if near_one is not None:
                self.note(NEAR_ONE, new, near_one, BY_CONSTRUCTION)
                return near_one
        if self.facts.sums or self.facts.masked:
            divisor = counted_divisor(new, node, self.facts)
            if divisor is not None:
                self.note(NOTHING, new, divisor, BY_CONVENTION)
                return divisor
        for name, rule in RULES.items() if self.definitions.ruled or is_concerned(new) else ():
            found = rule(new, self.definitions.written_out)
            if found is not None:
                self.note(name, new, found, BY_CONSTRUCTION)
                # What entries hold is put in as it was written, not as it is evaluated.
                again = name == AGAIN or (name in SEEN and not _exponentials_stay(found, new))
                new = found
                if again:
                    inside = _Rewriter(self.definitions, self.shared, self.note, self.facts, self.zeros)
                    new = inside.body(new)
        return new

    def zero_first(self, node: sp.Mul, args: list[Any], meaning: dict[Any, Single]) -> list[Any]:
        """The operands of a product, 0 times infinity seen to: exp(z) (1 - a^2) with a = tanh(exp(z))."""
        relative = self.definitions.relative
        if self.definitions.nested and not relative:
            for arg in args:
                single = None if arg in meaning else _single_of(self.definitions.formula(arg))
                if single is not None:
                    meaning[arg] = single
        found = zero_first(args, meaning, self.definitions.written_out, not relative)
        if len(found) != len(args):
            self.note(VANISHING, sp.Mul(*args), sp.Mul(*found), TRIED)
        elif self.definitions.ends:
            found = zero_at_ends(args, lambda body: self.definitions.written_out(self.parts(body)))
            if len(found) != len(args):
                self.note(AT_ENDS, sp.Mul(*args), sp.Mul(*found), AT_LARGE)
            elif self.zeros is not None:
                found = self.zeros.first(args)
                if any(isinstance(f, times_logarithm) and f not in args for f in found):
                    self.note(VANISHING, sp.Mul(*args), sp.Mul(*found), TRIED_FAR)
                else:
                    found = args
        if self.facts.masked:
            args, found = found, masked_first(found, self.parts, self.facts)
            if found is not args:
                self.note(MASKED, sp.Mul(*args), sp.Mul(*found), BY_CONSTRUCTION)
        return found

    def parts(self, body: sp.Expr) -> sp.Expr:
        """The body with formulas instead of the entries that hold exponentials."""
        return self.definitions.written_out(body, self.definitions.parts)

    def spread(self, product: sp.Mul) -> sp.Expr:
        """a (b + c) as a b + a c where a is 0 and b infinite, or the other way round, of one exponential."""
        for total in product.args:
            if not isinstance(total, sp.Add) or total in self.single:
                continue
            inside = [self.single.get(f) for term in total.args for f in sp.Mul.make_args(term)]
            outside = [
                f
                for f in product.args
                if any(opposed(self.single.get(f), other) for other in inside if other is not None)
            ]
            if outside:
                near = {self.single[f].argument for f in outside}
                taken = [f for f in product.args if f in self.single and self.single[f].argument in near]
                rest = [f for f in product.args if f is not total and f not in taken]
                # Terms that no exponential is in stay one factor: of (x - y) a no digit goes to x a - y a.
                plain = [t for t in total.args if not any(f in self.single for f in sp.Mul.make_args(t))]
                terms = [sp.Add(*plain), *(t for t in total.args if t not in plain)]
                return sp.Mul(*rest, sp.Add(*(sp.Mul(*taken, term) for term in terms)))
        return product

    def visited(self, body: sp.Expr) -> None:
        for part in postorder([body], leaf=_leaf):
            if part not in self.plain:
                self.visit(part)

    def grouped(self, node: Any, args: list[Any]) -> tuple[list[Any], dict[Any, Single]]:
        """The operands of a sum or product, with functions of the same exponential taken together, and
        which of them are functions of one exponential."""
        meaning = {a: self.single[n] for n, a in zip(node.args, args, strict=True) if n in self.single}
        groups: dict[Any, list[int]] = {}
        for k, arg in enumerate(node.args):
            single = self.single.get(arg)
            if single is not None and not (single.logarithmic and isinstance(node, sp.Mul)):
                groups.setdefault((single.argument, single.logarithmic), []).append(k)
        constants = [k for k, arg in enumerate(node.args) if is_constant(arg)]
        rational = [key for key in groups if not key[1]]
        if isinstance(node, sp.Add) and len(rational) == 1:
            groups[rational[0]] += constants
        taken: set[int] = set()
        new = []
        for members in groups.values():
            if len(members) < 2:
                continue
            operands = [node.args[k] for k in members]
            together = node.func(*operands)
            single = combined(together, [self.single.get(a) for a in together.args], self.known)
            if single is None:
                continue
            plain = node.func(*(self.plain[a] for a in operands))
            result = self.chosen(single, plain)
            if result is not plain:
                new.append(result)
                meaning[result] = single
                taken.update(members)
        return [a for k, a in enumerate(args) if k not in taken] + new, meaning


@lru_cache(maxsize=1024)
def _single_of(body: sp.Expr) -> Single | None:
    """A body that reads no definitions as a function of one exponential; None where it is none."""
    if is_large(body, 4 * SIZE):
        return None
    rewriter = _Rewriter(Definitions(True), frozenset(), _forget)
    rewriter.visited(body)
    return rewriter.single.get(body)


def _exponentials_stay(found: sp.Expr, node: sp.Expr) -> bool:
    """Whether all exponentials in `found` stand in `node` too."""
    known = {n for n in postorder([node]) if isinstance(n, EXPONENTIAL)}
    return all(n in known for n in postorder([found]) if isinstance(n, EXPONENTIAL))


def _leaf(node: sp.Basic) -> bool:
    return is_leaf(node) or isinstance(node, sp.logic.boolalg.Boolean)
