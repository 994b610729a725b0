"""Which functions the later stages know, and what any other function means in terms of those."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.errors import UnsupportedError
from symbp.ir.agree import agrees
from symbp.ir.brief import brief
from symbp.ir.functions import INTERNAL
from symbp.ir.nodes import Access, Label
from symbp.ir.walk import REMEMBERED, is_leaf, postorder, rebuild, substitute

PRIMITIVE: frozenset = frozenset(
    [
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "Abs",
        "sign",
        "floor",
        "ceiling",
        "erf",
        "erfc",
        "gamma",
        "loggamma",
        "polygamma",
        "Max",
        "Min",
    ]
)
"""Names of the SymPy functions that the interpreter and the code generator evaluate."""

STRUCTURE = (
    sp.Add, sp.Mul, sp.Pow, sp.Piecewise, ExprCondPair, sp.And, sp.Or, sp.Not,
    sp.core.relational.Relational, sp.logic.boolalg.BooleanAtom, sp.Number, sp.NumberSymbol, Access, Label,
    *INTERNAL,
)  # fmt: skip


def _step(x: sp.Expr, at_zero: sp.Expr) -> sp.Expr:
    """The Heaviside function; from the sign, so that nan stays nan, which cases by order make 1."""
    step = (1 + sp.sign(x)) / 2
    return step if at_zero == sp.S.Half else sp.Piecewise((at_zero, sp.Eq(x, 0)), (step, True))


_REWRITES: dict[Any, Callable] = {
    sp.sec: lambda x: 1 / sp.cos(x),
    sp.csc: lambda x: 1 / sp.sin(x),
    sp.cot: lambda x: 1 / sp.tan(x),
    sp.sech: lambda x: 1 / sp.cosh(x),
    sp.csch: lambda x: 1 / sp.sinh(x),
    sp.coth: lambda x: 1 / sp.tanh(x),
    sp.asec: lambda x: sp.acos(1 / x),
    sp.acsc: lambda x: sp.asin(1 / x),
    sp.acot: lambda x: sp.atan(1 / x),
    sp.asech: lambda x: sp.acosh(1 / x),
    sp.acsch: lambda x: sp.asinh(1 / x),
    sp.acoth: lambda x: sp.atanh(1 / x),
    sp.factorial: lambda x: sp.gamma(x + 1),
    sp.frac: lambda x: x - sp.floor(x),
    sp.Mod: lambda a, b: a - b * sp.floor(a / b),
    sp.sinc: lambda x: sp.Piecewise((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)),
    sp.Heaviside: lambda x, h=sp.S.Half: _step(x, h),
    sp.KroneckerDelta: lambda i, j, *_: sp.Piecewise((1, sp.Eq(i, j)), (0, True)),
    sp.UnevaluatedExpr: lambda x: x,
    sp.ITE: lambda c, a, b: sp.Or(sp.And(c, a), sp.And(sp.Not(c), b)),
    sp.Xor: lambda *args: sp.Xor(*args).to_nnf(),
    sp.digamma: lambda x: sp.polygamma(0, x),
    sp.trigamma: lambda x: sp.polygamma(1, x),
    sp.conjugate: lambda x: x,
    sp.re: lambda x: x,
    sp.im: lambda x: sp.S.Zero,
}
"""SymPy functions written in terms of primitives, for real arguments."""


def known(node: sp.Basic) -> bool:
    """Whether later stages understand this node itself."""
    return isinstance(node, STRUCTURE) or (
        isinstance(node, sp.Function | sp.Max | sp.Min)
        and type(node).__name__ in PRIMITIVE
        and _of_sympy(node)
    )


def _of_sympy(node: sp.Basic) -> bool:
    return str(type(node).__module__).startswith("sympy.")


def simple(node: sp.Basic) -> sp.Basic:
    """One node in terms of nodes the compiler knows, or itself; its operands are simple already."""
    for kind, rewrite in _REWRITES.items():
        if type(node) is kind:
            return rewrite(*node.args)
    return node


def has_own_derivative(node: sp.Basic) -> bool:
    """Whether a user's function class says itself what its derivative is."""
    return isinstance(node, sp.Function) and type(node).fdiff is not sp.Function.fdiff


