"""Across equations: the backward formulas of a textbook, from functions that are spelled out."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.ir.walk import operations, postorder
from symbp.passes.simplify.adjoints import FORMULA, TOTAL
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning, stages

n = 4
x, y, z, p = sb.vector("x", 3), sb.vector("y", n), sb.vector("z", n), sb.vector("p", n)
W, b, E = sb.matrix("W", n, 3), sb.vector("b", n), sb.scalar("E")
i, j = sb.index("i", n), sb.index("j", 3)
X, Y, V, Z, P = (
    sb.indexed("X", 3),
    sb.indexed("Y", n),
    sb.indexed("V", n, 3),
    sb.indexed("Z", n),
    sb.indexed("P", n),
)
e, log, Sum, Eq = sp.exp, sp.log, sp.Sum, sp.Eq


def backward(*equations, inputs=(x, y), parameters=(W, b)):
    derivation = sb.derive(sb.Network(equations, inputs=inputs, parameters=parameters, loss=E))
    return derivation, str(derivation).split("Backward\n")[1].split("\n\n")[0] + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "simplify_adjoints")


@pytest.mark.parametrize("name", NAMES)
def test_no_statement_gets_dearer(name):
    for before, after in stages(name)["simplify_adjoints"]:
        old, new = ({s.target: s for s in program.statements} for program in (before, after))
        for target, statement in new.items():
            if target in old and old[target].reduce == statement.reduce:
                assert operations(statement.body) <= operations(old[target].body), target


def test_sigmoid_and_binary_cross_entropy():
    _, text = backward(
        Eq(z, W * x + b), Eq(p, sb.sigmoid(z)), Eq(E, sb.binary_cross_entropy(p, y))
    )  # fmt: skip
    assert "delta = p - y\n" in text


def test_sigmoid_and_binary_cross_entropy_spelled_out():
    _, text = backward(
        Eq(Z[i], Sum(V[i, j] * X[j], (j, 0, 2))),
        Eq(P[i], 1 / (1 + e(-Z[i]))),
        Eq(E, -Sum(Y[i] * log(P[i]) + (1 - Y[i]) * log(1 - P[i]), (i, 0, n - 1))),
        inputs=[X, Y],
        parameters=[V],
    )
    assert "dE/dV = (P - Y)*X.T" in text


def test_softmax_and_cross_entropy():
    _, text = backward(Eq(z, W * x + b), Eq(p, sb.softmax(z)), Eq(E, sb.cross_entropy(p, y)))
    assert "delta = sum(y)*p - y\n" in text
    assert "exp" not in text


def test_softmax_and_cross_entropy_spelled_out():
    k = sb.index("k", n)
    derivation, text = backward(
        Eq(Z[i], Sum(V[i, j] * X[j], (j, 0, 2))),
        Eq(P[i], e(Z[i]) / Sum(e(Z[k]), (k, 0, n - 1))),
        Eq(E, -Sum(Y[i] * log(P[i]), (i, 0, n - 1))),
        inputs=[X, Y],
        parameters=[V],
    )
    assert "(sum(Y)*P - Y)*X.T" in text
    assert any(step.rule == FORMULA for step in derivation.ledger)


def test_squared_error_and_penalty():
    _, text = backward(
        Eq(z, W * x + b), Eq(E, sb.squared_error(z, y) + sb.l2_penalty(sp.Rational(1, 100), W))
    )
    assert "delta = z - y" in text
    assert "dE/dW = delta*x.T + W/100" in text


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "elu", "selu", "softsign"])
def test_no_backward_pass_calls_a_function(activation):
    derivation = sb.derive(sb.mlp([3, 5, 4, 2], activation=activation))
    forward = {s.target for s in derivation.forward_program.statements}
    own = [s for s in derivation.backward_program.statements if s.target not in forward]
    assert not any(node.is_Function and not node.is_Piecewise and node.func is not sp.Abs
                   for s in own for node in postorder([s.body]) if isinstance(node, sp.Function))  # fmt: skip


def test_factors_that_a_sum_does_not_reach_leave_it():
    s, q = sb.scalar("s"), sb.vector("q", n)
    derivation, _ = backward(
        Eq(z, W * x + b), Eq(q, z / (1 + sb.total(sb.square(z)))), Eq(E, sb.squared_error(q, y))
    )
    del s
    values = {t.name: np.full(t.shape, 0.3) for t in derivation.forward_program.by_role("input", "parameter")}
    assert np.isfinite(evaluate(derivation.backward_program, values)["dE/dW"]).all()
    for statement in derivation.backward_program.statements:
        if statement.reduce == "sum":
            assert not any(
                isinstance(f, sp.Pow) and not f.has(*statement.bound)
                for f in sp.Mul.make_args(statement.body)
            )


t = sb.one_hot("t", n)


def test_a_one_hot_target_leaves_p_minus_y():
    _, text = backward(Eq(z, W * x + b), Eq(p, sb.softmax(z)), Eq(E, sb.cross_entropy(p, t)), inputs=(x, t))
    assert "delta = p - t\n" in text
    _, text = backward(Eq(z, W * x + b), Eq(E, sb.softmax_cross_entropy(z, t)), inputs=(x, t))
    assert "sum(t)" not in text
    shifted = e(Z[i]) / Sum(e(Z[j_]), (j_, 0, n - 1))
    entropy = -Sum(t[k_, 0] * log(P[k_]), (k_, 0, n - 1))
    _, text = backward(
        Eq(Z[i], Sum(V[i, j] * X[j], (j, 0, 2))), Eq(P[i], shifted), Eq(E, entropy),
        inputs=(X, t), parameters=(V,),
    )  # fmt: skip
    assert "(P - t)*X.T" in text


j_, k_ = sp.symbols("j_ k_", integer=True)


def test_a_declared_total_is_in_the_ledger():
    derivation, _ = backward(Eq(z, W * x + b), Eq(E, sb.softmax_cross_entropy(z, t)), inputs=(x, t))
    (step,) = [s for s in derivation.ledger if s.rule == TOTAL]
    assert step.verified == "by declaration"


def test_a_total_is_that_of_the_whole_vector():
    """Half of the entries, or the entries of a parameter, add up to anything."""
    half = Eq(E, log(Sum(t[k_, 0], (k_, 0, 1))) * Sum(b[k_, 0], (k_, 0, n - 1)))
    derivation, _ = backward(half, inputs=(t,), parameters=(b,))
    assert not [s for s in derivation.ledger if s.rule == TOTAL]
    derivation = sb.derive(
        sb.Network([Eq(E, Sum(t[k_, 0] * log(x[0, 0]), (k_, 0, n - 1)))], inputs=[x], parameters=[t], loss=E)
    )
    assert not [s for s in derivation.ledger if s.rule == TOTAL]
