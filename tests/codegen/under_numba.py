"""What generated modules carry, compiled by Numba, as an emitted text has it."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from types import SimpleNamespace

from numba import njit, types
from numba.core.errors import TypingError
from numba.core.imputils import impl_ret_new_ref
from numba.core.typing import signature
from numba.extending import intrinsic

OURS = "symbp.machine.vocabulary"
NUMBA = {f.__name__: f for f in (njit, TypingError, impl_ret_new_ref, signature, intrinsic)} | {
    "types": types
}


@cache
def under_numba(name: str) -> SimpleNamespace:
    """The module `name` of symbp with Numba's words in place of ours, in what it imports too."""
    module = importlib.import_module(name)
    names = {"__name__": name, "__file__": module.__file__}
    body = []
    for node in ast.parse(_text(name)).body:
        source = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if source == OURS:
            names |= {a.name: NUMBA[a.name] for a in node.names}
        elif source.startswith("symbp.codegen.") and OURS in inspect.getsource(
            importlib.import_module(source)
        ):
            names |= {a.name: getattr(under_numba(source), a.name) for a in node.names}
        else:
            body.append(node)
    exec(compile(ast.Module(body, []), str(module.__file__), "exec", dont_inherit=True), names)
    return SimpleNamespace(**names)


def _text(name: str) -> str:
    return inspect.getsource(importlib.import_module(name))
