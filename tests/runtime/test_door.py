"""What a kernel is given: arrays as they are where they fit, converted ones, or an error."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.errors import DataError
from symbp.runtime.model import Model

X = np.arange(6.0).reshape(3, 2)


@pytest.fixture(scope="module")
def model():
    p, u, w, E = sb.vector("p", 2), sp.Symbol("u"), sb.vector("w", 2), sp.Symbol("E")
    return Model(sb.Network([sp.Eq(E, sb.dot(w, p))], inputs=[p, u], parameters=[w], loss=E), cache=False)


def admit(model, theta, finite=False, **arrays):
    return model._door.admit(model._gradient_kernel(), theta, arrays, finite)


def test_arrays_that_fit_are_not_copied(model):
    theta = np.ones(2)
    vector, (p, _), samples = admit(model, theta, p=X, u=np.ones(3))
    assert np.shares_memory(vector, theta)
    assert np.shares_memory(p, X)
    assert samples == 3


def test_inputs_that_no_equation_reads_are_checked(model):
    for wrong in (np.ones(4), np.ones((3, 1)), "u", None):
        with pytest.raises(DataError, match=r"u|samples"):
            admit(model, np.ones(2), p=X, u=wrong)


def test_finite_on_request(model):
    for theta, p in ((np.array([1, np.nan]), X), (np.ones(2), X + np.inf)):
        admit(model, theta, p=p, u=np.ones(3))
        with pytest.raises(DataError, match=r"nan|infinity|finite"):
            admit(model, theta, True, p=p, u=np.ones(3))


def test_only_memory_that_a_gradient_can_be_written_to(model):
    out = np.empty(2)
    assert model._door.out(out, 2) is out
    frozen = np.empty(2)
    frozen.flags.writeable = False
    for bad in (np.empty(3), np.empty(2, "f4"), np.empty(4)[::2], frozen, [0.0, 0.0], None):
        with pytest.raises(DataError, match=r"out must.*\(2,\)"):
            model._door.out(bad, 2)
