"""Statements as the equations of a textbook: sums of products over an index become matrix products.

    z1[i] = sum_j W1[i, j]*x[j]        ->  z1 = W1*x
    s[i] = sum_k W2[k, i]*delta2[k]    ->  W2.T*delta2
    dE/dW1[i, j] = delta1[i]*x[j]      ->  dE/dW1 = delta1*x.T
    p[i]*(1 - p[i])                    ->  p ⊙ (1 - p)

What has no such form stays in index notation. Temporaries of the compiler that are used once are written
where they are used. All work is linear in the size of the program: bodies of more than 400 nodes are named
by their size only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.nodes import Access, Index, Label, Program, Statement
from symbp.ir.walk import accesses, operations, postorder
from symbp.view.terms import ONE, Term, number, product, term, total

MAX_NODES = 400
MAX_DEPTH = 40

Axes = tuple[Index, ...]

_NAMED = re.compile(r"(z|delta)\d+")
_RELATIONS = {sp.Gt: ">", sp.Ge: ">=", sp.Lt: "<", sp.Le: "<=", sp.Eq: "==", sp.Ne: "!="}
_LOGIC = {sp.And: "and", sp.Or: "or", sp.Not: "not"}


@dataclass(frozen=True)
class Equation:
    """One line: what stands left and right of the equals sign, and the conditions it holds under."""

    target: str
    left: Term
    right: Term
    where: tuple[Term, ...] = ()


class _NoMatrixForm(Exception):
    """The body has no form in matrix notation."""


def equations(program: Program, keep: Iterable[str] = ()) -> list[Equation]:
    """The statements of a program as equations, in order.

    Args:
        program: in one-sample or batched form.
        keep: tensors that get a line of their own, also where they are used only once; the outputs do so
            anyway, and pre-activations z1, ... with their deltas.
    """
    uses = use_counts(program)
    kept = {*keep, *program.outputs}
    written = _Written(program)
    for statement in program.statements:
        name = statement.target
        once = uses[name] == 1 and name not in kept and not _NAMED.fullmatch(name)
        written.add(statement, may_vanish=once)
    return [e for e in written.lines if e.target not in written.embedded]


def use_counts(program: Program) -> Counter[str]:
    """How often each tensor is read; an access that an expression shares counts once per use."""
    counts: Counter[str] = Counter()
    for statement in program.statements:
        roots = [statement.body, *statement.where]
        for node in postorder(roots, leaf=lambda n: not n.args):
            counts.update(arg.name for arg in node.args if isinstance(arg, Access))
        counts.update(root.name for root in roots if isinstance(root, Access))
    return counts


class _Written:
    """The equations written so far, with those that later ones may take in."""

    def __init__(self, program: Program):
        self.program = program
        self.lines: list[Equation] = []
        self.embedded: set[str] = set()
        self.open: dict[str, Term] = {}  # used once, in matrix notation or scalar: may be taken in

    def add(self, s: Statement, may_vanish: bool) -> None:
        right, indexed, taken = self._right(s)
        left = term("name", data=s.target)
        if indexed and s.indices:
            left = term("access", *(_plain(i) for i in s.indices), data=s.target)
        where = tuple(_Indexed(self).show(c) for c in s.where)
        self.lines.append(Equation(s.target, left, right, where))
        self.embedded |= taken
        plain = not s.where and not (indexed and s.indices)
        if may_vanish and plain and right.size <= 60 and right.depth <= 12:
            self.open[s.target] = right

    def _right(self, s: Statement) -> tuple[Term, bool, set[str]]:
        """The right-hand side, whether it is in index notation, and the temporaries it took in."""
        if _tree(s.body) > MAX_NODES:
            names = list(dict.fromkeys(a.name for a in accesses(s.body)))
            return term("brief", data=(operations(s.body), names)), False, set()
        if not s.where:
            writer = _Matrix(self)
            try:
                right = writer.statement(s)
                if right.size <= MAX_NODES and right.depth <= 3 * MAX_DEPTH:
                    return right, False, writer.taken
            except _NoMatrixForm:
                pass
        indexed = _Indexed(self)
        right = indexed.show(s.body)
        if s.bound:
            right = term("sum", right, data=(s.reduce, tuple(_plain(i) for i in s.bound)), array=False)
        return right, True, indexed.taken


def _tree(root: sp.Basic) -> int:
    """Number of nodes as a tree, or more than MAX_NODES where it is larger or too deep to read."""
    size: dict[sp.Basic, int] = {}
    depth: dict[sp.Basic, int] = {}
    for node in postorder([root]):
        args = () if isinstance(node, Access) else node.args
        size[node] = min(MAX_NODES + 1, 1 + sum(size[a] for a in args))
        depth[node] = 1 + max((depth[a] for a in args), default=0)
        if depth[node] > MAX_DEPTH:
            return MAX_NODES + 1
    return size[root]


class _Writer:
    """Expressions as terms; subclasses say what an access and a product become."""

    def __init__(self, written: _Written):
        self.written = written
        self.taken: set[str] = set()

    def access(self, a: Access, axes: Axes) -> Term:
        raise NotImplementedError

    def leaf(self, node: sp.Basic) -> Term:
        raise NotImplementedError

    def multiply(self, node: sp.Mul, axes: Axes) -> Term:
        factors, divisors, sign = self.factors(node)
        return product([self.show(f, axes) for f in factors], [self.show(d, axes) for d in divisors], sign)

    def show(self, node: sp.Basic, axes: Axes = ()) -> Term:
        if isinstance(node, Access):
            return self.access(node, axes)
        if isinstance(node, sp.Number | sp.NumberSymbol):
            return term("minus", number(-node)) if node.is_negative else number(node)
        if isinstance(node, Label):
            return self.leaf(node)
        if isinstance(node, sp.Add):
            return total([self.show(a, axes) for a in node.args])
        if isinstance(node, sp.Mul):
            return self.multiply(node, axes)
        if isinstance(node, sp.Pow):
            return self.power(node, axes)
        if isinstance(node, sp.Piecewise):
            pairs = [self.show(part, axes) for pair in node.args for part in pair.args]
            return term("if", *pairs)
        if type(node) in _RELATIONS:
            return term("relation", *(self.show(a, axes) for a in node.args), data=_RELATIONS[type(node)])
        if type(node) in _LOGIC:
            return term("logic", *(self.show(a, axes) for a in node.args), data=_LOGIC[type(node)])
        if node == sp.true:
            return term("true")
        assert not isinstance(node, ExprCondPair)
        return self.call(node, axes)

    def power(self, node: sp.Pow, axes: Axes) -> Term:
        base, exponent = node.args
        if exponent == sp.S.Half:
            return term("call", self.show(base, axes), data="sqrt")
        if exponent.is_number and exponent.is_negative:
            below = base if exponent == -1 else sp.Pow(base, -exponent, evaluate=False)
            return term("fraction", ONE, self.show(below, axes))
        return term("power", self.show(base, axes), self.show(exponent, axes))

    def call(self, node: sp.Basic, axes: Axes) -> Term:
        name, args = type(node).__name__, node.args
        if name == "polygamma" and args[0] == 0:
            name, args = "digamma", args[1:]
        name = {"Max": "max", "Min": "min", "Abs": "abs", "compensated_exp": "exp"}.get(name, name)
        return term("call", *(self.show(a, axes) for a in args), data=name)

    def factors(self, node: sp.Basic) -> tuple[list[sp.Basic], list[sp.Basic], int]:
        """Numerator, denominator and sign of a product."""
        top: list[sp.Basic] = []
        bottom: list[sp.Basic] = []
        sign = 1
        for f in node.args if isinstance(node, sp.Mul) else (node,):
            if isinstance(f, sp.Rational):
                sign = -sign if f.is_negative else sign
                if abs(f.p) != 1:
                    top.append(sp.Integer(abs(f.p)))
                if f.q != 1:
                    bottom.append(sp.Integer(f.q))
            elif isinstance(f, sp.Float) and f.is_negative:
                sign = -sign
                top.append(-f)
            elif isinstance(f, sp.Pow) and f.exp.is_number and f.exp.is_negative and f.exp != -sp.S.Half:
                bottom.append(f.base if f.exp == -1 else sp.Pow(f.base, -f.exp, evaluate=False))
            elif isinstance(f, sp.Pow) and f.exp == -sp.S.Half:
                bottom.append(sp.Pow(f.base, sp.S.Half, evaluate=False))
            else:
                top.append(f)
        if sign < 0:
            top, sign = _flipped(top)
        return top, bottom, sign


def _flipped(factors: list[sp.Basic]) -> tuple[list[sp.Basic], int]:
    """-(a - 1)*a as (1 - a)*a: the minus goes into a difference that starts with it anyway."""
    for k, f in enumerate(factors):
        if isinstance(f, sp.Add) and any(t.is_Number and t.is_negative for t in f.args):
            turned = sp.Add(*(-t for t in f.args))
            return [*factors[:k], turned, *factors[k + 1 :]], 1
    return factors, -1


def _plain(node: sp.Basic) -> Term:
    """An index expression: i, 3, i + p, or a label from the data."""
    if isinstance(node, Label):
        return term("name", data=node.name)
    if isinstance(node, sp.Number):
        return term("minus", number(-node)) if node.is_negative else number(node)
    if isinstance(node, Access):
        inner = tuple(_plain(i) for i in node.indices)
        return term("access", *inner, data=node.name, array=False) if inner else term("name", data=node.name)
    if isinstance(node, sp.Add):
        return total([_plain(a) for a in node.args])
    if isinstance(node, sp.Mul):
        sign = -1 if node.args[0].is_negative else 1
        args = (-node.args[0], *node.args[1:]) if sign < 0 else node.args
        return product([_plain(a) for a in args], [], sign)
    return term("name", data=str(node))


class _Indexed(_Writer):
    """Index notation: every access shows its indices."""

    def access(self, a: Access, axes: Axes) -> Term:
        known = self.written.open.get(a.name)
        if known is not None and not a.indices:
            self.taken.add(a.name)
            return known
        return _plain(a)

    def leaf(self, node: sp.Basic) -> Term:
        return _plain(node)


class _Matrix(_Writer):
    """Matrix notation: the value for all `axes` at once, a number where none of them occurs."""

    def statement(self, s: Statement) -> Term:
        if not s.bound:
            result = self.show(s.body, s.indices)
            if s.indices and not result.array and _constant(s.body):
                return result  # every entry is the same number
        elif s.reduce == "sum":
            result = self.contraction(s.body, s.indices, s.bound)
        elif s.reduce == "max" and not s.indices:
            result = term("call", self.show(s.body, s.bound), data="max", array=False)
        else:
            raise _NoMatrixForm
        if s.indices and not result.array:
            raise _NoMatrixForm  # a number spread over an array
        return result

    def leaf(self, node: sp.Basic) -> Term:
        if isinstance(node, Index):
            raise _NoMatrixForm
        return _plain(node)

    def access(self, a: Access, axes: Axes) -> Term:
        indices = a.indices
        if not any(set(axes) & i.free_symbols or isinstance(i, Index) for i in indices):
            known = self.written.open.get(a.name)
            if known is not None and not indices:
                self.taken.add(a.name)
                return known
            if any(_indices_of(i) for i in indices):
                raise _NoMatrixForm
            return _plain(a)
        if indices != axes and not (len(axes) == 2 and indices == axes[::-1]):
            raise _NoMatrixForm
        known = self.written.open.get(a.name)
        if known is None:
            known = term("name", data=a.name, array=True)
        else:
            self.taken.add(a.name)
            if not known.array:
                raise _NoMatrixForm
        known = replace(known, leads=a.name in self.taken or "/d" in a.name)
        return known if indices == axes else transposed(known)

    def multiply(self, node: sp.Mul, axes: Axes) -> Term:
        """A product; over two axes, factors of the one times factors of the other are an outer product."""
        if len(axes) == 2:
            top, bottom, sign = self.factors(node)
            groups = _grouped(top, axes)
            rows, columns = groups.pop(axes[:1], []), groups.pop(axes[1:], [])
            if rows and columns:
                outer = term("matmul", self.group(rows, axes[:1]), transposed(self.group(columns, axes[1:])))
                rest = [self.show(f, axes) for fs in groups.values() for f in fs]
                return product([*rest, outer], [self.show(d, axes) for d in bottom], sign)
        return super().multiply(node, axes)

    def group(self, factors: list[sp.Basic], axes: Axes) -> Term:
        return product([self.show(f, axes) for f in factors], [])

    def contraction(self, body: sp.Expr, axes: Axes, bound: Axes) -> Term:
        """sum over `bound` of a product, with `axes` free."""
        if len(bound) == 2 and not axes:  # of sum(W) and sum(W.T) the plain one
            found = {a.indices for a in accesses(body)}
            bound = bound[::-1] if bound not in found and bound[::-1] in found else bound
        top, bottom, sign = self.factors(body)
        everything = axes + bound
        # A divisor with a bound index cannot leave the sum: it is a factor like any other.
        inside = [d for d in bottom if _indices_of(d) & set(bound)]
        bottom = [d for d in bottom if d not in inside]
        top = [*top, *(sp.Pow(d, -1, evaluate=False) for d in inside)]
        groups = _grouped(top, everything)
        free = [key for key in groups if not set(key) & set(bound)]
        outside = [self.show(f, axes) for key in free for f in groups.pop(key)]
        core = self.core({key: self.group(fs, key) for key, fs in groups.items()}, groups, axes, bound)
        return product([*outside, core], [self.show(d, axes) for d in bottom], sign)

    def core(self, terms: dict[Axes, Term], groups: dict, axes: Axes, bound: Axes) -> Term:
        keys = set(terms)
        if len(bound) == 1:
            (j,) = bound
            vector = terms.get(bound)
            if not axes or keys == {bound}:  # s = sum_j v[j]
                return self.summed(groups[bound], bound) if keys == {bound} else _refuse()
            for i in axes:
                if keys == {(i, j), bound} and vector is not None:  # y[i] = sum_j W[i, j]*x[j]
                    return term("matmul", terms[(i, j)], vector)
            if len(axes) == 2:
                i, k = axes
                if keys == {(i, j), (k, j)}:  # C[i, k] = sum_j A[i, j]*B[j, k]
                    return term("matmul", terms[(i, j)], transposed(terms[(k, j)]))
        elif len(bound) == 2 and not axes:
            i, j = bound
            if keys == {bound}:
                return self.summed(groups[bound], bound)
            if keys == {(i,), bound, (j,)}:
                return term("matmul", transposed(terms[(i,)]), terms[bound], terms[(j,)], array=False)
        elif keys == {bound}:
            return self.summed(groups[bound], bound)
        return _refuse()

    def summed(self, factors: list[sp.Basic], bound: Axes) -> Term:
        """A full sum: a dot product of two names, or sum(...)."""
        terms = [self.show(f, bound) for f in factors]
        if len(bound) == 1 and len(terms) == 2 and all(t.kind in ("name", "matmul") for t in terms):
            return term("matmul", transposed(terms[0]), terms[1], array=False)
        return term("call", product(terms, []), data="sum", array=False)


def _refuse() -> Term:
    raise _NoMatrixForm


def transposed(t: Term) -> Term:
    """`t.T`, without a second transpose."""
    return t.args[0] if t.kind == "transpose" else term("transpose", t)


def _grouped(factors: Iterable[sp.Basic], axes: Axes) -> dict[Axes, list[sp.Basic]]:
    """Factors by the axes that occur in them, in the order of `axes`."""
    groups: dict[Axes, list[sp.Basic]] = {}
    for f in factors:
        inside = _indices_of(f)
        groups.setdefault(tuple(i for i in axes if i in inside), []).append(f)
    return groups


def _indices_of(node: sp.Basic) -> set[Index]:
    return {n for n in postorder([node], leaf=lambda n: not n.args) if isinstance(n, Index)}


def _constant(node: sp.Basic) -> bool:
    return not accesses(node) and not _indices_of(node)
