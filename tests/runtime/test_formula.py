import pytest
import sympy as sp

from symbp import nn
from symbp.errors import NetworkError
from symbp.runtime.formula import formula

x, y, z = sp.symbols("x y z")
n = sp.Symbol("n", integer=True, positive=True)
v, W = nn.vector("v", n), nn.matrix("W", 2, n)


def test_one_scalar():
    found = formula((x + y) * z)
    assert (found.arguments, found.wrt, found.shape) == ((x, y, z), (x, y, z), None)
    assert found.derivative == "value_and_grad"
    assert found.networks["value"].loss is None
    assert found.networks["value_and_grad"].loss == "value"


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ([x, y, x * y], (3,)),
        (sp.Matrix([[x, y]]), (1, 2)),
        (sp.Matrix([x, y]), (2, 1)),
        (W, (2, n)),
        (W * v, (2, 1)),
    ],
)
def test_several_values(expression, shape):
    found = formula(expression)
    assert found.shape == shape
    assert found.derivative == "jacobian"
    assert found.networks["jacobian"].inputs[:-1] == found.arguments


def test_order_of_arguments():
    assert formula(x * y + z, wrt=[y]).arguments == (y, x, z)
    assert formula(x * y + z, wrt=[y], args=[z, y, x]).arguments == (z, y, x)
    assert formula(x * y, args=[z, y, x]).wrt == (z, y, x)


def test_dimensions_are_no_arguments():
    assert formula((v.T * v)[0, 0] / n).arguments == (v,)
    with pytest.raises(NetworkError, match="'n' is an argument and a dimension"):
        formula((v.T * v)[0, 0] / n, args=[v, n])
    with pytest.raises(NetworkError, match="'x' is an argument and a dimension"):
        formula(x * y, dims=["x"])


def test_names_of_the_users_stay_free():
    names = sp.symbols("value seed combined")
    size = sp.Symbol("value_", integer=True)
    u = nn.vector("u", size)
    found = formula(u * sum(names))
    assert [e.lhs.name for e in found.networks["jacobian"].equations] == ["value__", "combined_"]
    assert found.networks["jacobian"].inputs[-1].name == "seed_"


@pytest.mark.parametrize("expression", ["x*y", None, object(), [], [None], [[x]], [x, W], x > y, sp.Eq(x, y)])
def test_refused(expression):
    with pytest.raises(NetworkError) as caught:
        formula(expression)
    assert caught.value.hint


@pytest.mark.parametrize(
    "named", [{"args": [x]}, {"wrt": [x, x]}, {"wrt": [x + y]}, {"wrt": [z], "args": [x, y]}]
)
def test_symbols_are_checked(named):
    with pytest.raises(NetworkError):
        formula(x * y, **named)


def test_the_shape_of_an_array_of_values():
    assert formula((x + y) * z).value_shape({}) is None
    assert formula(W).value_shape({"n": 3}) == (2, 3)
    assert formula(W * v).value_shape({"n": 3}) == (2,)
    assert formula(sp.Matrix([[x, y]])).value_shape({}) == (1, 2)
