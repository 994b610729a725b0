"""Which parts of a body are functions of one exponential: what `accurate` can choose a form for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symbp.ir.functions import expm1, log1p, one_plus_erf
from symbp.ir.nodes import Access, Statement
from symbp.ir.products import product
from symbp.ir.walk import (
    accesses,
    conditions,
    has_choice,
    is_large,
    is_leaf,
    is_root,
    postorder,
    put_in,
    rebuild,
    substitute,
)
from symbp.passes.simplify.accuracy import accurate
from symbp.passes.simplify.exponential_forms import SIZE, X
from symbp.passes.simplify.exponential_sums import exponent_of
from symbp.passes.simplify.node_rules import CONCERNED, error_function
from symbp.passes.simplify.several_exponentials import may_divide, multiple, terms_of

CALLS = (sp.exp, sp.erf, sp.erfc, one_plus_erf, sp.log, sp.Pow)
EXPONENTIAL = (sp.exp, sp.tanh, sp.sinh, sp.cosh, expm1)


@dataclass(frozen=True)
class Single:
    """`body` with X = `argument`: a rational function of exp(X), or, where `logarithmic`, a sum of
    logarithms of such and multiples of X.

    Attributes:
        held: whether a tensor holds it, or all that it is made of, so that reading it is cheaper than any
            formula. It is evaluated as it stands; a logarithm of it is not.
        read: the body as it is evaluated if left alone: with the accurate values that tensors hold,
            where `body` has their formulas. None: as `body`.
    """

    argument: sp.Expr
    body: sp.Expr
    logarithmic: bool = False
    held: bool = False
    read: sp.Expr | None = None

    @property
    def evaluated(self) -> sp.Expr:
        return self.body if self.read is None else self.read

    @property
    def positive(self) -> bool:
        """Whether the argument is never negative."""
        return isinstance(self.argument, sp.Abs)

    def back(self, body: sp.Expr) -> sp.Expr:
        """A body over X in terms of what X stands for.

        Of an argument whose sign is not to be seen, SymPy is not asked for it.
        """
        if isinstance(self.argument, Access) or self.positive or is_constant(self.argument):
            return substitute(body, {X: self.argument})
        return put_in(body, {X: self.argument})


class Definitions:
    """What tensors hold entry by entry: functions of one exponential, and multiples of calls or powers.

    A formula whose parts are shared stands in several statements; the rules have to see it whole.

    Attributes:
        calls: multiples of single calls and powers, sums of exponentials, and sums with 1, by the tensor that
            holds them.
        parts: bodies with exponentials that are not scaled.
        sums: whether one of them sums several exponentials.
        divided: whether there may be a quotient in one of them.
        nested: whether one of them is a function of an exponential of an exponential.
        ends: whether values at infinite arguments are looked at.
        ruled: the names of the calls that the rules for single nodes are about.
        relative: whether the formulas of all tensors are looked at. Otherwise, what is no sum of
            exponentials is `held`: a (1 - a) stays what it is, log(a) and log(1 - a) are seen through.
    """

    def __init__(self, relative: bool) -> None:
        self.relative = relative
        self.singles: dict[str, tuple[Statement, Single]] = {}
        self.calls: dict[str, Statement] = {}
        self.parts: dict[str, Statement] = {}
        self.sums = False
        self.divided = False
        self.nested = False
        self.ends = False
        self.ruled: set[str] = set()
        self._written: dict[tuple[int, bool], tuple[sp.Expr, sp.Expr]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.singles or name in self.calls or name in self.parts

    def add(self, statement: Statement, single: Single | None, whole: bool) -> None:
        """Learn what a statement says.

        Args:
            whole: whether it is a quotient in which the scale of its exponentials cancels.
        """
        if statement.reduce == "none" and not statement.where:
            self._learn(statement, single, whole)
            self._written.clear()

    def _learn(self, statement: Statement, single: Single | None, whole: bool) -> None:
        if single is not None:
            self.singles[statement.target] = (statement, single)
            argument = self.written_out(single.argument)
            self.nested = self.nested or any(isinstance(n, sp.exp) for n in postorder([argument]))
        body = self.written_out(statement.body, self.parts)
        if is_large(body, SIZE):
            return
        body = _with_complements(body)
        one_more = isinstance(body, sp.Add) and sp.S.One in body.args  # log1p is more accurate than log of it
        if isinstance(body.as_coeff_Mul()[1], CALLS) or terms_of(body) or one_more:
            self.calls[statement.target] = statement.with_body(body)
            if is_concerned(body):
                self.ruled.add(statement.target)
        if not whole and any(exponent_of(n) is not None for n in postorder([body])):
            self.parts[statement.target] = statement.with_body(body)
            self.sums = self.sums or any(map(terms_of, postorder([body])))
            self.divided = self.divided or may_divide(body)

    def is_ruled(self, body: sp.Expr) -> bool:
        """Whether the rules for single nodes are about a body, perhaps with calls instead of entries."""
        return is_concerned(body) or (bool(self.ruled) and any(a.name in self.ruled for a in accesses(body)))

    def get(self, access: Access) -> Single | None:
        if access.name not in self.singles:
            return None
        statement, single = self.singles[access.name]
        swap = dict(zip(statement.indices, access.indices, strict=True))
        held = not self.relative and not _is_sum_of_exponentials(single.body)
        u = substitute(single.argument, swap)
        read = accurate(single.body, self.relative, single.positive, single.read).form
        return Single(u, single.body, single.logarithmic, held, read)

    def formula(self, body: sp.Expr) -> sp.Expr:
        """A body with the functions of one exponential instead of the entries that hold them."""
        known = {a: self.get(a) for a in accesses(body)}
        return substitute(body, {a: s.back(s.body) for a, s in known.items() if s is not None})

    def written_out(self, body: sp.Expr, what: Mapping[str, Statement] | None = None) -> sp.Expr:
        """A body with `what` (default: the calls) instead of the entries that hold it."""
        # Every rule asks for the same. By identity: 1.0 equals 1.
        key = id(body), what is None
        if key not in self._written:
            self._written[key] = body, self._with(body, self.calls if what is None else what)
        return self._written[key][1]

    def _with(self, body: sp.Expr, what: Mapping[str, Statement]) -> sp.Expr:
        read = [a for a in accesses(body) if a.name in what] if what else []
        if not read:
            return body
        swap = {}
        asked = {a for c in conditions(body) for a in accesses(c)}
        for access in read:
            statement = what[access.name]
            # SymPy cannot build functions of a choice whose condition holds a choice.
            if not (access in asked and has_choice(statement.body)):
                indices = dict(zip(statement.indices, access.indices, strict=True))
                swap[access] = substitute(statement.body, indices)
        return substitute(body, swap) if swap else body


def _with_complements(body: sp.Expr) -> sp.Expr:
    """The body with 1 + erf(u) and erfc(u) as single calls, which is how they are evaluated."""
    order = postorder([body])
    if not any(isinstance(n, sp.erf | sp.erfc) for n in order):
        return body
    done: dict[sp.Basic, Any] = {}
    for node in order:
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        done[node] = error_function(new) or new
    return done[body]


def _is_sum_of_exponentials(body: sp.Expr) -> bool:
    return all(
        isinstance(f, sp.exp) or f.is_number
        for term in sp.Add.make_args(body)
        for f in sp.Mul.make_args(term)
    )


def combined(node: sp.Basic, parts: Sequence[Any], plain: Mapping[sp.Basic, sp.Basic]) -> Single | None:
    """The node as a function of one exponential, from the same of its operands; None where it is none.

    Args:
        parts: a Single, or None, for every operand.
        plain: the operands as they are computed otherwise.
    """
    found = _combined(node, parts, plain)
    if found is None or is_large(found.body, SIZE):
        return None
    known = [p for p in parts if p is not None]
    if known and all(p.held for p in known) and not isinstance(node, sp.Function):
        return replace(found, held=True)
    return found


def _combined(node: sp.Basic, parts: Sequence[Any], plain: Mapping[sp.Basic, sp.Basic]) -> Single | None:
    if isinstance(node, EXPONENTIAL):
        u, factor = multiple(plain[node.args[0]])  # type: ignore[arg-type]
        return None if u.is_number else Single(u, rebuild(node, (product(factor, X),)))  # type: ignore[arg-type]
    singles = [p for p in parts if p is not None]
    if not singles or len({p.argument for p in singles}) > 1:
        return None
    u, logarithmic = singles[0].argument, any(p.logarithmic for p in singles)
    if isinstance(node, sp.log | log1p) and not logarithmic:
        return _over(node, u, [singles[0].body], [singles[0].evaluated], True)
    if isinstance(node, sp.Pow) and node.exp.is_Integer and not logarithmic:
        return _over(node, u, [singles[0].body, node.exp], [singles[0].evaluated, node.exp], False)
    if not isinstance(node, sp.Add | sp.Mul):
        return None
    bodies, read = [], []
    for arg, part in zip(node.args, parts, strict=True):
        if part is not None:
            bodies.append(part.body)
            read.append(part.evaluated)
            continue
        of, factor = multiple(plain[arg])  # type: ignore[arg-type]
        if is_constant(arg):
            term = arg
        elif isinstance(node, sp.Add) and logarithmic and of == u:
            term = factor * X
        else:
            return None
        bodies.append(term)
        read.append(term)
    if logarithmic and isinstance(node, sp.Mul) and len(singles) > 1:
        return None
    if logarithmic and isinstance(node, sp.Add) and not all(p.logarithmic for p in singles):
        return None
    return _over(node, u, bodies, read, logarithmic)


def _over(node: sp.Basic, u: sp.Expr, bodies: list, read: list, logarithmic: bool) -> Single:
    same = all(a is b for a, b in zip(bodies, read, strict=True))
    return Single(u, node.func(*bodies), logarithmic, read=None if same else node.func(*read))


def is_concerned(body: sp.Expr) -> bool:
    """Whether a body, or a part of it, is what the rules for single nodes are about."""
    return any(isinstance(n, CONCERNED) or is_root(n) for n in postorder([body]))


def is_constant(node: sp.Basic) -> bool:
    return isinstance(node, sp.Rational | sp.Float)
