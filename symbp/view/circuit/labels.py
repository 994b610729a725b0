"""Names and numbers as they stand in a picture: short, printable, and never markup."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from rich.cells import cell_len

from symbp.view.circuit.gates import Gate
from symbp.view.printer import number_text


def printable(text: str, limit: int = 24) -> str:
    """`text` on one line of at most `limit` columns, its middle left out; control characters escaped.

    Characters that change the direction of writing are escaped, too: they would turn what follows around.
    """
    text = text if len(text) <= 1000 else text[:500] + text[-500:]
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return _cut(clean, limit)


def _cut(text: str, limit: int) -> str:
    if cell_len(text) <= limit:
        return text
    tail = text[len(text) - (limit - 1) // 3 :]
    room = limit - 1 - cell_len(tail)
    head = ""
    for c in text:
        if cell_len(head + c) > room:
            break
        head += c
    return f"{head}…{tail}"


def number(value: float) -> str:
    """Two decimals as on a blackboard, whole numbers without any, small and large ones as 1.2e-5."""
    value = float(value)
    if not np.isfinite(value):
        return str(value)
    size = abs(value)
    if value == int(value) and size < 1e5:
        return str(int(value))
    if 0.095 <= size < 9999.995:
        return f"{value:.2f}"
    if 1e-3 <= size < 0.095:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def constant(value: sp.Expr, limit: int = 10) -> str:
    """A constant of a formula: exactly where that is short."""
    text = number_text(value) if isinstance(value, sp.Number) else str(value)
    if isinstance(value, sp.Add):
        text = f"({text})"
    if len(text) <= limit:
        return text
    try:
        return number(float(value))
    except (TypeError, ValueError, OverflowError):  # no real number, or none that a float can hold
        return printable(text, limit)


def value_label(gate: Gate) -> str:
    """The value: a number, or the range of an array's entries."""
    if gate.value is None:
        return ""
    if np.size(gate.value) == 1:
        return number(float(np.ravel(gate.value)[0]))
    return f"{number(np.min(gate.value))} … {number(np.max(gate.value))}"


def gradient_label(gate: Gate) -> str:
    """The gradient: a number, or the Euclidean norm of an array."""
    if gate.gradient is None:
        return ""
    if np.size(gate.gradient) == 1:
        return number(float(np.ravel(gate.gradient)[0]))
    return f"norm {number(float(np.linalg.norm(np.ravel(gate.gradient))))}"


def shape_label(shape: tuple[Any, ...]) -> str:
    """32×64, or nothing for a number."""
    return "×".join(map(str, shape))
