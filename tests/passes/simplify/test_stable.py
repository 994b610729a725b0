import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.passes.simplify.stable import stable_body
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning

x = Access("x")


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "stable_forms")


def test_softplus_is_finite_everywhere():
    body = stable_body(sp.log(1 + sp.exp(x)))
    v = np.array([-800.0, -1, 0, 1, 800])
    np.testing.assert_allclose(evaluate_body(body, {"x": v}), np.logaddexp(0, v), rtol=1e-14)
    assert stable_body(body) == body
