"""Iterative walks over expression graphs, linear in the number of distinct nodes.

SymPy's own `subs`, `free_symbols`, `count_ops` and `atoms` walk trees: on shared expressions they
take exponential time, on deep ones they overflow the stack. Hashes are cached by SymPy, so a dict
keyed by expression is the memo used everywhere here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.forms import stands, stays_argument, stays_exponent, unevaluated
from symbp.ir.functions import log1p
from symbp.ir.nodes import Access, Index
from symbp.ir.products import product, total
from symbp.ir.undecided import tell
from symbp.ir.witness import are_in_no_order, is_somewhere_positive

REMEMBERED = 1 << 16
"""Bodies whose nodes, accesses and indices are remembered: every pass asks again."""

SHORT = 64
"""Nodes up to which the walk over a body is remembered."""

_SHORT: dict[sp.Basic, tuple[sp.Basic, ...]] = {}


def is_leaf(node: sp.Basic) -> bool:
    """Whether walks stop here: an atom, or an access (its indices are not values)."""
    return isinstance(node, Access) or not node.args


def postorder(roots: Iterable[sp.Basic], leaf: Callable[[sp.Basic], bool] = is_leaf) -> Sequence[sp.Basic]:
    """Every distinct node once, operands before the nodes that use them."""
    roots = list(roots)
    if leaf is not is_leaf or len(roots) != 1:
        return _walk(roots, leaf)
    known = _SHORT.get(roots[0])
    if known is not None and known[-1] is roots[0]:  # nodes of an equal expression are others
        return known
    order = _walk(roots, leaf)
    if len(order) <= SHORT:
        if len(_SHORT) >= REMEMBERED:
            _SHORT.clear()
        _SHORT[roots[0]] = tuple(order)
    return order


def _walk(roots: list[sp.Basic], leaf: Callable[[sp.Basic], bool]) -> list[sp.Basic]:
    seen: set[Any] = set()
    order: list[sp.Basic] = []
    stack: list[Any] = roots[::-1]
    count = 0
    plain = leaf is is_leaf
    number = sp.Float
    see, append, pop, push, extend = seen.add, order.append, stack.pop, stack.append, stack.extend
    while stack:
        node = pop()
        kind = type(node)
        if kind is tuple:  # its operands are done
            append(node[0])
            continue
        # SymPy computes the hash of a float anew each time, and at length; what it compares is this tuple.
        see(node._mpf_ if kind is number else node)
        if len(seen) == count:  # hashing is what takes time: one set operation, not two
            continue
        count += 1
        args = node.args
        if not args or (kind is Access if plain else leaf(node)):
            append(node)
        else:
            push((node,))
            extend(args[::-1])
    return order


MANY = 64
"""Operands up to which SymPy may simplify a node; a choice of n branches takes it n^2 comparisons."""

FEW = 3
"""Operands of a maximum up to which SymPy may simplify it; it compares every pair of them, at length."""

LARGE = 400
"""Nodes, counted as a tree, up to which SymPy may simplify an expression."""


def is_root(node: Any) -> bool:
    """Whether a node is a power with a fraction as its exponent."""
    return isinstance(node, sp.Pow) and bool(node.exp.is_Rational) and not node.exp.is_Integer


def is_large(root: sp.Basic, limit: int = LARGE) -> bool:
    """Whether the expression has more than `limit` nodes as a tree; stops counting there."""
    stack, count = [root], 0
    while stack and count <= limit:
        node = stack.pop()
        count += 1
        if type(node) is not Access:
            stack.extend(node.args)
    return count > limit


def length(root: sp.Basic) -> int:
    """Nodes as a tree, which is how a formula is printed: shared parts count once per use."""
    return 1 + sum(map(length, () if is_leaf(root) else root.args))


def rebuild(node: sp.Basic, args: tuple) -> sp.Basic:
    """`node` with other operands; itself where nothing changed.

    SymPy simplifies what it builds by walking trees: large expressions are left as they are.
    """
    if all(map(operator.is_, args, node.args)):
        return node
    if len(args) == 1 and isinstance(args[0], Access) and stands_as_it_is(node.func):
        return unevaluated(node.func, args[0])
    if isinstance(node, ExprCondPair):
        return sp.Tuple.__new__(ExprCondPair, *args)
    if any(map(chooses_by_choices, args)):
        return _choice(args) if isinstance(node, sp.Piecewise) else unevaluated(node.func, *args)
    if isinstance(node, _UNEVALUATED) and (
        len(args) > MANY or any(is_large(a) for a in args if type(a) is not Access)
    ):
        return unevaluated(node.func, *args)
    if type(node) is sp.Mul:
        return product(*args)
    if type(node) is sp.Add:
        return total(*args)
    if type(node) is sp.exp and stays_exponent(args[0]):
        return unevaluated(sp.exp, args[0])
    if type(node) is sp.log and stays_argument(args[0]):
        return unevaluated(sp.log, args[0])
    if type(node) is log1p and stays_argument(total(sp.S.One, args[0])):
        return unevaluated(log1p, args[0])
    tell(*args)
    if len(args) == 1 and isinstance(node, sp.Function) and stands(node.func, args[0]):
        return unevaluated(node.func, args[0])
    if isinstance(node, sp.Abs) and args[0].is_extended_real is None:
        return _size(args[0])
    if isinstance(node, sp.Pow | sp.log) and _has_no_value(node, *args):
        return node.func(*args, evaluate=False)
    if isinstance(node, sp.Max | sp.Min):
        distinct = dict.fromkeys(args)
        return node.func(*distinct, evaluate=len(distinct) <= FEW and not are_in_no_order([*distinct]))
    if isinstance(node, Relational):
        try:
            return node.func(*args)
        except TypeError:  # SymPy does not order what is not real, as 1/0
            return node.func(*args, evaluate=False)
    return node.func(*args)


def _size(argument: sp.Basic) -> sp.Basic:
    """The absolute value. All is real here, but where SymPy does not know that it writes conjugates."""
    found = sp.Abs(argument)
    if any(isinstance(n, sp.conjugate) for n in postorder([found])):
        return sp.Abs(argument, evaluate=False)
    return found


_PLAIN: set[sp.Basic] = set()
"""Nodes of which it is known that no condition in them holds a choice."""


def chooses_by_choices(root: sp.Basic) -> bool:
    """Whether conditions in an expression hold choices.

    What is built over them is left as it stands. SymPy, which asks for signs and takes powers of branches,
    builds them anew, and fails where no symbol is in them; choices by them it multiplies out, in exponential
    time.
    """
    found: set[sp.Basic] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        args = node.args
        if not args or type(node) is Access or node in _PLAIN or node in found:
            continue
        if isinstance(node, ExprCondPair) and has_choice(node.cond):
            return True
        found.add(node)
        stack += args
    if len(_PLAIN) >= REMEMBERED:
        _PLAIN.clear()
    _PLAIN.update(found)
    return False


@lru_cache(maxsize=4096)
def stands_as_it_is(function: Any) -> bool:
    """Whether SymPy leaves a function of one entry alone, as sin(x) and unlike re(x).

    All it knows about any entry is that it is real, so that it is asked once and not at every entry.
    """
    if not issubclass(function, sp.Function):
        return False
    try:
        return function(ENTRY) == function(ENTRY, evaluate=False)
    except Exception:  # a class of the user's may do anything
        return False


ENTRY = Access("entry")
"""An entry like any other."""


def _has_no_value(node: sp.Basic, base: sp.Basic, exponent: sp.Basic = sp.S.NegativeOne) -> bool:
    """Whether SymPy would make 1/0 or log(0) its zoo, or roots and logarithms of negative numbers imaginary.

    They may stand in a branch that is never taken, and must not swallow what is around them.
    """
    if base is sp.S.Zero:
        return not exponent.is_positive
    whole = isinstance(node, sp.Pow) and exponent.is_integer is True
    return not whole and not is_somewhere_positive(base) and base.is_negative is True


def is_undefined(*roots: sp.Basic) -> bool:
    """Whether something in the expressions is no real number, such as SymPy's 1/0 and its imaginary unit."""
    return any(node in (sp.zoo, sp.nan, sp.I) for node in postorder(roots))


