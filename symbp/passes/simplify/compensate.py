"""Compensate: exponentials whose argument is rounded are computed from an argument in twice the precision.

See `symbp.ir.functions.compensated_exp`. Arguments that are exact (an entry, its size, a power of two times
it) stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from symbp.ir.functions import compensated_exp
from symbp.ir.nodes import Access, Statement
from symbp.ir.products import product
from symbp.ir.walk import accesses, is_large, is_leaf, operations, postorder, rebuild, substitute

LIMIT = 12
"""Operations of an argument that is carried in twice the precision."""


def compensated(statements: list[Statement], definitions: Mapping[str, Statement]) -> list[Statement]:
    """The statements with such exponentials; arithmetic of other statements is put into the arguments."""
    return [s.with_body(_body(s.body, definitions)) for s in statements]


def _body(body: sp.Expr, definitions: Mapping[str, Statement]) -> sp.Expr:
    order = postorder([body])
    if not any(isinstance(n, sp.exp) for n in order):
        return body
    done: dict[sp.Basic, sp.Basic] = {}
    for node in order:
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        if isinstance(new, sp.exp):
            new = _compensated(new, definitions)
        done[node] = new
    return done[body]  # type: ignore[return-value]


def _compensated(call: sp.exp, definitions: Mapping[str, Statement]) -> sp.Expr:
    factor, rest = call.args[0].as_coeff_Mul()
    size = isinstance(rest, sp.Abs)
    inside = _written_out(rest.args[0] if size else rest, definitions)
    # SymPy would ask for the sign of what is inside, at great length.
    argument = product(factor, sp.Abs(inside, evaluate=False) if size else inside)
    if _is_exact(argument) or operations(argument) > LIMIT or is_large(argument, 4 * LIMIT):
        return call
    return compensated_exp(argument)


def _written_out(argument: sp.Expr, definitions: Mapping[str, Statement]) -> sp.Expr:
    """The argument with entries of other tensors replaced by the arithmetic they come from."""
    while True:
        swap = {}
        for access in accesses(argument):
            source = definitions.get(access.name)
            if (
                source is not None
                and source.reduce == "none"
                and not source.where
                and _arithmetic(source.body)
            ):
                swap[access] = substitute(source.body, dict(zip(source.indices, access.indices, strict=True)))
        wider = substitute(argument, swap) if swap else argument
        if wider == argument or operations(wider) > LIMIT or is_large(wider, 4 * LIMIT):
            return argument
        argument = wider


def _arithmetic(body: sp.Expr) -> bool:
    return all(
        is_leaf(n) or isinstance(n, sp.Add | sp.Mul) or (isinstance(n, sp.Pow) and n.exp.is_Integer)
        for n in postorder([body])
    )


def _is_exact(argument: sp.Basic) -> bool:
    """Whether no operation in it rounds."""
    if isinstance(argument, sp.Abs):
        return _is_exact(argument.args[0])
    if isinstance(argument, sp.Mul) and len(argument.args) == 2:
        factor, rest = argument.args
        return _is_power_of_two(factor) and _is_exact(rest)
    return isinstance(argument, Access) or not argument.args or not _has_arithmetic(argument)


def _has_arithmetic(argument: sp.Basic) -> bool:
    return isinstance(argument, sp.Add | sp.Mul | sp.Pow)


def _is_power_of_two(factor: sp.Basic) -> bool:
    if not isinstance(factor, sp.Rational):
        return False
    p, q = abs(int(factor.p)), int(factor.q)
    return p & (p - 1) == 0 and q & (q - 1) == 0
