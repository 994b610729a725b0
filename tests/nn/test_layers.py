import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.errors import ShapeError, UnsupportedError

W, x, b = nn.matrix("W", 2, 3), nn.vector("x", 3), nn.vector("b", 2)


def test_dense():
    assert nn.dense(W, x) == W * x
    assert nn.dense(W, x, b) == W * x + b
    assert nn.dense(W, x, b, "tanh") == nn.dense(W, x, b, nn.tanh) == nn.tanh(W * x + b)
    assert nn.dense(W, x, activation=lambda z: 2 * z) == 2 * W * x


def test_dense_of_numbers(value):
    numbers = {W: [[1, 2, 3], [4, 5, 6]], x: [1, -1, 2], b: [0.5, -20]}
    np.testing.assert_allclose(value(nn.dense(W, x, b, nn.relu), numbers), [[5.5], [0]])
    np.testing.assert_allclose(value(nn.dense(W, [1, -1, 2], sp.Matrix([0, 1])), numbers), [[5], [12]])


def test_dense_shapes():
    with pytest.raises(ShapeError, match=r"W is \(2, 3\), x is \(2, 1\)"):
        nn.dense(W, b)
    with pytest.raises(ShapeError, match=r"W\*x is \(2, 1\), b is \(3, 1\)"):
        nn.dense(W, x, x)
    with pytest.raises(ShapeError, match="W is scalar"):
        nn.dense(nn.scalar("w"), x)
    with pytest.raises(ShapeError, match="b is scalar"):
        nn.dense(W, x, 1)


def test_unknown_names():
    with pytest.raises(UnsupportedError, match="no activation is called 'tanhh'") as error:
        nn.dense(W, x, b, "tanhh")
    assert "softsign" in str(error.value)
    with pytest.raises(UnsupportedError, match="no loss is called"):
        nn.mlp_equations((2, 1), loss="mse")
    with pytest.raises(UnsupportedError, match="no activation is called"):
        nn.mlp_equations((2, 1), output="probability")
    with pytest.raises(UnsupportedError, match="no activation is called"):
        nn.mlp_equations((2, 1), "tanhh")  # wrong also where no layer is hidden


def test_tables_hold_what_their_names_say():
    for name, f in {**nn.ACTIVATIONS, **nn.LOSSES}.items():
        assert getattr(nn, name) is f
    assert not set(nn.ACTIVATIONS) & set(nn.LOSSES)
    assert {"relu", "softmax"} <= set(nn.ACTIVATIONS)
    assert {"huber", "squared_error"} <= set(nn.LOSSES)


def test_mlp_is_what_a_user_would_write():
    x, y, E = nn.vector("x", 4), nn.vector("y", 2), nn.scalar("E")
    W1, b1, W2, b2 = nn.matrix("W1", 3, 4), nn.vector("b1", 3), nn.matrix("W2", 2, 3), nn.vector("b2", 2)
    z1, a1, z2, a2 = nn.vector("z1", 3), nn.vector("a1", 3), nn.vector("z2", 2), nn.vector("a2", 2)
    model = nn.mlp_equations((4, 3, 2), "relu", "binary_cross_entropy", "sigmoid")
    assert model.equations == (
        sp.Eq(z1, W1 * x + b1),
        sp.Eq(a1, nn.relu(z1)),
        sp.Eq(z2, W2 * a1 + b2),
        sp.Eq(a2, nn.sigmoid(z2)),
        sp.Eq(E, nn.binary_cross_entropy(a2, y)),
    )
    assert model.inputs == (x, y)
    assert model.parameters == (W1, b1, W2, b2)
    assert model.loss == E


def test_sympy_is_not_asked_whether_the_equations_hold(monkeypatch):
    written = nn.mlp_equations((4, 3, 2), "relu", "binary_cross_entropy", "sigmoid").equations

    def asked(*_):
        raise AssertionError("the sides were compared")

    sp.core.cache.clear_cache()
    monkeypatch.setattr("sympy.core.relational.is_eq", asked)
    assert nn.mlp_equations((4, 3, 2), "relu", "binary_cross_entropy", "sigmoid").equations == written


def names(model):
    return [str(equation.lhs) for equation in model.equations]


