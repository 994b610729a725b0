"""Shift sums of exponentials, before differentiation.

A sum of exponentials that is only used in a logarithm or as a divisor of other exponentials gets its
largest exponent subtracted,

    s = sum_j exp(b_j)   ->   m = max_j b_j,  s' = sum_j exp(b_j - m),  s = s' exp(m),

so that log s = m + log s' and exp(b_i) / s = exp(b_i - m) / s'. No value depends on m: it is
not differentiated.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import accesses, is_leaf, postorder, rebuild, substitute


def shift_exponentials(program: Program) -> Program:
    """Subtract the largest exponent wherever a sum of exponentials allows it."""
    for name in [s.target for s in program.statements if s.reduce == "sum"]:
        program = _shift(program, name)
    return program


def _shift(program: Program, name: str) -> Program:
    by_name = program.statement_of()
    total = by_name[name]
    body = _inline_exponentials(total.body, by_name)
    if not isinstance(body, sp.exp) or name in program.outputs:
        return program
    users = [s for s in program.statements if name in {a.name for a in accesses(s.body)}]
    peak = _free_name(program, f"max_{name}")
    shifted = _free_name(program, f"{name}_shifted")
    rewritten = {}
    for user in users:
        inlined = _inline_exponentials(user.body, by_name, keep=name)
        found = {
            a: a.func(shifted, *a.indices) * sp.exp(Access(peak, *a.indices))
            for a in accesses(inlined)
            if a.name == name
        }
        new = _rebuild(inlined, found)
        if _has_bare_shift(new, peak):
            return program
        rewritten[user.target] = user.with_body(new)
    extents = tuple(i.extent for i in total.indices)
    exponent = body.args[0]
    m = replace(total, target=peak, body=exponent, reduce="max")
    s = replace(total, target=shifted, body=sp.exp(exponent - Access(peak, *total.indices)))
    statements: list[Statement] = []
    for statement in program.statements:
        if statement.target == name:
            statements += [m, s]
        else:
            statements.append(rewritten.get(statement.target, statement))
    statements = _peeled(statements, peak, program.outputs)
    return program.rebuilt(statements, [Tensor(peak, extents), Tensor(shifted, extents)])


def _peeled(statements: list[Statement], peak: str, outputs: tuple[str, ...]) -> list[Statement]:
    """Move the maximum out of intermediate results: z - (m + log s) has no digit of log s left at z = 1e30.

    u = m + log s  ->  u = log s, and whoever reads u adds m.
    """
    added: dict[str, tuple[Statement, Access]] = {}
    result = []
    for s in statements:
        read = [a for a in accesses(s.body) if a.name in added]
        if read:
            swap = {}
            for access in read:
                source, m = added[access.name]
                at = dict(zip(source.indices, access.indices, strict=True))
                swap[access] = access + substitute(m, at)
            s = s.with_body(substitute(s.body, swap))
        terms = sp.Add.make_args(s.body)
        maximum = next((t for t in terms if isinstance(t, Access) and t.name == peak), None)
        if maximum is not None and len(terms) > 1 and s.reduce == "none" and s.target not in outputs:
            added[s.target] = (s, maximum)
            s = s.with_body(sp.Add(*(t for t in terms if t is not maximum)))
        result.append(s)
    return result


def _inline_exponentials(body: sp.Expr, by_name: dict[str, Statement], keep: str | None = None) -> sp.Expr:
    """Replace accesses to tensors that are elementwise exponentials by the exponential."""
    swap = {}
    for access in accesses(body):
        source = by_name.get(access.name)
        if (
            source
            and access.name != keep
            and source.reduce == "none"
            and isinstance(source.body, sp.exp)
            and not source.where
        ):
            swap[access] = substitute(source.body, dict(zip(source.indices, access.indices, strict=True)))
    return substitute(body, swap) if swap else body


def _rebuild(root: sp.Expr, swap: dict) -> sp.Expr:
    """Substitute, with the logarithm of the shifted total split into a sum."""
    done: dict[sp.Basic, sp.Basic] = dict(swap)
    for node in postorder([root], leaf=lambda n: is_leaf(n) or n in swap):
        if node in done:
            continue
        new = rebuild(node, tuple(done[a] for a in node.args)) if not is_leaf(node) else node
        if isinstance(new, sp.log) and isinstance(new.args[0], sp.Mul):
            exponents = [f for f in new.args[0].args if isinstance(f, sp.exp)]
            others = sp.Mul(*(f for f in new.args[0].args if not isinstance(f, sp.exp)))
            if exponents:
                new = sp.Add(*(f.args[0] for f in exponents), sp.log(others))
        elif isinstance(new, sp.Mul) and sum(isinstance(f, sp.exp) for f in new.args) > 1:
            # SymPy leaves exp(b)*exp(-m) as it is, which overflows.
            exponents = [f.args[0] for f in new.args if isinstance(f, sp.exp)]
            new = sp.Mul(*(f for f in new.args if not isinstance(f, sp.exp)), sp.exp(sp.Add(*exponents)))
        done[node] = new
    return done[root]  # type: ignore[return-value]


def _has_bare_shift(root: sp.Expr, peak: str) -> bool:
    """Whether exp(m) survives by itself: then the shift buys nothing."""
    for node in postorder([root]):
        if isinstance(node, sp.exp):
            terms = sp.Add.make_args(node.args[0])
            if (
                any(isinstance(a, Access) and a.name == peak for t in terms for a in sp.Mul.make_args(t))
                and len(terms) == 1
            ):
                return True
    return False


def _free_name(program: Program, wish: str) -> str:
    name, k = wish, 1
    while name in program.tensors:
        k += 1
        name = f"{wish}_{k}"
    return name
