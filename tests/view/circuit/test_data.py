"""The values a user gives: every other thing is refused with a word about it."""

import random

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate

x, y = sp.symbols("x y")
f = x * y
NET = sb.mlp([3, 2, 1])
THETA = np.linspace(-1, 1, 11)
SAMPLE = {"x": [1, 2, 3], "y": [0.5]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({x: 1}, "value of 'y' is missing"),
        ({}, "value of 'x' is missing"),
        ({x: 1, y: 2, "z": 3}, "no input 'z'"),
        ({x: 1, "x": 2, y: 1}, "given twice"),
        ({x: 1j, y: 2}, "real numbers"),
        ({x: sp.I, y: 2}, "real numbers"),
        ({x: sp.Symbol("t"), y: 2}, "real numbers"),
        ({x: "1", y: 2}, "must be an array"),
        ({x: None, y: 2}, "must be an array"),
        ({x: [1, 2], y: 2}, "must have shape"),
        ({x: 10**400, y: 2}, "real numbers"),
        ({x: sp.Integer(10) ** 400, y: 2}, "real numbers"),
        ({x: sp.oo, y: 2}, "real numbers"),
        ({1: 2}, "value is given for a int"),
        ({x + y: 2}, "value is given for a Add"),
        ([1, 2], "not a dictionary"),
        (3, "not a dictionary"),
    ],
    ids=str,
)
def test_scalars(values, message):
    for per in ("operation", "equation"):
        with pytest.raises(sb.DataError, match=message):
            sb.circuit(f, values, per=per)


def test_a_near_name_is_suggested():
    with pytest.raises(sb.DataError) as caught:
        sb.circuit(sp.Symbol("weight"), {"wieght": 1})
    assert "did you mean 'weight'?" in caught.value.hint


def test_theta_or_parameters_by_name():
    by_theta = sb.circuit(NET, SAMPLE, theta=THETA)
    names = {
        "W1": THETA[:6].reshape(2, 3),
        "b1": THETA[6:8],
        "W2": THETA[8:10].reshape(1, 2),
        "b2": THETA[10:],
    }
    by_name = sb.circuit(NET, {**SAMPLE, **names})
    for one, other in zip(by_theta, by_name, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
        np.testing.assert_array_equal(one.gradient, other.gradient)
    derivation = sb.derive(NET)
    expected = evaluate(derivation.backward_program, {**SAMPLE, **names})
    assert by_theta["E"].value == pytest.approx(float(expected["E"]))
    np.testing.assert_allclose(by_theta["W1"].gradient, expected["dE/dW1"], rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "theta", "message"),
    [
        (SAMPLE, None, "value of 'W1' is missing"),
        (SAMPLE, THETA[:5], r"theta must have shape \(11,\)"),
        ({**SAMPLE, "b2": [1]}, THETA, "given twice, by name and in theta"),
        ({**SAMPLE, "x": np.ones((5, 3))}, THETA, r"must have shape \(3,\), got \(5, 3\)"),
        ({**SAMPLE, "x": np.ones((3, 1))}, THETA, "must have shape"),
        ({"x": [1, 2, 3]}, THETA, "value of 'y' is missing"),
        ({**SAMPLE, "x": [[1, 2], [3]]}, THETA, "cannot be made an array|different lengths"),
    ],
    ids=lambda v: None if isinstance(v, dict | np.ndarray) else str(v),
)
def test_networks(values, theta, message):
    with pytest.raises(sb.DataError, match=message):
        sb.circuit(NET, values, theta=theta)


def test_a_batch_is_met_with_a_hint():
    with pytest.raises(sb.DataError) as caught:
        sb.circuit(NET, {**SAMPLE, "x": np.ones((5, 3))}, theta=THETA)
    assert "one sample" in caught.value.hint


def test_labels():
    net = sb.mlp([2, 3], loss="softmax_cross_entropy", labels=True)
    theta = np.linspace(-1, 1, 9)
    assert sb.circuit(net, {"x": [1, 2], "y": 2}, theta=theta)["y"].value == 2
    for label, message in ((3, "label 3"), (-1, "label -1"), (0.5, "whole numbers")):
        with pytest.raises(sb.DataError, match=message):
            sb.circuit(net, {"x": [1, 2], "y": label}, theta=theta)


def test_inputs_that_are_not_used_need_no_value():
    net = sb.Network([sp.Eq(sp.Symbol("E"), x**2)], inputs=[x, y], loss="E")
    for per in ("operation", "equation"):
        assert [g.name for g in sb.circuit(net, {x: 3}, per=per)] == ["x", "E"]
        assert sb.circuit(net, {x: 3, y: 1}, per=per)["E"].value == 9


GARBAGE = [
    None,
    "text",
    b"",
    1j,
    True,
    0,
    10**400,
    float("nan"),
    object(),
    [],
    {},
    (),
    [[1], [2, 3]],
    lambda: 0,
    int,
    x,
    ...,
    np.zeros(0),
    np.zeros(3),
    np.zeros((3, 1)),
    np.array(None),
    np.zeros(3, complex),
    np.zeros(3, "M8[s]"),
    sp.pi,
    sp.oo,
    sp.nan,
    np.ma.masked_array(np.ones(3), True),
    {"x": 1},
    {x: 1},
]


def test_random_bad_calls_end_in_a_circuit_or_in_an_error_of_symbp():
    draw = random.Random(0)
    refused = 0
    for _ in range(1_000):
        values = draw.choice(
            [{n: draw.choice(GARBAGE) for n in draw.sample(["x", "y", "b1", "q"], 2)}, *GARBAGE]
        )
        theta = draw.choice([THETA, THETA, *GARBAGE])
        try:
            sb.circuit(draw.choice([NET, NET, f]), values, theta=theta, per=draw.choice([None, "equation"]))
        except sb.SymbpError:
            refused += 1
    assert refused > 800