def has_choice(root: sp.Basic) -> bool:
    """Whether there is a Piecewise in an expression."""
    return any(isinstance(n, sp.Piecewise) for n in postorder([root]))


def conditions(root: sp.Basic) -> list[sp.Basic]:
    """The conditions of all choices in an expression."""
    return list(_conditions(root))


@lru_cache(maxsize=REMEMBERED)
def _conditions(root: sp.Basic) -> tuple[sp.Basic, ...]:
    return tuple(node.cond for node in postorder([root]) if isinstance(node, ExprCondPair))


def choice(*pairs: tuple[Any, Any]) -> Any:
    """The Piecewise of some (value, condition); conditions may hold others."""
    args = [
        (sp.sympify(value, strict=True), sp.sympify(condition, strict=True)) for value, condition in pairs
    ]
    if not any(has_choice(condition) for _, condition in args):
        return sp.Piecewise(*args)
    return _choice(tuple(sp.Tuple.__new__(ExprCondPair, *pair) for pair in args))


def _choice(pairs: tuple) -> sp.Basic:
    """A Piecewise as it stands, without branches that are never taken; see `chooses_by_choices`."""
    kept: list[sp.Basic] = []
    for pair in pairs:
        if pair.cond is not sp.false:
            kept.append(pair)
        if pair.cond is sp.true:
            break
    if kept and kept[0].args[1] is sp.true:
        return kept[0].args[0]
    return sp.Basic.__new__(sp.Piecewise, *kept) if kept else sp.nan


