"""What the tests of the passes share: every stage of a model, and the comparison of two programs."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from symbp.ir import BATCH, Program, check, evaluate
from symbp.ir.definition import definition, has_own_derivative, known
from symbp.ir.entries import entries
from symbp.ir.walk import node_operations, operations, postorder
from symbp.passes.batch import batch
from symbp.passes.contract import contract
from symbp.passes.differentiate import differentiate
from symbp.passes.hoist import hoist
from symbp.passes.inline import inline
from symbp.passes.lower import lower
from symbp.passes.prune import prune
from symbp.passes.share import share
from symbp.passes.simplify.adjoints import simplify_adjoints
from symbp.passes.simplify.exponentials import shift_exponentials
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.logarithms import expand_logarithms
from symbp.passes.simplify.stable import stable_forms
from symbp.passes.split import split
from symbp.pipeline import Derivation
from tests.catalogue import CATALOGUE

SAMPLES = 3


@cache
def stages(name: str) -> dict[str, list[tuple[Program, Program]]]:
    """Pass name -> (before, after) wherever the pass runs on the catalogue's model."""
    net = CATALOGUE[name].network()
    found: dict[str, list[tuple[Program, Program]]] = {}

    def run(work, program: Program, *args) -> Program:
        after = work(program, *args)
        found.setdefault(work.__name__, []).append((program, after))
        return after

    program = run(shift_exponentials, run(expand_logarithms, lower(net)))
    for work in (contract, split, share, prune):
        program = run(work, program)
    names = [p.name if hasattr(p, "name") else str(p.label) for p in net.parameters]
    adjoints = differentiate(program, net.loss, names)
    gradient = Program(
        {**program.tensors, **{t.name: t for t in adjoints.tensors}},
        program.statements + tuple(adjoints.statements),
        (net.loss, *adjoints.gradients.values()),
    )
    found["differentiate"] = [(program, gradient)]
    gradient = run(simplify_adjoints, gradient, program, True, Ledger())
    for work in (prune, hoist, share, contract, prune):
        gradient = run(work, gradient)
    gradient = batch(gradient, {n: f"{net.reduction} {n}" for n in gradient.outputs}, net.reduction)
    for work in (contract, inline, prune):
        gradient = run(work, gradient)
    for relative in (False, True):
        run(stable_forms, gradient, None, relative)
    return found


def assert_same(name: str, before: Program, after: Program, tolerance: float = 1e-12) -> None:
    """Both programs are well formed and give the same outputs."""
    check(before)
    check(after)
    assert after.outputs == before.outputs
    values = CATALOGUE[name].values(before, SAMPLES)
    old, new = evaluate(before, values), evaluate(after, values)
    for output in before.outputs:
        assert np.all(np.isfinite(old[output])), output
        scale = max(1.0, float(np.max(np.abs(old[output]), initial=0)))
        np.testing.assert_allclose(
            new[output], old[output], rtol=tolerance, atol=tolerance * scale, err_msg=output
        )


def assert_pass_keeps_meaning(name: str, work: str) -> None:
    for before, after in stages(name)[work]:
        assert_same(name, before, after)


def assert_gradients(derivation: Derivation, values: dict, tolerance: float = 1e-12) -> None:
    """Every gradient equals the complex step through the forward equations."""
    forward, loss = derivation.forward_program, derivation.loss
    got = evaluate(derivation.backward_program, values)
    step = 1e-30
    for name, gradient in derivation.gradients.items():
        exact = np.zeros(np.shape(values[name]))
        for at in np.ndindex(exact.shape):
            moved = np.array(values[name], dtype=complex)
            moved[at] += 1j * step
            exact[at] = np.imag(evaluate(forward, {**values, name: moved}, np.complex128)[loss]).item() / step
        scale = max(1.0, float(np.max(np.abs(exact), initial=0)))
        assert np.all(np.isfinite(exact)), name
        np.testing.assert_allclose(got[gradient], exact, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def work_of(program: Program) -> int:
    """Operations to run a program once: statements over the same loops share sub-expressions.

    A sum over n terms counts n - 1 additions per entry, a function of the user's what its formula takes.
    """
    loops: dict[tuple, list[sp.Expr]] = {}
    total = 0
    for s in program.statements:
        # A condition k = label leaves one value of k: the loop tree visits no other.
        pinned = {side for c in s.where if isinstance(c, sp.Eq) for side in c.args}
        domain = tuple(i for i in s.domain if i not in pinned)
        found = entries(s)
        if found is not None:
            domain = tuple(i for i in s.domain if i not in found.pinned)
            loops.setdefault(domain, []).extend(b for _, b in found.bodies)
            continue
        loops.setdefault(domain, []).append(s.body)
        terms, points = _size(tuple(i for i in s.bound if i not in pinned)), _size(domain)
        total += points - points // terms
    for domain, bodies in loops.items():
        total += _size(domain) * sum(_node_work(n) for n in postorder(bodies))
    return total


def _size(indices: tuple) -> int:
    return int(np.prod([i.extent for i in indices if i.extent != BATCH], dtype=int))


def _node_work(node: sp.Basic) -> int:
    return (
        operations(definition(node))
        if has_own_derivative(node) and not known(node)
        else node_operations(node)
    )
