from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from symbp.errors import ShapeError, UnsupportedError
from symbp.nn.activations import relu
from symbp.nn.operands import coefficient, column, fresh_symbol, operand, same_shape, shape_text


def test_lists_become_columns():
    a, b = sp.symbols("a b")
    assert operand([a, b]) == sp.ImmutableMatrix([[a], [b]])
    assert operand((a, 2)).shape == (2, 1)


def test_mutable_matrices_become_hashable():
    assert isinstance(operand(sp.Matrix([[1, 2]])), sp.ImmutableMatrix)


def test_expressions_pass_through():
    x = sp.MatrixSymbol("x", 3, 1)
    for expression in (sp.Symbol("c"), x, 2 * x, sp.IndexedBase("v")[sp.Idx("i", 3)]):
        assert operand(expression) is expression
    assert operand(3) == sp.Integer(3)


@pytest.mark.parametrize(
    "bad", ["x", "__import__('os')", None, np.ones(3), {"a": 1}, True, sp.Symbol("a") > 0]
)
def test_refused(bad):
    with pytest.raises(UnsupportedError, match="expected a scalar"):
        operand(bad)


@pytest.mark.parametrize(
    "bad",
    [
        sp.I,
        1j,
        sp.nan,
        float("nan"),
        sp.Symbol("z", imaginary=True),
        sp.Symbol("c", commutative=False),
        sp.exp(sp.MatrixSymbol("M", 3, 3)),
        sp.Lambda(sp.Symbol("t"), sp.Symbol("t")),
    ],
    ids=str,
)
def test_what_is_no_real_number_is_refused(bad):
    with pytest.raises(UnsupportedError) as caught:
        relu(bad)
    assert caught.value.hint


def test_functions_of_whole_matrices_are_named():
    with pytest.raises(UnsupportedError, match="exp of a matrix") as caught:
        operand(sp.exp(sp.MatrixSymbol("M", 3, 3)))
    assert "elementwise(sympy.exp, M)" in caught.value.hint


def test_text_inside_of_a_list_is_refused():
    with pytest.raises(UnsupportedError):
        operand(["x", "y"])


def test_indexed_base_needs_its_indices():
    with pytest.raises(UnsupportedError, match=r"v\[i\]"):
        operand(sp.IndexedBase("v"))


def test_list_of_vectors_is_refused():
    with pytest.raises(ShapeError, match=r"\(3, 1\)"):
        operand([sp.MatrixSymbol("x", 3, 1)])


def test_same_shape_names_both_shapes():
    with pytest.raises(ShapeError, match=r"thing needs .* u is \(3, 1\), v is \(2, 1\)"):
        same_shape("thing", u=sp.MatrixSymbol("u", 3, 1), v=sp.MatrixSymbol("v", 2, 1))
    with pytest.raises(ShapeError, match=r"u is \(1, 1\), v is scalar"):
        same_shape("thing", u=sp.MatrixSymbol("u", 1, 1), v=sp.Symbol("v"))


def test_same_shape_mixes_explicit_and_symbolic():
    u, v = same_shape("thing", u=[1, 2], v=sp.MatrixSymbol("v", 2, 1))
    assert u.shape == v.shape == (2, 1)


@pytest.mark.parametrize("bad", [sp.Symbol("s"), sp.MatrixSymbol("r", 1, 3), sp.Matrix([[1, 2], [3, 4]])])
def test_column(bad):
    with pytest.raises(ShapeError, match="column vector"):
        column("thing", bad)


def test_shape_text():
    assert shape_text(sp.MatrixSymbol("W", 2, sp.Symbol("n"))) == "(2, n)"


def test_fresh_symbol_goes_by_name():
    k = fresh_symbol("k", [sp.Symbol("k") + sp.Symbol("k1", real=True)], integer=True)
    assert k == sp.Symbol("k2", integer=True)
    assert fresh_symbol("k", [sp.Symbol("j")]) == sp.Symbol("k")


@pytest.mark.parametrize("tenth", [0.1, np.float32(0.1), np.float64(0.1), Fraction(1, 10), sp.Float(0.1)])
def test_coefficients_are_the_decimal_text(tenth):
    number = coefficient("c", tenth, lambda c: True, "anything")
    assert number == sp.Rational(1, 10)
    assert number.is_Rational


def test_coefficients_may_be_symbols():
    assert coefficient("c", sp.Symbol("c"), lambda c: False, "never") == sp.Symbol("c")


@pytest.mark.parametrize(
    "bad", [float("nan"), float("inf"), sp.oo, sp.nan, sp.MatrixSymbol("W", 2, 2), "1", None]
)
def test_coefficients_are_finite_scalars(bad):
    with pytest.raises(UnsupportedError):
        coefficient("c", bad, lambda c: True, "anything")


def test_coefficients_are_judged():
    with pytest.raises(UnsupportedError, match=r"c must be positive, got -0\.5"):
        coefficient("c", -0.5, lambda c: c > 0, "positive")
