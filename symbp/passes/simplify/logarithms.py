"""Logarithms: what stands in a logarithm is put in from its own equation, where exponentials cancel.

    p = exp(z)/s,            E = -sum y log(p)     ->   E = -sum y (z - log(s))
    p = 1/(1 + exp(-z)),     E = log(1 - p)        ->   E = -log(1 + exp(z))

Through p alone the logarithm of a probability that rounds to 0 is infinite, however harmless the formula
as a whole. Done before differentiation, so that the gradient passes by p as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.ir.forms import logarithm
from symbp.ir.nodes import Access, Program, Statement
from symbp.ir.walk import accesses, is_large, is_leaf, operations, postorder, rebuild, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.common_scale import with_scales_outside
from symbp.passes.simplify.exponential_forms import in_exponentials
from symbp.passes.simplify.ledger import BY_CONSTRUCTION, Ledger, Step
from symbp.passes.simplify.log_differences import relative_logarithms
from symbp.passes.simplify.rational import Rational, cancelled, exponent, rational
from symbp.passes.simplify.shares import Wholes
from symbp.passes.simplify.single import EXPONENTIAL
from symbp.passes.simplify.verify import verified

RULE = "logarithm of a definition"
PRODUCT = "logarithm of a product"
DIFFERENCE = "exponent and logarithm of a sum with it"
LIMIT = 40
"""Operations of a logarithm's argument, with all that is put into it."""
DEGREE = 12
MOST = 2000
"""Nodes, counted as a tree, of a body in which numbers are looked for that terms of sums have in common."""


def expand_logarithms(program: Program, ledger: Ledger | None = None) -> Program:
    """Every logarithm of exponentials from other equations, as a sum of what is stable to evaluate."""
    facts = _Facts(program)
    statements: list[Statement] = []
    made: list[Statement] = []
    for statement in program.statements:
        statement = _relative(_expanded(_scaled(statement, ledger), facts, ledger), ledger)
        new = facts.wholes.new(statement)
        for s in (*new, statement):
            facts.learn(s)
        statements += [*new, statement]
        made += new
    return program.rebuilt(statements, map(facts.wholes.tensor, made))


class _Facts:
    """What is known of the tensors defined so far.

    Attributes:
        exponential: elementwise rational functions of exponentials, perhaps through others of the kind.
        positive: tensors all of whose entries are positive.
        wholes: sums of what is positive, and the shares of its terms.
    """

    def __init__(self, program: Program) -> None:
        self.exponential: dict[str, Statement] = {}
        self.positive: set[str] = set()
        self.wholes = Wholes(program)

    def learn(self, s: Statement) -> None:
        if s.where or is_large(s.body, 4 * LIMIT):
            return
        if s.reduce == "none" and operations(s.body) <= LIMIT and self.is_exponential(s.body):
            self.exponential[s.target] = s
        self.wholes.learn(s)
        if self.is_positive(s.body):
            self.positive.add(s.target)
            if s.reduce == "sum":
                self.wholes.learn_sum(s, self.written_out(s.body))

    def is_exponential(self, body: sp.Expr) -> bool:
        found = False
        for node in postorder([body], leaf=_leaf):
            if isinstance(node, EXPONENTIAL):
                found = True
            elif isinstance(node, Access):
                found = found or node.name in self.exponential
            elif not (node.is_number or _is_rational(node)):
                return False
        return found

    def is_positive(self, body: sp.Expr) -> bool:
        done: dict[sp.Basic, bool] = {}
        for node in postorder([body], leaf=_leaf):
            if isinstance(node, Access):
                done[node] = node.name in self.positive
            elif _leaf(node):
                done[node] = isinstance(node, sp.exp | sp.cosh) or bool(node.is_number and node.is_positive)
            elif isinstance(node, sp.Pow):
                done[node] = done[node.base]
            else:
                done[node] = _is_rational(node) and all(done[a] for a in node.args)
        return done[body]

    def written_out(self, body: sp.Expr) -> sp.Expr:
        """The body with exponential tensors replaced by their formulas; exponents are left alone."""
        while True:
            swap = {}
            for node in postorder([body], leaf=_leaf):
                source = self.exponential.get(node.name) if isinstance(node, Access) else None
                if source is not None:
                    indices = dict(zip(source.indices, node.indices, strict=True))
                    swap[node] = substitute(source.body, indices)
            if not swap:
                return body
            wider = _replaced(body, swap)
            if operations(wider) > LIMIT or is_large(wider, 4 * LIMIT):
                return body
            body = wider


