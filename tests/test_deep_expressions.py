"""Deep and heavily shared expressions go through every stage, in a stack as small as a notebook leaves."""

import sys
import threading

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.pipeline import derive

x, y, c, E = sp.symbols("x y c E")
VALUES = {"x": 0.5, "y": 0.7, "c": 0.3}


def shared(depth, evaluated):
    """e -> sin(e + c) + e y; as a tree 2^depth nodes."""
    e = x
    for _ in range(depth):
        if evaluated:
            e = sp.sin(e + c) + e * y
        else:
            sine = sp.sin(sp.Add(e, c, evaluate=False), evaluate=False)
            e = sp.Add(sine, sp.Mul(e, y, evaluate=False), evaluate=False)
    return e


def sines(depth, evaluated):
    e = x
    for _ in range(depth):
        e = sp.Mul(y, sp.sin(e, evaluate=evaluated), evaluate=evaluated)
    return e


def quotients(depth, evaluated):
    e = x
    for _ in range(depth):
        e = sp.Add(1, sp.Mul(y, sp.Pow(e, -1, evaluate=evaluated), evaluate=evaluated), evaluate=evaluated)
    return e


def maxima(depth, evaluated):
    e = x
    for k in range(depth // 4):  # SymPy counts the nodes of both operands as trees
        e = sp.Max(sp.Mul(y, e, evaluate=evaluated), sp.Rational(k, depth), evaluate=False)
    return e


def logarithms(depth, evaluated):
    e = x
    for _ in range(depth // 4):
        square = sp.Pow(sp.Add(e, y, evaluate=evaluated), 2, evaluate=evaluated)
        e = sp.log(sp.Add(1, square, evaluate=evaluated), evaluate=evaluated)
    return e


def network(expression):
    return sb.Network([sp.Eq(E, expression, evaluate=False)], inputs=[x, y, c], loss=E, batch=False)


def gradients_are_exact(derivation, rel=1e-11):
    got = evaluate(derivation.backward_program, VALUES)
    for name, gradient in derivation.gradients.items():
        moved = {**VALUES, name: VALUES[name] + 1e-30j}
        exact = np.imag(evaluate(derivation.forward_program, moved, np.complex128)["E"]) / 1e-30
        assert got[gradient] == pytest.approx(float(exact), rel=rel, abs=1e-14)
    return True


def in_a_new_thread(work):
    """A stack of its own: how deep the tests themselves are does not count."""
    result = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    thread.join()
    return result[0] if result else None


@pytest.mark.parametrize("build", [shared, sines, quotients, maxima, logarithms])
@pytest.mark.parametrize("evaluated", [False, True])
def test_300_levels(build, evaluated):
    derivation = derive(network(build(300, evaluated)), wrt=[x, y, c])
    assert gradients_are_exact(derivation)
    assert len(derivation.backward_program.statements) < 6 * 300
    assert "dE/dx" in str(derivation)
    assert "E" in derivation.latex()


def test_5000_levels_in_little_stack():
    expression = sines(5000, False)
    limit = sys.getrecursionlimit()

    def work():
        sys.setrecursionlimit(400)
        try:
            derivation = derive(network(expression), wrt=[x, y])
            return derivation, str(derivation), repr(network(expression))
        finally:
            sys.setrecursionlimit(limit)

    derivation, text, shown = in_a_new_thread(work)
    assert gradients_are_exact(derivation)
    assert len(derivation.forward_program.statements) > 1000
    assert "more equations" in text
    assert "dE/dy" in text
    assert "distinct nodes" in shown


def test_a_model_of_a_deep_expression_from_end_to_end():
    """Compiled, initialised, called and checked."""
    net = sb.Network([sp.Eq(E, shared(300, False), evaluate=False)], inputs=[x], parameters=[y, c], loss=E)
    assert repr(net).count("\n") == 1
    model = sb.compile(net, cache=False)
    theta = np.array([0.7, 0.3])
    assert model.init(seed=0).shape == (2,)
    loss, gradient = model.value_and_grad(theta, x=[0.5])
    derivation = derive(net)
    want = evaluate(derivation.backward_program, VALUES)
    assert loss == pytest.approx(float(want["E"]), rel=1e-10)
    np.testing.assert_allclose(gradient, [want["dE/dy"], want["dE/dc"]], rtol=1e-9)
    assert model.check(theta, x=[0.5]).passed
