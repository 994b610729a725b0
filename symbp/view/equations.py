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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement
from symbp.ir.walk import accesses, index_symbols, operations, postorder
from symbp.view.matrix import Matrix, NoMatrixForm
from symbp.view.terms import Term, product, term
from symbp.view.writer import Indexed, parted_maximum, plain

ONCE, OFTEN = 60, 8
"""Nodes up to which a temporary is written where it is used: once, and more often in the forward pass."""
MAX_NODES = 400
MAX_DEPTH = 40

_NAMED = re.compile(r"(z|delta)\d+")


@dataclass(frozen=True)
class Equation:
    """One line.

    Attributes:
        statement: what it says.
        left, right: of the equals sign.
        where: the conditions it holds under.
        covers: the tensors that are computed by it: the target, and temporaries that it is the first to
            take in.
    """

    statement: Statement
    left: Term
    right: Term
    where: tuple[Term, ...] = ()
    covers: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return self.statement.target

    @property
    def elsewhere(self) -> bool:
        """Whether there are entries of the target at which no condition holds, so that they are 0."""
        free = set(self.statement.indices)
        return any(free.issuperset(index_symbols(c)) for c in self.statement.where)


def equations(program: Program, keep: Iterable[str] = (), often: bool = False) -> list[Equation]:
    """The statements of a program as equations, in order.

    Args:
        program: in one-sample or batched form.
        keep: tensors that get a line of their own, also where they are used only once; the outputs do so
            anyway, and pre-activations z1, ... with their deltas.
        often: whether short temporaries are written out also where they are used several times, as
            1/(1 + exp(-z)) is written although log(1 + exp(-z)) shares the sum with it.
    """
    written = _written(program, keep, often)
    return [e for name, e in written.lines.items() if name not in written.embedded]


def _written(program: Program, keep: Iterable[str], often: bool) -> _Written:
    uses = use_counts(program)
    for s in program.statements:
        if is_reciprocal(s.body):  # it is written as often
            uses[s.body.args[0].name] += max(0, uses[s.target] - 1)  # type: ignore[attr-defined]
    kept = {*keep, *program.outputs}
    written = _Written()
    for statement in program.statements:
        name = statement.target
        size = 0
        if uses[name] and name not in kept and not _NAMED.fullmatch(name):
            once = uses[name] == 1 or is_reciprocal(statement.body)
            size = ONCE if once else OFTEN * (often and statement.reduce == "none")
        written.add(statement, size)
    return written


