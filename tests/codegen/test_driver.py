"""The functions of a kernel refuse arrays that their loops would read beyond."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb


@pytest.fixture(scope="module")
def kernel():
    return sb.compile(sb.mlp([3, 4, 2], loss="softmax_cross_entropy", labels=True), cache=False).kernel


@pytest.mark.parametrize(
    ("theta", "x", "y", "message"),
    [
        (26, (5, 2), np.zeros(5, int), r"x must have shape \(N, 3\)"),
        (25, (5, 3), np.zeros(5, int), "theta must have 26 entries"),
        (26, (5, 3), np.zeros(4, int), r"y must have shape \(N,\)"),
        (26, (5, 3), np.full(5, 2), r"y must hold labels 0 \.\.\. 1"),
        (26, (5, 3), np.full(5, -1), r"y must hold labels 0 \.\.\. 1"),
    ],
)
def test_allocating_functions_refuse_other_shapes(kernel, theta, x, y, message):
    with pytest.raises(ValueError, match=message):
        kernel.value_and_grad(np.zeros(theta), np.zeros(x), y)


def test_right_shapes_pass(kernel):
    loss, gradient = kernel.value_and_grad(np.zeros(26), np.zeros((5, 3)), np.zeros(5, int))
    assert loss == pytest.approx(np.log(2))
    assert gradient.shape == (26,)


@pytest.mark.parametrize("wrong", range(5))
def test_what_writes_into_arrays_refuses_those_of_other_shapes(kernel, wrong):
    arrays = [np.ones(26), np.ones((5, 3)), np.zeros(5, int), np.empty(1), np.empty(26)]
    kernel.value_and_grad_into(*arrays)
    arrays[wrong] = np.zeros((2, 2) if arrays[wrong].ndim == 2 else 2, arrays[wrong].dtype)
    with pytest.raises(ValueError, match="must have"):
        kernel.value_and_grad_into(*arrays)


@pytest.mark.parametrize("wrong", [30, -1])
def test_labels_that_say_where_to_write_are_looked_at_there(wrong):
    table, out, chosen, E = sb.indexed("W", 30, 4), sb.indexed("h", 4), sb.nn.label("a"), sp.Symbol("E")
    e = sb.index("e", 4)
    equations = [sp.Eq(out[e], table[chosen, e] ** 2), sp.Eq(E, sp.Sum(out[e], (e, 0, 3)))]
    kernel = sb.compile(
        sb.Network(equations, inputs=[chosen], parameters=[table], loss=E), cache=False
    ).kernel
    theta, labels, value, gradient = np.ones(120), np.arange(5), np.empty(1), np.empty(120)
    kernel.value_and_grad_into(theta, labels, value, gradient)
    assert (value[0], gradient.sum()) == (4, 8)
    labels[3] = wrong
    with pytest.raises(ValueError, match=r"a must hold labels 0 \.\.\. 29"):
        kernel.value_and_grad_into(theta, labels, value, gradient)
