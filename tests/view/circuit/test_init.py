"""`sb.circuit`: what it takes, what it refuses, and the numbers of a lecture."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb

x, y, z = sp.symbols("x y z")
w0, w1, w2, x0, x1 = sp.symbols("w0 w1 w2 x0 x1")
f = (x + y) * z
AT = {x: -2, y: 5, z: -4}


def test_the_chain_rule_of_the_lecture():
    c = sb.circuit(f, AT)
    assert [(g.name, g.operation, g.inputs, g.value, g.gradient) for g in c.gates] == [
        ("x", "input", (), -2, -4),
        ("y", "input", (), 5, -4),
        ("z", "input", (), -4, 3),
        ("g1", "+", ("x", "y"), 3, -4),
        ("f", "*", ("g1", "z"), -12, 1),
    ]
    assert (c.output, c.per, len(c)) == ("f", "operation", 5)
    assert c[x].gradient == c["x"].gradient == -4


@pytest.mark.parametrize("binary", [False, True])
def test_the_sigmoid_neuron_of_the_lecture(binary):
    neuron = 1 / (1 + sp.exp(-(w0 * x0 + w1 * x1 + w2)))
    c = sb.circuit(neuron, {w0: 2, w1: -3, w2: -3, x0: -1, x1: -2}, binary=binary)
    gates = [g for g in c if not g.is_symbol]
    operations = ["*", "*", "+", "*-1", "exp", "+1", "1/x"]
    values = [-2, 6, 1, -1, 0.37, 1.37, 0.73]
    gradients = [0.20, 0.20, 0.20, -0.20, -0.53, -0.53, 1]
    if binary:
        operations.insert(3, "+")
        values.insert(2, 4)
        gradients.insert(2, 0.20)
    assert [g.operation for g in gates] == operations
    assert [round(g.value, 2) for g in gates] == values
    assert [round(g.gradient, 2) for g in gates] == gradients
    assert [round(c[n].gradient, 2) for n in ("w0", "w1", "w2", "x0", "x1")] == [
        -0.2,
        -0.39,
        0.2,
        0.39,
        -0.59,
    ]
    # SymPy turned -(...) into a sum of negative terms; sb.sigmoid gives the same gates.
    assert [g.operation for g in sb.circuit(sb.sigmoid(w0 * x0 + w1 * x1 + w2), binary=binary)][
        5:
    ] == operations


def test_values_by_symbol_or_by_name():
    given = {"x": np.float32(-2), y: sp.Integer(5), sp.Symbol("z", real=True): np.array(-4)}
    assert sb.circuit(f, given)["f"].value == -12


def test_without_values_the_structure_alone():
    for gate in sb.circuit(f):
        assert gate.value is None
        assert gate.gradient is None


def test_what_stands_for_an_expression():
    a, E = sp.symbols("a E")
    equations = [sp.Eq(a, x + y), sp.Eq(E, a * z)]
    network = sb.Network(equations, inputs=[x, y, z], loss=E)
    for model in (sp.Eq(E, f), equations, network, sb.compile(network, cache=False)):
        c = sb.circuit(model, AT)
        assert (c.output, c["E"].value, c["y"].gradient) == ("E", -12, -4)
    assert sb.circuit(equations, AT)["a"].gradient == -4
    assert sb.circuit(sb.compile(f, cache=False), AT)["f"].value == -12
    assert sb.circuit(3)["f"].operation == "3"


def test_the_name_of_the_output_is_free():
    c = sb.circuit(sp.Symbol("f") * 2, {"f": 3})
    assert c.output == "f_"
    assert c["f_"].value == 6


def test_per_equation_and_per_operation():
    assert sb.circuit(f, AT, per="equation")["f"].operation in ("z*(x + y)", "(x + y)*z")
    assert sb.circuit(f, AT, per="equation")["z"].gradient == 3
    net = sb.mlp([3, 2, 1])
    assert sb.circuit(net).per == "equation"
    with pytest.raises(sb.UnsupportedError, match="per operation") as caught:
        sb.circuit(net, per="operation")
    assert caught.value.hint == 'draw it with per="equation"'
    with pytest.raises(sb.DataError, match="per is"):
        sb.circuit(f, per="gate")


def test_a_network_without_a_loss_has_values_only():
    a, b = sp.symbols("a b")
    net = sb.Network([sp.Eq(a, x * y), sp.Eq(b, sp.sin(x))], inputs=[x, y])
    for per in ("operation", "equation"):
        c = sb.circuit(net, {x: 2, y: 3}, per=per)
        assert c.output is None
        assert (c["a"].value, c["b"].value) == (6, pytest.approx(np.sin(2)))
        assert all(g.gradient is None for g in c)
        assert "gradient" not in c.text()


@pytest.mark.parametrize(
    "several", [[x, y], (x + y, x), sp.Matrix([x, y]), sb.vector("v", 3), [], sp.Tuple(x, y)]
)
def test_several_outputs_are_refused(several):
    with pytest.raises(sb.UnsupportedError, match="one output"):
        sb.circuit(several)


@pytest.mark.parametrize("model", [None, "x + y", object(), {}, x > 0, sp.true])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(sb.SymbpError):
        sb.circuit(model)


def test_scalars_of_arrays():
    v, A = sb.vector("v", 2), sb.matrix("A", 2, 2)
    c = sb.circuit((v.T * A * v)[0, 0], {v: [1, 2], A: [[1, 0], [0, 3]]})
    assert c["f"].value == 13
    np.testing.assert_allclose(c["v"].gradient, [2, 12])
    np.testing.assert_allclose(c["A"].gradient, [[1, 2], [2, 4]])


def test_symbolic_dimensions():
    n = sp.Symbol("n", integer=True)
    v, E = sb.vector("v", n), sp.Symbol("E")
    net = sb.Network([sp.Eq(E, sb.squared_norm(v))], inputs=[v], loss=E)
    assert sb.circuit(net, {v: [3, 4]})["E"].value == 25
    assert sb.circuit(net, dims={n: 7})["v"].shape == (7,)
    with pytest.raises(sb.ShapeError, match="not known"):
        sb.circuit(net)


def test_compiled_kernels_agree():
    expression = sp.sin(x * y) * z + sp.Max(x, z) ** 2 / (1 + y**2)
    function = sb.compile(expression, wrt=[x, y, z], cache=False)
    for point in np.random.default_rng(0).normal(size=(20, 3)):
        value, gradient = function.value_and_grad(*point)
        c = sb.circuit(expression, dict(zip((x, y, z), point, strict=True)))
        assert c["f"].value == pytest.approx(value, rel=1e-13)
        assert [c[s].gradient for s in (x, y, z)] == pytest.approx(list(gradient), rel=1e-12)
