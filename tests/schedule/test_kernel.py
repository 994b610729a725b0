import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.codegen.module import emit
from symbp.pipeline import expression_kernel, forward_kernel, gradient_kernel
from tests.codegen.kernels import arguments, compare, load, random_values

x, y, a = sb.vector("x", 3), sp.Symbol("y"), sb.vector("a", 2)
W, unused, E = sb.matrix("W", 2, 3), sp.Symbol("unused"), sp.Symbol("E")
NETWORK = sb.Network(
    [sp.Eq(a, sb.tanh(W * x)), sp.Eq(E, sb.total(a) * y)], inputs=[x, y], parameters=[unused, W], loss=E
)


@pytest.fixture(scope="module")
def derivation():
    return sb.derive(NETWORK, wrt=[*NETWORK.parameters, x])


def test_gradient_kernel_takes_everything_and_returns_loss_and_gradients(derivation):
    kernel = gradient_kernel(derivation)
    assert (kernel.inputs, kernel.parameters) == (("x", "y"), ("unused", "W"))
    assert kernel.program.tensors[kernel.results[0]].shape == ()
    assert [kernel.program.tensors[g].shape for g in kernel.gradient] == [(), (2, 3)]
    assert len(kernel.results) == 2
    assert not kernel.point


def test_forward_kernel_takes_what_it_needs(derivation):
    kernel = forward_kernel(derivation, ("a",))
    assert kernel.inputs == ("x",)
    assert kernel.results == ("a",)
    assert kernel.gradient == ()


def test_the_calling_convention_is_the_one_described(derivation, tmp_path):
    for kernel in (gradient_kernel(derivation), forward_kernel(derivation, ("E", "a"))):
        values = random_values(kernel.program, 4)
        given = arguments(kernel, values)
        assert given[0].size == 7
        assert len(given) == 1 + len(kernel.inputs)
        compare(load(emit([kernel]), tmp_path), kernel, values)


def test_a_point_kernel_has_a_function_for_one_sample(tmp_path):
    s, t = sp.symbols("s t")
    value = sp.Symbol("value")
    net = sb.Network([sp.Eq(value, s * t**2)], inputs=[s, t], loss=value)
    derivation = sb.derive(net, wrt=[s, t])
    results = (derivation.loss, *derivation.gradients.values())
    kernel = expression_kernel(derivation, results, name="f")
    module = load(emit([kernel]), tmp_path)
    assert kernel.point
    assert module.f(2.0, 3.0) == (18.0, 9.0, 12.0)
    many = module.f_batch(np.array([2.0, 1.0]), np.array([3.0, 1.0]))
    assert [r.tolist() for r in many] == [[18.0, 1.0], [9.0, 1.0], [12.0, 2.0]]
