import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access, Index, Program, Statement, Tensor
from symbp.ir.nodes import BATCH
from symbp.passes.simplify import one_variable
from symbp.passes.simplify.limits import AT_INFINITY
from symbp.passes.simplify.removable import REMOVABLE

x, y = sp.symbols("x y", real=True)
e, log = sp.exp, sp.log

# Value and slope at 0.
AT_ZERO = {
    sp.sin(x) / x: (1, 0),
    (e(x) - 1) / x: (1, 0.5),
    x / (e(x) - 1): (1, -0.5),
    log(1 + x) / x: (1, -0.5),
    (1 - sp.cos(x)) / x**2: (0.5, 0),
    1 / sp.tanh(x) - 1 / x: (0, 1 / 3),
}


@pytest.mark.parametrize("formula", AT_ZERO, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_and_slopes_near_0(formula, dtype):
    f = sb.compile(formula, cache=False, dtype=dtype)
    value, (slope,) = f.value_and_grad(0.0)
    assert (value, slope) == pytest.approx(AT_ZERO[formula], rel=1e-7 if dtype == "float32" else 1e-15)
    truth = sp.lambdify(x, [formula, formula.diff(x)], "mpmath")
    rounding = 1e-13 if dtype == "float64" else 2e-5
    for at in (1e-30, -1e-9, 1e-4, 0.015625, -0.25, 0.75, 2.5):
        with mpmath.workdps(200):
            right = [float(v) for v in truth(mpmath.mpf(float(np.dtype(dtype).type(at))))]
        value, (slope,) = f.value_and_grad(at)
        np.testing.assert_allclose([value, slope], right, rtol=rounding, err_msg=str(at))
    assert np.isnan(f(np.nan))


def test_singularities_stay():
    f = sb.compile(1 / x, cache=False)
    assert f(0.0) == np.inf
    assert np.isnan(sb.compile(sp.sin(x) / x * y, cache=False)(0.0, 1.0))


def test_they_stand_in_the_ledger():
    rules = {s.rule for s in sb.compile(sp.sin(x) / x, cache=False).derivation.ledger}
    assert REMOVABLE in rules
    assert AT_INFINITY not in rules


def test_networks_do_without():
    E = sp.Symbol("E")
    net = sb.Network([sp.Eq(E, sp.sin(x) / x)], inputs=[], parameters=[x], loss=E, batch=False)
    assert REMOVABLE not in {s.rule for s in sb.derive(net).ledger}


def test_outputs_of_several_variables_are_not_written_out(monkeypatch):
    written = []
    whole = one_variable._whole
    monkeypatch.setattr(
        one_variable, "_whole", lambda body, known: written.append(body) or whole(body, known)
    )
    f = sb.compile([sp.sin(x) / x + 0 * y, sp.sin(x) / x * y, log(y) * sp.sin(x) / x], cache=False)
    x_only, product, other = f(0.0, 2.0)
    assert (x_only, np.isnan(product), np.isnan(other)) == (1.0, True, True)
    assert {body.name for body in written} == {"value0"}


def test_infinite_values_are_looked_at_quietly():
    """Warnings are errors here: infinity less infinity is no change."""
    z = sp.Symbol("z", real=True)
    f = sb.compile([1 / ((x - y) * z + (y - x) * z), sp.sin(x)], wrt=[x, y, z], cache=False)
    values, _ = f.value_and_jacobian(1.0, 2.0, 3.0)
    assert values.tolist() == [np.inf, np.sin(1.0)]


@pytest.mark.parametrize("batched", [True, False])
def test_all_arguments_are_samples_of_one_evaluation(batched, monkeypatch):
    runs = []
    plain = one_variable.evaluate
    monkeypatch.setattr(one_variable, "evaluate", lambda *args: runs.append(args) or plain(*args))
    n = (Index("n", BATCH),) if batched else ()
    shape = (BATCH,) if batched else ()
    tensors = [Tensor("x", shape, "input"), *(Tensor(name, shape) for name in "st"), Tensor("u", ())]
    bodies = {"s": sp.sin(Access("x", *n)), "t": sp.log(Access("x", *n))}
    statements = [Statement(name, n, body) for name, body in bodies.items()]
    statements.append(Statement("u", (), sp.log(sp.Integer(2))))
    program = Program({t.name: t for t in tensors}, tuple(statements), ("s", "t", "u"))
    found = one_variable._nans(program, [tensors[0]])
    assert found == {"s": [True, True, False], "t": [True, False, False], "u": [False] * 3}
    assert len(runs) == (1 if batched else 3)