def _leaf(node: sp.Basic) -> bool:
    return is_leaf(node) or isinstance(node, EXPONENTIAL)


def _is_rational(node: Any) -> bool:
    return isinstance(node, sp.Add | sp.Mul) or (isinstance(node, sp.Pow) and bool(node.exp.is_Integer))


def _replaced(body: sp.Expr, swap: dict) -> sp.Expr:
    done: dict[sp.Basic, Any] = {}
    for node in postorder([body], leaf=_leaf):
        done[node] = swap.get(node, node) if _leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
    return done[body]


def _expanded(statement: Statement, facts: _Facts, ledger: Ledger | None) -> Statement:
    logs = [n for n in postorder([statement.body]) if isinstance(n, sp.log)]
    swap: dict[Any, Any] = {}
    for log in logs:
        if is_large(log, 4 * LIMIT) or operations(log) > LIMIT:
            continue
        whole = logarithm(facts.written_out(log.args[0]))
        product = whole != log or _is_product(log.args[0])
        if not product and not facts.wholes.is_concerned(log.args[0]):
            continue
        # log(exp(z)) is z to SymPy.
        found = _without_powers(whole, facts) if isinstance(whole, sp.log) else whole
        if found is None or not (product or facts.wholes.choices(found)):
            continue
        how = _verified(whole, found, facts)
        if how is None:
            continue
        swap[log] = found
        if ledger is not None:
            rule = PRODUCT if whole == log else RULE
            ledger.note(Step(rule, statement.target, whole, found, cost(log) - cost(found), how))
    return replace(statement, body=_with(statement.body, swap)) if swap else statement


def _scaled(s: Statement, ledger: Ledger | None) -> Statement:
    body = s.body if is_large(s.body, MOST) else with_scales_outside(s.body)
    if body == s.body:
        return s
    if ledger is not None:
        ledger.note(Step(PRODUCT, s.target, s.body, body, cost(s.body) - cost(body), BY_CONSTRUCTION))
    return s.with_body(body)


def _relative(s: Statement, ledger: Ledger | None) -> Statement:
    body = relative_logarithms(s.body)
    if body == s.body:
        return s
    how = verified(s.body, body)
    if how is None:
        return s
    if ledger is not None:
        ledger.note(Step(DIFFERENCE, s.target, s.body, body, cost(s.body) - cost(body), how))
    return s.with_body(body)


def _is_product(body: sp.Expr) -> bool:
    """Whether it is a product of exponentials and what is no function of the same exponential."""
    if not isinstance(body, sp.Mul):
        return False
    if any(isinstance(f, sp.exp) for f in body.args):
        return True
    arguments = {exponent(n)[0] for n in postorder([body], leaf=_leaf) if isinstance(n, EXPONENTIAL)}
    others = [f for f in body.args if not f.is_number and not _has_exponential(f)]
    return len(arguments) > 1 or (len(arguments) == 1 and bool(others))


def _has_exponential(body: sp.Expr) -> bool:
    return any(isinstance(n, EXPONENTIAL) for n in postorder([body], leaf=_leaf))


def _with(body: sp.Expr, swap: dict) -> sp.Expr:
    done: dict[sp.Basic, Any] = dict(swap)
    for node in postorder([body], leaf=lambda n: is_leaf(n) or n in swap):
        if node not in done:
            done[node] = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
    return done[body]


def _verified(before: sp.Expr, after: sp.Expr, facts: _Facts) -> str | None:
    """How it is known that a logarithm is what was found, in every branch of what stands for 1 - share."""
    choices = facts.wholes.choices(after)
    given = {access: body for left in choices.values() for access, body in left.definitions.items()}
    how = None
    for k in range(2 if choices else 1):
        branch = _with(after, {choice: choice.args[k].expr for choice in choices})
        how = verified(*(_all_positive(substitute(e, given), facts) for e in (before, branch)))
        if how is None:
            break
    return how


def _all_positive(body: sp.Expr, facts: _Facts) -> sp.Expr:
    """For the check at points: exponentials where only positive values can stand."""
    positive = facts.positive | facts.wholes.made.keys()
    return substitute(body, {a: sp.exp(a) for a in accesses(body) if a.name in positive})


@dataclass
class _Factors:
    """constant * product of exponentials * product of others, each to a power."""

    constant: sp.Rational
    powers: dict[sp.Symbol, int]
    others: list[tuple[sp.Expr, int]]


