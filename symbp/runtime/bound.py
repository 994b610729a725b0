"""Calls that read and write the same arrays each time: these are looked at once, not at every call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from symbp.errors import DataError, shorten
from symbp.runtime.lock import MAKING

if TYPE_CHECKING:
    from symbp.runtime.expression import Function

FLAT: dict[str, Callable[[Any], list]] = {
    "value": lambda found: [found],
    "value_and_grad": lambda found: [found[0], *found[1]],
    "value_and_jacobian": list,
    "hessian": lambda found: [found],
}
"""What methods return, as flat lists."""


def bind(function: Function, what: str, arguments: Any, results: Any) -> Callable[[], None]:
    """See `symbp.runtime.expression.Function.bind`."""
    if what not in FLAT:
        raise DataError(f"no {shorten(repr(what), 80)} to bind", hint=f"write one of {', '.join(FLAT)}")
    method, flat = function if what == "value" else getattr(function, what), FLAT[what]
    given, made = _arrays(arguments, "arguments"), _arrays(results, "results")
    _fit(given, made, flat(method(*given)))

    def call() -> None:
        for array, value in zip(made, flat(method(*given)), strict=True):
            np.copyto(array, value)

    call()
    closed, taken = function._closed(tuple(given))
    one_kernel = what != "value_and_jacobian" or closed._derivative == what
    one_kernel = one_kernel and (what != "hessian" or closed._pointwise)
    if what not in closed._kernels or not one_kernel:
        return call
    with MAKING:
        from symbp.runtime.direct import direct_bound

        return direct_bound(closed._kernel(what), closed._slots, taken, made, call) or call


def _fit(given: Sequence[np.ndarray], made: Sequence[np.ndarray], values: Sequence[Any]) -> None:
    """Arrays for results must take these values, and none of the memory of others."""
    if len(values) != len(made):
        raise DataError(f"there are {len(values)} results, not {len(made)}", hint="give one array for each")
    for k, (array, value) in enumerate(zip(made, map(np.asarray, values), strict=True)):
        if array.shape != value.shape:
            raise DataError(f"result {k} has shape {value.shape}, the array for it {array.shape}")
        if not array.flags.writeable or not np.can_cast(value.dtype, array.dtype, "same_kind"):
            raise DataError(f"the array for result {k} cannot take it", hint="give one of real numbers")
    pairs = [(a, b) for a in given for b in made]
    if any(np.shares_memory(a, b) for a, b in (*pairs, *combinations(made, 2))):
        raise DataError("arrays for results overlap with others", hint="give each its own memory")


def _arrays(given: Any, what: str) -> list[np.ndarray]:
    # An item of an array would be a copy, were it a number; this is a view.
    items = [given[k, ...] for k in range(len(given))] if _is_table(given) else given
    alone = isinstance(items, np.ndarray)
    if alone or not isinstance(items, Sequence) or not all(isinstance(a, np.ndarray) for a in items):
        raise DataError(f"{what} must be NumPy arrays, which are read or written at each call")
    return list(items)


def _is_table(given: Any) -> bool:
    return isinstance(given, np.ndarray) and given.ndim > 0
