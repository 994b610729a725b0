"""Compiled functions by name; other names are none."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from numba import njit

import symbp as sb


def test_those_of_a_model():
    model = sb.compile(sb.mlp([2, 3, 1]))
    theta, x, y = model.init(0), np.ones((4, 2)), np.ones((4, 1))
    value_and_grad = model.kernel.value_and_grad

    @njit
    def twice(theta, x, y):
        return 2 * value_and_grad(theta, x, y)[0]

    assert twice(theta, x, y) == 2 * model.value_and_grad(theta, x=x, y=y)[0]
    loss, gradient = np.empty(1), np.empty_like(theta)
    model.kernel.value_and_grad_into(theta, x, y, loss, gradient)
    assert loss[0] == model.value_and_grad(theta, x=x, y=y)[0]
    with pytest.raises(AttributeError):
        _ = model.kernel.nothing


def test_those_of_an_expression():
    x = sp.Symbol("x")
    f = sb.compile(x * sp.sin(x))
    a = np.linspace(0, 1, 5)
    np.testing.assert_array_equal(f.kernel.value_batch(a)[0], f(a))
    assert f.kernel.value_and_grad(a[1])[0] == f(a)[1]
    with pytest.raises(AttributeError):
        _ = f.kernel.nothing


def test_they_are_loaded_once():
    """Each access read the kernel from disk again, which took a millisecond in every round of a loop."""
    x = sp.Symbol("x")
    model, f = sb.compile(sb.mlp([2, 3, 1])), sb.compile(x * sp.sin(x))
    for kernels in (lambda: model.kernel, lambda: f.kernel):
        names = ("value_and_grad", "value_and_grad_into")
        first = [getattr(kernels(), name) for name in names]
        assert all(getattr(kernels(), name) is found for name, found in zip(names, first, strict=True))
    kernel = model._gradient_kernel()
    assert kernel.jitted("value_and_grad").py_func.__globals__ is (
        kernel.jitted("value_and_grad_into").py_func.__globals__
    )
