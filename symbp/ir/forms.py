"""Whether SymPy leaves a function of an operand as it is: sin(x*y + 1) stays, sin(-x) and sin(x + pi) do not.

SymPy looks for signs, periods and inverse functions in every operand, which takes it longer than all that is
done with the function afterwards. What it finds depends on the form of the operand, not on the names in it
(where a sum and its negative are equally good, also on the order of the names), so that it is asked once for
every form.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Label
from symbp.ir.undecided import tell
from symbp.ir.witness import is_somewhere_not_zero

LARGEST = 32
"""Nodes of an operand, counted as a tree, up to which its form is looked at."""
REMEMBERED = 1 << 12

_STANDS: dict[Any, bool] = {}


def stands(function: Any, operand: sp.Basic) -> bool:
    """Whether function(operand) is the function of that operand, as far as is known without long work.

    Operands are in SymPy's form already; those that are large are not looked at.
    """
    form = form_of(operand)
    if form is None:
        return False
    key = function, form
    known = _STANDS.get(key)
    if known is None:
        if len(_STANDS) >= REMEMBERED:
            _STANDS.clear()
        known = _STANDS[key] = _stays(function, operand)
    return known


def _stays(function: Any, operand: sp.Basic) -> bool:
    if not issubclass(function, sp.Function) or not str(function.__module__).startswith("sympy."):
        return False  # a class of the user's may do anything
    tell(operand)
    try:
        made = function(operand)
    except Exception:  # SymPy raises anything where a function has no value
        return False
    return type(made) is function and made.args == (operand,)


def unevaluated(function: Any, *operands: sp.Basic) -> Any:
    """function(*operands, evaluate=False).

    At every object that it makes, SymPy asks anew how many operands its class takes, and builds a set of the
    answer, which takes it longer than all else.
    """
    if len(operands) != 1 or function.__new__ is not _NEW:
        return function(*operands, evaluate=False)
    made = sp.Basic.__new__(function, *operands)
    made.nargs = _takes(function)
    return made


_NEW = sp.sin.__new__


@lru_cache(maxsize=REMEMBERED)
def _takes(function: Any) -> Any:
    """What SymPy notes about the number of operands, in an object of a class with one."""
    return function(Access("entry"), evaluate=False).nargs


def form_of(root: sp.Basic, largest: int = LARGEST, ordered: bool = False) -> tuple | None:
    """What two expressions share that differ in the names of their tensors alone; with negative numbers in
    them, or where that is asked for, in names of the same order.

    None where the expression is large, or an index of an entry is no atom.
    """
    names: dict[str, int] = {}
    signs = ordered
    form: list[Any] = []
    stack = [root]
    while stack:
        node = stack.pop()
        kind = type(node)
        args = node.args
        form.append(kind)
        if kind is Access:
            form.append(names.setdefault(args[0].name, len(names)))
            for index in args[1:]:
                if index.args:
                    return None
            form.append(args[1:])
        elif args:
            form.append(len(args))
            stack.extend(args)
        elif isinstance(node, sp.Number):
            signs = signs or not node.is_nonnegative
            # SymPy computes the hash of a float anew each time, and at length.
            form.append((node._mpf_, node._prec) if kind is sp.Float else node)
        elif isinstance(node, sp.NumberSymbol | Label | sp.logic.boolalg.BooleanAtom):
            form.append(node)
        else:
            return None  # of a symbol SymPy may know more than its name says
        if len(form) > 3 * largest:
            return None
    order = sorted(range(len(names)), key=list(names).__getitem__) if signs else ()
    return tuple(form), tuple(order)


def stays_exponent(argument: sp.Basic) -> bool:
    """Whether SymPy leaves the exponential of it alone: nothing in it is a number or a logarithm.

    SymPy looks for multiples of pi i, dividing by them, which takes longer than all else about exponentials.
    """
    for term in sp.Add.make_args(argument):
        if term.is_number:
            return False
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.Rational | sp.Float):
                if not factor.is_finite:
                    return False
            elif isinstance(factor, sp.log) or factor.is_number:
                return False
    return True


def logarithm(argument: Any) -> Any:
    """sympy.log(argument)."""
    return unevaluated(sp.log, argument) if stays_argument(argument) else sp.log(argument)


def stays_argument(argument: sp.Basic) -> bool:
    """Whether SymPy leaves the logarithm of it alone: it is no number or exponential, and not always 0.

    SymPy looks for reasons why it should be 0, longer than for all else.
    """
    kind = type(argument)
    return (kind in (sp.Add, sp.Mul) or (kind is sp.Pow and argument.args[0] is not sp.E)) and (
        is_somewhere_not_zero(argument) and not argument.is_number
    )
