"""Functions of short rows get a loop over all entries."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import BATCH, Index, Program, Statement, Tensor
from symbp.schedule.fuse import fuse
from symbp.schedule.short_rows import SHORT, with_functions_alone


def program(body, width=10):
    n, j = Index("n", BATCH), Index("j", width)
    z, m = Tensor("z", (BATCH, width), "input"), Tensor("m", (BATCH,), "input")
    p = Tensor("p", (BATCH, width))
    statement = Statement("p", (n, j), body(z[n, j], m[n]))
    return Program({t.name: t for t in (z, m, p)}, (statement,), ("p",))


def split(before):
    return with_functions_alone(before, fuse(before))


def test_an_argument_that_differs_by_row_has_its_own_loop():
    before = program(lambda z, m: sp.exp(z - m))
    after, (stage,) = split(before)
    assert [[s.target for s in nest.statements] for nest in stage.nests] == [["p_argument"], ["p"]]
    argument, function = after.statements
    assert (argument.target, function.target) == ("p_argument", "p")
    assert function.body.func is sp.exp
    random = np.random.default_rng(0)
    data = {"z": random.normal(size=(3, 10)), "m": random.normal(size=3)}
    np.testing.assert_array_equal(evaluate(before, data)["p"], evaluate(after, data)["p"])


def test_names_are_new():
    before = program(lambda z, m: sp.exp(z - m))
    taken = Tensor("p_argument", (BATCH, 10), "input")
    before = Program({**before.tensors, taken.name: taken}, before.statements, ("p",))
    after, _ = split(before)
    assert [s.target for s in after.statements] == ["p_argument_", "p"]


@pytest.mark.parametrize(
    "body",
    [
        lambda z, m: z - m,
        lambda z, m: sp.exp(z),
        lambda z, m: sp.Abs(z - m),
        lambda z, m: sp.Piecewise((z - m, m > 0), (0, True)),
        lambda z, m: 2 * sp.exp(z - m),
    ],
    ids=["sum", "whole", "absolute", "branches", "product"],
)
def test_other_statements_stay(body):
    before = program(body)
    stages = fuse(before)
    assert with_functions_alone(before, stages) == (before, stages)


def test_long_rows_stay():
    before = program(lambda z, m: sp.exp(z - m), SHORT)
    assert split(before)[0] == before


def test_the_loop_goes_over_all_entries():
    model = sb.compile(sb.mlp([6, 20, 3], loss="softmax_cross_entropy"), cache=False)
    assert "for k in range(rows*3):" in model.source
    assert re.search(r"(\w+_entries)\[k\] = exp\(\1\[k\]\)", model.source)
