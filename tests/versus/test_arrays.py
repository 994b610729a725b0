"""Programs run by NumPy give what the interpreter gives."""

import numpy as np
import pytest
import sympy as sp
from scipy import special

import symbp as sb
from symbp.errors import UnsupportedError
from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.pipeline import derive, gradient_kernel
from symbp.versus.arrays import Library, plan

LIBRARY = Library(np, np.transpose, special.erf)
i, j, k = Index("i", 3), Index("j", 4), Index("k", 2)
A, x = Access("A", i, j), Access("x", j)
TENSORS = {t.name: t for t in (Tensor("A", (3, 4), "parameter"), Tensor("x", (4,), "parameter"))}


def agrees(statement: Statement, shape: tuple) -> None:
    tensors = {**TENSORS, statement.target: Tensor(statement.target, shape)}
    program = Program(tensors, (statement,), (statement.target,))
    random = np.random.default_rng(0)
    values = {t.name: random.standard_normal(t.shape) for t in TENSORS.values()}
    run = plan(program, values, LIBRARY)
    for scale in (1.0, -2.0):  # planned on the first values, right for others
        given = {name: scale * v for name, v in values.items()}
        want = evaluate(program, given)[statement.target]
        np.testing.assert_allclose(run(given)[statement.target], want, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "body",
    [A * x, 3 * A * x, A + x, A * x**2, sp.exp(A) * x, A * (x - 1), sp.Max(A, x, 0), A * i, sp.tanh(A) / 2],
)
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_reductions(body, reduce):
    agrees(Statement("y", (i,), body, reduce, (j,)), (3,))


def test_transposed_and_outer():
    agrees(Statement("y", (j, i), sp.sin(A) + x), (4, 3))
    agrees(Statement("y", (j, i), A * x), (4, 3))


def test_conditions_and_shifted_indices():
    agrees(Statement("y", (i, k), Access("x", i + k), where=(sp.Lt(i, 2),)), (3, 2))


def test_pieces():
    agrees(Statement("y", (i, j), sp.Piecewise((A**3, A > 0), (x, A < -1), (1 / x, True))), (3, 4))


def test_a_value_that_the_operands_do_not_change():
    agrees(Statement("y", (i,), sp.Integer(1) + i), (3,))


@pytest.mark.parametrize("activation", ["gelu", "relu", "elu", "softplus", "silu"])
@pytest.mark.parametrize("labels", [False, True])
def test_both_passes_of_networks(activation, labels):
    net = sb.mlp([5, 4, 3], activation=activation, loss="softmax_cross_entropy", labels=labels)
    model = sb.compile(net)
    kernel = gradient_kernel(derive(net))
    random = np.random.default_rng(0)
    y = random.integers(3, size=6) if labels else random.dirichlet([1, 1, 1], 6)
    data, theta = {"x": random.standard_normal((6, 5)), "y": y}, model.init(seed=1)
    values = {**data, **model.params(theta)}
    found = plan(kernel.program, values, LIBRARY)(values)
    loss, gradient = model.value_and_grad(theta, **data)
    assert found[kernel.results[0]] == pytest.approx(loss, rel=1e-12)
    joined = np.concatenate([found[g].ravel() for g in kernel.gradient])
    np.testing.assert_allclose(joined, gradient, rtol=1e-10, atol=1e-12)


def test_functions_that_the_library_lacks_are_named():
    with pytest.raises(UnsupportedError, match="polygamma"):
        agrees(Statement("y", (j,), sp.polygamma(0, x)), (4,))