def test_functions_of_sympy_are_activations_entry_by_entry():
    """Which act on numbers only: sympy.sin of a matrix is refused."""
    W, x = nn.matrix("W", 3, 2), nn.vector("x", 2)
    assert nn.dense(W, x, activation=sp.sin) == nn.elementwise(sp.sin, W * x)
    made = nn.mlp_equations((4, 3, 2), activation=sp.sin, output=sp.tanh)
    assert made.equations == nn.mlp_equations((4, 3, 2), activation=nn.sin, output="tanh").equations


def test_mlp_without_output_activation():
    model = nn.mlp_equations([4, 3, 2])
    assert names(model) == ["z1", "a1", "z2", "E"]
    assert model.equations[-1].rhs == nn.squared_error(nn.vector("z2", 2), model.inputs[1])
    assert model.equations[1].rhs == nn.tanh(nn.vector("z1", 3))


def test_mlp_without_hidden_layers_or_activations():
    assert names(nn.mlp_equations((4, 2))) == ["z1", "E"]
    linear = nn.mlp_equations((4, 3, 2), activation=None)
    assert names(linear) == ["z1", "z2", "E"]
    assert linear.equations[1].rhs.has(nn.vector("z1", 3))


@pytest.mark.parametrize("output", [None, "softmax", nn.softmax])
def test_softmax_cross_entropy_takes_the_logits(output):
    model = nn.mlp_equations((4, 3, 2), loss="softmax_cross_entropy", output=output)
    assert model.equations[-1].rhs == nn.softmax_cross_entropy(nn.vector("z2", 2), model.inputs[1])
    assert ("a2" in names(model)) == (output is not None)


def test_softmax_cross_entropy_refuses_other_outputs():
    with pytest.raises(UnsupportedError, match="applies the softmax itself"):
        nn.mlp_equations((4, 2), loss="softmax_cross_entropy", output="sigmoid")


@pytest.mark.parametrize(("loss", "output"), [("softmax_cross_entropy", None), ("cross_entropy", "softmax")])
def test_labels(loss, output):
    model = nn.mlp_equations((4, 3, 2), loss=loss, output=output, labels=True)
    assert model.inputs[1] == nn.label("y")
    assert model.equations[-1].rhs.has(sp.KroneckerDelta)


def test_labels_need_a_loss_over_classes():
    with pytest.raises(UnsupportedError, match="squared_error takes no class labels"):
        nn.mlp_equations((4, 2), loss="squared_error", labels=True)
    with pytest.raises(UnsupportedError, match="hinge takes no class labels"):
        nn.mlp_equations((4, 2), loss=nn.hinge, labels=True)


def test_functions_of_the_user():
    model = nn.mlp_equations((4, 3, 2), activation=nn.sin, loss=lambda a, y: nn.total(nn.absolute(a - y)) / 7)
    assert model.equations[1].rhs == nn.sin(nn.vector("z1", 3))
    assert model.equations[-1].rhs == nn.absolute_error(nn.vector("z2", 2), model.inputs[1]) / 7


def test_mlp_value(value):
    """The equations, substituted into each other, against NumPy."""
    rng = np.random.default_rng(1)
    model = nn.mlp_equations((2, 3, 2), "sigmoid", "softmax_cross_entropy")
    numbers = {symbol: rng.normal(size=symbol.shape) for symbol in (*model.inputs, *model.parameters)}
    x, y, W1, b1, W2, b2 = numbers.values()
    z = W2 @ (1 / (1 + np.exp(-(W1 @ x + b1)))) + b2
    for equation in model.equations:
        numbers[equation.lhs] = value(equation.rhs, numbers)
    assert numbers[model.loss] == pytest.approx(-(y * (z - np.log(np.exp(z).sum()))).sum(), rel=1e-12)


@pytest.mark.parametrize(
    "sizes", [(), (4,), (4, 0), (4, -1, 2), (4, 2.5), ("4", "2"), "42", 4, None, (4, True)]
)
def test_sizes(sizes):
    with pytest.raises(ShapeError, match="two or more positive integers"):
        nn.mlp_equations(sizes)


def test_sizes_may_be_numpy_integers():
    assert nn.mlp_equations(np.array([4, 2])) == nn.mlp_equations((4, 2))