def defined(body: sp.Expr, origin: Any = None, known: Callable[[sp.Basic], bool] = known) -> sp.Expr:
    """A body in which every function that is not known is its formula.

    Raises:
        UnsupportedError: a function does not say what its value is.
    """

    if not _has_foreign(body, known):
        return body
    done: dict[sp.Basic, Any] = {}
    for node in postorder([body]):
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        done[node] = definition(new, origin) if _is_foreign(new, known) else new
    return done[body]


def _is_foreign(node: Any, known: Callable[[sp.Basic], bool]) -> bool:
    return isinstance(node, sp.Function) and not known(node)


@lru_cache(maxsize=REMEMBERED)
def _has_foreign(body: sp.Expr, known: Callable[[sp.Basic], bool]) -> bool:
    return any(_is_foreign(node, known) for node in postorder([body]))


def definition(node: sp.Function, origin: Any = None) -> sp.Expr:
    """What a function that is not primitive means, in primitives.

    Asks the class in the ways SymPy has for it: `doit`, `expand(func=True)`, every
    `_eval_rewrite_as_*`, and `_eval_evalf` on a symbol.

    Raises:
        UnsupportedError: the function does not say what its value is.
    """
    # Numbers stay: binomial(x, 3) has a formula that binomial(x, k) does not have.
    places = [a if a.is_number else sp.Dummy(f"x{k}", real=True) for k, a in enumerate(node.args)]
    replace = dict(zip(places, node.args, strict=True))
    name = type(node).__name__
    refused = None
    for candidate in _candidates(node.func, places):
        expanded = _expanded(candidate)
        if expanded is not None and all(known(n) or n in replace for n in postorder([expanded])):
            if not _of_sympy(node) or agrees(node.func, node.args, expanded, places):
                return substitute(expanded, replace)
            refused = refused or substitute(expanded, replace)
    if refused is not None:
        raise UnsupportedError(
            f"{name} has no formula that holds for all arguments",
            equation=origin,
            hint=f"write one that holds for yours, such as {brief(refused)}",
        )
    if _of_sympy(node) and not isinstance(node, AppliedUndef):
        hint = "write a formula for it, such as a series or a fit over the range you need"
        raise UnsupportedError(f"{name} is a function symbp cannot evaluate", equation=origin, hint=hint)
    what = "an undefined function" if isinstance(node, AppliedUndef) else "a function symbp cannot evaluate"
    raise UnsupportedError(
        f"{name} is {what}",
        equation=origin,
        hint=f"write its formula, or give {name} a `doit` or `_eval_rewrite_as_exp` that returns it",
    )


def _candidates(function: Any, dummies: list[sp.Dummy]):
    try:
        probe = function(*dummies)
    except Exception:  # its operands are no numbers, as those of hyper
        return
    attempts: list[Callable] = [lambda: probe.doit(), lambda: probe.expand(func=True)]
    attempts += [
        partial(_call, probe, name)
        for name in dir(probe)
        if name.startswith("_eval_rewrite_as_") and name not in _UNHELPFUL
    ]
    attempts += [lambda: probe._eval_evalf(60)]
    for attempt in attempts:
        try:
            formula = sp.sympify(attempt(), strict=True)
        except Exception:  # code of the user's, and of SymPy's for other operands: it may raise anything
            continue
        if formula != probe:
            yield formula


def _call(probe: sp.Function, method: str) -> Any:
    return getattr(probe, method)(*probe.args)


_UNHELPFUL = ("_eval_rewrite_as_Integral", "_eval_rewrite_as_Sum", "_eval_rewrite_as_Derivative")


def _expanded(root: Any) -> sp.Expr | None:
    try:
        return _expand(root)
    except (TypeError, AttributeError, ValueError, NotImplementedError, RecursionError):
        return None


def _expand(root: Any) -> sp.Expr:
    done: dict[sp.Basic, Any] = {}
    for node in postorder([root]):
        done[node] = simple(rebuild(node, tuple(done[a] for a in node.args)) if node.args else node)
    return done[root]
