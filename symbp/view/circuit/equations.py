"""A network as one gate per equation, with arrays on the wires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbp.errors import UnsupportedError
from symbp.ir.brief import brief
from symbp.ir.check import check
from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.network import Network, names_used, symbol_name
from symbp.passes.differentiate import differentiate
from symbp.passes.simplify.exponentials import shift_exponentials
from symbp.passes.simplify.stable import stable_forms
from symbp.view.circuit.gates import MAX_GATES, Gate
from symbp.view.equations import equations
from symbp.view.terms import Term, term
from symbp.view.text import TextPrinter

MAX_TERM = 60
"""Parts of a right-hand side that is printed; nobody reads longer ones."""


def equation_gates(net: Network, program: Program) -> tuple[Gate, ...]:
    """Symbols and equations, operands first; symbols that no equation reads are left out.

    Args:
        program: the lowered network.

    Raises:
        UnsupportedError: there are too many.
    """
    text = _right_hand_sides(net, program)
    gates: dict[str, Gate] = {}
    for equation in net.equations:
        name = symbol_name(equation.lhs)
        read = tuple(n for n in names_used(equation) if n in program.tensors)
        for n in read:
            if n not in gates:
                gates[n] = Gate(n, program.tensors[n].role, shape=program.tensors[n].shape)
        gates[name] = Gate(name, text[name], read, program.tensors[name].shape)
        if len(gates) > MAX_GATES:
            raise UnsupportedError(
                f"the circuit has more than {MAX_GATES} gates", hint="draw a network of fewer equations"
            )
    return tuple(gates.values())


def with_values(
    gates: Sequence[Gate], program: Program, values: Mapping[str, np.ndarray], loss: str | None
) -> tuple[Gate, ...]:
    """The gates with the arrays that the interpreter finds, and with the gradients of the loss."""
    program = shift_exponentials(program)
    if loss is None:
        found = evaluate(program, values)
        return tuple(replace(g, value=_plain(found[g.name])) for g in gates)
    probed, probes = _with_probes(program, [g.name for g in gates if not g.is_symbol])
    symbols = [g.name for g in gates if g.operation in ("input", "parameter")]
    adjoints = differentiate(probed, loss, [*symbols, *probes.values()], lossy=False)
    tensors = {**probed.tensors, **{t.name: t for t in adjoints.tensors}}
    statements = (*probed.statements, *adjoints.statements)
    whole = check(stable_forms(Program(tensors, statements, (loss, *adjoints.gradients.values()))))
    zeros = {probe: np.zeros(whole.tensors[probe].shape) for probe in probes.values()}
    found = evaluate(whole, {**values, **zeros})
    slopes = {**{n: n for n in symbols}, **probes}
    return tuple(
        replace(
            g,
            value=_plain(found[g.name]),
            gradient=_plain(found[adjoints.gradients[slopes[g.name]]]) if g.name in slopes else None,
        )
        for g in gates
    )


def _with_probes(program: Program, names: Sequence[str]) -> tuple[Program, dict[str, str]]:
    """The program with a probe, an input that is 0, added to each of the named results.

    The derivative with respect to the probe is the gradient of everything that reads the result. The adjoints
    that differentiation leaves behind will not do: one that is a number, or that has no name of its own, is
    not among them.
    """
    taken = set(program.tensors)
    tensors = dict(program.tensors)
    statements: list[Statement] = []
    probes: dict[str, str] = {}
    for s in program.statements:
        if s.target not in names:
            statements.append(s)
            continue
        inner, probe = _free(f"{s.target} alone", taken), _free(f"{s.target} probe", taken)
        shape = program.tensors[s.target].shape
        tensors[inner], tensors[probe] = Tensor(inner, shape), Tensor(probe, shape, "input")
        statements.append(replace(s, target=inner))
        body = Access(inner, *s.indices) + Access(probe, *s.indices)
        statements.append(Statement(s.target, s.indices, body, origin=s.origin))
        probes[s.target] = probe
    return Program(tensors, tuple(statements), program.outputs), probes


def _free(wish: str, taken: set[str]) -> str:
    while wish in taken:
        wish += "_"
    taken.add(wish)
    return wish


def _plain(value: np.ndarray) -> Any:
    return float(value) if np.ndim(value) == 0 else value


def _right_hand_sides(net: Network, program: Program) -> dict[str, str]:
    """Each equation as the derivation prints it; as SymPy does where that needs a name of the compiler's."""
    printer = TextPrinter()
    found: dict[str, str] = {}
    inner: dict[str, Term | None] = {t.name: None for t in program.by_role("constant")}
    for line in equations(program, net.defined):
        right = None if line.where else _without(inner, line.right)
        if line.target not in net.defined:
            inner[line.target] = right if line.left.kind == "name" else None
        elif right is not None:
            found[line.target] = printer.show(right)
    written = {symbol_name(e.lhs): e.rhs for e in net.equations}
    return {n: found.get(n) or brief(rhs) for n, rhs in written.items()}


def _without(inner: Mapping[str, Term | None], t: Term) -> Term | None:
    """The term with the compiler's names written out; None where they cannot be, or it becomes long."""
    if t.kind in ("name", "access") and str(t.data) in inner:
        return inner[str(t.data)] if t.kind == "name" else None
    args = [_without(inner, a) for a in t.args]
    if not all(new is old for new, old in zip(args, t.args, strict=True)):
        if any(a is None for a in args):
            return None
        t = term(t.kind, *(a for a in args if a is not None), data=t.data, array=t.array)
    return t if t.size <= MAX_TERM else None
