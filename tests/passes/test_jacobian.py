"""Jacobians by elimination of vertices."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from symbp.codegen.pointwise import straight
from symbp.errors import NetworkError, UnsupportedError
from symbp.ir import evaluate
from symbp.network import Network
from symbp.rows import derive_jacobian, rows_kernel

x, y, z = sp.symbols("x y z", real=True)


def derived(expressions, wrt, arguments=None):
    names = sp.symbols(f"f:{len(expressions)}")
    net = Network(
        [sp.Eq(n, e, evaluate=False) for n, e in zip(names, expressions, strict=True)],
        inputs=arguments or wrt,
    )
    return derive_jacobian(net, wrt=wrt)


def numbers(derivation, values, wrt):
    """The Jacobian at one point, by the interpreter."""
    found = evaluate(derivation.backward_program, values)
    rows = {name: k for k, name in enumerate(derivation.network.defined)}
    columns = {str(s): k for k, s in enumerate(wrt)}
    matrix = np.zeros((len(rows), len(columns)))
    for (output, source), value in derivation.jacobian.items():
        scalars = {a: sp.Float(float({**values, **found}[a.name])) for a in value.atoms(type(source))}
        matrix[rows[output], columns[source.name]] = float(value.xreplace(scalars))
    return matrix


CASES = {
    "products": [x * y * z, (x + y) ** 3, x / (y + 2)],
    "shared": [sp.sin(x * y) * sp.exp(x * y), sp.cos(x * y) + z, sp.sqrt(1 + sp.sin(x * y) ** 2)],
    "an output inside of another": [x * y + 1, sp.exp(-((x * y + 1) ** 2)) * z, sp.tanh(x)],
    "functions": [sp.log(1 + x**2), sp.atan2(y, x), sp.erf(z) ** 2, sp.Max(x, y) * z],
    "linear": [x + 2 * y - z, 3 * x, y],
    "choices": [sp.Piecewise((x * y, x > y), (sp.sin(z), True)) ** 2, sp.Abs(x - y)],
    "long": [sum(sp.sin(x * k) * y**k + sp.cos(y * k) * z for k in range(1, 9)), x * y],
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_derivative(case):
    wrt = (x, y, z)
    derivation = derived(CASES[case], wrt)
    for point in ((0.3, 0.7, -0.4), (1.2, 0.5, 2.0)):
        values = dict(zip("xyz", point, strict=True))
        right = sp.Matrix(CASES[case]).jacobian(wrt).subs(dict(zip(wrt, point, strict=True)))
        got = numbers(derivation, values, wrt)
        np.testing.assert_allclose(got, np.array(right.evalf(17), float), rtol=1e-12, atol=1e-14)


def test_zeros_are_no_entries_and_constants_are_numbers():
    found = derived([x * y, 3 * x + 7, sp.Integer(5), sp.sign(z) * x], (x, y, z)).jacobian
    entries = {(output, source.name): value for (output, source), value in found.items()}
    assert entries.keys() == {("f0", "x"), ("f0", "y"), ("f1", "x"), ("f3", "x")}
    assert entries["f1", "x"] == 3


def test_only_what_is_asked_for():
    found = derived([x * y * z], (y,), arguments=(x, y, z)).jacobian
    assert [source.name for _, source in found] == ["y"]


def size(derivation):
    kernel = rows_kernel(derivation, (len(derivation.network.defined),), derivation.network.inputs)
    return straight(kernel).size


def test_many_outputs_of_few_arguments_and_few_of_many_are_both_cheap():
    """Neither forward nor reverse mode is: one costs as much per argument, the other per output."""
    symbols = sp.symbols("a:24")
    inner = sp.sin(x)
    for _ in range(12):
        inner = sp.sin(inner * x + 1)
    wide = derived([sp.sin(k * inner) * inner for k in range(1, 25)], (x,))
    assert size(wide) < 400
    total = sum(s * sp.sin(s) for s in symbols)
    for _ in range(12):
        total = sp.sin(total) + 1
    tall = derived([total], symbols)
    assert size(tall) < 400


def test_sparse_systems_cost_in_proportion_to_their_entries():
    def chain(n):
        a = sp.symbols(f"a:{n}")
        return derived([sp.sin(a[k]) * a[(k + 1) % n] - a[(k + 2) % n] ** 2 for k in range(n)], a)

    assert len(chain(40).jacobian) == 120
    assert size(chain(40)) <= 2.2 * size(chain(20))


def test_a_branch_that_is_not_taken_poisons_nothing():
    derivation = derived([sp.sqrt(sp.Piecewise((x, x > 0), (0, True))) * y], (x, y))
    got = numbers(derivation, {"x": np.float64(-1.0), "y": np.float64(2.0)}, (x, y))
    assert got.tolist() == [[0.0, 0.0]]


def test_refusals():
    with pytest.raises(NetworkError, match="no input"):
        derived([x], (y,), arguments=(x,))

    class mystery(sp.Function):
        pass

    with pytest.raises(UnsupportedError):
        derived([mystery(x)], (x,))
