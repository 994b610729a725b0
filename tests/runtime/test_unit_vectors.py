import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.errors import DataError
from symbp.runtime.unit_vectors import hessian_by_columns, jacobian_by_rows

v, A, s = sb.vector("v", 3), sb.matrix("A", 2, 3), sp.Symbol("s")
random = np.random.default_rng(0)
a, at = random.normal(size=(2, 3)), random.normal(size=(5, 3))


def test_jacobians_row_by_row():
    f = sb.compile(A * v * s, wrt=[v, s], args=[v, s, A])
    found = jacobian_by_rows(f, (at, 2.0, a))
    assert found.shape == (5, 2, 4)
    np.testing.assert_allclose(found[..., :3], np.broadcast_to(2 * a, (5, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(found[..., 3], at @ a.T, rtol=1e-14)
    np.testing.assert_array_equal(f.jacobian(at, 2.0, a), found)
    assert jacobian_by_rows(f, (at[:0], 2.0, a)).shape == (0, 2, 4)
    assert sb.compile(A * v, wrt=[]).jacobian(a, at).shape == (5, 2, 0)


def test_hessians_column_by_column():
    f = sb.compile((v.T * v) * s**2, wrt=[s, v], args=[v, s])
    found = hessian_by_columns(f, (at, 2.0))
    assert found.shape == (5, 4, 4)
    np.testing.assert_allclose(found[:, 0, 0], 2 * (at * at).sum(1), rtol=1e-14)
    np.testing.assert_allclose(found[:, 0, 1:], 8 * at, rtol=1e-14)
    np.testing.assert_allclose(found[:, 1:, 0], 8 * at, rtol=1e-14)
    np.testing.assert_allclose(found[:, 1:, 1:], np.broadcast_to(8 * np.eye(3), (5, 3, 3)), rtol=1e-14)
    assert hessian_by_columns(f, (at[0], 2.0)).shape == (4, 4)
    assert hessian_by_columns(f, (at[:0], 2.0)).shape == (0, 4, 4)


def test_bad_arguments():
    f = sb.compile(v.T * v, wrt=[v])
    for args in ((), (at, at), (at[:, :2],), (at * 1j,)):
        with pytest.raises(DataError):
            hessian_by_columns(f, args)
