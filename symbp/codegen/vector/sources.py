"""The text that a generated module carries for the functions it uses."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from symbp.codegen.vector import BODIES, error_function, exponential, lane, logarithm, trigonometric
from symbp.machine.names import defined, pieces

LANES = ("Lane", "lanewise", "LIBRARIES", "call_lanes", "compile_lanes")
HOMES = (exponential, logarithm, trigonometric, error_function)
TAKEN = {*LANES, *BODIES, *(name for home in HOMES for name in vars(home) if not name.startswith("__"))}
"""All names that `sources` may define."""


def sources(names: Iterable[str]) -> list[str]:
    """Definitions of some of `BODIES` and of all they need, each after what it needs."""
    wanted = set(names)
    used = [name for name in BODIES if name in wanted]
    if not used:
        return []
    found = {name: _definitions()[name] for name in LANES}
    for name in used:
        _collect(BODIES[name], found)
    lines = [f"{name} = lanewise({BODIES[name].__name__}{', 2' * (arity(name) == 2)})" for name in used]
    return [*found.values(), "\n".join(lines)]


def arity(name: str) -> int:
    """The number of arguments of one of `BODIES`."""
    return BODIES[name].__code__.co_argcount


def _collect(body: Any, found: dict[str, str]) -> None:
    """Add the tables and functions that a body uses, then the body."""
    for name in _names(body.__code__):
        item = body.__globals__.get(name)
        if name not in found and item is not None:
            if isinstance(item, FunctionType):
                _collect(item, found)
            else:
                found[name] = _definitions()[name]
    found.setdefault(body.__name__, _definitions()[body.__name__])


def _names(code: CodeType) -> list[str]:
    inner = [name for c in code.co_consts if isinstance(c, CodeType) for name in _names(c)]
    return [*code.co_names, *inner]


@cache
def _definitions() -> dict[str, str]:
    """The definition of every name at the top of the files of this package, as written."""
    texts = [text for module in (lane, *HOMES) for text in pieces(inspect.getsource(module))]
    return {name: text.rstrip() for text in texts for name in defined(text)}
