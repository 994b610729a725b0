"""Results that overflow on the way are right, by every way into a kernel."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.runtime import second_look
from symbp.runtime.often import OFTEN
from symbp.runtime.second_look import SecondLooks

x, y = sp.symbols("x y", real=True)
e = sp.exp

BODY = (e(x) - 1) * e(-x) * e(y)
LOST = (-900.0, -800.0)
"""Where its derivative for x is infinity times 0."""
TRUTH = (-np.exp(100.0), np.exp(100.0), -np.exp(100.0))


def flat(found):
    value, slopes = found
    return [value, *slopes]


@pytest.fixture(scope="module")
def f():
    return sb.compile(BODY, wrt=[x, y], cache=False)


def test_one_sample_by_both_ways(f):
    for _ in range(OFTEN + 2):
        np.testing.assert_allclose(flat(f.value_and_grad(*LOST)), TRUTH, rtol=1e-9)
        np.testing.assert_allclose(flat(f.value_and_grad(0.5, 0.0))[0], 1 - np.exp(-0.5), rtol=1e-14)


@pytest.mark.parametrize("count", [3, 1000, 300_000])
def test_arrays_by_all_ways(f, count):
    """Short and long, on one thread and on more; other samples keep their bits."""
    a, b = np.linspace(-2, 2, count), np.linspace(-1, 3, count)
    want = [v.copy() for v in flat(f.value_and_grad(a, b))]
    at = np.array([0, count // 2, count - 1])
    a[at], b[at] = LOST
    others = np.setdiff1d(np.arange(count), at)
    for _ in range(OFTEN + 4):
        for got, before, truth in zip(flat(f.value_and_grad(a, b)), want, TRUTH, strict=True):
            np.testing.assert_allclose(got[at], truth, rtol=1e-9)
            np.testing.assert_array_equal(got[others], before[others])


@pytest.mark.parametrize("room", [1, 40, 1 << 20])
def test_samples_are_taken_in_pieces(f, room, monkeypatch):
    monkeypatch.setattr(second_look, "ENTRIES", room)
    a, b = np.full(9, LOST[0]), np.linspace(-810, -800, 9)
    got = flat(f.value_and_grad(a, b))
    np.testing.assert_allclose(got[1], np.exp(b + 900.0), rtol=1e-9)


def test_single_precision():
    """exp(60) is a number of float32, its square is not."""
    f = sb.compile(e(2 * x) * e(-y) * y, wrt=[x, y], dtype="float32", cache=False)
    got = flat(f.value_and_grad(60.0, 119.0))
    np.testing.assert_allclose(got, [119 * np.e, 238 * np.e, -118 * np.e], rtol=1e-6)


def test_values_and_jacobians():
    f = sb.compile([x / y, x * x * e(y)], wrt=[x, y], cache=False)
    for _ in range(OFTEN + 2):
        values, slopes = f.value_and_jacobian(1e-200, 800.0)
        np.testing.assert_allclose(values, [1.25e-203, 2.726374572112567e-53], rtol=1e-9)
        np.testing.assert_allclose(
            slopes, [[1.25e-3, -1.5625e-206], [5.452749144225134e147, values[1]]], rtol=1e-9
        )
        np.testing.assert_allclose(f(1e-200, 800.0), values)


def test_a_mixture_with_unknown_weights():
    m, s, w = (sp.symbols(f"{name}:3") for name in "msw")
    terms = [e(w[k] - (x - m[k]) ** 2 * e(-2 * s[k]) / 2 - s[k]) for k in range(3)]
    f = sb.compile(sp.log(sp.Add(*terms)), args=(x, *m, *s, *w), cache=False)
    value, slopes = f.value_and_grad(0.5, 0.25, -1.0, 3.0, -400.0, 0.1, -0.3, 0.2, -0.1, 0.0)
    # As without the first component, which has no width.
    g = sb.compile(sp.log(sp.Add(*terms[1:])), args=(x, *m[1:], *s[1:], *w[1:]), cache=False)
    want, others = g.value_and_grad(0.5, -1.0, 3.0, 0.1, -0.3, -0.1, 0.0)
    assert value == pytest.approx(want, rel=1e-12)
    np.testing.assert_allclose([*slopes[:1], *slopes[2:4], *slopes[5:7], *slopes[8:]], others, rtol=1e-9)
    assert [slopes[1], slopes[4], slopes[7]] == [0, 0, 0]


def test_finite_results_of_a_sample_that_has_lost_another():
    f = sb.compile(sp.sqrt(1 + x**2) + y, wrt=[x, y], cache=False)
    assert flat(f.value_and_grad(1e200, 0.0)) == pytest.approx([1e200, 1.0, 1.0], rel=1e-9)


def test_what_is_infinite_or_no_number_stays_so(monkeypatch):
    f = sb.compile(sp.log(x) / y, wrt=[x, y], cache=False)
    assert f(0.0, 1.0) == -np.inf
    assert f(1.0, 0.0) != f(1.0, 0.0)
    assert np.isnan(f(-1.0, 1.0))
    assert f.value_and_grad(0.0, 1.0)[1][0] == np.inf
    # Arguments that are none are not looked at again.
    monkeypatch.setattr(second_look, "looked_again", None)
    assert np.isnan(f(np.nan, 1.0))
    assert f(np.inf, 1.0) == np.inf


def test_digits_that_are_lost_are_not_made_up():
    """exp(y) (exp(x) exp(-x) - 1): of the difference no digit is left, and it is times infinity."""
    f = sb.compile(e(y) * ((e(x) + e(-x)) * e(-x) - 1) * e(y), wrt=[x, y], cache=False)
    with_loss = f(30.0, 400.0)
    assert not np.isfinite(with_loss) or with_loss == pytest.approx(np.exp(740.0), rel=1e-6)


@pytest.mark.parametrize("number", range(1, 9))
def test_rounding_that_is_cut_off_is_not_made_up(number):
    """max(x^2 + c - y^2, 0): nothing is left of c, and what is left of rounding may be negative."""
    f = sb.compile(sp.Max(x**2 + number - y**2, 0), wrt=[x, y], cache=False)
    assert f(1e200, 1e200) != 0


def test_numbers_that_are_rounded_are_no_differences():
    """x - 1/3 is 2e-17 there, and exp(720) times it is not 0."""
    f = sb.compile(e(y) * (x - sp.Rational(1, 3)), wrt=[x, y], cache=False)
    assert f(1 / 3, 720.0) != 0


def test_ratios_of_numbers_that_are_too_far_to_have_digits():
    k, n = sp.symbols("k n")
    f = sb.compile(x**n / (k**n + x**n), wrt=[x, k, n], cache=False)
    found = f(0.5, 3e-24, 6e73)
    assert np.isnan(found) or found == 1


@pytest.mark.parametrize("count", [None, 3])
def test_likelihoods_with_gamma_functions(count):
    """The derivative of log gamma has an order, which is one number for all samples."""
    a, b = sp.symbols("a b")
    f = sb.compile(sp.loggamma(a) + a * b - x**2 * y**2, wrt=[a, b, x, y], cache=False)
    given = [2.5, 3.0, 1e200, 1e-200]
    got = f.value_and_grad(*(given if count is None else [np.full(count, v) for v in given]))
    want = [0.2846828704729192 + 6.5, 0.7031566406452432 + 3, 2.5, -2e-200, -2e200]
    for one, truth in zip(flat(got), want, strict=True):
        np.testing.assert_allclose(one, truth, rtol=1e-9)


def test_kernels_are_planned_when_they_are_needed():
    planned = []
    looks = SecondLooks(planned.append)
    looks("value", [np.ones(2)], [np.ones(2)])
    looks("value", [np.array([np.nan, 1.0])], [np.array([np.nan, 1.0])])
    assert planned == []


def test_functions_without_a_rule_stay_as_they_are(monkeypatch):
    def refuse(*_):
        raise NotImplementedError

    monkeypatch.setattr("symbp.ir.scaled_body.scaled_values", refuse)
    f = sb.compile(BODY, wrt=[x, y], cache=False)
    assert np.isnan(f.value_and_grad(*LOST)[1][0])


def test_results_that_hold_for_all_samples():
    f = sb.compile([e(x) * e(-y) * e(x), sp.Integer(3)], wrt=[x, y], cache=False)
    values, slopes = f.value_and_jacobian(np.array([400.0, 400.5]), np.array([800.0, 800.0]))
    np.testing.assert_allclose(values, [[1, 3], [np.e, 3]], rtol=1e-9)
    np.testing.assert_allclose(slopes[:, 0], [[2, -1], [2 * np.e, -np.e]], rtol=1e-9)
    assert np.all(slopes[:, 1] == 0)


@pytest.mark.parametrize("body", [e(x) + y, y + BODY * 0 + 1 / (e(x) * e(-x / 2)), 3 * x + e(y)])
def test_derivatives_that_are_the_same_for_all_samples(body):
    f = sb.compile(body, wrt=[x, y], cache=False)
    given = np.array([0.5, 1.0, 800.0, -900.0]), np.array([1.0, -2.0, 800.0, 900.0])
    for _ in range(OFTEN + 2):
        many = flat(f.value_and_grad(*given))
        for k, one in enumerate(zip(*given, strict=True)):
            np.testing.assert_array_equal([a[k] for a in many], flat(f.value_and_grad(*map(float, one))))
