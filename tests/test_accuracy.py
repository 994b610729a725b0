"""Quick variant of benchmarks/accuracy.py: few points; all spellings through the interpreter."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from benchmarks.accuracy import CASES, LIMIT, Row, main, measure, points, truth, x
from symbp import nn
from symbp.ir import evaluate
from symbp.network import Network
from symbp.pipeline import derive, expression_kernel

POINTS = 400
ALL = [(case, spelled) for case in CASES for spelled in case.spellings]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_within_four_units(case):
    for row in measure(case, "float64", POINTS, case.spellings[-1:]):
        assert row.error <= LIMIT, row


@pytest.mark.parametrize("name", ["tanh", "erfc", "sigmoid"])
def test_within_four_units_of_single_precision(name):
    case = next(c for c in CASES if c.name == name)
    for row in measure(case, "float32", POINTS, case.spellings[:1]):
        assert row.error <= LIMIT, row


@pytest.mark.parametrize(("case", "spelled"), ALL, ids=lambda v: getattr(v, "name", str(v)))
def test_every_spelling_has_a_stable_form(case, spelled):
    """Functions of NumPy's are off by up to 4 units, SciPy's erfc by hundreds; and exp(-x^2) is compensated
    in compiled code only."""
    value = nn.scalar("f")
    derivation = derive(
        Network([sp.Eq(value, spelled, evaluate=False)], inputs=[x], loss=value), wrt=[x], reuse=False
    )
    results = ("f", derivation.gradients["x"])
    program = expression_kernel(derivation, results).program
    at = points(POINTS, np.float64, case.low)
    got = evaluate(program, {"x": at})
    for name, function in zip(results, (case.value, case.slope), strict=True):
        errors = truth(function, at).errors(got[name])
        limit = 700 if case.name.startswith("erf") else 16
        assert np.max(errors) <= limit, (name, at[np.argmax(errors)])


def test_points_are_dense_over_the_format():
    for dtype in (np.float64, np.float32):
        at = points(3000, dtype)
        assert at.dtype == dtype
        info = np.finfo(dtype)
        sizes = np.abs(at)
        assert ((sizes > 0) & (sizes < info.smallest_normal)).any()
        assert {0.0, 1000.0, -1000.0, float(info.max)} <= set(at.astype(float).tolist())
        assert np.sum(sizes < 3) > 1000
    assert points(1000, np.float64, 0.0).min() > 0


def test_errors_in_units_in_the_last_place():
    at = np.array([0.5, 1.0, 5e-324])
    exact = truth(lambda v: v + mpmath.mpf(2) ** -54, at)
    np.testing.assert_allclose(exact.errors(at)[:2], [0.5, 0.25])
    np.testing.assert_allclose(exact.errors(np.nextafter(at, 2))[:2], [0.5, 0.75])
    infinite = truth(mpmath.exp, np.array([1000.0, -1000.0]))
    np.testing.assert_allclose(infinite.errors(np.array([np.inf, 0.0])), [0, 0], atol=1e-100)
    assert infinite.errors(np.array([1e308, 0.0]))[0] == np.inf
    assert truth(lambda v: v, at).errors(np.full(3, np.nan))[0] == np.inf


def test_the_command_fails_where_a_function_is_wrong(monkeypatch, capsys):
    rows = [Row("exp", "exp(x)", "float64", "value", 4.5, 1.0)]
    monkeypatch.setattr("benchmarks.accuracy.measure", lambda *_: rows)
    assert main(["--function", "exp", "--dtype", "float64", "--points", "10"]) == 1
    assert "FAIL" in capsys.readouterr().out
    rows[0] = Row("exp", "exp(x)", "float64", "value", 0.5, 1.0)
    assert main(["--function", "exp", "--dtype", "float64", "--points", "10"]) == 0
