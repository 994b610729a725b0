"""Matrix notation: every operation against NumPy, shapes that do not fit, what is refused."""

import numpy as np
import pytest
import sympy as sp
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.dotproduct import DotProduct

import symbp as sb
from symbp.ir.evaluate import evaluate
from symbp.passes.lower import lower
from tests.passes.lower.lowered import equation, matrix, run, scalar

x = sp.Symbol("x")
v, w = sb.vector("v", 3), sb.vector("w", 3)
M, W = sb.matrix("M", 3, 3), sb.matrix("W", 2, 3)
_random = np.random.default_rng(0)
DATA = {v: _random.normal(size=3), w: _random.normal(size=3), M: _random.normal(size=(3, 3))}
DATA |= {W: _random.normal(size=(2, 3)), x: 0.5}
nv, nw, nM, nW = (DATA[s] for s in (v, w, M, W))


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (M * v + w, nM @ nv + nw),
        (W * M * v, nW @ nM @ nv),
        (2 * W.T * W - M / 2, 2 * nW.T @ nW - nM / 2),
        (x * v, 0.5 * nv),
        (v * w.T, np.outer(nv, nw)),
        (sp.HadamardProduct(v, w), nv * nw),
        (sp.HadamardPower(v, 2), nv**2),
        (M**3, nM @ nM @ nM),
        (sp.Identity(3) - M, np.eye(3) - nM),
        (M + sp.OneMatrix(3, 3), nM + 1),
        (v + sp.ZeroMatrix(3, 1), nv),
        (DiagMatrix(v) * w, nv * nw),
        (DiagMatrix(v.T) * w, nv * nw),
        (DiagMatrix(M * v) * M, np.diag(nM @ nv) @ nM),
        (M * DiagMatrix(v) * M * DiagMatrix(w), nM @ np.diag(nv) @ nM @ np.diag(nw)),
        (DiagMatrix(v) * DiagMatrix(w), np.diag(nv * nw)),
        (DiagonalMatrix(M) * v, np.diag(nM) * nv),
        (DiagonalOf(M), np.diag(nM)),
        (sp.sin(x) * M, np.sin(0.5) * nM),
        (x * sp.OneMatrix(3, 1) * v.T, 0.5 * np.tile(nv, (3, 1))),
        ((M * v).applyfunc(sp.exp), np.exp(nM @ nv)),
        (v.applyfunc(sp.Lambda(x, x**2 + 1)), nv**2 + 1),
        (sb.exp(M), np.exp(nM)),
        (M[0:2, 1:3], nM[0:2, 1:3]),
    ],
    ids=str,
)
def test_matrix_operations(expression, want):
    np.testing.assert_allclose(matrix(expression, DATA), want, rtol=1e-12)


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (sp.Trace(M * W.T * W), np.trace(nM @ nW.T @ nW)),
        (sp.Trace(v * w.T), nv @ nw),
        (DotProduct(v, w), nv @ nw),
        (v.T * w, nv @ nw),
        ((v.T * v) ** sp.Rational(1, 3), (nv @ nv) ** (1 / 3)),
        (sp.MatPow(v.T * w, -1), 1 / (nv @ nw)),
        (sp.MatPow(v.T * v, x), (nv @ nv) ** 0.5),
        (v.T * w * (v.T * v) ** sp.Rational(1, 2) * w.T * w, (nv @ nw) * np.sqrt(nv @ nv) * (nw @ nw)),
        (sp.Trace(M * M + 2 * v * w.T), np.trace(nM @ nM) + 2 * (nv @ nw)),
        (sp.Trace(x * M), 0.5 * np.trace(nM)),
        (sp.Trace(M.applyfunc(sp.sin)), np.sin(np.diag(nM)).sum()),
        (sb.total(M * M), (nM @ nM).sum()),
        ((v.T * M * w)[0, 0], nv @ nM @ nw),
        (v[1] * M[2, 0], nv[1] * nM[2, 0]),
        (sb.total(v), nv.sum()),
    ],
    ids=str,
)
def test_scalars_of_matrices(expression, want):
    assert scalar(expression, DATA) == pytest.approx(want, rel=1e-12)


def test_one_by_one_matrices_are_scalars():
    out, bias = sp.MatrixSymbol("out", 1, 1), sp.MatrixSymbol("bias", 1, 1)
    E = sp.Symbol("E")
    equations = [sp.Eq(out, v.T * w + bias), sp.Eq(E, (out[0, 0] - x) ** 2)]
    got = run(equations, {v: nv, w: nw, bias: [2.0], x: 0.5})
    assert got["E"] == pytest.approx((nv @ nw + 2 - 0.5) ** 2)
    assert got["out"].shape == (1,)


def test_all_three_notations_together():
    i, k = sb.index("i", 3), sp.Symbol("k", integer=True)
    base = sb.indexed("base", 3)
    E = sp.Symbol("E")
    z = sp.MatrixSymbol("z", 3, 1)
    equations = [sp.Eq(z, M * v), sp.Eq(base[i], x * z[i, 0]), sp.Eq(E, sp.Sum(base[k] * w[k, 0], (k, 0, 2)))]
    got = run(equations, {v: nv, w: nw, M: nM, x: 0.5})
    assert got["E"] == pytest.approx(0.5 * (nM @ nv) @ nw)


def test_a_chain_of_200_products_in_one_expression():
    e = v
    for _ in range(200):
        e = sp.MatMul(M, e.applyfunc(sp.tanh))
    want = nv
    for _ in range(200):
        want = nM @ np.tanh(want)
    np.testing.assert_allclose(matrix(e, {M: nM, v: nv}), want, rtol=1e-9)


