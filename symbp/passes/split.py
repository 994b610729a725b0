"""Split: cut bodies so that differentiating them costs a small multiple of evaluating them.

A body stays whole where that is cheap: it reads one access (an activation function), or the
partial derivatives taken together cost at most three times the body. Otherwise
- where everything passes through one sub-expression u, as in sigma(w0 x0 + w1 x1 + w2), u is cut
  off and what remains is a function of one variable;
- else the expression graph is cut at shared nodes, products become pairs, and pieces stay small.

Every pass after this one works on small bodies, so the whole pipeline is linear in the program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir.names import pre_activation_name
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.products import product, total
from symbp.ir.walk import (
    accesses,
    index_symbols,
    is_large,
    is_leaf,
    node_operations,
    operations,
    postorder,
    rebuild,
    substitute,
)
from symbp.passes.partials import partials, times
from symbp.passes.simplify.peaks import is_peak

WHOLE = 40
"""Operations up to which a body may stay whole."""
PIECE = 6
"""Operations of a piece where the graph is cut."""
FAN_IN = 16
"""Terms of a sum that are added in one piece."""


def split(program: Program, loss: str | None = None) -> Program:
    """The program with large or costly bodies cut into temporaries.

    Args:
        loss: the output that is no activation: what others are a function of is called their z.
    """
    cutter = _Cutter(program, loss)
    for statement in program.statements:
        cutter.visit(statement)
    return program.rebuilt(cutter.statements, cutter.tensors)


class _Cutter:
    def __init__(self, program: Program, loss: str | None):
        self.activations = set(program.outputs) - {loss}
        self.taken = set(program.tensors)
        self.statements: list[Statement] = []
        self.tensors: list[Tensor] = []
        self.counts: Counter[str] = Counter()

    def visit(self, statement: Statement) -> None:
        body = statement.body
        size = operations(body)
        whole = statement.reduce != "none" and size <= WHOLE
        if size <= 3 or whole or statement.where or is_peak(statement):
            self.statements.append(statement)
            return
        if size <= WHOLE and not is_large(body):
            inner = _bottleneck(body)
            if inner is not None:
                sign = -1 if _is_negative(inner) else 1
                part = self.temporary(statement, sign * inner, statement.target in self.activations)
                self.visit(part)
                self.statements.append(statement.with_body(_over(body, inner, sign * part.access)))
                return
            if len(accesses(body)) == 1 or _cheap_to_differentiate(body):
                self.statements.append(statement)
                return
        self.statements.append(statement.with_body(self.cut(statement)))

    def temporary(self, statement: Statement, body: sp.Expr, activates: bool = False) -> Statement:
        """A new statement for a part of the body of another, over the indices that occur in it."""
        name = pre_activation_name(statement.target)
        if not activates or name in self.taken:
            self.counts[statement.target] += 1
            name = f"t{self.counts[statement.target]}_{statement.target}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        used = set(index_symbols(body))
        indices = tuple(i for i in statement.domain if i in used)
        self.tensors.append(Tensor(name, tuple(i.extent for i in indices)))
        return Statement(name, indices, body, origin=statement.origin)

    def cut(self, statement: Statement) -> sp.Expr:
        """Cut the graph of the body into pieces; returns the last one."""
        order = postorder([statement.body], leaf=_whole)
        parents = Counter(arg for node in order if not _whole(node) for arg in _distinct(node.args))
        done: dict[sp.Basic, sp.Expr] = {}
        size: dict[sp.Basic, int] = {}
        for node in order:
            if type(node) is sp.Float:
                continue
            if _whole(node):
                done[node], size[node] = node, operations(node)  # type: ignore[assignment]
                continue
            # SymPy computes the hash of a float anew each time, and at length.
            args = [a if type(a) is sp.Float else done[a] for a in node.args]
            new = self.narrow(statement, node, args)  # type: ignore[arg-type]
            size[node] = node_operations(new) + sum(size[a] for a in node.args if type(a) is not sp.Float)
            done[node] = new
            last = node == statement.body
            repeated = parents[node] > 1 and not isinstance(new.as_coeff_Mul()[1], Access)
            if not last and accesses(new) and (repeated or size[node] >= PIECE):
                done[node], size[node] = self.piece(statement, new), 0
        return done.get(statement.body, statement.body)

    def piece(self, statement: Statement, body: sp.Expr) -> sp.Expr:
        """The entry of a temporary that is small enough already."""
        part = self.temporary(statement, body)
        self.statements.append(part)
        return part.access

    def narrow(self, statement: Statement, node: sp.Basic, args: list[sp.Expr]) -> sp.Expr:
        """One node over the pieces of its operands: products in pairs, long sums in chunks."""
        if isinstance(node, sp.Mul):
            varying = [a for a in args if accesses(a)]
            fixed = [a for a in args if not accesses(a)]
            while len(varying) > 2:
                pairs = [varying[k : k + 2] for k in range(0, len(varying), 2)]
                varying = [self.piece(statement, product(*p)) if len(p) == 2 else p[0] for p in pairs]
            return product(*fixed, *varying)
        if isinstance(node, sp.Add):
            while len(args) > FAN_IN:
                chunks = [args[k : k + FAN_IN] for k in range(0, len(args), FAN_IN)]
                args = [self.piece(statement, total(*c)) if len(c) > 1 else c[0] for c in chunks]
            return total(*args)
        return rebuild(node, tuple(args))  # type: ignore[return-value]


def _distinct(args: Iterable[sp.Basic]) -> set[sp.Basic]:
    return {a for a in args if type(a) is not sp.Float}


def _whole(node: sp.Basic) -> bool:
    # A choice is differentiated as a whole: what its branches hold must not be evaluated outside.
    return is_leaf(node) or isinstance(node, sp.Piecewise | sp.logic.boolalg.Boolean)


def _bottleneck(body: sp.Expr) -> sp.Expr | None:
    """The innermost sub-expression of several accesses that all accesses pass through, or None."""
    everything = set(accesses(body))
    if len(everything) < 2:
        return None
    probe = Access("probe")
    for node in postorder([body]):
        if node is body:
            return None
        passed = isinstance(node, sp.Expr) and not is_leaf(node) and set(accesses(node)) == everything
        if passed and set(accesses(_over(body, node, probe))) == {probe}:
            return node
    return None


def _over(body: sp.Expr, part: sp.Expr, name: sp.Expr) -> sp.Expr:
    """The body with a name for a part of it, also where SymPy wrote a multiple of a sum: -u - v of u + v."""
    swap = {part: name}
    if isinstance(part, sp.Add):
        own = _coefficients(part)
        for node in postorder([body]):
            theirs = _coefficients(node) if isinstance(node, sp.Add) else {}
            if node != part and theirs.keys() == own.keys():
                ratio, *others = {theirs[term] / own[term] for term in own}
                if not others:
                    swap[node] = ratio * name
    return substitute(body, swap)


def _coefficients(total: sp.Add) -> dict[sp.Expr, sp.Expr]:
    """The rational factors of the terms of a sum."""
    return {term: factor for factor, term in (t.as_coeff_Mul(rational=True) for t in total.args)}


def _is_negative(body: sp.Expr) -> bool:
    """Whether it is the negative of a sum: what 1/(1 + exp(-u - v)) is a function of is u + v."""
    return isinstance(body, sp.Add) and all(t.as_coeff_Mul()[0].is_negative for t in body.args)


def _cheap_to_differentiate(body: sp.Expr) -> bool:
    try:
        slopes = partials(body)
    except UnsupportedError:
        return True  # reported with its equation when it is differentiated
    seed = Access("seed")
    together = operations(sp.Tuple(*(times(seed, s) for s in slopes.values())))
    return together <= 3 * operations(body)
