"""One body in its stable form, from the leaves to the root.

Functions of one exponential get the cheapest form that keeps their digits (`accuracy`). What is left is
looked at node by node: each rule of `RULES` returns the node that stands for another, or None.
"""

from __future__ import annotations

import operator
from collections import ChainMap
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.ir.functions import log1p, times_logarithm
from symbp.ir.nodes import Access
from symbp.ir.products import product, total
from symbp.ir.walk import (
    accesses,
    chooses_by_choices,
    is_large,
    is_leaf,
    is_undefined,
    postorder,
    rebuild,
)
from symbp.passes.simplify.accuracy import accurate, answers_nan, vanishes
from symbp.passes.simplify.decaying import with_shared
from symbp.passes.simplify.ends import AT_ENDS, AT_LARGE, zero_at_ends
from symbp.passes.simplify.exponential_forms import SIZE
from symbp.passes.simplify.exponential_sums import exponent_of
from symbp.passes.simplify.floats import integer
from symbp.passes.simplify.ledger import BY_CONSTRUCTION
from symbp.passes.simplify.node_rules import AGAIN, RULES, SEEN
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
from symbp.passes.simplify.several_exponentials import keeps_scale, may_divide, shifted_quotients
from symbp.passes.simplify.single import EXPONENTIAL, Definitions, Single, combined, is_constant
from symbp.passes.simplify.squares import RULE as APART
from symbp.passes.simplify.squares import apart
from symbp.passes.simplify.vanishing import TRIED, opposed, zero_first
from symbp.passes.simplify.zero_factors import TRIED as TRIED_FAR
from symbp.passes.simplify.zero_factors import ZeroFactors

Note = Callable[[str, sp.Expr, sp.Expr, str], None]
"""Takes note of a rewrite: rule, before, after, how it was verified."""

LARGE = 2000
"""Bodies with more nodes, counted as a tree, are left as they are."""

FUNCTIONS = (*EXPONENTIAL, sp.log, log1p, sp.erf, sp.erfc)
"""What the rules are about; bodies without it are left alone at a glance."""

ROOTS = (sp.S.Half, -sp.S.Half)
"""Powers that they are about."""

BY_CONVENTION = "by convention: 0/0 is 0"
VANISHING = "zero times infinity"


class Rewriter:
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
        if not self.definitions.divided and not may_divide(body, parts):
            return body
        wider = self.definitions.written_out(body, parts)
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
                args = self.apart(args)
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
        for name, rule in RULES.items() if self.definitions.is_ruled(new) else ():
            found = rule(new, self.definitions.written_out)
            if found is not None:
                self.note(name, new, found, BY_CONSTRUCTION)
                # What entries hold is put in as it was written, not as it is evaluated.
                again = name == AGAIN or (name in SEEN and not _exponentials_stay(found, new))
                new = found
                if again:
                    inside = Rewriter(self.definitions, self.shared, self.note, self.facts, self.zeros)
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

    def apart(self, args: list[Any]) -> list[Any]:
        """The operands of a product, with quotients by squares that overflow divided twice."""
        if self.zeros is None or not self.definitions.relative:
            return args
        found = apart(args, self.written, self.zeros.grows)
        if found is not args:
            self.note(APART, sp.Mul(*args), sp.Mul(*found), BY_CONSTRUCTION)
        return found

    def written(self, access: Access) -> Any:
        """What an entry was written as; None of functions of one exponential, which have their best form."""
        return (
            None if access.name in self.definitions.singles or self.zeros is None else self.zeros.held(access)
        )

    def parts(self, body: sp.Expr) -> sp.Expr:
        """The body with formulas instead of the entries that hold exponentials."""
        return self.definitions.written_out(body, self.definitions.parts)

    def spread(self, node: sp.Mul) -> sp.Expr:
        """a (b + c) as a b + a c where a is 0 and b infinite, or the other way round, of one exponential."""
        for inner in node.args:
            if not isinstance(inner, sp.Add) or inner in self.single:
                continue
            outside = [f for f in node.args if any(self.are_opposed(f, term) for term in inner.args)]
            if outside:
                near = {self.single[f].argument for f in outside}
                taken = [f for f in node.args if f in self.single and self.single[f].argument in near]
                rest = [f for f in node.args if f is not inner and f not in taken]
                # The other terms stay one factor: of (x - y) a no digit goes to x a - y a.
                apart = [t for t in inner.args if any(self.are_opposed(f, t) for f in outside)]
                terms = [sp.Add(*(t for t in inner.args if t not in apart)), *apart]
                return sp.Mul(*rest, sp.Add(*(sp.Mul(*taken, term) for term in terms)))
        return node

    def are_opposed(self, factor: Any, term: Any) -> bool:
        """Whether a factor may be 0 where one of a term is infinite, or the other way round."""
        own = self.single.get(factor)
        return own is not None and any(opposed(own, self.single.get(f)) for f in sp.Mul.make_args(term))

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
        if isinstance(node, sp.Add) and constants and rational:
            own = (
                rational
                if len(rational) == 1
                else [k for k in rational if self.cancel(node, groups[k], constants)]
            )
            if len(own) == 1:
                groups[own[0]] += constants
        taken: set[int] = set()
        new = []
        for members in groups.values():
            if len(members) < 2:
                continue
            operands = [node.args[k] for k in members]
            single = self.together(node, operands)
            if single is None:
                continue
            plain = node.func(*(self.plain[a] for a in operands))
            result = self.chosen(single, plain)
            if result is not plain:
                new.append(result)
                meaning[result] = single
                taken.update(members)
        return [a for k, a in enumerate(args) if k not in taken] + new, meaning

    def cancel(self, node: Any, members: list[int], constants: list[int]) -> bool:
        """Whether functions of one exponential and constants are 0 together in the limit: 1 - tanh(x)^2."""
        wanted = (*members, *constants), members
        both, alone = (self.together(node, [node.args[k] for k in places]) for places in wanted)
        return both is not None and vanishes(both.body) and (alone is None or not vanishes(alone.body))

    def together(self, node: Any, operands: Sequence[Any]) -> Single | None:
        """Some operands of a sum or product as a function of one exponential."""
        if len(operands) < 2:
            return self.single.get(operands[0])
        some = (product if isinstance(node, sp.Mul) else total)(*operands)
        if type(some) is not type(node) or not all(a in self.known for a in some.args):
            return None
        return combined(some, [self.single.get(a) for a in some.args], self.known)


@lru_cache(maxsize=1024)
def _single_of(body: sp.Expr) -> Single | None:
    """A body that reads no definitions as a function of one exponential; None where it is none."""
    if is_large(body, 4 * SIZE):
        return None
    rewriter = Rewriter(Definitions(True), frozenset(), forget)
    rewriter.visited(body)
    return rewriter.single.get(body)


def _exponentials_stay(found: sp.Expr, node: sp.Expr) -> bool:
    """Whether all exponentials in `found` stand in `node` too."""
    known = {n for n in postorder([node]) if isinstance(n, EXPONENTIAL)}
    return all(n in known for n in postorder([found]) if isinstance(n, EXPONENTIAL))


def _leaf(node: sp.Basic) -> bool:
    return is_leaf(node) or isinstance(node, sp.logic.boolalg.Boolean)


def forget(*_: Any) -> None:
    """Take no note."""
