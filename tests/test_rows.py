"""Expressions with several values."""

from __future__ import annotations

import numpy as np
import sympy as sp

from symbp.ir import check, evaluate
from symbp.network import Network
from symbp.rows import derive_jacobian, rows_kernel

x, y = sp.symbols("x y")
f, g = sp.symbols("f g")


def test_values_and_jacobian_are_two_arrays():
    net = Network([sp.Eq(f, x * sp.sin(y)), sp.Eq(g, f + 2 * y)], inputs=[x, y])
    derivation = derive_jacobian(net, wrt=[y, x])
    kernel = rows_kernel(derivation, (2, 1), [y, x])
    check(kernel.program)
    a, b = np.array([0.5, 1.5, 2.0]), np.array([1.0, 0.25, -1.0])
    found = evaluate(kernel.program, {"x": a, "y": b})
    values, jacobian = (found[name] for name in kernel.results)
    np.testing.assert_allclose(values[..., 0], np.stack([a * np.sin(b), a * np.sin(b) + 2 * b], -1))
    rows = [[a * np.cos(b), np.sin(b)], [a * np.cos(b) + 2, np.sin(b)]]
    np.testing.assert_allclose(jacobian, np.moveaxis(np.array(rows), -1, 0), rtol=1e-14)
    alone = rows_kernel(derivation, (2,))
    assert len(alone.results) == 1


def test_names_of_the_users_stay_free():
    values, jacobian = sp.symbols("values jacobian")
    net = Network([sp.Eq(f, values * jacobian)], inputs=[values, jacobian])
    kernel = rows_kernel(derive_jacobian(net, wrt=[values]), (1,), [values])
    assert not {*kernel.results} & {*kernel.inputs}
