import numpy as np
import pytest
import scipy.special
import sympy as sp

from symbp import nn
from symbp.errors import ShapeError, UnsupportedError

A = np.array([0.2, 0.9, 0.5, 0.05])
Y = np.array([0.0, 1.0, 0.25, 0.75])
Z = np.array([-2.0, 0.5, 3.0, 1.0])
SIGNS = np.array([1.0, -1.0, 1.0, 1.0])


def huber(a, y, delta=1.0):
    r = np.abs(a - y)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).sum()


CASES = [
    (nn.squared_error, A, Y, ((A - Y) ** 2).sum() / 2),
    (nn.mean_squared_error, A, Y, ((A - Y) ** 2).mean()),
    (nn.absolute_error, A, Y, np.abs(A - Y).sum()),
    (nn.huber, Z, Y, huber(Z, Y)),
    (nn.hinge, Z, SIGNS, np.maximum(0, 1 - SIGNS * Z).sum()),
    (nn.binary_cross_entropy, A, Y, -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum()),
    (nn.cross_entropy, A, Y, -(Y * np.log(A)).sum()),
    (nn.softmax_cross_entropy, Z, Y, -(Y * scipy.special.log_softmax(Z)).sum()),
]
SCALAR_CASES = [case for case in CASES if case[0] is not nn.softmax_cross_entropy]
each = pytest.mark.parametrize(
    ("loss", "a", "y", "expected"), CASES, ids=lambda c: getattr(c, "__name__", "")
)
LOSSES = [case[0] for case in CASES]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)


@each
def test_vectors(loss, a, y, expected, value):
    p, t = nn.vector("p", 4), nn.vector("t", 4)
    assert value(loss(p, t), {p: a, t: y}) == pytest.approx(expected, rel=1e-13)


@each
def test_explicit(loss, a, y, expected, value):
    t = nn.vector("t", 4)
    assert value(loss(list(a), sp.Matrix(y.tolist()))) == pytest.approx(expected, rel=1e-13)
    assert value(loss(list(a), t), {t: y}) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("loss", "a", "y", "expected"), SCALAR_CASES)
def test_scalars_and_matrices(loss, a, y, expected, value):
    s, t = sp.symbols("s t")
    terms = [value(loss(s, t), {s: ak, t: yk}) for ak, yk in zip(a, y, strict=True)]
    p, q = nn.vector("p", 1), nn.vector("q", 1)
    single = [value(loss(p, q), {p: ak, q: yk}) for ak, yk in zip(a, y, strict=True)]
    assert single == pytest.approx(terms, rel=1e-13)
    combine = np.mean if loss is nn.mean_squared_error else np.sum
    assert combine(terms) == pytest.approx(expected, rel=1e-13)
    P, T = nn.matrix("P", 2, 2), nn.matrix("T", 2, 2)
    assert value(loss(P, T), {P: a, T: y}) == pytest.approx(expected, rel=1e-13)


@each_loss
def test_nothing_is_expanded(loss, size_of):
    def size(n):
        z = nn.matrix("W", n, n) * nn.vector("x", n) + nn.vector("b", n)
        return size_of(loss(z, nn.vector("y", n)))

    assert size(10) == size(1000)


@each_loss
def test_losses_are_scalars(loss):
    n = sp.Symbol("n", integer=True, positive=True)
    for size in (10, n):
        result = loss(nn.vector("p", size), nn.vector("t", size))
        assert not isinstance(result, sp.MatrixExpr)
        assert isinstance(result, sp.Expr)


@each_loss
def test_shapes_must_agree(loss):
    with pytest.raises(ShapeError, match=r"is \(3, 1\), target is \(2, 1\)"):
        loss(nn.vector("p", 3), nn.vector("t", 2))


@each_loss
def test_scalar_prediction_of_a_vector(loss):
    with pytest.raises(ShapeError, match="scalar"):
        loss(sp.Symbol("p"), nn.vector("t", 2))


@pytest.mark.parametrize("delta", [0.5, 2])
def test_delta_of_huber(delta, value):
    p, t = nn.vector("p", 4), nn.vector("t", 4)
    assert value(nn.huber(p, t, delta), {p: Z, t: Y}) == pytest.approx(huber(Z, Y, delta), rel=1e-13)