def statement_equation(s: Statement, indexed: bool = False) -> Equation:
    """One statement alone; `indexed` forces index notation, as the loops of a kernel have it."""
    written = _Written(indexed)
    written.add(s)
    return written.lines[s.target]


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

    def __init__(self, indexed: bool = False):
        self.indexed = indexed
        self.lines: dict[str, Equation] = {}
        self.embedded: set[str] = set()
        self.open: dict[str, Term] = {}  # written where they are used, in matrix notation or scalar

    def add(self, s: Statement, vanishes: int = 0) -> None:
        """Write a statement; up to so many nodes, as what is taken into later ones."""
        right, indexed, taken = self.right(s)
        left = term("name", data=s.target, array=bool(s.indices))
        if indexed and s.indices:
            left = term("access", *(plain(i) for i in s.indices), data=s.target, array=False)
        where = tuple(Indexed(self.open).show(c) for c in s.where)
        covers = (s.target, *(n for t in taken if t not in self.embedded for n in self.lines[t].covers))
        self.lines[s.target] = Equation(s, left, right, where, covers)
        self.embedded.update(taken)
        whole = right if not s.where and not (indexed and s.indices) else self.unit(s)
        if whole is not None and whole.size <= vanishes and whole.depth <= 12:
            self.open[s.target] = whole

    def unit(self, s: Statement) -> Term | None:
        """One entry of a vector that is 0 elsewhere, as a number times a unit vector; None for the rest."""
        if s.bound or len(s.indices) != 1 or len(s.where) != 1 or self.indexed:
            return None
        (k,), (condition,) = s.indices, s.where
        if not isinstance(condition, sp.Eq) or k not in condition.args or k in index_symbols(s.body):
            return None
        (position,) = (side for side in condition.args if side != k)
        if index_symbols(position) or not _polynomial(s.body):
            return None
        vector = term("unit", plain(position), data=k.extent, array=True)
        number = Indexed(self.open).show(s.body)
        return product([number, vector], [])

    def right(self, s: Statement) -> tuple[Term, bool, Iterable[str]]:
        """The right-hand side, whether it is in index notation, and the temporaries it took in."""
        if _tree(s.body) > MAX_NODES:
            names = list(dict.fromkeys(a.name for a in accesses(s.body)))
            return term("brief", data=(operations(s.body), names), array=bool(s.indices)), False, ()
        if not s.where and not self.indexed:
            writer = Matrix(self.open)
            try:
                right = writer.statement(s)
                if right.size <= MAX_NODES and right.depth <= 3 * MAX_DEPTH:
                    return right, False, writer.taken
            except NoMatrixForm:
                pass
        indexed = Indexed(self.open)
        fixed, body = parted_maximum(s.body, s.bound) if s.reduce == "max" and not s.where else ([], s.body)
        right = indexed.show(body)
        if s.bound:
            right = term("sum", right, data=(s.reduce, tuple(plain(i) for i in s.bound)), array=False)
        if fixed:
            right = term("call", *map(indexed.show, fixed), right, data="max", array=False)
        return right, True, indexed.taken


def is_reciprocal(body: sp.Expr) -> bool:
    """Whether it is 1/s or 1/s^2 of a tensor: a kernel multiplies by it, a person divides by s."""
    return isinstance(body, sp.Pow) and isinstance(body.base, Access) and bool(body.exp.is_negative)


def open_terms(program: Program, keep: Iterable[str] = (), often: bool = False) -> dict[str, Term]:
    """The temporaries that have no line of their own among `equations`, as what is written in their place."""
    written = _written(program, keep, often)
    return {name: written.open[name] for name in written.embedded if name in written.open}


def body_term(body: sp.Expr, open: Mapping[str, Term] | None = None) -> Term:
    """A body outside of a program: in matrix notation where all its entries are at the same place.

    Args:
        open: what is written in the place of temporaries, see `open_terms`.
    """
    open = {} if open is None else open
    if _tree(body) > MAX_NODES:
        return term("brief", data=(operations(body), list(dict.fromkeys(a.name for a in accesses(body)))))
    axes = max((a.indices for a in accesses(body)), key=len, default=())
    try:
        if all(isinstance(i, Index) for i in axes):
            return Matrix(open).show(body, axes)
    except NoMatrixForm:
        pass
    return Indexed(open).show(body)


def sum_term(
    body: sp.Expr,
    indices: tuple[Index, ...],
    bound: tuple[Index, ...],
    open: Mapping[str, Term] | None = None,
) -> Term:
    """The sum of a body over `bound`, outside of a program."""
    if not indices and _tree(body) <= MAX_NODES:
        try:  # as it stands, with the factors that a rewrite may take out of it
            return term("call", Matrix(open or {}).show(body, bound), data="sum", array=False)
        except NoMatrixForm:
            pass
    written = _Written()
    written.open = dict(open or {})
    return written.right(Statement("", indices, body, "sum", bound))[0]


def _polynomial(body: sp.Expr) -> bool:
    """Whether it is finite where its operands are, divisors not 0: 0 times it is 0 then."""
    parts = (Access, Index, sp.Number, sp.Add, sp.Mul)
    return all(isinstance(n, parts) or (isinstance(n, sp.Pow) and n.exp.is_Integer)
               for n in postorder([body]))  # fmt: skip


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
