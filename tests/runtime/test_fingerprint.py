import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp

import symbp
from symbp.network import Network
from symbp.runtime.fingerprint import fingerprint

x, w, E = sp.symbols("x w E")


def digest(expression, inputs=(x,), parameters=(w,), options=None, **settings):
    net = Network([sp.Eq(E, expression)], inputs=inputs, parameters=parameters, loss=E, **settings)
    return fingerprint(net, options or {})


def test_equal_networks_are_equal():
    assert digest(w * sp.sin(x)) == digest(sp.sin(x) * w)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (w * x * 2, w * x * 3),
        (w * x * sp.Float(1.0), w * x * sp.Float(1.0 + 2**-52)),
        (w * x * sp.Float(2.0), w * x * 2),
        (w * x / 3, w * x * sp.Float(1 / 3)),
        (sp.sin(w * x), sp.cos(w * x)),
        (w - x, x - w),
        (sp.Piecewise((w, x > 0), (x, True)), sp.Piecewise((w, x >= 0), (x, True))),
    ],
)
def test_a_difference_anywhere_shows(one, other):
    assert digest(one) != digest(other)


def test_roles_options_and_settings_count():
    plain = digest(w * x)
    assert plain != digest(w * x, inputs=(x, w), parameters=())
    assert plain != digest(w * x, options={"dtype": "float32"})
    assert plain != digest(w * x, reduction="sum")
    assert plain != digest(w * x, batch=False)
    assert plain != digest(w * sp.Symbol("x", positive=True), inputs=(sp.Symbol("x", positive=True),))


def test_constant_matrices_and_shapes_count():
    v = sp.MatrixSymbol("v", 2, 1)

    def of(matrix):
        return digest((sp.ImmutableMatrix(matrix) * v)[0, 0], inputs=(v,), parameters=())

    assert of([[1, 2], [3, 4]]) == of([[1, 2], [3, 4]])
    assert of([[1, 2], [3, 4]]) != of([[1, 5], [3, 4]])


def make(value, seen=None):
    class Scale(sp.Function):
        def fdiff(self, argindex=1):
            return sp.Integer(value)

        def doit(self, **hints):
            return value * self.args[0]

    return Scale


def test_code_and_closures_of_user_functions_count():
    assert digest(make(2)(w * x)) == digest(make(2)(w * x))
    assert digest(make(2)(w * x)) != digest(make(3)(w * x))


def test_what_cannot_be_described_is_never_shared():
    assert digest(make(object())(w * x)) != digest(make(object())(w * x))


def test_shared_expressions_cost_linear_time():
    expression = w * x
    for _ in range(60):
        expression = sp.sin(expression) + sp.cos(expression)
    assert len(digest(expression)) == 64


def test_other_processes_agree():
    program = """
import sympy as sp
from symbp.network import Network
from symbp.runtime.fingerprint import fingerprint
x, w, E = sp.symbols("x w E")
t = sp.Dummy("t")
e = sp.Max(0, w*x, x) + sp.Lambda(t, sp.exp(t))(w) + sp.Piecewise((w, (x > 0) & (w < 1)), (1, True))
print(fingerprint(Network([sp.Eq(E, e)], inputs=[x], parameters=[w], loss=E), {"b": 1, "a": [2]}))
"""
    top = str(Path(symbp.__file__).parents[1])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": str(k), "PYTHONPATH": top},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for k in range(3)
    }
    assert len(outputs) == 1
