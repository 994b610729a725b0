import sys

import numpy as np
import pytest
import sympy as sp
from scipy import special

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


REFERENCE = {
    "exp": (sp.exp(x), np.exp),
    "power": (x**3 - x**-2, lambda v: v**3 - v**-2.0),
    "roots": (sp.sqrt(x) + 1 / sp.sqrt(x), lambda v: np.sqrt(v) + v**-0.5),
    "loggamma": (sp.loggamma(x), special.gammaln),
    "digamma": (sp.digamma(x), special.psi),
    "trigamma": (sp.polygamma(1, x), lambda v: special.polygamma(1, v)),
    "gamma": (sp.gamma(x), special.gamma),
    "erfc": (sp.erfc(x), special.erfc),
    "choice": (
        sp.Piecewise((x, x > 1), (-x, x > 0.4), (7, True)),
        lambda v: np.where(v > 1, v, np.where(v > 0.4, -v, 7)),
    ),
    "extremes": (sp.Max(x, 1) + sp.Min(x, 2, 3), lambda v: np.maximum(v, 1) + np.minimum(v, 2)),
    "steps": (
        sp.floor(x) + sp.ceiling(x) + sp.sign(x - 1),
        lambda v: np.floor(v) + np.ceil(v) + np.sign(v - 1),
    ),
    "logic": (
        sp.Piecewise((1, sp.Or(sp.And(x > 0.5, x < 1), sp.Not(x < 2))), (0, True)),
        lambda v: 1.0 * (((v > 0.5) & (v < 1)) | (v >= 2)),
    ),
    "long product": (
        sp.Mul(*(x + k for k in range(10)), evaluate=False),
        lambda v: np.prod([v + k for k in range(10)], axis=0),
    ),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_functions_agree_with_numpy_and_scipy(name):
    body, reference = REFERENCE[name]
    v = np.array([0.3, 0.7, 1.5, 2.5])
    np.testing.assert_allclose(evaluate_body(body, {"x": v}), reference(v), rtol=1e-14)


SMOOTH = [
    sp.exp(x), sp.log(x), sp.sin(x), sp.cos(x), sp.tan(x), sp.asin(x / 4), sp.acos(x / 4), sp.atan(x),
    sp.sinh(x), sp.cosh(x), sp.tanh(x), sp.asinh(x), sp.acosh(x + 1), sp.atanh(x / 4), sp.erf(x), sp.erfc(x),
    sp.gamma(x), sp.loggamma(x), sp.polygamma(0, x), sp.polygamma(2, x), sp.atan2(x, 2), sp.atan2(2, x), x**x,
    x**2.5, 2**x, sp.sqrt(x), sp.Abs(x - 1), sp.Max(x, 1), sp.Min(x, 1), sp.sec(x / 3), sp.acot(x),
]  # fmt: skip


@pytest.mark.parametrize("body", SMOOTH, ids=str)
def test_the_complex_step_is_the_derivative(body):
    v = np.array([0.3, 0.7, 1.5, 2.5])
    step = np.imag(evaluate_body(body, {"x": v + 1e-30j}, np.complex128)) / 1e-30
    t = sp.Symbol("t", positive=True)
    slope = sp.diff(body.xreplace({x: t}), t)
    right = [float(slope.subs(t, sp.Float(p, 30)).doit().evalf(25)) for p in v]
    np.testing.assert_allclose(step, right, rtol=1e-12)


def test_outside_of_the_real_domain_is_nan_with_and_without_an_imaginary_part():
    v = np.array([-2.0])
    for body in (sp.log(x), sp.sqrt(x), sp.asin(x), sp.acosh(x), x ** sp.Rational(1, 3)):
        with np.errstate(all="ignore"):
            assert np.isnan(evaluate_body(body, {"x": v})).all()
            assert np.isnan(evaluate_body(body, {"x": v + 1e-30j}, np.complex128).real).all()


def test_tanh_of_large_complex_values_is_finite():
    assert evaluate_body(sp.tanh(x), {"x": np.array([1000 + 1e-30j])}, np.complex128).real == 1


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
