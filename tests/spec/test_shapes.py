"""Names and shapes of [inputs] and [parameters]."""

import pytest

from symbp import nn
from symbp.spec import loads
from symbp.spec.shapes import MAX_AXES, MAX_ENTRIES, MAX_NAME, ONE_HOT, check_name, declare, read_shape
from tests.spec.reading import file_refusal


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (64, (64,)),
        (1, (1,)),
        (MAX_ENTRIES, (MAX_ENTRIES,)),
        ([32, 64], (32, 64)),
        ([7], (7,)),
        ([], ()),
        ("scalar", ()),
        ("label", "label"),
        ({"one_hot": 10}, (10,)),
        ([1] * MAX_AXES, (1,) * MAX_AXES),
    ],
)
def test_shapes(value, shape):
    assert read_shape(value) == shape


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0, "is 0: extents are whole numbers from 1"),
        ({"one_hot": 0}, "is 0: extents are whole numbers from 1"),
        ({"one_hot": [3, 2]}, "extents are whole numbers"),
        ({"one_hot": {"one_hot": 3}}, "extents are whole numbers"),
        ({"hot": 3}, "extents are whole numbers"),
        ({}, "extents are whole numbers"),
        ({"one_hot": "label"}, "extents are whole numbers"),
        (-1, "is -1"),
        (True, "is True"),
        (1.0, "is 1.0"),
        (1e30, r"is 1e\+30"),
        (float("nan"), "is nan"),
        (2**63, "is 9223372036854775808"),
        (MAX_ENTRIES + 1, "whole numbers from 1 to 1,000,000,000"),
        ("n", "is 'n'"),
        ("Label", "is 'Label'"),
        ({"n": 3}, "whole numbers"),
        ([3, 0], r"is \[3, 0\]"),
        ([3, "n"], "whole numbers"),
        ([[3]], "whole numbers"),
        ([True], "whole numbers"),
        ([10**5, 10**5], "more than 1,000,000,000 entries"),
        ([1] * (MAX_AXES + 1), "more than 8 axes"),
    ],
)
def test_what_is_no_shape(value, problem):
    with pytest.raises(ValueError, match=problem):
        read_shape(value)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("__x__", "__x__"), ("λ", "λ"), ("ｘ１", "x1"), ("x²", "x2"), ("E", "E"), ("a" * MAX_NAME,) * 2],
)
def test_names(name, kept):
    assert check_name(name) == kept


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is not a name"),
        ("2x", "is not a name"),
        ("a b", "is not a name"),
        ("x.T", "is not a name"),
        ("x\0", "is not a name"),
        ("lambda", "meaning of its own"),
        ("True", "meaning of its own"),
        ("ｉｆ", "meaning of its own"),
        ("a" * (MAX_NAME + 1), "longer than 100"),
        ("ﷺ" * 20, "is not a name"),  # each becomes 18 characters and three blanks
    ],
)
def test_what_is_no_name(name, problem):
    with pytest.raises(ValueError, match=problem):
        check_name(name)


@pytest.mark.parametrize(
    ("shape", "symbol"),
    [
        ("label", nn.label("q")),
        ((), nn.scalar("q")),
        ((3,), nn.vector("q", 3)),
        ((1,), nn.vector("q", 1)),
        ((3, 4), nn.matrix("q", 3, 4)),
        ((2, 3, 4), nn.indexed("q", 2, 3, 4)),
    ],
)
def test_declarations(shape, symbol):
    assert declare("q", shape) == symbol


def test_tables_keep_the_order_of_the_file():
    tables = "[parameters]\nb = 3\na = [2, 3]\n[inputs]\ny = 'label'\nx = 3\n"
    spec = loads(tables + "[equations]\nE = 'dot(b, x)'\n")
    assert list(spec.parameters.items()) == [("b", (3,)), ("a", (2, 3))]
    assert list(spec.inputs.items()) == [("y", "label"), ("x", (3,))]


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("inputs = 3\n", 1, "is a table", "[inputs]"),
        ("[[inputs]]\nx = 3\n", 1, "is a table", "[inputs]"),
        ("[inputs]\nx = 'big'\n", 2, "the shape of 'x' is 'big'", "64 for a vector"),
        ("[inputs]\nx.y = 3\n", 2, "the shape of 'x' is {'y': 3}", None),
        ("[inputs]\n'a b' = 1\n", 2, "'a b' is not a name", None),
        ("[inputs]\npi = 1\n", 2, "taken by a constant", "another name"),
        ("[inputs]\nexp = 1\n", 2, "taken by a function", "another name"),
        ("[inputs]\nx = 1\n[parameters]\nx = 1\n", 4, "declared twice", None),
        ("[inputs]\nx = 1\n'ｘ' = 1\n", 3, "declared twice", None),
        ("[parameters]\nx = 'label'\n", 2, "'x' cannot be a class label", "[inputs]"),
    ],
)
def test_errors_in_tables(text, line, problem, hint):
    error = file_refusal(f"{text}[equations]\nE = '1'\n")
    assert problem in error.problem
    assert error.line == line
    assert hint is None or hint in error.hint


ONE_HOT_MODEL = """
[inputs]
x = 3
y = {one_hot = 2}
[parameters]
W = [2, 3]
[equations]
z = "W*x"
E = "softmax_cross_entropy(z, y)"
"""


def test_a_one_hot_class():
    model = loads(ONE_HOT_MODEL)
    assert model.symbols["y"] == nn.one_hot("y", 2)
    assert type(declare("y", read_shape({ONE_HOT: 2}))) is type(nn.one_hot("y", 2))
    assert model.inputs["y"] == (2,)


def test_a_parameter_is_no_one_hot_class():
    text = ONE_HOT_MODEL.replace("W = [2, 3]", "W = [2, 3]\nb = {one_hot = 2}")
    assert "the parameter 'b' cannot be" in str(file_refusal(text))
