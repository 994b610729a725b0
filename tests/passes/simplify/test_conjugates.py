import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, Program, Statement, Tensor, evaluate
from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.passes.simplify.conjugates import difference_of_root
from symbp.passes.simplify.stable import stable_body, stable_forms
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import X, Y, worst

sqrt = sp.sqrt
FAR = (-1e100, -1e8, -1000.0, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 3.0, 1000.0, 1e8, 1e100)
DIFFERENCES = [
    sqrt(1 + X**2) - X,
    3 * X - 3 * sqrt(2 + X**2),
    sqrt(1 + X**2) + X,
    sqrt(1 + X**2) - 1,
    X / sqrt(1 + X**2) - 1,
    1 + X / sqrt(3 + X**2),
    sqrt(X**2 + Y**2) - X,
]


@pytest.mark.parametrize("body", DIFFERENCES, ids=str)
def test_no_digits_are_lost(body):
    found = stable_body(body)
    assert found.has(sp.Piecewise)
    assert verified(body, found) is not None
    # Where u = 2 v^2 a bit is lost.
    at = FAR if Y not in body.atoms(Access) else (-1e8, -1.0, 0.3, 1000.0)
    assert worst(found, body, at, 500) <= 8


@pytest.mark.parametrize(
    "body",
    [
        sqrt(1 + X**2) + 1,
        sqrt(1 + X) - X,  # a sum would be left
        sqrt(1 + X**2) - X * Y,
        sqrt(X) * Y - 1,
        2 - sqrt(sp.Integer(3)) + X,
        sqrt(X) - sqrt(Y) + X,
    ],
    ids=str,
)
def test_what_is_left_alone(body):
    assert difference_of_root(body) is None


def test_squares_that_overflow_are_infinite_and_not_nan():
    with np.errstate(all="ignore"):
        assert evaluate_body(stable_body(sqrt(1 + X**2) - 1), {"x": np.array(1e160)}) == np.inf


def test_a_root_that_another_statement_holds():
    tensors = [Tensor("x", (), "input"), Tensor("r", ()), Tensor("a", ())]
    statements = (Statement("r", (), sqrt(1 + X**2)), Statement("a", (), Access("r") - X))
    program = Program({t.name: t for t in tensors}, statements, ("r", "a"))
    values = evaluate(stable_forms(program), {"x": np.array(1000.0)})
    assert float(values["a"]) == pytest.approx(1 / 2000, rel=1e-6)
    assert float(values["a"]) == pytest.approx(float(exact(sqrt(1 + X**2) - X, {X: 1000})), rel=1e-15)


def test_two_squares_that_overflow_are_infinite_and_not_nan():
    found = stable_body(sqrt(X**2 + Y**2) - X)
    with np.errstate(over="ignore", invalid="ignore"):
        assert evaluate_body(found, {"x": np.array(1e155), "y": np.array(1e155)}) == np.inf
