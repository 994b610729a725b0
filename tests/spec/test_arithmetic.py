"""Sums, products and powers of scalars and matrices, and the operand at fault."""

import pytest
import sympy as sp

from symbp.spec.arithmetic import (
    OperandError,
    add,
    is_matrix,
    is_scalar,
    multiply,
    negate,
    power,
    shape_text,
    transposed,
)
from symbp.spec.constants import ConstantError, Measure
from tests.spec.reading import A, M, V, W, assert_refused, read, s, t, x, y

dot = x.T * y  # 1x1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("W*x", W * x),
        ("W@x", W * x),
        ("W*x + W*y", W * x + W * y),
        ("2*W*x*s", 2 * s * W * x),
        ("W*x/2", W * x / 2),
        ("-x", -x),
        ("x - y", x - y),
        ("x - x", sp.ZeroMatrix(4, 1)),
        ("x - y - x + y", sp.ZeroMatrix(4, 1)),
        ("0*x", sp.ZeroMatrix(4, 1)),
        ("0*W*x", sp.ZeroMatrix(3, 1)),
        ("0*x + y", y),
        ("1*x", x),
        ("2*x - x", x),
        ("W.T", W.T),
        ("x.T.T", x),
        ("transpose(W)", W.T),
        ("(W*V).T", V.T * W.T),
        ("(2*W*x + W*y).T", (2 * W * x + W * y).T),
        ("2*W*x + W*x - W*y", 3 * W * x - W * y),
        ("s*x/(1 + t) + x", s * x / (1 + t) + x),
        ("s*(t*x)*s", s**2 * t * x),
        ("W*(V*(W*x))", W * V * W * x),
        ("M*M", sp.MatMul(M, M)),
        ("M*(x - y)", M * (x - y)),
    ],
)
def test_matrices(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("value", "matrix", "scalar", "shape"),
    [
        (s, False, True, "scalar"),
        (sp.Integer(3), False, True, "scalar"),
        (W, True, False, "3x4"),
        (x.T, True, False, "1x4"),
        (dot, True, False, "1x1"),
        (sp.Matrix([1, 2]), True, False, "2x1"),
        (A, False, False, "scalar"),
        (s > 0, False, False, "scalar"),
    ],
)
def test_kinds(value, matrix, scalar, shape):
    assert (is_matrix(value), is_scalar(value)) == (matrix, scalar)
    assert shape_text(value) == shape


def test_negation_and_transposes_are_written_down():
    assert negate(s - t) == t - s
    assert negate(2 * x) == -2 * x
    assert transposed(2 * W * x + W * y) == 2 * x.T * W.T + y.T * W.T


@pytest.mark.parametrize(
    ("terms", "position", "problem", "hint"),
    [
        ([x, y, s], 2, "4x1 and scalar", "index notation"),
        ([s, x], 1, "scalar and 4x1", "index notation"),
        ([x, x.T], 1, "4x1 and 1x4", None),
        ([s, t, dot], 2, "scalar and 1x1", "M[0, 0]"),
        ([dot, s], 1, "1x1 and scalar", "M[0, 0]"),
    ],
)
def test_sums_that_do_not_fit(terms, position, problem, hint):
    with pytest.raises(OperandError, match=problem) as caught:
        add(terms, [1] * len(terms))
    assert caught.value.position == position
    assert hint is None or hint in caught.value.hint


@pytest.mark.parametrize(
    ("factors", "operators", "position", "problem", "hint"),
    [
        ([W, W], "**", 1, "3x4 times 3x4", "hadamard"),
        ([W, s, y.T], "***", 2, "3x4 times 1x4", None),
        ([x, s, W], "***", 2, "4x1 times 3x4", None),
        ([M, W], "**", 1, "4x4 times 3x4", None),
        ([W, sp.MatrixSymbol("b", 3, 1)], "**", 1, "3x4 times 3x1", "transpose"),
        ([s, x], "*@", 1, "one side is a scalar", "write *"),
        ([W, s], "*@", 1, "one side is a scalar", "write *"),
        ([s, x], "*/", 1, "division by a matrix", "reciprocal"),
        ([s, sp.S.Zero], "*/", 1, "division by zero", None),
    ],
)
def test_products_that_do_not_fit(factors, operators, position, problem, hint):
    with pytest.raises(OperandError, match=problem) as caught:
        multiply(factors, operators)
    assert caught.value.position == position
    assert hint is None or hint in caught.value.hint


def test_powers():
    measure = Measure()
    assert power(s, sp.Integer(3), measure) == s**3
    for position, operands in enumerate([(x, s), (s, x)]):
        with pytest.raises(OperandError, match="power of or by a matrix") as caught:
            power(*operands, measure)
        assert caught.value.position == position
    with pytest.raises(ConstantError, match="exponent"):
        power(s, sp.Integer(1_001), measure)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("W*x + 1", 7, "3x1 and scalar"),
        ("W*x + x", 7, "3x1 and 4x1"),
        ("s + x.T*x", 5, "scalar and 1x1"),
        ("s*x*W", 5, "4x1 times 3x4"),
        ("x.T @ s", 7, "one side is a scalar"),
        ("1/x", 3, "division by a matrix"),
        ("x**2", 1, "power of or by a matrix"),
        ("2**x", 4, "power of or by a matrix"),
        ("s + 1/0", 7, "division by zero"),
        ("sigmoid(W*W)", 11, "3x4 times 3x4"),
    ],
)
def test_the_operand_at_fault_is_pointed_at(text, column, problem):
    assert_refused(text, column, problem)
