"""Second derivatives: the program of a product with a vector, and the Hessian of single numbers."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.hessians import derive_hessian, derive_product, hessian_kernel
from symbp.ir import check, evaluate
from symbp.network import Network, symbol_name
from symbp.passes.simplify.peaks import is_peak
from symbp.pipeline import gradient_kernel
from tests.catalogue import CATALOGUE, NAMES
from tests.passes.stages import work_of

x, y, E = sp.symbols("x y E")


@pytest.mark.parametrize("name", NAMES)
def test_products_equal_the_complex_step_of_the_gradient(name):
    entry = CATALOGUE[name]
    network, first = entry.network(), entry.derivation
    second = derive_product(network)
    values = entry.values(second.forward_program)
    random = np.random.default_rng(0)
    names = [symbol_name(s) for s in network.parameters]
    way = {n: random.normal(size=np.shape(values[n])) for n in names}
    directions = dict(zip(second.directions, way.values(), strict=True))
    found = evaluate(second.backward_program, {**values, **directions})
    moved = {**values, **{n: values[n] + 1e-30j * v for n, v in way.items()}}
    exact = evaluate(first.backward_program, moved, np.complex128)
    for n in names:
        right = np.imag(exact[first.gradients[n]]) / 1e-30
        scale = max(1.0, float(np.abs(right).max()))
        np.testing.assert_allclose(
            found[second.gradients[n]], right, rtol=1e-11, atol=1e-12 * scale, err_msg=n
        )
    slope = sum(np.sum(found_gradient * way[n]) for n, found_gradient in gradients(first, values).items())
    assert found[second.loss] == pytest.approx(slope, rel=1e-11, abs=1e-12)


def gradients(derivation, values):
    found = evaluate(derivation.backward_program, values)
    return {n: found[g] for n, g in derivation.gradients.items()}


@pytest.mark.parametrize("name", ["dense_tanh", "dense_softmax", "convolution", "attention", "recurrence"])
def test_a_product_takes_a_few_times_the_operations_of_the_gradient(name):
    if name not in CATALOGUE:
        pytest.fail(f"the catalogue has no {name}")
    first, second = CATALOGUE[name].derivation, derive_product(CATALOGUE[name].network())
    assert work_of(second.backward_program) <= 4 * work_of(first.backward_program)


def test_the_direction_lies_behind_the_parameters():
    derivation = derive_product(sb.mlp([3, 4, 2], loss="mean_squared_error"))
    kernel = gradient_kernel(derivation, name="hvp")
    assert kernel.parameters[:4] == ("W1", "b1", "W2", "b2")
    assert kernel.parameters[4:] == derivation.directions
    assert len(kernel.gradient) == 4


def test_a_gradient_that_is_constant_has_a_product_of_zeros():
    w = sb.vector("w", 3)
    net = Network([sp.Eq(E, w[0] + 2 * w[1])], parameters=[w], loss=E, batch=False)
    derivation = derive_product(net)
    found = evaluate(derivation.backward_program, {"w": np.ones(3), derivation.directions[0]: np.ones(3)})
    assert not found[derivation.gradients["w"]].any()


def test_hessians_of_numbers_are_symmetric_arrays():
    net = Network([sp.Eq(E, x**2 * sp.sin(y) + sp.exp(x * y))], inputs=[x, y], loss=E)
    derivation = derive_hessian(net, wrt=[y, x])
    kernel = hessian_kernel(derivation, [y, x])
    check(kernel.program)
    at = {"x": np.array([0.5, -1.5]), "y": np.array([1.0, 0.25])}
    (found,) = (evaluate(kernel.program, at)[name] for name in kernel.results)
    right = sp.lambdify((x, y), sp.hessian(net.equations[0].rhs, (y, x)))
    for k in range(2):
        np.testing.assert_allclose(found[k], right(at["x"][k], at["y"][k]), rtol=1e-14)
        np.testing.assert_array_equal(found[k], found[k].T)


def test_the_shift_of_a_written_sum_has_no_derivatives():
    net = Network([sp.Eq(E, sp.log(sp.exp(x) + sp.exp(y)))], inputs=[x, y], loss=E)
    statements = derive_hessian(net, wrt=[x, y]).backward_program.statements
    assert sum(is_peak(s) for s in statements) == 1
    assert not any(s.body.has(sp.Piecewise) for s in statements)
    assert not any(s.target.startswith("dm_") for s in statements)


def test_one_of_two_equal_entries_is_computed():
    u = sp.symbols("u:6")
    net = Network([sp.Eq(E, sp.prod(sp.sin(s) + s for s in u))], inputs=u, loss=E)
    derivation = derive_hessian(net, wrt=u)
    assert len(derivation.jacobian) == 6 * 7 // 2


def test_names_of_the_users_stay_free():
    slope, hessian = sp.symbols("hessian x_along")
    net = Network([sp.Eq(E, slope**2 * hessian)], inputs=[slope, hessian], loss=E)
    kernel = hessian_kernel(derive_hessian(net, wrt=[slope]), [slope])
    assert not {*kernel.results} & {*kernel.inputs}
