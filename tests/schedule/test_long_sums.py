"""Sums of many tensors in parts."""

from __future__ import annotations

import pytest
import sympy as sp

from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import BATCH, Index, Statement, Tensor
from symbp.ir.walk import accesses
from symbp.schedule.fuse import fuse
from symbp.schedule.long_sums import FEW, with_sums_in_parts
from symbp.schedule.parts import MOST_TENSORS
from tests.codegen.kernels import program_of

N, J = Index("n", BATCH), Index("j", 6)
MANY = [Tensor(f"x{k}", (BATCH, 6), "input") for k in range(60)]


def program(count):
    body = sp.Add(*(x[N, J] ** 2 * (k + 1) for k, x in enumerate(MANY[:count])))
    s = Statement("s", (N, J), body)
    return program_of([*MANY[:count], Tensor("s", (BATCH, 6))], [s], ("s",))


def test_parts_add_up_one_after_the_other():
    before = program(60)
    after = with_sums_in_parts(before)
    assert len(after.statements) == 60 // FEW
    assert after.statements[-1].target == "s"
    for s in after.statements:
        assert len({a.name for a in accesses(s.body)}) <= FEW + 1
    for one, other in zip(after.statements, after.statements[1:], strict=False):
        assert one.access in accesses(other.body)
    values = {x.name: [[k + 0.5 * j for j in range(6)]] for k, x in enumerate(MANY)}
    (want,), (got,) = evaluate(before, values)["s"], evaluate(after, values)["s"]
    assert got == pytest.approx(want)


def test_parts_have_loops_of_their_own():
    """Of few tensors each: nests do not take them together again."""
    for stage in fuse(with_sums_in_parts(program(60))):
        for nest in stage.nests:
            names = {a.name for s in nest.statements for a in accesses(s.body)} | nest.targets
            assert len(names) <= MOST_TENSORS


def test_other_sums_stay():
    short = program(MOST_TENSORS - 1)  # and the target
    scalars = [Tensor(f"y{k}", (BATCH,), "input") for k in range(40)]
    total = Statement("t", (N,), sp.Add(*(y[N] for y in scalars)))
    reduced = Statement("r", (N,), sp.Add(*(x[N, J] for x in MANY)), "sum", (J,))
    for plain in (
        short,
        program_of([*scalars, Tensor("t", (BATCH,))], [total], ("t",)),
        program_of([*MANY, Tensor("r", (BATCH,))], [reduced], ("r",)),
    ):
        assert with_sums_in_parts(plain) is plain
