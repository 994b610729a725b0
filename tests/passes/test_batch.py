import numpy as np
import pytest

from symbp.ir import BATCH, check, evaluate
from symbp.passes.batch import batch
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
