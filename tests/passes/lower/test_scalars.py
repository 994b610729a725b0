"""Scalar and index notation: sums, deltas, gathers, bounds and what is refused."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Index
from symbp.passes.lower import lower
from symbp.passes.lower.scalars import interval
from tests.passes.lower.lowered import equation, run, scalar

x, y = sp.symbols("x y")
k, m = sp.symbols("k m", integer=True)
A, B = sb.indexed("A", 4), sb.indexed("B", 4, 4)
a, b = np.arange(1.0, 5), np.arange(16.0).reshape(4, 4)


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (sp.Sum(A[k], (k, 0, 3)), a.sum()),
        (sp.Sum(A[k] ** 2, (k, 1, 2)), (a[1:3] ** 2).sum()),
        (sp.Sum(B[k, m] * A[m], (k, 0, 3), (m, 0, 3)), (b @ a).sum()),
        (sp.Sum(sp.Sum(B[k, m], (m, 0, k)), (k, 0, 3)), np.tril(b).sum()),
        (sp.Sum(B[k, m], (m, k, 3), (k, 0, 3)), np.triu(b).sum()),
        (sp.Sum(B[k, m], (m, 0, k), (k, 0, 3)), np.tril(b).sum()),
        (sp.Sum(A[k] * A[3 - k], (k, 0, 3)), a @ a[::-1]),
        (sp.Sum(A[k + 1] - A[k], (k, 0, 2)), 3),
        (sp.Sum(k * A[k], (k, 0, 3)), np.arange(4) @ a),
        (sp.Sum(2**k, (k, 0, 3)), 15),
        (sp.Sum(A[k], (k, 2, 1)), 0),
        (sp.Sum(sp.KroneckerDelta(k, 2) * A[k], (k, 0, 3)), 3),
        (sp.Sum(sp.KroneckerDelta(k, m) * B[k, m], (k, 0, 3), (m, 0, 3)), np.trace(b)),
        (sp.Product(A[k], (k, 0, 3)), 24),
        (A[2] + B[1, 3], 10),
    ],
    ids=str,
)
def test_index_notation(expression, want):
    assert scalar(expression, {A: a, B: b}) == pytest.approx(want, rel=1e-14)


def test_triangular_sum_with_a_free_index():
    i = sb.index("i", 4)
    out = sb.indexed("out", 4)
    got = run(sp.Eq(out[i], sp.Sum(B[i, k] * A[k], (k, 0, i))), {A: a, B: b})
    np.testing.assert_allclose(got["out"], np.tril(b) @ a)


def test_delta_with_an_integer_input_becomes_a_gather():
    label = sp.Symbol("label", integer=True)
    expression = sp.Sum(sp.KroneckerDelta(k, label) * A[k], (k, 0, 3))
    program = lower(sb.Network([equation("picked", expression)], inputs=[A, label]))
    assert program.tensors["label"].role == "label"
    assert program.tensors["label"].bound == 4
    assert [s.reduce for s in program.statements] == ["none"]
    assert float(run(equation("picked", A[label]), {A: a, label: 2})["picked"]) == 3


def test_shapes_of_bases_without_shape_come_from_ranges():
    C = sp.IndexedBase("C")
    assert scalar(sp.Sum(C[k, m], (k, 0, 1), (m, 0, 2)), {C: np.ones((2, 3))}) == 6
    i = sp.Idx("i", 3)
    z = sp.IndexedBase("z")
    got = run(sp.Eq(z[i], 2 * C[i]), {C: [1, 2, 3]})
    np.testing.assert_allclose(got["z"], [2, 4, 6])


@pytest.mark.parametrize(
    "expression",
    [
        sp.Sum(A[k], (k, 0, 4)),
        sp.Sum(A[k - 1], (k, 0, 3)),
        sp.Sum(sp.Sum(B[k, m], (m, 0, k + 1)), (k, 0, 3)),
        A[-1],
        B[4, 0],
    ],
    ids=str,
)
def test_indices_out_of_range(expression):
    with pytest.raises(sb.ShapeError) as caught:
        scalar(expression, {A: a, B: b})
    assert caught.value.equation.startswith("result = ")
    assert caught.value.hint


@pytest.mark.parametrize(
    "expression",
    [
        sp.Sum(x**k, (k, 0, sp.oo)),
        sp.Sum(x**k, (k, 0, sp.Rational(5, 2))),
        sp.Sum(k, (k, 0, x)),
        sp.Sum(x * k, (k, 0, 10**30)),
        sp.Product(x + k, (k, 0, 1000)),
        A[sp.Rational(1, 2)],
        sp.polygamma(x, 1),
        sp.Piecewise((x, sp.Contains(x, sp.Interval(0, 1))), (0, True)),
        sp.Order(x),
        sp.hyper([1], [2], x),
        sp.meijerg([1], [2], [3], [4], x),
        sp.AccumBounds(0, 1) * x,
        x + sp.Integer(10) ** 400,
        x + sp.Integer(10) ** 100000,
        x * sp.exp(1000),
        x + sp.Float("1e400"),
        x * sp.Pow(0, -1, evaluate=False),
        x + sp.oo,
        sp.Piecewise((x, x > 0), (x - sp.oo, True)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_refused(expression):
    with pytest.raises(sb.UnsupportedError) as caught:
        scalar(expression, {A: a, x: 1})
    assert caught.value.equation.startswith("result = ")
    assert caught.value.hint


def test_an_infinite_branch_is_a_mask():
    mask = sp.Piecewise((x, x > 0), (-sp.oo, True))
    assert scalar(mask, {x: -1}) == -np.inf
    assert scalar(mask, {x: 2}) == 2
    assert scalar(sp.exp(mask), {x: -1}) == 0


def test_an_index_that_is_a_parameter():
    net = sb.Network([equation("E", A[x])], inputs=[A], parameters=[x])
    with pytest.raises(sb.UnsupportedError, match="not an input"):
        lower(net)


def test_deep_expressions():
    e = x
    for _ in range(5000):
        e = sp.sin(e, evaluate=False)
    want = 0.5
    for _ in range(5000):
        want = np.sin(want)
    assert scalar(e, {x: 0.5}) == pytest.approx(want, rel=1e-12)


def test_interval_of_affine_positions():
    i, j = Index("i", 3), Index("j", 5)
    assert interval(2 * i - j + 1) == (-3, 5)
    assert interval(sp.Integer(4)) == (4, 4)


def test_bounds_with_symbolic_dimensions():
    n = sp.Symbol("n", integer=True)
    C = sp.IndexedBase("C", shape=(n,))
    assert scalar(sp.Sum(C[k], (k, 0, n - 1)) / n, {C: a}, {"n": 4}) == 2.5


def test_sums_are_written_out_where_the_index_is_an_exponent_and_not_where_an_entry_is():
    def reduces(body, given):
        program = lower(sb.Network([equation("E", body)], inputs=[given]))
        return {s.reduce for s in program.statements}

    assert reduces(sp.Sum(x**k, (k, 0, 3)), x) == {"none"}
    assert "sum" in reduces(sp.Sum(2 ** A[k], (k, 0, 3)), A)
