"""Values and gradients of scalar gates."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.view.circuit.models import all_numbers
from tests.catalogue import CATALOGUE

x, y, z = sp.symbols("x y z")
SCALAR = [name for name, entry in CATALOGUE.items() if all_numbers(entry.network())]


def test_there_are_scalar_models():
    assert len(SCALAR) > 15


@pytest.mark.parametrize("name", SCALAR)
def test_the_catalogue(name):
    entry = CATALOGUE[name]
    derivation = entry.derivation
    values = entry.values(derivation.forward_program)
    expected = evaluate(derivation.backward_program, values)
    forward = evaluate(derivation.forward_program, values)
    c = sb.circuit(entry.network(), values)
    for equation in derivation.forward_program.outputs:
        np.testing.assert_allclose(c[equation].value, forward[equation], rtol=1e-11)
    shown = {g.name for g in c}
    for symbol, gradient in derivation.gradients.items():
        if symbol in shown:
            np.testing.assert_allclose(c[symbol].gradient, expected[gradient], rtol=1e-9, atol=1e-12)
    assert c[derivation.loss].gradient == 1


def test_a_gradient_is_the_sum_over_the_wires():
    c = sb.circuit(x * y + sp.sin(x) + x, {x: 0.5, y: 2})
    assert c["x"].gradient == pytest.approx(2 + np.cos(0.5) + 1)
    assert sb.circuit(sp.Mul(x, x, evaluate=False), {x: 3})["x"].gradient == 6


def test_gradients_of_inner_gates_are_those_of_a_probe():
    c = sb.circuit(sp.exp(sp.sin(x * y)) / (x + y), {x: 0.5, y: 2})
    step = 1e-6
    for name in [g.name for g in c if not g.is_symbol]:
        up, down = _output_with(c, name, step), _output_with(c, name, -step)
        assert c[name].gradient == pytest.approx((up - down) / (2 * step), rel=1e-8)


def _output_with(c, name, step):
    """The output where the value of one gate is moved."""
    known = {}
    for gate in c:
        if gate.is_symbol:
            known[gate.name] = gate.value
        else:
            operands = {f"x{k:03d}": known[n] for k, n in enumerate(gate.inputs)}
            known[gate.name] = float(
                gate.formula.subs({sp.Symbol(k, real=True): v for k, v in operands.items()})
            )
        if gate.name == name:
            known[gate.name] += step
    return known[c.output]


def test_conventions_at_kinks():
    assert sb.circuit(sp.Max(0, x), {x: 0})["x"].gradient == 0
    assert sb.circuit(sp.Abs(x), {x: 0})["x"].gradient == 0
    assert sb.circuit(sp.floor(x) * y, {x: 2.5, y: 1})["x"].gradient == 0


@pytest.mark.parametrize("build", [sp.Max, sp.Min])
def test_ties_go_to_the_argument_that_a_kernel_chooses(build):
    symbols = sp.symbols("q c b x10 x2 a d e h1 h2 h10 h11")
    expression = build(*symbols) * 3
    net = sb.Network([sp.Eq(sp.Symbol("E"), expression)], inputs=symbols, loss="E")
    kernel = sb.derive(net, wrt=symbols)
    for point in [[1.0] * 12, *np.random.default_rng(0).integers(0, 2, size=(9, 12))]:
        at = dict(zip(symbols, point, strict=True))
        expected = evaluate(kernel.backward_program, {s.name: float(v) for s, v in at.items()})
        c = sb.circuit(expression, at)
        assert [c[s].gradient for s in symbols] == [expected[kernel.gradients[s.name]] for s in symbols]


def test_a_branch_that_is_not_taken_has_no_gradient():
    guarded = sp.Piecewise((x * sp.log(x), x > 0), (0, True)) + x
    for at in (0.0, -1.0):
        c = sb.circuit(guarded, {x: at})
        assert (c["f"].value, c["x"].gradient) == (at, 1)
    assert sb.circuit(guarded, {x: 1.0})["x"].gradient == 2
    # Nothing but the choice hides an infinite slope: sqrt has one at 0.
    assert np.isnan(sb.circuit(sp.sqrt(x) * 0.0 * y + sp.sqrt(x) * y, {x: 0, y: 0})["x"].gradient)


def test_values_that_overflow_are_shown_as_they_are():
    c = sb.circuit(sp.exp(x) * y, {x: 1000, y: 1})
    assert c["f"].value == np.inf
    assert "inf" in c.text()
    assert np.isnan(sb.circuit(sp.log(x), {x: -1})["f"].value)


def test_what_the_output_does_not_depend_on_has_gradient_zero():
    a, E = sp.symbols("a E")
    net = sb.Network([sp.Eq(a, sp.sin(x)), sp.Eq(E, y**2)], inputs=[x, y], loss=E)
    c = sb.circuit(net, {x: 1, y: 2})
    assert (c["a"].gradient, c["x"].gradient, c["y"].gradient) == (0, 0, 4)
