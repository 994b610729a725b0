"""Matrix calculus: every identity of the table is right, or refused by a typed error."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import evaluate
from symbp.network import symbol_name, symbols_used
from symbp.pipeline import derive
from tests.matrix_calculus import CASES, GROUPS, REFUSED, SQUARE, Case

STEP = 1e-30


def weights(case):
    return np.random.default_rng(1).uniform(0.5, 1.5, case.value(case.arrays()).shape)


def contracted(case):
    """A scalar: sum(U o expression) with fixed weights U, as the trace of U' expression."""
    expression = case.expression()
    if not getattr(expression, "is_Matrix", False) or expression.shape == (1, 1):
        return expression * sp.Float(float(weights(case).ravel()[0]))
    U = sp.ImmutableMatrix(weights(case).reshape(expression.shape))
    return sp.Trace(U.T * expression)


def value(case, arrays):
    return float(np.sum(weights(case) * case.value(arrays)))


def differences(case, arrays, name, step=1e-5):
    """Central differences of the NumPy code, extrapolated: their error is of order step^4."""
    result = np.zeros(arrays[name].shape)
    for at in np.ndindex(result.shape):

        def moved(by, at=at):
            changed = arrays[name].copy()
            changed[at] += by
            return value(case, arrays | {name: changed})

        wide, narrow = ((moved(h) - moved(-h)) / (2 * h) for h in (2 * step, step))
        result[at] = (4 * narrow - wide) / 3
    return result


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name):
    case = CASES[name]
    expression = contracted(case)
    symbols = symbols_used(expression)
    E = sp.Symbol("E")
    net = sb.Network([sp.Eq(E, expression, evaluate=False)], inputs=symbols, loss=E, batch=False)
    derivation = derive(net, wrt=symbols)
    arrays = case.arrays()
    given = {symbol_name(s): arrays[symbol_name(s)] for s in symbols}
    got = evaluate(derivation.backward_program, given)
    np.testing.assert_allclose(got["E"], value(case, arrays), rtol=1e-13)
    assert set(derivation.gradients) == set(given)
    for symbol, gradient in derivation.gradients.items():
        exact = np.zeros(given[symbol].shape)
        for at in np.ndindex(exact.shape):
            moved = given[symbol].astype(complex)
            moved[at] += 1j * STEP
            forward = evaluate(derivation.forward_program, {**given, symbol: moved}, np.complex128)
            exact[at] = np.imag(forward["E"]).item() / STEP
        np.testing.assert_allclose(got[gradient], exact, rtol=1e-12, atol=1e-13, err_msg=symbol)
        np.testing.assert_allclose(exact, differences(case, arrays, symbol), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("group", GROUPS)
def test_compiled(group):
    """All cases of a group in one kernel, with a loss that weighs each differently."""
    cases = [SQUARE[name] for name in GROUPS[group]]
    results, E = sp.symbols(f"f0:{len(cases)}"), sp.Symbol("E")
    equations = [sp.Eq(f, contracted(case), evaluate=False) for f, case in zip(results, cases, strict=True)]
    parameters = list(dict.fromkeys(s for e in equations for s in symbols_used(e.rhs)))
    total = sp.Add(*(f / (k + 2) for k, f in enumerate(results)))
    net = sb.Network([*equations, sp.Eq(E, total)], parameters=parameters, loss=E, batch=False)
    model = sb.compile(net, cache=False)
    arrays = cases[0].arrays()
    theta = np.concatenate([arrays[symbol_name(s)].ravel() for s in parameters])
    loss, gradient = model.value_and_grad(theta)
    shares = [1 / (k + 2) for k in range(len(cases))]
    want = sum(share * value(case, arrays) for share, case in zip(shares, cases, strict=True))
    assert loss == pytest.approx(want, rel=1e-13)
    for symbol, got in model.params(gradient).items():
        want = sum(s * differences(case, arrays, symbol) for s, case in zip(shares, cases, strict=True))
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-8, err_msg=symbol)


A, B = sp.MatrixSymbol("A", 2, 3), sp.MatrixSymbol("B", 2, 3)
x, W = sp.MatrixSymbol("x", 3, 1), sp.MatrixSymbol("W", 3, 2)


@pytest.mark.parametrize(
    ("expression", "computed"),
    [
        (A * W, lambda A, W: A @ W),
        (A.T + 2 * W, lambda A, W: A.T + 2 * W),
        (sp.HadamardProduct(A, B), lambda A, B: A * B),
        (x.T * W, lambda W, x: x[None] @ W),
    ],
    ids=["product", "sum", "Hadamard product", "row"],
)
def test_jacobians_of_matrices(expression, computed):
    """Rows and columns of the Jacobian run over entries in C order, as ravel() gives them."""
    symbols = sorted(expression.free_symbols, key=str)
    f = sb.compile(expression, wrt=symbols, cache=False)
    random = np.random.default_rng(0)
    arrays = [random.normal(size=s.shape if s.shape[1] != 1 else s.shape[:1]) for s in symbols]
    want = computed(*arrays)
    np.testing.assert_allclose(f(*arrays), want, rtol=1e-13)
    rows = f.jacobian(*arrays)
    assert rows.shape == (want.size, sum(a.size for a in arrays))
    for k, (array, part) in enumerate(
        zip(arrays, np.split(rows, np.cumsum([a.size for a in arrays])[:-1], axis=1), strict=True)
    ):
        # Each expression is linear in each of its symbols: the difference quotient is exact.
        for column, at in zip(part.T, np.ndindex(array.shape), strict=True):
            unit = np.zeros(array.shape)
            unit[at] = 1
            moved = [a + unit if m == k else a for m, a in enumerate(arrays)]
            np.testing.assert_allclose(column, (computed(*moved) - want).ravel(), atol=1e-12)


def test_one_by_one_matrices_are_numbers():
    f = sb.compile(x.T * x, cache=False)
    value, (gradient,) = f.value_and_grad([1, 2, 3])
    assert type(value) is float
    assert value == 14
    assert gradient.tolist() == [2, 4, 6]
    g = sb.compile([x.T * x, x[0, 0]], cache=False)
    assert g([1, 2, 3]).tolist() == [14, 1]
    assert g.jacobian([1, 2, 3]).tolist() == [[2, 4, 6], [1, 0, 0]]
    assert sb.compile(sp.Matrix([x.T * x]), cache=False)([1, 2, 3]).tolist() == [14]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    case = Case(name, REFUSED[name], lambda v: 0.0)
    expression = case.expression()
    if getattr(expression, "is_Matrix", False) and expression.shape != (1, 1):
        left = sp.MatrixSymbol("result", *expression.shape)
    else:
        left = sp.Symbol("result")
    net = sb.Network([sp.Eq(left, expression, evaluate=False)], inputs=symbols_used(expression), batch=False)
    with pytest.raises(sb.UnsupportedError) as caught:
        derive(net)
    assert caught.value.equation.startswith("result = ")
    assert caught.value.hint
    with pytest.raises(sb.SymbpError):
        sb.compile(expression, cache=False)