def _without_powers(log: sp.log, facts: _Facts) -> sp.Expr | None:
    """log of a product as a sum; of p^y (1 - p)^(1 - y), both positive, y log(p) + (1 - y) log(1 - p)."""
    factors = sp.Mul.make_args(log.args[0])
    powers = [f for f in factors if isinstance(f, sp.Pow) and accesses(f.exp) and _is_positive(f.base, facts)]
    if not powers:
        return _sum_of_logarithms(log, facts)
    rest = sp.Mul(*(f for f in factors if f not in powers))
    terms = [_logarithm(rest, facts)]
    for power in powers:
        inner = _logarithm(power.base, facts)
        terms.append(None if inner is None else power.exp * inner)
    return None if any(t is None for t in terms) else sp.Add(*terms)


def _logarithm(body: sp.Expr, facts: _Facts) -> sp.Expr | None:
    log = sp.log(body)  # log(1) is 0, and log(exp(z)) is z
    return _sum_of_logarithms(log, facts) if isinstance(log, sp.log) else log


def _is_positive(body: sp.Expr, facts: _Facts) -> bool:
    """Whether a rational function of exponentials and positive tensors is seen to be positive."""
    r = rational([in_exponentials(body)])
    parts = _factors(r)
    if parts is None or parts.constant <= 0:
        return False
    positive = _positive_symbols(r, facts)
    return all(
        set(f.free_symbols) <= positive and all(c.is_positive for c in sp.Poly(f).coeffs())
        for f, _ in parts.others
    )


def _positive_symbols(r: Rational, facts: _Facts) -> set[sp.Symbol]:
    held = {s for s, a in r.meaning.items() if isinstance(a, Access) and a.name in facts.positive}
    return held | r.exponentials


def _sum_of_logarithms(log: sp.log, facts: _Facts) -> sp.Expr | None:
    """log of a product as a sum; None where a difference of exponentials and other values remains."""
    r = rational([in_exponentials(log.args[0])])
    parts = _factors(r)
    if parts is None:
        return None
    terms: list[sp.Expr] = []
    rest: list[sp.Expr] = []
    positive = _positive_symbols(r, facts)
    for factor, n in parts.others:
        if not set(factor.free_symbols) <= positive:
            if set(factor.free_symbols) & r.exponentials:
                return None
            rest.append(factor**n)
        elif all(c.is_positive for c in sp.Poly(factor).coeffs()):
            terms.append(n * sp.log(r.back(_turned(factor, n, parts.powers, r))))
        elif len(factor.free_symbols) == 1 and n % 2 and parts.constant < 0:
            parts.constant = -parts.constant
            terms.append(n * sp.log(r.back(-factor)))
        elif len(factor.free_symbols) == 1:
            terms.append(n * sp.log(r.back(factor)))
        else:
            left, sign = facts.wholes.left(factor, r), 1
            if left is None:
                left, sign = facts.wholes.left(-factor, r), -1
            if left is None:
                return None
            parts.constant *= sign**n
            terms.append(n * left.logarithm + n * sp.log(left.whole))
    if rest or parts.constant != 1:
        terms.append(sp.log(r.back(sp.Mul(parts.constant, *rest))))
    terms += [n * r.meaning[t].args[0] for t, n in parts.powers.items() if n]
    return sp.Add(*terms)


def _factors(r: Rational) -> _Factors | None:
    known = _factored(r.bodies[0], r.exponentials)
    return known and replace(known, powers=dict(known.powers), others=list(known.others))


@lru_cache(maxsize=1024)
def _factored(body: sp.Expr, exponentials: frozenset[sp.Symbol]) -> _Factors | None:
    """The factors of a body over symbols, which are the same for all terms of a long sum."""
    whole = cancelled(body)
    if whole is None or whole == 0:
        return None
    parts = _Factors(sp.S.One, {}, [])
    for side, sign in zip(sp.fraction(whole), (1, -1), strict=True):
        if side.is_number:
            parts.constant *= side**sign
            continue
        if not side.is_polynomial() or sp.Poly(side).total_degree() > DEGREE:
            return None
        constant, found = sp.factor_list(side)
        parts.constant *= constant**sign
        for factor, n in found:
            if factor in exponentials:
                parts.powers[factor] = sign * n
            else:
                parts.others.append((factor, sign * n))
    return parts if parts.constant.is_Rational else None


def _turned(factor: sp.Expr, n: int, powers: dict[sp.Symbol, int], r: Rational) -> sp.Expr:
    """t^-n (1 + t)^n is (1 + 1/t)^n."""
    if len(factor.free_symbols) == 1:
        (t,) = factor.free_symbols
        degree = sp.degree(factor, t)
        if t in r.exponentials and powers.get(t, 0) == -n * degree:
            powers[t] = 0
            return sp.expand(factor / t**degree)
    return factor
