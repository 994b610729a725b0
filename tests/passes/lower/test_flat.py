"""The flat form of matrix expressions: what it looks like, and that depth does not matter."""

import pytest
import sympy as sp
from sympy.matrices.expressions.diagonal import DiagMatrix
from sympy.matrices.expressions.dotproduct import DotProduct

from symbp.passes.lower.flat import flat, parts_of, product, terms_of, total

A, B, C = (sp.MatrixSymbol(n, 3, 3) for n in "ABC")
W = sp.MatrixSymbol("W", 2, 3)
x, y = (sp.MatrixSymbol(n, 3, 1) for n in "xy")
c, d = sp.symbols("c d")
T, Mul, Add = sp.Transpose, sp.MatMul, sp.MatAdd
ones, one_row = sp.OneMatrix(3, 1), sp.OneMatrix(1, 3)


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (T(Mul(A, B, x)), Mul(T(x), T(B), T(A))),
        (T(T(A)), A),
        (T(Mul(A, Add(B, T(C)), x)), Mul(T(x), Add(T(B), C), T(A))),
        (Mul(2, Mul(3, A), x), Mul(6, A, x)),
        (Mul(c, T(Mul(d, A)), x), Mul(c * d, T(A), x)),
        (Add(A, Add(B, A)), Add(Mul(2, A), B)),
        (Add(A, Mul(-1, A)), sp.ZeroMatrix(3, 3)),
        (Mul(A, Add(B, Mul(-1, B))), sp.ZeroMatrix(3, 3)),
        (Mul(A, sp.Identity(3), x), Mul(A, x)),
        (Mul(sp.Identity(3), sp.Identity(3)), sp.Identity(3)),
        (Mul(A, sp.OneMatrix(3, 3), x), Mul(A, ones, one_row, x)),
        (Mul(c, sp.OneMatrix(3, 3)), Mul(c, sp.OneMatrix(3, 3))),
        (T(sp.OneMatrix(2, 3)), sp.OneMatrix(3, 2)),
        (sp.MatPow(A, 3), Mul(A, A, A)),
        (T(sp.MatPow(Mul(A, B), 2)), Mul(T(B), T(A), T(B), T(A))),
        (T(sp.HadamardProduct(A, T(B))), sp.HadamardProduct(T(A), B)),
        (T(sp.HadamardPower(Mul(W, A), 2)), sp.HadamardPower(Mul(T(A), T(W)), 2)),
        (T(DiagMatrix(x)), DiagMatrix(x)),
        (DiagMatrix(T(x)), DiagMatrix(x)),
        (DotProduct(x, y), Mul(T(x), y)),
        (T(Mul(T(x), y)), Mul(T(y), x)),
        (T(sp.MatrixSymbol("s", 1, 1)), sp.MatrixSymbol("s", 1, 1)),
        (T(Mul(A, sp.Inverse(B))), Mul(T(sp.Inverse(B)), T(A))),
        (T(A[0:2, 0:3]), T(A[0:2, 0:3])),
    ],
    ids=str,
)  # fmt: skip
def test_flat(expression, want):
    assert flat(expression) == want


def test_the_argument_of_a_function_is_flat():
    e = T(Mul(W, T(Mul(A, B))).applyfunc(sp.sin))
    assert flat(e).expr == Mul(A, B, T(W))


def test_parts():
    assert parts_of(Mul(2, c, A, x)) == (2 * c, [A, x])
    assert parts_of(A) == (1, [A])
    assert terms_of(Add(A, B)) == [A, B]
    assert terms_of(A) == [A]
    assert product(sp.S.One, [Mul(2, A), B]) == Mul(2, A, B)
    assert product(sp.S.Zero, [W, A]) == sp.ZeroMatrix(2, 3)
    assert total([Mul(c, A), Mul(d, A)]) == Mul(c + d, A)


def test_depth_does_not_matter():
    e = x
    for _ in range(150):
        e = T(Mul(2, T(e), T(A)))
    coefficient, factors = parts_of(flat(e))
    assert coefficient == 2**150
    assert factors == [A] * 150 + [x]
