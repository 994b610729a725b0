"""Every primitive function, powers, Piecewise; in Python text and inside blocks."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from symbp.codegen import nest
from symbp.codegen.module import emit
from symbp.codegen.scalar import Code, Translator
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from symbp.schedule.memory import plan_kernel
from tests.codegen.kernels import compare, load, program_of

N = Index("n", BATCH)
X, Y = Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input")
x, y = X[N], Y[N]

BODIES = {
    "elementary": sp.exp(x) + sp.sin(x) * sp.cos(y) - sp.tan(x) / 7 + sp.log(sp.Abs(x)),
    "inverse": sp.asin(x / 9) + sp.acos(y / 9) + sp.atan(x) + sp.atan2(x, y) + sp.asinh(x) + sp.acosh(10 + y),
    "hyperbolic": sp.sinh(x) + sp.cosh(y) + sp.tanh(x * y) + sp.atanh(x / 9),
    "powers": x**2 + x**3 * y - y**5 + x**-1 + 3 * x**-2 / y + sp.Abs(x) ** sp.Rational(3, 2) + 2**x,
    "roots": sp.sqrt(sp.Abs(x)) + 1 / sp.sqrt(y**2 + 1) + sp.Abs(x) ** sp.Rational(1, 3) + sp.Abs(y) ** x,
    "special": sp.erf(x) + sp.erfc(y) + sp.gamma(x + 5) + sp.loggamma(y - sp.Rational(1, 3)),
    "digamma": sp.polygamma(0, x) + sp.polygamma(0, 100 * sp.Abs(y)),
    "polygamma": sp.polygamma(1, sp.Abs(x)) / 100
    + sp.polygamma(2, sp.Abs(y) + 2)
    + sp.polygamma(5, sp.Abs(x) + 1),
    "steps": sp.sign(x) + sp.floor(3 * x) + sp.ceiling(3 * y) + sp.Abs(x - y),
    "extremes": sp.Max(x, y, 0) - sp.Min(x, y, 1) + sp.Max(x, -y),
    "cases": sp.Piecewise((x, (x > 0) & (y > 0)), (y**2, (x <= 0) | sp.Ne(y, 0)), (7, True)),
    "open cases": sp.Piecewise((sp.sqrt(x), x >= 0), (1 / y, ~(y > 1))),
    "numbers": sp.pi * x + sp.E * y + sp.Rational(1, 3) + 10**400 * 0 + sp.Float("0.1"),
    "signs": -x - y - (x - y) - (-x) * y - 2 * x * y + (-1 - x) * (-(y - 1)) - (x + y) / (x - y),
}
VALUES = np.array([-3.7, -2.5, -1.3, -0.4, 0.3, 0.9, 1.46, 2.2, 5.6])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", ["loops", "block", "lockstep"])
def test_all_primitives(tmp_path, monkeypatch, dtype, form):
    monkeypatch.setattr(nest, "LONG", 10**6 if form == "loops" else 0)
    tensors = [Tensor(name, (BATCH,)) for name in BODIES]
    statements = [Statement(name, (N,), body) for name, body in BODIES.items()]
    program = program_of([X, Y, *tensors], statements, tuple(BODIES))
    kernel = Kernel("f", program, ("x", "y"), (), tuple(BODIES), (), dtype)
    text = emit([kernel], plans=() if form == "lockstep" else [plan_kernel(kernel)])
    assert ("make_block(" in text, "lockstep(" in text) == (form == "block", form == "lockstep")
    grid = np.array(np.meshgrid(VALUES, VALUES[::-1] + 0.05)).reshape(2, -1).astype(dtype).astype(float)
    compare(load(text, tmp_path), kernel, {"x": grid[0], "y": grid[1]})


def test_special_functions_to_full_accuracy(tmp_path):
    import mpmath

    orders = (0, 1, 2, 3, 7)
    tensors = [Tensor(f"p{n}", (BATCH,)) for n in orders]
    statements = [Statement(f"p{n}", (N,), sp.polygamma(n, x)) for n in orders]
    program = program_of([X, *tensors], statements, tuple(t.name for t in tensors))
    kernel = Kernel("p", program, ("x",), (), tuple(t.name for t in tensors), ())
    points = np.array([-30.3, -7.5, -0.7, -1e-3, 1e-6, 0.2, 1.0, 1.7, 5.0, 9.999, 40.0, 1e8])
    got = load(emit([kernel]), tmp_path).p(points)
    for n, values in zip(orders, got, strict=True):
        right = np.array([float(mpmath.polygamma(n, mpmath.mpf(float(p)))) for p in points])
        np.testing.assert_allclose(values, right, rtol=3e-13, atol=1e-15)


def test_poles_and_infinities(tmp_path):
    bodies = {"gamma": sp.loggamma(x), "inverse": 1 / x, "power": x**-2, "log": sp.log(x), "sign": sp.sign(x)}
    tensors = [Tensor(name, (BATCH,)) for name in bodies]
    program = program_of([X, *tensors], [Statement(n, (N,), b) for n, b in bodies.items()], tuple(bodies))
    kernel = Kernel("f", program, ("x",), (), tuple(bodies), ())
    compare(load(emit([kernel]), tmp_path), kernel, {"x": np.array([0.0, -2.0, np.inf, np.nan])})


def code_of(body):
    code = Code()
    root = Translator(code, lambda a: code("load", a.name, ()), {})(body)
    return code, root


def test_sharing_and_cheap_forms():
    code, root = code_of(x**4 + x**2)
    assert [code.lines[k][0] for k in code.needed([root])] == ["load", "*", "*", "+"]
    code, root = code_of(x / (y * (1 + x) ** 2))
    assert sum(code.lines[k][0] == "/" for k in code.needed([root])) == 1
    code, root = code_of(1 - x)
    assert code.lines[root][0] == "-"


def test_deep_bodies_need_no_recursion():
    body = x
    for _ in range(5000):
        body = sp.sin(body) + y
    code, root = code_of(body)
    assert len(code.needed([root])) == 10002
