"""Sums that SymPy wrote out entry by entry are sums over an index again."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.network import Network
from symbp.passes.lower import lower

A, x, t = sb.matrix("A", 4, 3), sb.vector("x", 3), sb.vector("t", 4)
E = sp.Symbol("E")
i = sp.Symbol("i", integer=True)
VALUES = {"A": np.arange(12.0).reshape(4, 3) - 5, "x": np.array([1.0, -2.0, 0.5]), "t": np.ones(4)}
RESIDUAL = VALUES["A"] @ VALUES["x"] - VALUES["t"]


def program(right):
    return lower(Network([sp.Eq(E, right)], inputs=[A, t], parameters=[x], loss=E, batch=False))


@pytest.mark.parametrize(
    "right",
    [
        ((A * x - t).T * (A * x - t))[0, 0],
        sp.Sum(((A * x - t)[i, 0]) ** 2, (i, 0, 3)),
        sum(((A * x - t)[k, 0]) ** 2 for k in range(4)),
        sp.Trace((A * x - t) * (A * x - t).T),
    ],
)
def test_a_squared_error_is_one_sum_over_matrices(right):
    found = program(right)
    assert [s.reduce for s in found.statements] == ["sum", "sum"]
    assert all(len(s.body.args) <= 2 for s in found.statements)
    assert float(evaluate(found, VALUES)["E"]) == pytest.approx(float(RESIDUAL @ RESIDUAL))


@pytest.mark.parametrize(
    "right", [((A * x - t).T * (A * x - t))[0, 0], sp.Trace((A * x - t).T * (A * x - t))]
)
def test_its_gradient_is_that_of_the_textbook(right):
    net = Network([sp.Eq(E, right)], inputs=[A, t], parameters=[x], loss=E, batch=False)
    assert "dE/dx = 2*A.T*(s_E - t)\n" in str(sb.derive(net)) + "\n"


def test_two_indices_and_equal_ones():
    whole = sum(A[k, m] ** 2 for k in range(4) for m in range(3))
    (square,) = program(whole).statements
    assert len(square.bound) == 2
    B = sb.matrix("B", 3, 3)
    net = Network([sp.Eq(E, sum(B[k, k] for k in range(3)))], parameters=[B], loss=E, batch=False)
    (trace,) = lower(net).statements
    assert (trace.reduce, len(trace.bound)) == ("sum", 1)


@pytest.mark.parametrize(
    "right",
    [
        x[0, 0] + x[1, 0],
        x[0, 0] * A[0, 0] + x[1, 0] * A[0, 1] + 2 * x[2, 0] * A[0, 2],
        x[0, 0] * A[0, 1] + x[1, 0] * A[0, 0] + x[2, 0] * A[0, 2],
        sum(A[k, k] for k in range(3)),
        sp.sin(x[0, 0]) + sp.cos(x[1, 0]) + sp.sin(x[2, 0]),
        sum(A[k, m] for k in range(2) for m in range(2)),
    ],
)
def test_what_is_no_sum_over_whole_axes_stays(right):
    (only,) = program(right).statements
    assert only.reduce == "none"
    assert float(evaluate(program(right), VALUES)["E"]) == pytest.approx(
        float(right.subs({A: sp.Matrix(VALUES["A"]), x: sp.Matrix(VALUES["x"])}).doit())
    )


def test_shared_parts_are_visited_once():
    body = sum(x[k, 0] for k in range(3))
    for _ in range(60):
        body = sp.sin(body) * (body + 1)
    assert len(program(body).statements) < 200