_UNEVALUATED = (sp.Add, sp.Mul, sp.Pow, sp.Function)


def substitute(root: sp.Basic, replacements: Mapping[Any, Any]) -> Any:
    """Replace leaves (accesses, symbols, indices also inside accesses) simultaneously."""
    return substitute_all([root], replacements)[0]


def substitute_all(roots: Iterable[sp.Basic], replacements: Mapping[Any, Any]) -> list[Any]:
    """`substitute` for several roots with one memo between them."""
    roots = list(roots)
    return [*map(Substitution(replacements), roots)] if replacements else roots


def put_in(root: sp.Basic, replacements: Mapping[Any, Any]) -> Any:
    """`substitute` where comparisons, maxima and choices stay as they stand.

    SymPy would ask for the sign of what is put in at every |u|, max(0, u) and u < 0, which takes longer than
    all the rest of compiling.
    """
    done: dict[sp.Basic, Any] = dict(replacements)
    for node in postorder([root], leaf=lambda n: is_leaf(n) or n in replacements):
        if node in done:
            continue
        args = node.args if is_leaf(node) else tuple(done[a] for a in node.args)
        if all(map(operator.is_, args, node.args)):
            done[node] = node
        elif isinstance(node, sp.Piecewise):
            done[node] = sp.Basic.__new__(sp.Piecewise, *args)
        elif isinstance(node, sp.Abs | sp.Max | sp.Min | Relational):
            done[node] = node.func(*args, evaluate=False)
        else:
            done[node] = rebuild(node, args)
    return done[root]


class Substitution:
    """`substitute` for expressions that come one after the other, with one memo between them."""

    def __init__(self, replacements: Mapping[Any, Any]):
        self.done: dict[sp.Basic, Any] = dict(replacements)
        self.floats = any(type(k) is sp.Float for k in self.done)

    def __call__(self, root: sp.Basic) -> Any:
        done = self.done
        as_it_is = None if self.floats else sp.Float
        for node in _walk([root], done.__contains__):
            args = node.args
            if args and node not in done:
                # Floats are not looked up, see `_walk`.
                done[node] = rebuild(
                    node, tuple([a if type(a) is as_it_is else done.get(a, a) for a in args])
                )
        return done.get(root, root)


def accesses(root: sp.Basic) -> list[Access]:
    """The distinct accesses, in the order of first use; gathers inside indices come after."""
    if type(root) is Access and not root.indices:
        return [root]
    return list(_accesses(root)) if root.args else []  # Floats are not looked up, see `_walk`


@lru_cache(maxsize=REMEMBERED)
def _accesses(root: sp.Basic) -> tuple[Access, ...]:
    found = [n for n in postorder([root]) if isinstance(n, Access)]
    for access in found:
        for position in access.indices:
            if position.args:
                found.extend(a for a in accesses(position) if a not in found)
    return tuple(found)


def index_symbols(root: sp.Basic) -> list[Index]:
    """The distinct indices that occur anywhere, accesses included."""
    return list(_index_symbols(root))


@lru_cache(maxsize=REMEMBERED)
def _index_symbols(root: sp.Basic) -> tuple[Index, ...]:
    found: dict[Index, None] = {}
    for node in postorder([root]):
        if type(node) is Access:
            for position in node.indices:
                found.update(dict.fromkeys(index_symbols(position)))
        elif isinstance(node, Index):
            found.setdefault(node)
    return tuple(found)


_FREE = (Access, ExprCondPair, sp.Tuple, sp.logic.boolalg.BooleanAtom)


@lru_cache(maxsize=REMEMBERED)
def operations(root: sp.Basic) -> int:
    """Arithmetic operations to evaluate it once, shared sub-expressions counted once.

    An n-ary sum or product counts n-1, a function, power or comparison 1; a - b and -a*b count as one,
    as in written form. A quotient is a reciprocal and a product: what many are divided by is inverted once.
    """
    return sum(node_operations(n) for n in postorder([root]))


def is_negation(node: sp.Basic) -> bool:
    """Whether it is -x."""
    return isinstance(node, sp.Mul) and len(node.args) == 2 and node.args[0] is sp.S.NegativeOne


def node_operations(node: sp.Basic) -> int:
    """The operations of one node, its operands excluded."""
    args = node.args
    if not args or isinstance(node, _FREE):
        return 0
    if isinstance(node, sp.Add):
        # a - b is one operation: the product -1*b below it, which counts as one, is taken off here.
        return len(args) - 1 - min(len(args) - 1, sum(map(is_negation, args)))
    if isinstance(node, sp.Mul):
        return len(args) - 1 - (1 if len(args) > 2 and args[0] is sp.S.NegativeOne else 0)
    if isinstance(node, sp.Piecewise):
        return len(node.args) - 1
    if isinstance(node, sp.Pow):
        return 0 if node.base.is_number and node.exp.is_number else 1
    return 0 if node.is_number else 1
