import sys

import numpy as np
import pytest
import sympy as sp

from symbp.ir import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir import evaluate as run
from symbp.ir.evaluate import evaluate_body

n, i, j = Index("n", BATCH), Index("i", 3), Index("j", 2)
A = np.arange(6.0).reshape(3, 2) - 2
X = np.array([[1.0, -2], [0.5, 3], [2, 2], [-1, 0]])
x, y = Access("x"), Access("y")


def single(body, indices=(), shape=(), tensors=(), values=None, dtype=np.float64, **reduction):
    """The value of one statement."""
    target = Tensor("out", shape)
    program = Program(
        {t.name: t for t in (*tensors, target)}, (Statement("out", indices, body, **reduction),), ("out",)
    )
    return run(program, values or {}, dtype)["out"]


MATRIX = [Tensor("A", (3, 2), "parameter"), Tensor("x", (BATCH, 2), "input")]


def test_a_matrix_product_over_samples():
    got = single(
        Access("A", i, j) * Access("x", n, j),
        (n, i),
        (BATCH, 3),
        MATRIX,
        {"A": A, "x": X},
        reduce="sum",
        bound=(j,),
    )
    np.testing.assert_allclose(got, X @ A.T)


def test_a_sum_over_samples_in_pieces(monkeypatch):
    for size in (1, 3, 1 << 20):
        monkeypatch.setattr(sys.modules["symbp.ir.evaluate"], "CHUNK", size)
        total = single(Access("x", n, j), (), (), MATRIX, {"A": A, "x": X}, reduce="sum", bound=(n, j))
        peak = single(Access("x", n, j), (), (), MATRIX, {"A": A, "x": X}, reduce="max", bound=(n, j))
        rows = single(
            Access("x", n, j) ** 2, (n,), (BATCH,), MATRIX, {"A": A, "x": X}, reduce="sum", bound=(j,)
        )
        assert total == pytest.approx(X.sum())
        assert peak == X.max()
        np.testing.assert_allclose(rows, (X**2).sum(1))


def test_conditions_give_the_neutral_element():
    square = Tensor("Q", (3, 3), "input")
    k = Index("k", 3)
    q = np.arange(9.0).reshape(3, 3) - 10
    lower = {"tensors": [square], "values": {"Q": q}, "bound": (k,), "where": (sp.Le(k, i),)}
    np.testing.assert_allclose(
        single(Access("Q", i, k), (i,), (3,), reduce="sum", **lower), np.tril(q).sum(1)
    )
    peak = single(Access("Q", i, k), (i,), (3,), reduce="max", **lower)
    np.testing.assert_allclose(peak, np.where(np.tri(3) > 0, q, -np.inf).max(1))


def test_gathers_shifts_and_the_number_of_samples():
    tensors = [Tensor("T", (4,), "parameter"), Tensor("c", (BATCH,), "label", bound=4)]
    values = {"T": np.array([10.0, 20, 30, 40]), "c": np.array([2, 0, 3])}
    got = single(Access("T", Access("c", n)) / BATCH, (n,), (BATCH,), tensors, values)
    np.testing.assert_allclose(got, np.array([30, 10, 40]) / 3)
    k = Index("k", 3)
    np.testing.assert_allclose(single(Access("T", k + 1), (k,), (3,), tensors, values), [20, 30, 40])


def test_constants_come_with_the_program():
    table = Tensor("c", (2, 2), "constant", values=(1.0, 2.0, 3.0, 4.0))
    assert single(Access("c", 1, 0), tensors=[table]) == 3


class Cube(sp.Function):
    def fdiff(self, argindex=1):
        return 3 * self.args[0] ** 2

    def _eval_rewrite_as_exp(self, z, **_):
        return z**3


class Nothing(sp.Function):
    pass


def test_a_users_function_means_its_formula():
    v = np.array([1.0, 2.0])
    np.testing.assert_allclose(evaluate_body(Cube(x + y), {"x": v, "y": v}), (2 * v) ** 3)
    with pytest.raises(Exception, match="Nothing"):
        evaluate_body(Nothing(x), {"x": v})
