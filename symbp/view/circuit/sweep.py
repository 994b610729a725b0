"""Values forward and gradients backward through scalar gates.

Each gate's formula is lowered, evaluated and differentiated by the compiler's own machinery, so that a
circuit obeys the same conventions at kinks as a kernel does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.nodes import Access, Tensor
from symbp.passes.lower.builder import Builder, refusals
from symbp.passes.lower.scalars import scalar
from symbp.passes.partials import partials
from symbp.view.circuit.gates import Gate
from symbp.view.circuit.wiring import placeholder


def sweep(gates: Sequence[Gate], values: Mapping[str, float], output: str | None) -> tuple[Gate, ...]:
    """The gates with their values, and with d(output)/d(value) where there is an output.

    Args:
        values: of the symbols, by name.
    """
    rules = _Rules()
    with np.errstate(all="ignore"):
        forward = _forward(gates, values, rules)
        if output is None:
            return tuple(replace(g, value=forward[g.name]) for g in gates)
        backward = _backward(gates, forward, output, rules)
    return tuple(replace(g, value=forward[g.name], gradient=backward.get(g.name, 0.0)) for g in gates)


class _Rules:
    """A formula's body over accesses, and its partial derivatives, each worked out once."""

    def __init__(self) -> None:
        self._bodies: dict[Any, Any] = {}
        self._partials: dict[Any, dict[Access, sp.Expr]] = {}

    def body(self, gate: Gate) -> sp.Expr:
        key = (gate.formula, len(gate.inputs))
        if key not in self._bodies:
            b = Builder({})
            b.equation = f"{gate.name} = {gate.operation}"
            for k in range(len(gate.inputs)):
                b.declare(Tensor(placeholder(k).name, (), "input"))
            with refusals(b):
                self._bodies[key] = scalar(b, gate.formula, {})
            assert not b.statements, gate
        return self._bodies[key]

    def partials(self, gate: Gate) -> dict[Access, sp.Expr]:
        body = self.body(gate)
        if body not in self._partials:
            self._partials[body] = partials(body, f"{gate.name} = {gate.operation}")
        return self._partials[body]


def _forward(gates: Sequence[Gate], values: Mapping[str, float], rules: _Rules) -> dict[str, float]:
    known: dict[str, float] = {}
    for gate in gates:
        if gate.is_symbol:
            known[gate.name] = float(values[gate.name])
        else:
            known[gate.name] = float(evaluate_body(rules.body(gate), _operands(gate, known)))
    return known


def _backward(
    gates: Sequence[Gate], values: Mapping[str, float], output: str, rules: _Rules
) -> dict[str, float]:
    """Gates that the output does not depend on are left out.

    So are those behind a choice that was not taken: 0 times the infinite slope of a logarithm that is not
    used would be nan.
    """
    adjoint = {output: 1.0}
    for gate in reversed(gates):
        if gate.name not in adjoint or gate.is_symbol:
            continue
        operands = _operands(gate, values)
        for access, derivative in rules.partials(gate).items():
            if _not_taken(derivative, operands):
                continue
            source = gate.inputs[int(access.name[1:])]
            slope = float(evaluate_body(derivative, operands))
            adjoint[source] = adjoint.get(source, 0.0) + adjoint[gate.name] * slope
    return adjoint


def _not_taken(derivative: sp.Expr, operands: Mapping[str, np.ndarray]) -> bool:
    """Whether the derivative is a choice that comes out at a branch that is the number 0."""
    if not isinstance(derivative, sp.Piecewise):
        return False
    branches = ((sp.Integer(e == 0), c) for e, c in derivative.args)
    return bool(evaluate_body(sp.Piecewise(*branches, evaluate=False), operands))


def _operands(gate: Gate, values: Mapping[str, float]) -> dict[str, np.ndarray]:
    return {placeholder(k).name: np.float64(values[n]) for k, n in enumerate(gate.inputs)}  # type: ignore[misc]
