"""Numbers out of vocabulary expressions, by writing every matrix out entry by entry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp


@pytest.fixture
def value() -> Callable[..., np.ndarray]:
    """value(expression, {symbol: number or array}) as a float array of the expression's shape, or a float."""

    def evaluate(expression: sp.Expr, data: dict | None = None):
        numbers = {}
        for symbol, array in (data or {}).items():
            if isinstance(symbol, sp.MatrixSymbol):
                numbers[symbol] = sp.ImmutableMatrix(np.asarray(array).reshape(symbol.shape).tolist())
            else:
                numbers[symbol] = sp.sympify(array)
        result = expression.xreplace(numbers)
        result = result.replace(lambda e: isinstance(e, sp.Trace), lambda e: e.arg.as_explicit().trace())
        result = result.doit()
        if isinstance(result, (sp.MatrixExpr, sp.MatrixBase)):
            return np.array(result.as_explicit().evalf(20).tolist(), dtype=float)
        return float(result.evalf(20))

    return evaluate


@pytest.fixture
def size_of() -> Callable[[sp.Expr], int]:
    """The number of nodes in an expression: what grows when SymPy expands something behind our back."""
    return lambda expression: sum(1 for _ in sp.preorder_traversal(expression))
