"""Common numbers: what all terms of a sum are multiplied by stands in front of it, once.

    2 a - 2 y           ->   2 (a - y)
    x (a/7 - y/7) 3     ->   3/7 x (a - y)

SymPy multiplies numbers into sums whenever it builds a product. This is done last, where nothing is built any
more. Sums over an index are left alone: their products are those of matrices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from symbp.ir.nodes import Program, Statement
from symbp.ir.walk import is_leaf, postorder, rebuild


def common_numbers(program: Program) -> Program:
    """The program with common numbers of sums in front of them."""
    statements = [_factored(s) for s in program.statements]
    same = all(new is s for new, s in zip(statements, program.statements, strict=True))
    return program if same else replace(program, statements=tuple(statements))


def _factored(s: Statement) -> Statement:
    if s.bound or not isinstance(s.body, sp.Expr):
        return s
    sums = (n for n in postorder([s.body]) if isinstance(n, sp.Add))
    if all(common_number(n)[0] is sp.S.One for n in sums):
        return s
    done: dict[sp.Basic, Any] = {}
    for node in postorder([s.body]):
        if is_leaf(node):
            done[node] = node
            continue
        args = tuple(done[a] for a in node.args)
        if isinstance(node, sp.Mul):
            done[node] = _product(node, args)
        else:
            new = rebuild(node, args)
            done[node] = _sum(new) if isinstance(new, sp.Add) else new
    return s.with_body(done[s.body])


def common_number(node: sp.Add) -> tuple[Any, list[Any]]:
    """The number that all terms of a sum are multiplied by, up to its sign, and the terms without it."""
    pairs = [a.as_coeff_Mul() for a in node.args]
    size = abs(pairs[0][0])
    if size == 1 or any(abs(c) != size for c, _ in pairs):
        return sp.S.One, list(node.args)
    return size, [rest if c.is_positive else -rest for c, rest in pairs]


def _sum(node: sp.Add) -> sp.Expr:
    number, terms = common_number(node)
    return node if number is sp.S.One else sp.Mul(number, sp.Add(*terms), evaluate=False)


def _product(node: sp.Mul, args: tuple[Any, ...]) -> Any:
    """The product with one number in front, where a factor has one."""
    if all(new is a for new, a in zip(args, node.args, strict=True)):
        return node
    flat = [f for a in args for f in (a.args if isinstance(a, sp.Mul) else (a,))]
    numbers = [f for f in flat if f.is_Number]
    rest = [f for f in flat if not f.is_Number]
    number = sp.Mul(*numbers)
    if number == 1 and len(rest) == 1:
        return rest[0]
    return sp.Mul(*([number] if number != 1 else []), *rest, evaluate=False)