def test_a_product_of_200_factors():
    e = sp.MatMul(*[M] * 200, v, evaluate=False)
    small = nM / np.abs(np.linalg.eigvals(nM)).max()
    want = np.linalg.matrix_power(small, 200) @ nv
    np.testing.assert_allclose(matrix(e, {M: small, v: nv}), want, rtol=1e-9)


@pytest.mark.parametrize("row", [True, False])
def test_a_product_of_1000_factors(row):
    small = nM / np.abs(np.linalg.eigvals(nM)).max()
    power = np.linalg.matrix_power(small, 1000)
    factors = [v.T, *[M] * 1000] if row else [*[M] * 1000, v]
    result = sp.MatrixSymbol("r", *((1, 3) if row else (3, 1)))
    net = sb.Network([sp.Eq(result, sp.MatMul(*factors), evaluate=False)], inputs=[M, v])
    program = lower(net)
    assert {s.body.count_ops() for s in program.statements} <= {0, 1}
    got = evaluate(program, {"M": small, "v": nv})["r"]
    np.testing.assert_allclose(got.ravel(), nv @ power if row else power @ nv, rtol=1e-9)


def test_powers_with_symbolic_exponents_given_as_dimensions():
    n = sp.Symbol("n", integer=True)
    A = sp.MatrixSymbol("A", n, n)
    got = matrix(A**n, {A: nM}, {"n": 3})
    np.testing.assert_allclose(got, nM @ nM @ nM)
    with pytest.raises(sb.UnsupportedError, match="power 100"):
        matrix(M**100, {M: nM})


def test_matrices_below_a_sum_see_its_index():
    k = sp.Symbol("k", integer=True)
    e = sp.Sum(k * sp.Trace(k * M * M + v * w.T), (k, 0, 2))
    assert scalar(e, {M: nM, v: nv, w: nw}) == pytest.approx(5 * np.trace(nM @ nM) + 3 * (nv @ nw))


def test_functions_in_a_coefficient_are_computed_once():
    program = lower(sb.Network([equation("r", sp.sin(x) * M * v)], inputs=[M, v, x]))
    (sine,) = (s for s in program.statements if s.body.has(sp.sin))
    assert sine.indices == ()


def test_deep_elementwise_operations():
    e, want = v, nv
    for _ in range(100):
        e, want = sp.HadamardProduct(w, sp.MatAdd(e, w)), nw * (want + nw)
    np.testing.assert_allclose(matrix(e, {v: nv, w: nw}), want, rtol=1e-12)


def test_symbolic_dimensions():
    n, h = sp.symbols("n h", integer=True)
    A, b = sp.MatrixSymbol("A", h, n), sp.MatrixSymbol("b", n, 1)
    got = matrix(A * b, {A: nW, b: nv}, {"h": 2, "n": 3})
    np.testing.assert_allclose(got, nW @ nv)


def test_symbolic_dimensions_that_disagree():
    n, h = sp.symbols("n h", integer=True)
    A, b = sp.MatrixSymbol("A", n, 1), sp.MatrixSymbol("b", h, 1)
    product = sp.MatMul(A, sp.Transpose(b), sp.MatrixSymbol("c", h, 1))
    net = sb.Network([equation("r", product)], inputs=[A, b, sp.MatrixSymbol("c", h, 1)])
    assert lower(net, {"n": 2, "h": 3}).tensors["r"].shape == (2,)
    wrong = sp.Eq(sp.MatrixSymbol("r", n, 1), b, evaluate=False)
    with pytest.raises(sb.ShapeError) as caught:
        lower(sb.Network([wrong], inputs=[b]), {"n": 2, "h": 3})
    assert caught.value.equation == "r = b"


@pytest.mark.parametrize(
    "wrong",
    [
        sp.Eq(v, sb.vector("four", 4), evaluate=False),
        sp.Eq(v, x, evaluate=False),
        sp.Eq(sp.Symbol("s"), sb.vector("four", 4), evaluate=False),
        sp.Eq(sp.Symbol("s"), sp.Add(x, sb.vector("four", 4), evaluate=False), evaluate=False),
        sp.Eq(sp.Symbol("s"), sp.Symbol("four") + 1),
        sp.Eq(sp.Symbol("s"), sp.Trace(sp.MatrixSymbol("four", 2, 2))),
        sp.Eq(v, sp.Symbol("x") * sp.MatrixSymbol("four", 3, 1), evaluate=False),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit(wrong):
    with pytest.raises(sb.ShapeError) as caught:
        lower(sb.Network([wrong], inputs=[x, sb.vector("four", 4)]))
    assert caught.value.equation
    assert caught.value.hint


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        (sp.exp(M), "matrix function"),
        (sp.sin(M), "matrix function"),
        (sp.Determinant(M), "determinant"),
        (M.I * v, "inverse"),
        (sp.MatPow(M, -2) * v, "inverse"),
        (sp.MatPow(M, x) * v, "the power x of a matrix"),
        (sp.MatPow(M, sp.S.Half) * v, "the power 1/2 of a matrix"),
        (sp.BlockMatrix([[M, M]]), "BlockMatrix"),
        (sp.I * M, "complex"),
        (v.applyfunc(sp.Function("f")), "undefined"),
    ],
    ids=str,
)
def test_refused(expression, word):
    if isinstance(expression, sp.Function):
        refused = sp.Eq(sp.MatrixSymbol("r", 3, 3), expression, evaluate=False)
    else:
        refused = equation("r", expression)
    with pytest.raises(sb.SymbpError, match=word) as caught:
        lower(sb.Network([refused], inputs=[M, v, x]))
    assert caught.value.equation.startswith("r = ")
    assert caught.value.hint
