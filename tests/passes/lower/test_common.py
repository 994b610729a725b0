"""Common factors of sums of products."""

import pytest
import sympy as sp

from symbp.passes.lower.common import common
from symbp.passes.lower.flat import flat

A, B, C, D = (sp.MatrixSymbol(n, 3, 3) for n in "ABCD")
x, y, z = (sp.MatrixSymbol(n, 3, 1) for n in "xyz")
c = sp.Symbol("c")
Mul, Add = sp.MatMul, sp.MatAdd


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (A * x + A * y, Mul(A, Add(x, y))),
        (A * x - 2 * A * y + B * z, Add(Mul(A, Add(x, Mul(-2, y))), Mul(B, z))),
        (A * x + B * x, Mul(Add(A, B), x)),
        (x.T * A * B + y.T * A * B, Mul(Add(x.T, y.T), A, B)),
        (A * B * C + A * D * C, Mul(A, Add(B, D), C)),
        (A * B * C + A * D * C + 2 * A * x * y.T, Mul(A, Add(Mul(Add(B, D), C), Mul(2, x, y.T)))),
        (c * A + c * B, Mul(c, Add(A, B))),
        (c * A * x + c * A * y, Mul(c, A, Add(x, y))),
        (-A - B, Add(Mul(-1, A), Mul(-1, B))),
        (A * x + x, Add(Mul(A, x), x)),
        (D * (A * x + A * y), Mul(D, A, Add(x, y))),
        (A * x + B * y, Add(Mul(A, x), Mul(B, y))),
    ],
    ids=str,
)
def test_common_factors(expression, want):
    assert common(flat(expression)) == want


def test_below_a_function():
    assert common(flat((A * x + A * y).applyfunc(sp.sin))).expr == Mul(A, Add(x, y))
