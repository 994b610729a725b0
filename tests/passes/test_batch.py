import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.ir import BATCH, check, evaluate
from symbp.network import Network
from symbp.passes.batch import batch
from symbp.pipeline import derive
from tests.catalogue import CATALOGUE, NAMES

SAMPLES = 4


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", NAMES)
def test_samples_one_by_one_give_the_same(name, reduction):
    program = CATALOGUE[name].derivation.backward_program
    wide = check(batch(program, {n: f"all {n}" for n in program.outputs}, reduction))
    values = CATALOGUE[name].values(wide, SAMPLES)
    batched = {t.name for t in wide.by_role("input", "label")}
    count = SAMPLES if batched else 1
    rows = [
        evaluate(program, {n: v[k] if n in batched else v for n, v in values.items()}) for k in range(count)
    ]
    got = evaluate(wide, values)
    combine = np.mean if reduction == "mean" else np.sum
    for output in program.outputs:
        right = combine([r[output] for r in rows], axis=0)
        np.testing.assert_allclose(got[f"all {output}"], right, rtol=1e-12, atol=1e-12)


def test_rows_that_are_not_combined_keep_the_sample_axis():
    program = CATALOGUE["dense_tanh"].derivation.forward_program
    wide = batch(program, {})
    assert wide.tensors["z1"].shape == (BATCH, 4)
    assert wide.tensors["W1"].shape == (4, 3)
    assert wide.outputs == program.outputs


def test_a_penalty_is_not_summed_over_the_samples():
    program = CATALOGUE["l2_penalty"].derivation.backward_program
    wide = batch(program, {n: f"mean {n}" for n in program.outputs}, "mean")
    (total,) = [
        s for s in wide.statements if s.target == "total mean dE/dW1" or s.target == "total mean dF/dW1"
    ]
    assert "W1" not in {a.name for a in total.body.atoms() if hasattr(a, "extent")}
    assert total.bound[0].extent == BATCH


def test_labels_of_samples_stand_beside_a_penalty():
    W, x, y, E = nn.matrix("W", 3, 2), nn.vector("x", 2), nn.label("y"), sp.Symbol("E")
    loss = nn.softmax_cross_entropy(W * x, y) + nn.l2_penalty(1, W)
    program = derive(Network([sp.Eq(E, loss)], inputs=[x, y], parameters=[W], loss=E)).backward_program
    wide = check(batch(program, {"E": "mean E"}))
    values = {"W": np.eye(3, 2), "x": np.array([[1.0, 2.0], [3.0, -1.0]]), "y": np.array([2, 0])}
    rows = [evaluate(program, {n: v if n == "W" else v[k] for n, v in values.items()}) for k in range(2)]
    got = evaluate(wide, values)["mean E"]
    np.testing.assert_allclose(got, np.mean([r["E"] for r in rows]), rtol=1e-12)
