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


half = sp.Rational(1, 2)
SIGMOIDS = {
    "exp above": lambda v: e(v) / (1 + e(v)),
    "1 minus": lambda v: 1 - 1 / (1 + e(v)),
    "tanh": lambda v: (1 + sp.tanh(v / 2)) / 2,
    "tanh, floats": lambda v: 0.5 * (1 + sp.tanh(0.5 * v)),
    "tanh in exp": lambda v: half + half * (e(v / 2) - e(-v / 2)) / (e(v / 2) + e(-v / 2)),
    "two halves": lambda v: e(v / 2) / (e(v / 2) + e(-v / 2)),
    "exp of log": lambda v: e(-log(1 + e(-v))),
    "1 minus e/(1 + e)": lambda v: 1 - e(-v) / (1 + e(-v)),
}
ENTROPIES = {
    "sum": lambda q, t: -(t * log(q) + (1 - t) * log(1 - q)),
    "logit": lambda q, t: -t * log(q / (1 - q)) - log(1 - q),
    "inverse": lambda q, t: log(1 / q) * t + (1 - t) * log(1 / (1 - q)),
}


@pytest.mark.parametrize("entropy", ENTROPIES)
@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_every_sigmoid_with_every_cross_entropy(sigmoid, entropy):
    """p - y, where p has an equation of its own; in one equation, sigma - y in one exponential."""
    sigma, loss = SIGMOIDS[sigmoid], ENTROPIES[entropy]
    inner = Sum(V[i, j] * X[j], (j, 0, 2))
    _, text = backward(
        Eq(Z[i], inner), Eq(P[i], sigma(Z[i])), Eq(E, Sum(loss(P[i], Y[i]), (i, 0, n - 1))),
        inputs=[X, Y], parameters=[V],
    )  # fmt: skip
    assert text == "  dE/dV = (P - Y)*X.T\n"
    derivation, _ = backward(
        Eq(Z[i], inner), Eq(E, Sum(loss(sigma(Z[i]), Y[i]), (i, 0, n - 1))), inputs=[X, Y], parameters=[V]
    )
    (gradient,) = derivation.backward
    delta = sp.Mul.make_args(gradient.rhs)[0]
    assert operations_of(delta) <= 4, delta


def operations_of(formula):
    return len([n for n in sp.preorder_traversal(formula) if n.is_Pow or n.is_Function])


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_a_cross_entropy_in_one_equation_is_finite_far_out(sigmoid):
    """log(1 - p) of a p that rounds to 1, however the two share it."""
    net = sb.Network(
        [Eq(E, Sum(ENTROPIES["sum"](SIGMOIDS[sigmoid](b[i, 0]), x[0, 0]), (i, 0, n - 1)))],
        inputs=[x], parameters=[b], loss=E,
    )  # fmt: skip
    model = sb.compile(net, cache=False)
    theta = np.array([800.0, -800.0, 40.0, -3.0])
    value, slope = model.value_and_grad(theta, x=np.array([[0.25, 0.0, 0.0]]))
    assert value == pytest.approx(np.sum(np.logaddexp(0, theta) - 0.25 * theta), rel=1e-13)
    np.testing.assert_allclose(slope, (1 + np.tanh(theta / 2)) / 2 - 0.25, rtol=1e-13)


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


def test_a_minus_sign_leaves_a_sum():
    """-sum(-y) p - y is p sum(y) - y."""
    k = sb.index("k", n)
    q = sb.indexed("Q", n)
    _, text = backward(
        Eq(Z[i], Sum(V[i, j] * X[j], (j, 0, 2))),
        Eq(P[i], e(Z[i]) / Sum(e(Z[k]), (k, 0, n - 1))),
        Eq(q[i], log(P[i])),
        Eq(E, -Sum(Y[i] * q[i], (i, 0, n - 1))),
        inputs=[X, Y],
        parameters=[V],
    )
    assert text == "  dE/dV = (sum(Y)*P - Y)*X.T\n"


def test_softmax_with_squared_error_calls_no_function_again():
    derivation, text = backward(Eq(z, W * x + b), Eq(p, sb.softmax(z)), Eq(E, sb.squared_error(p, y)))
    assert "exp" not in text
    forward = {s.target for s in derivation.forward_program.statements}
    assert not any("dp" in name for name in forward)


def test_what_cancels_across_equations_is_written_so():
    """d log(1/s) = -1/s: (y/p) p^2 is y p."""
    q = sb.vector("q", n)
    square = z.applyfunc(lambda v: 1 + v**2)
    inverse = q.applyfunc(lambda v: 1 / v)
    entropy = -Sum(Y[i] * log(p[i, 0]), (i, 0, n - 1))
    _, text = backward(
        Eq(z, W * x + b), Eq(q, square), Eq(p, inverse), Eq(E, entropy), inputs=(x, Y)
    )  # fmt: skip
    assert "p**2" not in text


def test_the_entropy_of_a_softmax():
    """dE/ds = -sum(p)/s - sum(p log p)/s reaches the formula of delta through two equations."""
    entropy = Sum(p[i, 0] * log(p[i, 0]), (i, 0, n - 1))
    _, text = backward(Eq(z, W * x + b), Eq(p, sb.softmax(z)), Eq(E, entropy), inputs=(x,))
    assert "delta = p ⊙ (1 + dE/dp - sum(p) - dE/dp.T*p)\n" in text


def test_smoothed_labels_add_up_to_a_known_total():
    w, p, y, E = sb.indexed("w", 5), sb.indexed("p", 5), sb.one_hot("y", 5), sp.Symbol("E")
    i, j = sb.index("i", 5), sb.index("j", 5)
    smooth = y[i, 0] * sp.Rational(9, 10) + sp.Rational(1, 50)
    equations = [
        sp.Eq(p[i], sp.exp(w[i]) / Sum(sp.exp(w[j]), (j, 0, 4))),
        sp.Eq(E, -Sum(smooth * sp.log(p[i]), (i, 0, 4))),
    ]
    text = str(sb.derive(sb.Network(equations, inputs=[y], parameters=[w], loss=E)))
    assert "Backward\n  dE/dw = p - 1/50 - 9*y/10\n" in text
    assert "sum(1/50" not in text


def test_a_masked_softmax_with_a_temperature():
    w, p, m, T, E = sb.indexed("w", 4), sb.indexed("p", 4), sb.indexed("m", 4), sp.Symbol("T"), sp.Symbol("E")
    y, i, j = sb.label("y"), sb.index("i", 4), sb.index("j", 4)
    weighted = m[i] * sp.exp(w[i] / T)
    equations = [
        sp.Eq(p[i], weighted / Sum(weighted.subs(i, j), (j, 0, 3))),
        sp.Eq(E, -sp.log(p[y])),
    ]
    text = str(sb.derive(sb.Network(equations, inputs=[m, y], parameters=[w, T], loss=E)))
    assert "Backward\n  dE/dw = (p - one_hot(y))/T\n  dE/dT = (w[y] - p.T*w)/T**2\n" in text


def test_focal_loss_goes_through_p():
    z, p, y, E = sp.symbols("z p y E")
    loss = -((1 - p) ** 2) * y * sp.log(p) - p**2 * (1 - y) * sp.log(1 - p)
    net = sb.Network(
        [sp.Eq(p, 1 / (1 + sp.exp(-z))), sp.Eq(E, loss)], inputs=[y], parameters=[z], loss=E, batch=False
    )
    backward = str(sb.derive(net)).split("Backward")[1].split("Rewrites")[0]
    assert "y*(p - 1)**3 + p**3*(1 - y) + 2*p*(1 - p)*(" in backward
    assert "exp" not in backward
