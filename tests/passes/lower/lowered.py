"""What the tests of lowering share: run the lowered equations in the interpreter."""

import numpy as np
import sympy as sp

import symbp as sb
from symbp.ir import check
from symbp.ir.evaluate import evaluate
from symbp.passes.lower import lower


def run(equations, values, dims=None):
    """All results by name; every symbol among `values` is an input."""
    equations = equations if isinstance(equations, list) else [equations]
    program = check(lower(sb.Network(equations, inputs=list(values)), dims))
    named = {getattr(s, "name", None) or str(s.label): np.asarray(v, float) for s, v in values.items()}
    return evaluate(program, named)


def equation(name, expression):
    """Eq without SymPy's evaluation; a matrix gets a MatrixSymbol of its shape."""
    if getattr(expression, "is_Matrix", False):
        return sp.Eq(sp.MatrixSymbol(name, *expression.shape), expression, evaluate=False)
    return sp.Eq(sp.Symbol(name), expression, evaluate=False)


def scalar(expression, values, dims=None):
    """The value of one scalar expression."""
    equation = sp.Eq(sp.Symbol("result"), expression, evaluate=False)
    return float(run(equation, values, dims)["result"])


def matrix(expression, values, dims=None):
    """The value of one matrix expression."""
    return run(equation("result", expression), values, dims)["result"]
