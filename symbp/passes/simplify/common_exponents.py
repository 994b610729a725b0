"""What all exponents of a sum have in common leaves it, where it cancels against the rest of a formula.

    p_i = exp(z_i - m)/sum_k exp(z_k - m)                ->   exp(z_i)/sum_k exp(z_k)
    E = z_i - m - log(sum_k exp(z_k - m))                ->   z_i - log(sum_k exp(z_k))

Whoever subtracts a maximum by hand has formulas that do not depend on it. Once it has left them, nothing is
differentiated through it; the exponents are made small again as those of any sum are, by its own greatest
one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import accesses, index_symbols, is_large, is_leaf, postorder, rebuild, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.exponential_sums import base_of, exponent_of, power, shifted, terms_of
from symbp.passes.simplify.ledger import BY_CONSTRUCTION, Step
from symbp.passes.simplify.renamed import renamed, renamed_body

RULE = "common factor of numerator and sum"
LARGE = 200
"""Bodies with more nodes, counted as a tree, are left as they are."""
DEPTH = 3
"""Definitions of definitions that are looked up."""


@dataclass(frozen=True)
class Taken:
    """The program without what its sums of exponentials have in common.

    Attributes:
        program: the rewritten program.
        sums: the names of the sums in it that are new.
        gone: the sums whose names they took.
        steps: what was rewritten.
    """

    program: Program
    sums: frozenset[str]
    gone: dict[str, Statement]
    steps: tuple[Step, ...]


def without_common_exponents(program: Program) -> Taken | None:
    """The program with exponents from which the common part has left; None where none can."""
    found = {}
    by_name = program.statement_of()
    for s in program.statements:
        if s.reduce == "sum" and not s.where and not is_large(s.body, LARGE):
            body = _written_out(s.body, by_name)
            common = _common(s.with_body(body))
            if common is not None:
                found[s.target] = _Sum(s.with_body(body), *common)
    return None if not found else _Reader(program, by_name, found).run()


@dataclass(frozen=True)
class _Sum:
    """sum of `statement`, which is base^common times the sum of its terms without that."""

    statement: Statement
    base: sp.Expr
    common: sp.Expr

    @property
    def body(self) -> sp.Expr:
        return shifted(self.statement.body, self.base, self.common)


def _common(s: Statement) -> tuple[sp.Expr, sp.Expr] | None:
    """The base of the exponentials that are summed and what is added in all of their exponents."""
    base = base_of(s.body)
    terms = None if base is None else terms_of(s.body, base)
    if base is None or not terms:
        return None
    first, *others = ([*sp.Add.make_args(t.exponent)] for t in terms)
    shared = [e for e in first if accesses(e) and not set(index_symbols(e)) & set(s.bound)]
    shared = [e for e in shared if all(e in o for o in others)]
    return (base, sp.Add(*shared)) if shared else None


def _written_out(body: sp.Expr, by_name: dict[str, Statement]) -> sp.Expr:
    """The body with the formulas of tensors that are products with an exponential, entry by entry."""
    for _ in range(DEPTH):
        swap = {}
        for access in accesses(body):
            source = by_name.get(access.name)
            if source is not None and _is_exponential(source):
                at = dict(zip(source.indices, access.indices, strict=True))
                swap[access] = substitute(source.body, at)
        wider = substitute(body, swap) if swap else body
        if not swap or is_large(wider, 2 * LARGE):
            break
        body = wider
    return body


def _is_exponential(s: Statement) -> bool:
    """Whether a tensor is, entry by entry, a product with an exponential."""
    if s.reduce != "none" or s.where or is_large(s.body, LARGE):
        return False
    return any(exponent_of(f) is not None for f in sp.Mul.make_args(s.body))


class _Reader:
    """Rewrites what reads the sums that have something in common."""

    def __init__(self, program: Program, by_name: dict[str, Statement], sums: dict[str, _Sum]):
        self.program, self.by_name, self.sums = program, by_name, sums
        self.names = {name: self.free(name) for name in sums}
        self.read: set[str] = set()
        self.steps: list[Step] = []

    def free(self, name: str) -> str:
        name += "_all"
        while name in self.program.tensors:
            name += "_"
        return name

    def run(self) -> Taken | None:
        statements = [s if s.target in self.sums else self.reader(s) for s in self.program.statements]
        if not self.read:
            return None
        left = {a.name for s in statements for part in (s.body, *s.where) for a in accesses(part)}
        swap: dict[str, str] = {}
        result: list[Statement] = []
        for s in statements:
            if s.target in self.read:
                known, name = self.sums[s.target], self.names[s.target]
                new = replace(s, target=name, body=known.body)
                gone = s.target not in left and s.target not in self.program.outputs
                if gone:  # its name is free
                    swap[name] = s.target
                result += [new] if gone else [s, new]
            else:
                result.append(s)
        tensors = [
            Tensor(new, self.program.tensors[old].shape)
            for old, new in self.names.items()
            if old in self.read
        ]
        program = renamed(self.program.rebuilt(result, tensors), swap)
        sums = frozenset(swap.get(self.names[n], self.names[n]) for n in self.read)
        was = {n: self.sums[n].statement for n in swap.values()}
        steps = (replace(s.without(was, as_written), after=renamed_body(s.after, swap)) for s in self.steps)
        return Taken(program, sums, was, tuple(steps))

    def reader(self, s: Statement) -> Statement:
        read = [a for a in accesses(s.body) if a.name in self.sums]
        if not read or s.where or is_large(s.body, LARGE):
            return s
        body = _written_out(s.body, self.by_name)
        swap: dict[Any, Any] = {}
        hidden: set[Access] = set()
        for access in read:
            known = self.sums[access.name]
            at = dict(zip(known.statement.indices, access.indices, strict=True))
            common = substitute(known.common, at)
            swap[access] = power(known.base, common) * Access(self.names[access.name], *access.indices)
            hidden.update(accesses(common))
        for new in (_with(body, swap), sp.expand_mul(_with(body, swap))):
            if hidden.isdisjoint(accesses(new)):
                self.read.update(a.name for a in read)
                saved = cost(body) - cost(new)
                self.steps.append(Step(RULE, s.target, body, new, saved, BY_CONSTRUCTION))
                return s.with_body(new)
        return s


def _with(body: sp.Expr, swap: dict[Any, Any]) -> sp.Expr:
    """The body with replacements, and exponentials that are factors in logarithms outside of them."""
    done: dict[Any, Any] = dict(swap)
    for node in postorder([body], leaf=lambda n: is_leaf(n) or n in swap):
        if node in done:
            continue
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        if isinstance(new, sp.Mul):
            new = _one_exponential(new)
        elif isinstance(new, sp.log):
            factors = sp.Mul.make_args(new.args[0])
            exponents = [f.args[0] for f in factors if isinstance(f, sp.exp)]
            if exponents and len(factors) > 1:
                rest = sp.Mul(*(f for f in factors if not isinstance(f, sp.exp)))
                new = sp.Add(*exponents, sp.log(rest))
        done[node] = new
    return done[body]


def _one_exponential(product: sp.Mul) -> sp.Expr:
    """exp(a) exp(b) as exp(a + b), so that parts of the exponents cancel."""
    exponents = [f.args[0] for f in product.args if isinstance(f, sp.exp)]
    if len(exponents) < 2:
        return product
    rest = (f for f in product.args if not isinstance(f, sp.exp))
    return sp.Mul(*rest, sp.exp(sp.Add(*exponents)))


def as_written(total: str) -> str:
    """What a sum is called before its common factor has left it."""
    return f"{total}, as written"
