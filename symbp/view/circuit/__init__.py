"""The circuit picture: gates as nodes, values above the wires and gradients below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbp.errors import DataError, UnsupportedError, shorten
from symbp.network import Network, equation_text, sizes, symbol_name
from symbp.passes.lower import lower
from symbp.view.circuit.data import admitted, by_name, known_dims
from symbp.view.circuit.equations import equation_gates, with_values
from symbp.view.circuit.gates import Circuit, Gate
from symbp.view.circuit.models import all_numbers, as_network
from symbp.view.circuit.operations import Reader
from symbp.view.circuit.sweep import sweep
from symbp.view.circuit.wiring import Wiring

__all__ = ["Circuit", "Gate", "circuit"]


def circuit(
    model: Any,
    values: Mapping[Any, Any] | None = None,
    *,
    theta: Any = None,
    per: str | None = None,
    binary: bool = False,
    dims: Mapping[Any, int] | None = None,
) -> Circuit:
    """The computational graph of an expression or a network, with numbers on its wires.

    Args:
        model: a scalar SymPy expression, an equation or a list of equations whose last one is the output, a
            `Network`, or what `sb.compile` made of one of these.
        values: numbers of ONE sample by symbol or by name, parameters among them; without, the circuit is
            drawn alone. Vectors are arrays of shape (n,), matrices of shape (m, n).
        theta: the parameters of a network as one vector of shape (P,), instead of by name.
        per: "operation" draws every +, *, exp, ..., "equation" one gate per equation. By default a model
            in which everything is a number is drawn per operation.
        binary: draws sums and products of more than two operands as chains of two.
        dims: values of symbolic dimensions, by symbol or by name.

    Returns:
        A `Circuit`: `print(c)`, `c.svg()`, `c.save("f.png")`; the numbers are in `c.gates` and in
        `c["x"].gradient`. Gradients are d(output)/d(value of the gate), where the output of a network is its
        loss for this one sample; a network without a loss has values only.

    Raises:
        UnsupportedError: several outputs, no operations on numbers, or more than 400 gates.
        DataError: a value is missing, unknown, not real or of the wrong shape.
        NetworkError: the model is not one of the above.
    """
    net = as_network(model)
    known = {**dict(getattr(model, "dims", None) or {}), **sizes(dims)}
    given = None if values is None and theta is None else by_name({} if values is None else values)
    if not (per is None or (isinstance(per, str) and per in ("operation", "equation"))):
        raise DataError(f"per is {shorten(repr(per), 60)}", hint='write per="operation" or per="equation"')
    if per is None:
        per = "operation" if all_numbers(net) else "equation"
    if per == "equation":
        program = lower(net, known_dims(net, known, given or {}))
        gates = equation_gates(net, program)
    else:
        if not all_numbers(net):
            raise UnsupportedError(
                f"{net.name!r} computes with vectors or matrices, which have no circuit per operation",
                hint='draw it with per="equation"',
            )
        gates = _operations(net, binary)
        program = lower(net, known)
    if given is not None:
        symbols = program.by_role("input", "label", "parameter")
        used = [g.name for g in gates if g.is_symbol]
        arrays = admitted(symbols, used, given, theta)
        if per == "equation":
            gates = with_values(gates, program, arrays, net.loss)
        else:
            gates = sweep(gates, {n: float(a) for n, a in arrays.items()}, net.loss)
    return Circuit(gates, net.loss, per)


def _operations(net: Network, binary: bool) -> tuple[Gate, ...]:
    wiring = Wiring(binary)
    for role, symbols in (("input", net.inputs), ("parameter", net.parameters)):
        for symbol in symbols:
            wiring.symbol(symbol_name(symbol), role)
    for equation in net.equations:
        wiring.name(Reader(wiring, equation_text(equation)).read(equation.rhs), symbol_name(equation.lhs))
    return wiring.gates(net.defined)
