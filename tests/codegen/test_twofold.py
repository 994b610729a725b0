"""Exponentials of arguments that are carried in twice the working precision."""

import operator

import mpmath
import numpy as np
import pytest
import sympy as sp

from symbp.codegen import nest
from symbp.codegen.module import emit
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.ir.functions import compensated_exp, times_logarithm
from symbp.schedule.kernel import Kernel
from symbp.schedule.memory import plan_kernel
from tests.codegen.kernels import load, program_of

N = Index("n", BATCH)
X, Y = Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input")
x, y = X[N], Y[N]
ARGUMENTS = {
    "square": -(x**2),
    "third": -(x**2) / 3,
    "sum": sp.Rational(1, 3) * x + y,
    "difference": x - y / 7,
    "size": -sp.Abs(sp.pi * x),
    "quotient": 10 * y / (1 + x**2),
    "decimal": sp.Float("0.1") * x,
    "power": x**3 / 50,
    "root": -sp.sqrt(x**2 / 3 + 1),
    "product of roots": -sp.sqrt(3) * sp.sqrt(x**2 + 1) / 5,
    "third root": sp.Rational(1, 3) * (x**2 + 1) ** sp.Rational(1, 3),
    "function": sp.sin(x) * y,
    "product with zero": -x * times_logarithm(x - y / 7, y) / 25,
}


def kernel(dtype):
    tensors = [Tensor(name, (BATCH,)) for name in ARGUMENTS]
    statements = [Statement(n, (N,), compensated_exp(a)) for n, a in ARGUMENTS.items()]
    program = program_of([X, Y, *tensors], statements, tuple(ARGUMENTS))
    return Kernel("f", program, ("x", "y"), (), tuple(ARGUMENTS), (), dtype)


def exact(argument, at):
    with mpmath.workdps(40):
        f = sp.lambdify(
            [sp.Symbol("x"), sp.Symbol("y")],
            argument.xreplace({x: sp.Symbol("x"), y: sp.Symbol("y")}),
            [{"times_logarithm": operator.mul}, "mpmath"],
        )
        return mpmath.exp(f(*(mpmath.mpf(float(v)) for v in at)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", ["loops", "block", "lockstep"])
def test_rounding_of_the_argument_does_not_count(tmp_path, monkeypatch, dtype, form):
    monkeypatch.setattr(nest, "LONG", 10**6 if form == "loops" else 0)
    text = emit([kernel(dtype)], plans=() if form == "lockstep" else [plan_kernel(kernel(dtype))])
    assert ("make_block(" in text, "lockstep(" in text) == (form == "block", form == "lockstep")
    random = np.random.default_rng(0)
    reach = 25 if dtype == "float64" else 9
    points = random.uniform(-reach, reach, (2, 300)).astype(dtype)
    got = load(text, tmp_path).f(*points)
    info = np.finfo(dtype)
    for (name, argument), values in zip(ARGUMENTS.items(), got, strict=True):
        if name in ("function", "third root"):
            continue  # sin is rounded
        for k, value in enumerate(values):
            truth = exact(argument, points[:, k])
            if float(info.smallest_normal) < truth < float(info.max):
                unit = mpmath.mpf(2) ** (mpmath.frexp(truth)[1] - 1 - info.nmant)
                assert abs(float(value) - truth) < 2.5 * unit, (name, points[:, k])


def test_infinities(tmp_path):
    f = load(emit([kernel("float64")]), tmp_path).f
    big = np.array([1e200, np.inf, -np.inf, np.nan, 1e-320])
    with np.errstate(all="ignore"):
        square, _, total, *_ = f(big, np.ones(5))
        quotient = f(big, np.ones(5))[5]
    np.testing.assert_array_equal(square, [0, 0, 0, np.nan, 1])
    np.testing.assert_array_equal(total[:4], [np.inf, np.inf, 0, np.nan])
    np.testing.assert_array_equal(quotient[:3], [1, 1, 1])


def test_functions_inside_are_taken_as_they_are(tmp_path):
    got = load(emit([kernel("float64")]), tmp_path).f(np.array([0.7]), np.array([2.0]))[
        list(ARGUMENTS).index("function")
    ]
    assert got[0] == pytest.approx(np.exp(2 * np.sin(0.7)), rel=1e-15)
