import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.errors import DataError, GradientError
from symbp.runtime.check_function import check_function
from symbp.runtime.expression import Function

x, y = sp.symbols("x y")


@pytest.fixture(scope="module")
def smooth():
    return Function(sp.sin(x * y) + x**2, cache=False)


class Broken:
    """A function whose Jacobian is wrong in one entry, from some call on."""

    def __init__(self, function, change, entry=(1, 0, 1)):
        self.function, self.change, self.entry, self.calls = function, change, entry, 0

    def __getattr__(self, name):
        return getattr(self.function, name)

    def __call__(self, *args):
        return self.function(*args)

    def jacobian(self, *args):
        found = self.function.jacobian(*args)
        self.calls += 1
        found[self.entry] = self.change(found[self.entry], self.calls)
        return found


def test_right_derivatives_pass(smooth):
    report = check_function(smooth)
    assert report.passed
    assert report.entries == 6
    assert [r.method for r in report.rows] == ["complex step", "central differences"]
    assert [r.checked for r in report.rows] == [6, 6]
    assert check_function(smooth, (np.linspace(0, 1, 5), 2.0)).entries == 10


def test_a_wrong_derivative_names_symbol_and_sample(smooth):
    for factor in (1 + 1e-8, -1.0, 0.0):
        with pytest.raises(GradientError, match="wrong at y of sample 1") as caught:
            check_function(Broken(smooth, lambda g, _, f=factor: g * f))
        assert not caught.value.report.passed
    with pytest.raises(GradientError, match="wrong at x of sample 2"):
        check_function(Broken(smooth, lambda g, _: np.nan, entry=(2, 0, 0)))


def test_runs_that_differ_are_found(smooth):
    with pytest.raises(GradientError, match="different bits"):
        check_function(Broken(smooth, lambda g, calls: g * (1 + calls % 2 * 4e-16)))


def test_several_values_and_matrices():
    W, v = nn.matrix("W", 2, 3), nn.vector("v", 3)
    assert check_function(Function(nn.tanh(W * v), cache=False)).entries == 27
    jacobian = Function([x * y, sp.exp(x), y], wrt=[x], cache=False)
    assert check_function(jacobian).entries == 3
    with pytest.raises(GradientError, match="wrong at x of sample 0"):
        check_function(Broken(jacobian, lambda g, _: g + 0.01, entry=(0, 1, 0)))


def test_samples_without_a_value_are_left_out():
    logarithm = Function(sp.log(x), cache=False)
    report = check_function(logarithm, ([0.5, -1.0, 2.0, 0.0],))
    assert report.entries == 2
    assert "2 samples without a finite value" in str(report)
    with pytest.raises(GradientError, match="no finite value"):
        check_function(logarithm, ([-1.0, -2.0],))


def test_random_arguments_look_for_the_domain():
    for expression in (sp.acosh(x), sp.log(-x) * y, sp.sqrt(x - 2), sp.sqrt(-2 - x)):
        assert check_function(Function(expression, cache=False)).passed
    with pytest.raises(GradientError, match="no finite value"):
        check_function(Function(sp.log(-1 - x**2), cache=False))


def test_labels_and_single_precision():
    a, label, k = nn.vector("a", 3), nn.label("label"), sp.Symbol("k", integer=True)
    picked = sp.Sum(sp.KroneckerDelta(k, label) * a[k, 0] ** 2, (k, 0, 2))
    assert check_function(Function(picked, args=[a, label], wrt=[a], cache=False)).passed
    assert check_function(Function(sp.sin(x * y), dtype="float32", cache=False)).passed


def test_arguments_are_checked_at_the_door(smooth):
    for bad in ((1.0,), (1.0, "a"), ([1.0, 2.0], [1.0, 2.0, 3.0])):
        with pytest.raises(DataError):
            check_function(smooth, bad)


def test_nothing_to_differentiate():
    report = check_function(Function(sp.Integer(3), cache=False))
    assert report.passed
    assert report.rows == ()
