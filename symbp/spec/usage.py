"""How the functions of formulas are called, and words that stand for what symbp does not compile."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence

NOT_COMPILED: Mapping[str, str] = {
    **dict.fromkeys(("det", "determinant"), "determinants are not compiled: write it out for a small size"),
    **dict.fromkeys(
        ("inv", "inverse", "solve"),
        "matrix inverses are not compiled: solve the system outside and give the result as an input",
    ),
    **dict.fromkeys(("I", "re", "im", "conjugate"), "symbp compiles real numbers only"),
    **dict.fromkeys(("nan", "inf", "oo", "zoo", "infinity"), "constants are finite numbers"),
    **dict.fromkeys(("diff", "grad"), "symbp derives the gradient of the loss by itself"),
}
"""Hints for names that mean nothing in a formula, but something to those who write them."""


def usage(name: str, function: Callable[..., object]) -> str | None:
    """How to call a function, such as `leaky_relu(x, slope=0.1)`; None where Python cannot tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    parts = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            parts.append(f"{parameter.name}, ...")
        elif parameter.default is not parameter.empty:
            parts.append(f"{parameter.name}={parameter.default}")
        elif parameter.kind is not parameter.VAR_KEYWORD:
            parts.append(parameter.name)
    return f"{name}({', '.join(parts)})"


def misfit(
    function: Callable[..., object], arguments: Sequence[object], settings: Mapping[str, object]
) -> str | None:
    """Why a function does not take these arguments, told from its signature alone; None where it does."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*arguments, **settings)
    except TypeError as error:
        return str(error)
    return None
