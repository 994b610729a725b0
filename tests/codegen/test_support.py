"""Helpers that generated modules carry with them."""

import mpmath
import numpy as np
import sympy as sp

from symbp.codegen.module import emit
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.ir.functions import compensated_exp
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import load, program_of

N = Index("n", BATCH)


def reduction(body):
    x, y = Tensor("x", (BATCH, 64), "input"), Tensor("y", (BATCH, 64), "input")
    i = Index("i", 64)
    statement = Statement("s", (N,), body(x[N, i], y[N, i]), "sum", (i,))
    program = program_of([x, y, Tensor("s", (BATCH,))], [statement], ("s",))
    return Kernel("f", program, ("x", "y"), (), ("s",), ())


def test_sums_of_products_may_be_reordered():
    text = emit([reduction(lambda x, y: x * y)])
    assert "= accumulate_product(" in text


def test_rounding_errors_are_not_optimised_away(tmp_path):
    """With every operation open to reassociation, LLVM finds that the error of x + y is zero."""
    kernel = reduction(lambda x, y: compensated_exp(x + y) * y)
    text = emit([kernel])
    assert "fastmath={" not in text
    random = np.random.default_rng(0)
    a, b = random.uniform(300, 600, (2, 3, 64))
    got = load(text, tmp_path).f(a, -b)[0]
    for row in range(3):
        with mpmath.workdps(40):
            truth = mpmath.fsum(
                mpmath.exp(mpmath.mpf(float(u)) - mpmath.mpf(float(v))) * -mpmath.mpf(float(v))
                for u, v in zip(a[row], b[row], strict=True)
            )
            assert abs(got[row] / truth - 1) < 2e-15


def test_reductions_themselves_may_be_reordered():
    text = emit([reduction(lambda x, y: sp.exp(x - 1) * y + sp.log(y))])
    assert "accumulate(" in text
    text = emit([reduction(lambda x, y: (sp.exp(x) + sp.log(y)) * y)])
    assert "accumulate_product(" in text


def test_logarithms_are_added_last(tmp_path):
    kernel = reduction(lambda x, y: x - sp.log(2 + sp.cos(y)) - y)
    huge = np.zeros((1, 64))
    huge[0, 0] = 1e30
    with np.errstate(all="ignore"):
        got = load(emit([kernel]), tmp_path).f(huge, huge)[0]
    assert got[0] == -np.sum(np.log(2 + np.cos(huge)), axis=1)[0] or abs(got[0]) > 60
