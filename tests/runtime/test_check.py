import numpy as np
import pytest
import sympy as sp

from symbp import nn
from symbp.errors import DataError, GradientError
from symbp.network import Network
from symbp.runtime.check import check_gradient
from symbp.runtime.model import Model
from symbp.runtime.numerical import TOLERANCE

w, b, x, y, E = sp.symbols("w b x y E")


def model_of(loss, dtype="float64", wrt=None):
    return Model(
        Network([sp.Eq(E, loss)], inputs=[x, y], parameters=[w, b], loss=E), dtype=dtype, wrt=wrt, cache=False
    )


@pytest.fixture(scope="module")
def smooth():
    return model_of((sp.tanh(w * x + b) - y) ** 2)


class Broken:
    """A model whose gradient is wrong in one entry."""

    def __init__(self, model, entry, change):
        self.model, self.entry, self.change, self.calls = model, entry, change, 0

    def __getattr__(self, name):
        return getattr(self.model, name)

    def value_and_grad(self, *args, **named):
        loss, gradient, *rest = self.model.value_and_grad(*args, **named)
        self.calls += 1
        gradient[self.entry] = self.change(gradient[self.entry], self.calls)
        return (loss, gradient, *rest)


class Refuses:
    def __array__(self, *_, **__):
        raise RuntimeError("no array")


def test_right_gradient_passes(smooth):
    report = smooth.check(np.array([0.3, -0.2]), x=[1, 2, 3], y=[0.1, 0.2, 0.3])
    assert report.passed
    assert [r.method for r in report.rows] == ["complex step", "central differences"]
    assert [r.checked for r in report.rows] == [2, 2]
    text = str(report)
    assert "passed" in text
    assert "bitwise equal" in text
    assert smooth.check().passed


def test_wrong_gradient_names_the_entry(smooth):
    for factor in (1.0001, -1.0, 0.0, 1 + 1e-8):
        with pytest.raises(GradientError, match=r"wrong at b\b") as caught:
            check_gradient(Broken(smooth, 1, lambda g, _, f=factor: g * f))
        assert not caught.value.report.passed
        assert "FAILED" in str(caught.value.report)
    with pytest.raises(GradientError, match="wrong at w"):
        check_gradient(Broken(smooth, 0, lambda g, _: np.nan))


def test_runs_that_differ_are_found(smooth):
    with pytest.raises(GradientError, match="different bits"):
        check_gradient(Broken(smooth, 1, lambda g, calls: g * (1 + calls % 2 * 4e-16)))


def test_kinks_are_skipped():
    model = model_of(sp.Max(0, w * x + b) + y * w)
    report = model.check(np.array([1.0, -2.0]), x=[1, 2, 3], y=[1, 1, 1])
    assert report.passed
    assert max(r.skipped for r in report.rows) > 0


def test_inputs_and_single_precision():
    report = model_of((sp.tanh(w * x + b) - y) ** 2, "float32", [w, b, x]).check()
    assert report.entries == 9
    assert report.passed


def test_a_loss_that_is_not_finite_is_no_point_to_check_at():
    model = model_of(sp.log(w * x) + b * y)
    assert model.check(np.array([1.0, 1.0]), x=[1], y=[1]).passed
    for at in ([-1.0, 1.0], [0.0, 1.0], [np.nan, 1.0]):
        with pytest.raises(GradientError, match="nothing could be compared: the loss is"):
            model.check(np.array(at), x=[1], y=[1])


def test_data_is_checked_at_the_door(smooth):
    for bad in ({"x": [1]}, {"x": ["a"], "y": [1]}, {"x": [1], "y": [1, 2]}):
        with pytest.raises(DataError):
            smooth.check(**bad)
    with pytest.raises(DataError):
        smooth.check("theta")
    for bad in ([10**400], [Refuses()], Refuses(), np.ma.array([1.0], mask=[True])):
        with pytest.raises(DataError, match="'x'"):
            smooth.check(x=bad, y=[1.0])
    with pytest.raises(DataError, match="theta"):
        smooth.check([10**400, 1], x=[1.0], y=[1.0])


def test_many_entries_use_directions():
    v, W, a = nn.vector("v", 50), nn.matrix("W", 50, 50), nn.vector("a", 50)
    net = Network([sp.Eq(a, nn.tanh(W * v)), sp.Eq(E, (a.T * a)[0, 0])], inputs=[v], parameters=[W], loss=E)
    report = Model(net, cache=False).check()
    assert report.entries == 2500
    assert [r.checked for r in report.rows] == [16, 16]
    assert report.passed


def test_directions_in_place_of_entries(smooth):
    report = check_gradient(smooth, directions=3)
    assert [r.checked for r in report.rows] == [3, 3]
    assert report.entries == 2
    with pytest.raises(GradientError, match="wrong at direction"):
        check_gradient(Broken(smooth, 1, lambda g, _: g * 1.0001), directions=3)


def test_a_seed_gives_another_point_and_other_directions(smooth):
    reports = [str(check_gradient(smooth, seed=seed, directions=2)) for seed in (0, 0, 1)]
    assert reports[0] == reports[1] != reports[2]
    point = {"theta": np.array([0.3, -0.2]), "data": {"x": [1.0], "y": [0.5]}}
    same_point = {str(check_gradient(smooth, **point, seed=seed, directions=1)) for seed in (0, 1)}
    assert len(same_point) == 2


def test_a_tolerance_replaces_that_of_the_method(smooth):
    wrong = Broken(smooth, 1, lambda g, _: g * 1.0001)
    assert check_gradient(wrong, tolerance=1e-3).passed
    with pytest.raises(GradientError):
        check_gradient(wrong, tolerance=1e-5)
    strict = check_gradient(smooth, tolerance=1e-13)
    assert [r.tolerance for r in strict.rows] == [1e-13, TOLERANCE["central differences", "float64"]]


def test_nothing_to_compare_is_no_success():
    with pytest.raises(GradientError, match="nothing could be compared") as caught:
        check_gradient(model_of(w * sp.log(x - 2) + b * sp.log(y - 2)))
    assert not caught.value.report.passed
