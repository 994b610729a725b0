import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Program, Tensor, evaluate
from symbp.ir.nodes import Access, Index, Statement
from symbp.ir.walk import operations
from symbp.passes.simplify.common_numbers import common_numbers
from symbp.pipeline import gradient_kernel

k = Index("k", 3)
a, y, x = (Access(n, k) for n in "ayx")
TENSORS = {t.name: t for t in (*(Tensor(n, (3,), "input") for n in "ayx"), Tensor("r", (3,)))}
VALUES = {n: np.linspace(-1, 2, 3) * s for n, s in zip("ayx", (1, 3, -2), strict=True)}


@pytest.mark.parametrize(
    ("body", "fewer", "text"),
    [
        (2 * a - 2 * y, 1, "2*(a[k] - y[k])"),
        (x * (a / 7 - y / 7) * 3, 2, "3*(a[k] - y[k])*x[k]/7"),
        (x * (2 * a - 2 * y) / 2, 3, "(a[k] - y[k])*x[k]"),
        (sp.exp(2 - 2 * a), 0, "exp(2*(1 - a[k]))"),
        (2 * a - 3 * y, 0, "2*a[k] - 3*y[k]"),
        (a - y, 0, "a[k] - y[k]"),
    ],
)
def test_one_number_in_front(body, fewer, text):
    program = Program(TENSORS, (Statement("r", (k,), body),), ("r",))
    after = common_numbers(program)
    (s,) = after.statements
    assert str(s.body) == text
    assert operations(s.body) == operations(body) - fewer
    np.testing.assert_allclose(evaluate(after, VALUES)["r"], evaluate(program, VALUES)["r"], rtol=1e-14)


def test_sums_over_an_index_stay():
    program = Program(
        {**TENSORS, "r": Tensor("r", ())}, (Statement("r", (), 2 * a - 2 * y, "sum", (k,)),), ("r",)
    )
    assert common_numbers(program) is program


def test_the_gradient_of_a_squared_error():
    u, t, W, v, E = (
        sb.vector("u", 2),
        sb.vector("t", 2),
        sb.matrix("W", 2, 3),
        sb.vector("v", 3),
        sp.Symbol("E"),
    )
    equations = [sp.Eq(u, sb.tanh(W * v)), sp.Eq(E, sb.squared_norm(u - t))]
    derivation = sb.derive(sb.Network(equations, inputs=[v, t], parameters=[W], loss=E))
    assert "dE/dW = 2*((1 - u**2) ⊙ (u - t))*v.T" in str(derivation)
    (delta,) = [s for s in gradient_kernel(derivation).program.statements if s.target == "delta_u"]
    assert operations(delta.body) == 5
