"""What can be drawn, as a network: expressions, equations, and what is compiled from them."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.tensor.indexed import Indexed

from symbp.errors import NetworkError, UnsupportedError
from symbp.network import Network, symbol_name, symbols_used
from symbp.view.circuit.wiring import natural


def all_numbers(net: Network) -> bool:
    """Whether every symbol of a network is a number."""
    symbols = [*net.inputs, *net.parameters, *(e.lhs for e in net.equations)]
    return all(isinstance(s, sp.Symbol) for s in symbols)


def as_network(model: Any) -> Network:
    """The model as a network; of an expression, the output is called f.

    Raises:
        NetworkError, UnsupportedError: it is no model.
    """
    for attribute in ("network", "expression"):  # of a compiled model or function
        model = getattr(model, attribute, model)
    if isinstance(model, Network):
        return model
    if isinstance(model, sp.Eq):
        return _system([model])
    if isinstance(model, list | tuple | sp.Tuple | sp.MatrixBase | sp.MatrixExpr):
        equations = list(model) if isinstance(model, list | tuple | sp.Tuple) else []
        if equations and all(isinstance(e, sp.Eq) for e in equations):
            return _system(equations)
        raise UnsupportedError(
            "a circuit has one output, and these are several values",
            hint="write a sb.Network with an equation for each; one without loss= is drawn without gradients",
        )
    try:
        expression = sp.sympify(model, strict=True)
    except (sp.SympifyError, TypeError, RecursionError):
        expression = None
    if not isinstance(expression, sp.Expr):
        raise NetworkError(
            f"{type(model).__name__} is no expression", hint="give a SymPy expression or a sb.Network"
        )
    taken = {symbol_name(s) for s in symbols_used(expression)}
    name = "f"
    while name in taken:
        name += "_"
    return _system([sp.Eq(sp.Symbol(name), expression, evaluate=False)])


def _system(equations: list[Any]) -> Network:
    """Equations whose inputs are the symbols that none of them defines, and whose output is the last one."""
    defined = {symbol_name(e.lhs) for e in equations}
    inputs: dict[str, Any] = {}
    for equation in equations:
        free = equation.lhs.indices if isinstance(equation.lhs, Indexed) else ()
        for symbol in symbols_used(equation.rhs, free):
            if symbol_name(symbol) not in defined:
                inputs.setdefault(symbol_name(symbol), symbol)
    loss = symbol_name(equations[-1].lhs)
    order = sorted(inputs, key=natural)
    return Network(equations, inputs=[inputs[n] for n in order], loss=loss, name=loss)