def test_delta_must_be_positive():
    with pytest.raises(UnsupportedError, match="delta must be positive"):
        nn.huber(sp.Symbol("p"), sp.Symbol("t"), delta=-1)


LABEL_CASES = [
    (nn.softmax_cross_entropy, Z, -scipy.special.log_softmax(Z)),
    (nn.cross_entropy, A, -np.log(A)),
]
each_label_loss = pytest.mark.parametrize(("loss", "a", "expected"), LABEL_CASES)


@each_label_loss
def test_labels(loss, a, expected, value):
    z, y = nn.vector("z", 4), nn.label("y")
    explicit = sp.symbols("z:4")
    for k in range(4):
        assert value(loss(z, y), {z: a, y: k}) == pytest.approx(expected[k], rel=1e-13)
        assert value(loss(z, k), {z: a}) == pytest.approx(expected[k], rel=1e-13)
        numbers = {**dict(zip(explicit, a, strict=True)), y: k}
        assert value(loss(explicit, y), numbers) == pytest.approx(expected[k], rel=1e-13)


@each_label_loss
def test_label_form_is_not_expanded(loss, a, expected, size_of, value):
    def size(n):
        z = nn.matrix("W", n, n) * nn.vector("x", n) + nn.vector("b", n)
        result = loss(z, nn.label("y"))
        assert result.has(sp.KroneckerDelta)
        (entry,) = result.atoms(sp.matrices.expressions.matexpr.MatrixElement)
        assert entry.parent == z
        return size_of(result)

    assert size(10) == size(1000)
    W, x, y = nn.matrix("W", 4, 4), nn.vector("x", 4), nn.label("y")
    assert value(loss(W * x, y), {W: np.eye(4), x: a, y: 2}) == pytest.approx(expected[2], rel=1e-13)


@each_label_loss
def test_label_may_be_called_k(loss, a, expected, value):
    z, k = nn.vector("z", 4), nn.label("k")
    assert value(loss(z, k), {z: a, k: 1}) == pytest.approx(expected[1], rel=1e-13)


@each_label_loss
def test_labels_that_are_no_labels(loss, a, expected):
    z = nn.vector("z", 4)
    for bad in (4, -1, 0.5, 1.0, sp.Rational(1, 2), sp.pi):
        with pytest.raises(UnsupportedError, match=r"integer label in 0\.\.n-1"):
            loss(z, bad)


@each_label_loss
def test_label_may_be_indexed_and_size_symbolic(loss, a, expected):
    n = sp.Symbol("n", integer=True, positive=True)
    labels, i = nn.indexed("labels", 7), nn.index("i", 7)
    assert loss(nn.vector("z", n), labels[i]).has(labels[i])
    assert loss(nn.vector("z", n), 3).has(sp.Sum)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss not in {c[0] for c in LABEL_CASES}])
def test_other_losses_take_no_labels(loss):
    with pytest.raises(ShapeError, match=r"is \(4, 1\), target is scalar"):
        loss(nn.vector("z", 4), nn.label("y"))


def test_softmax_cross_entropy_needs_a_column():
    with pytest.raises(ShapeError, match="column vector"):
        nn.softmax_cross_entropy(nn.matrix("Z", 2, 2), nn.matrix("Y", 2, 2))


def test_l2_penalty(value):
    W, b, s = nn.matrix("W", 2, 2), nn.vector("b", 4), nn.scalar("s")
    numbers = {W: A, b: Z, s: -3}
    expected = 0.05 * ((A**2).sum() + (Z**2).sum() + 9)
    assert value(nn.l2_penalty(0.1, W, b, s), numbers) == pytest.approx(expected)
    assert nn.l2_penalty(nn.scalar("c"), W) == nn.scalar("c") / 2 * sp.Trace(W.T * W)


def test_l2_penalty_needs_strength_and_weights():
    W = nn.matrix("W", 2, 2)
    with pytest.raises(UnsupportedError, match="strength, the first argument, must be a finite scalar"):
        nn.l2_penalty(W, W)
    with pytest.raises(UnsupportedError, match="0 or positive"):
        nn.l2_penalty(-1, W)
    with pytest.raises(UnsupportedError, match="no weights"):
        nn.l2_penalty(0.1)
