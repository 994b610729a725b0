"""Matrices that are written out: tables of constants, and choices among entries."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.passes.lower import lower
from tests.passes.lower.lowered import matrix

x = sp.Symbol("x")
v, w = sb.vector("v", 3), sb.vector("w", 3)
nv, nw = np.array([0.3, -1.2, 2.0]), np.array([1.5, 0.25, -0.5])
DATA = {v: nv, w: nw, x: 0.5}
TABLE = sp.Matrix([[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (TABLE * v, np.array([[1, 2, 3], [4, 5, 6]]) @ nv),
        (sp.ImmutableMatrix([v[0], x, 1]) + w, np.array([nv[0], 0.5, 1]) + nw),
        (sp.ImmutableMatrix([[x, 1, 0], [0, v[2], 2]]) * w, np.array([[0.5, 1, 0], [0, 2, 2]]) @ nw),
    ],
    ids=str,
)
def test_entries_are_read_where_they_are_wanted(expression, want):
    np.testing.assert_allclose(matrix(expression, DATA), want, rtol=1e-12)


def test_equal_tables_are_one_constant():
    a, b = sb.vector("a", 2), sb.vector("b", 2)
    net = sb.Network([sp.Eq(a, TABLE * v), sp.Eq(b, TABLE * w)], inputs=[v, w])
    constants = [t for t in lower(net).tensors.values() if t.role == "constant"]
    assert [t.shape for t in constants] == [(2, 3)]
