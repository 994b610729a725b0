"""How reductions begin, take a term and end."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from symbp.codegen.module import emit
from symbp.codegen.reduction import clamped_once, neutral, with_term
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.ir.functions import finite
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import load, program_of

N, J = Index("n", BATCH), Index("j", 10)
X = Tensor("x", (BATCH, 10), "input")


def statement(body, reduce, where=()):
    return Statement("y", (N,), body, reduce, (J,), where)


def test_first_values_and_lines():
    largest, total = statement(X[N, J], "max"), statement(X[N, J], "sum")
    assert [neutral(s, single) for s in (largest, total) for single in (False, True)] == [
        "-np.inf",
        "f32(-np.inf)",
        "0.0",
        "f32(0.0)",
    ]
    assert with_term("t", "v", largest) == "t = maximum(v, t)"
    assert with_term("t", "v", total) == "t += v"


def test_what_is_clamped_once():
    assert clamped_once(statement(finite(X[N, J]), "max")).body == X[N, J]
    assert clamped_once(statement(finite(X[N, J]), "sum")) is None
    assert clamped_once(statement(X[N, J], "max")) is None
    # There may be no term, and the maximum -inf.
    assert clamped_once(statement(finite(X[N, J]), "max", (sp.Lt(J, N),))) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maxima_of_clamped_terms(dtype, tmp_path):
    """nan stays, wherever it is; what is infinite becomes the largest number."""
    program = program_of([X, Tensor("y", (BATCH,))], [statement(finite(X[N, J]), "max")], ("y",))
    text = emit([Kernel("forward", program, ("x",), (), ("y",), (), dtype=dtype)])
    assert text.count("= minimum(") == 1
    random, largest = np.random.default_rng(0), np.finfo(dtype).max
    x = random.normal(size=(60, 10)).astype(dtype)
    for k in range(10):
        x[k, k], x[10 + k, k], x[20 + k], x[30 + k, k] = np.nan, np.inf, -np.inf, -np.inf
        x[40 + k, :k], x[40 + k, k:] = np.inf, np.nan
    (got,) = load(text, tmp_path).forward(x)
    np.testing.assert_array_equal(got, np.clip(x, -largest, largest).max(axis=1))
