"""The numbers of one sample, as a user gives them: by symbol or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symbp.errors import DataError, NetworkError, shorten
from symbp.ir.nodes import Tensor
from symbp.network import Network, symbol_name
from symbp.runtime.dims import Instances, unknown_dims
from symbp.runtime.parameters import Layout
from symbp.runtime.validate import Slot, admit_array, admit_vector, check_labels, check_names


def by_name(values: Any) -> dict[str, Any]:
    """The values by name; SymPy numbers as floats.

    Raises:
        DataError: values is no dict, a key is no symbol, or a symbol is given twice.
    """
    if not isinstance(values, Mapping):
        raise DataError(
            f"the values are {type(values).__name__}, not a dictionary", hint="write {x: -2, y: 5}"
        )
    result: dict[str, Any] = {}
    for key, value in values.items():
        try:
            name = symbol_name(key)
        except NetworkError as error:
            raise DataError(f"a value is given for a {type(key).__name__}", hint="write {x: 1.0}") from error
        if name in result:
            raise DataError(f"{shorten(name, 80)!r} is given twice", hint="give each symbol one value")
        result[name] = _plain(value)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, sp.Expr) and value.is_number and value.is_real:
        number = float(value)
        return number if np.isfinite(number) else value  # refused later, with its name
    return value


def known_dims(net: Network, dims: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, int]:
    """`dims`, with the symbolic dimensions that the shapes of the values show.

    Raises:
        DataError, ShapeError: values disagree, or a dimension is not known.
    """
    symbols = (*net.inputs, *net.parameters)
    if not unknown_dims(symbols, dims):
        return dict(dims)
    names = [symbol_name(s) for s in symbols]
    arrays = {n: admit_array(_slot(n), values[n], "float64") for n in names if n in values}
    return Instances(dict.fromkeys(symbols, 0), dims, dict).get(arrays)[0]


def admitted(
    tensors: Sequence[Tensor], used: Sequence[str], values: Mapping[str, Any], theta: Any
) -> dict[str, np.ndarray]:
    """Arrays of the tensors' shapes, by name.

    Args:
        tensors: the inputs and parameters, in order.
        used: names of those that the circuit reads, for which there must be a value.
        theta: the parameters as one vector, or None.

    Raises:
        DataError: a name is unknown, missing or given twice; a value is not real or has another shape.
    """
    given = dict(values)
    check_names(given, [t.name for t in tensors], ())
    if theta is not None:
        for name, view in _parameters(tensors, theta).items():
            if name in given:
                raise DataError(
                    f"{shorten(name, 80)!r} is given twice, by name and in theta", hint="give it once"
                )
            given[name] = view
    missing = [n for n in used if n not in given]
    if missing:
        first = shorten(missing[0], 80)
        raise DataError(
            f"the value of {first!r} is missing",
            hint=f"give a value for each of {shorten(', '.join(used), 200)}, or none at all",
        )
    return {t.name: _admit(t, given[t.name]) for t in tensors if t.name in given}


def _parameters(tensors: Sequence[Tensor], theta: Any) -> dict[str, np.ndarray]:
    layout = Layout.of((t.name, t.shape) for t in tensors if t.role == "parameter")
    return layout.views(admit_vector(theta, layout.size, "float64", "theta"))


def _admit(tensor: Tensor, value: Any) -> np.ndarray:
    slot = _slot(tensor.name, tensor)
    array = admit_array(slot, value, "float64")
    if array.shape != tensor.shape:
        one = array.shape[1:] == tensor.shape
        raise DataError(
            f"{shorten(tensor.name, 80)!r} must have shape {slot.text()}, got {array.shape}",
            hint="a circuit shows one sample: give one row of the data" if one else None,
        )
    if tensor.role == "label":
        check_labels(slot, array)
    return array


def _slot(name: str, tensor: Tensor | None = None) -> Slot:
    if tensor is None:
        return Slot(name, (), batched=False)
    role = "label" if tensor.role == "label" else "input"
    return Slot(name, tensor.shape, batched=False, role=role, bound=tensor.bound)
