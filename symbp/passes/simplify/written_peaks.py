"""Logarithms of sums of exponentials that are written out, shifted before they are differentiated.

    log(exp(a) + exp(b))   ->   m + log(exp(a - m) + exp(b - m)),    m = max(a, b)

No value depends on m, which has no derivatives therefore. One derivative after the other divides by the sum,
and without the shift the reciprocal of exp(-800) is no number before it is multiplied by another exp(-800).
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from symbp.ir.forms import logarithm
from symbp.ir.functions import finite
from symbp.ir.names import free_name, peak_of
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import is_large, postorder, put_in
from symbp.passes.simplify.several_exponentials import weighted_terms

LARGE = 2000
"""Bodies with more nodes, counted as a tree, are left as they are."""


def with_written_peaks(program: Program) -> Program:
    """The program with a statement for the greatest exponent of every such logarithm."""
    statements: list[Statement] = []
    made: list[Tensor] = []
    taken = set(program.tensors)
    for s in program.statements:
        swap = {}
        if s.reduce == "none" and not s.where and not is_large(s.body, LARGE):
            for log in postorder([s.body]):
                exponents = _exponents(log)
                if exponents:
                    name = free_name(peak_of(s.target), taken)
                    taken.add(name)
                    made.append(Tensor(name, tuple(i.extent for i in s.indices)))
                    peak = Access(name, *s.indices)
                    greatest = finite(sp.Max(*exponents, evaluate=False))
                    statements.append(Statement(name, s.indices, greatest, origin=s.origin))
                    swap[log] = peak + _shifted(log, peak)
        statements.append(replace(s, body=put_in(s.body, swap)) if swap else s)
    return program.rebuilt(statements, made) if made else program


def _exponents(node: sp.Basic) -> list[sp.Expr]:
    """The exponents of such a sum, at least two but for the 0 of a number."""
    terms = weighted_terms(node.args[0]) if isinstance(node, sp.log) else None
    if terms is None or not all(factor.is_positive for factor, _ in terms):
        return []
    found = list(dict.fromkeys(exponent for _, exponent in terms))
    return found if sum(exponent != 0 for exponent in found) > 1 else []


def _shifted(log: sp.Basic, peak: sp.Expr) -> sp.Expr:
    terms = weighted_terms(log.args[0]) or []
    return logarithm(sp.Add(*(factor * sp.exp(exponent - peak) for factor, exponent in terms)))
