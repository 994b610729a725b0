import numpy as np
import pytest
import sympy as sp

from symbp.errors import ShapeError, UnsupportedError
from symbp.nn import index, indexed, label, matrix, one_hot, scalar, vector


def test_scalar_is_real():
    assert scalar("a") == sp.Symbol("a", real=True)
    assert sp.Abs(scalar("a")).diff(scalar("a")) == sp.sign(scalar("a"))


def test_label_is_an_integer():
    assert label("y").is_integer


def test_shapes():
    assert vector("x", 3) == sp.MatrixSymbol("x", 3, 1)
    assert matrix("W", 2, 3) == sp.MatrixSymbol("W", 2, 3)
    assert indexed("A", 2, 3, 4).shape == (2, 3, 4)


def test_index_runs_from_zero():
    i = index("i", 5)
    assert (i.lower, i.upper) == (0, 4)
    assert sp.Sum(i, i).doit() == 10


def test_numpy_integers_are_dimensions():
    assert vector("x", np.int64(3)) == vector("x", 3)


@pytest.mark.parametrize("n", [sp.Symbol("n"), sp.Symbol("n", integer=True, positive=True)])
def test_symbolic_dimensions(n):
    assert vector("x", n).shape == (n, 1)
    assert matrix("W", 3, n).shape == (3, n)
    assert index("i", n).upper == n - 1
    assert indexed("A", n, 2).shape == (n, 2)


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", None, True, sp.Rational(1, 2), sp.Integer(0)])
def test_impossible_dimensions(n):
    for make in (
        lambda: vector("x", n),
        lambda: matrix("x", n, 2),
        lambda: matrix("x", 2, n),
        lambda: index("x", n),
        lambda: indexed("x", 2, n),
    ):
        with pytest.raises(ShapeError, match="dimension of x"):
            make()


def test_indexed_needs_a_dimension():
    with pytest.raises(ShapeError, match="no dimensions"):
        indexed("A")


@pytest.mark.parametrize("name", ["", "  ", 3, sp.Symbol("x")])
def test_names_are_text(name):
    for make in (scalar, label, lambda name: vector(name, 2), lambda name: indexed(name, 2)):
        with pytest.raises(UnsupportedError, match="name"):
            make(name)


def test_one_hot_is_a_vector_of_known_total():
    y = one_hot("y", 3)
    assert y.shape == (3, 1)
    assert isinstance(y, sp.MatrixSymbol)
    assert y.total == 1
    assert y.func(*y.args) == y
    assert type(y.xreplace({sp.Symbol("n"): sp.Integer(3)})) is type(y)
    with pytest.raises(ShapeError):
        one_hot("y", 0)
