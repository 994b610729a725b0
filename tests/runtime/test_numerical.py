"""Numerical differentiation of functions whose gradient is known."""

import numpy as np
import pytest

from symbp.runtime.numerical import Problem, central_differences, complex_step

AT = np.array([0.3, -1.2, 2.0])


def cubic(v):
    return (v**3).sum() + v[0] * v[1]


def slope(v):
    return 3 * v**2 + np.array([v[1], v[0], 0.0])


def problem(gradient, at=AT, value=cubic, **settings):
    return Problem(at, gradient, float(value(at)), lambda k: f"v[{k}]", "float64", **settings)


@pytest.mark.parametrize("method", [complex_step, central_differences])
@pytest.mark.parametrize("directions", [None, 4])
def test_right_gradients_pass_and_wrong_ones_do_not(method, directions):
    right = method(problem(slope(AT), directions=directions), cubic)
    assert right.passed
    assert right.checked == (directions or 3)
    wrong = method(problem(slope(AT) + np.array([0, 1e-3, 0]), directions=directions), cubic)
    assert not wrong.passed
    assert wrong.worst == "v[1]" or directions


def test_the_complex_step_is_exact():
    assert complex_step(problem(slope(AT)), cubic).error < 1e-15


def test_kinks_are_skipped_steps_of_the_analytic_gradient_are_not():
    at = np.array([0.0, 1.0, 2.0])

    def value(v):
        return np.where(np.real(v) < 0, 0, v).sum()

    found = central_differences(problem(np.array([0.0, 1, 1]), at, value), value)
    assert (found.checked, found.skipped, found.passed) == (2, 1, True)
    assert not central_differences(problem(np.array([0.0, 0, 1]), at, value), value).passed


def test_a_tolerance_below_what_differences_resolve_is_not_taken():
    tight = problem(slope(AT), tolerance=1e-13)
    assert complex_step(tight, cubic).tolerance == 1e-13
    assert central_differences(tight, cubic).tolerance == 1e-6
