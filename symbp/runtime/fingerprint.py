"""A digest of what a network means, equal in every process, so that compiled kernels can be found again.

Linear in the number of distinct nodes: every node is hashed once, from its class and the digests of
its operands. What cannot be described faithfully makes the digest unique, so that a kernel is
rebuilt rather than mistaken for another.
"""

from __future__ import annotations

import hashlib
import types
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symbp.network import Network, symbol_name

_PLAIN = (int, float, complex, str, bytes, bool, type(None), np.generic)


def fingerprint(network: Network, options: Mapping[str, Any]) -> str:
    """Hexadecimal digest of the equations, the roles of the symbols and the options.

    Two networks that differ in a constant, a name, an assumption or the body of a user's function
    class have different digests.
    """
    digest = _Digest()
    parts = [digest.of(e) for e in network.equations]
    for symbols in (network.inputs, network.parameters):
        parts.append(_join("role", [digest.of(s) for s in symbols]))
    settings = {**options, "loss": network.loss, "reduction": network.reduction, "batch": network.batch}
    # The network's name appears in the text of the module, so it belongs to the content.
    settings["name"] = network.name
    parts.append(_join("options", [f"{k}={_plain(settings[k])}" for k in sorted(settings)]))
    return _join("network", parts)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return _join("dict", [f"{k}={_plain(value[k])}" for k in sorted(value, key=str)])
    if isinstance(value, tuple | list):
        return _join("list", [_plain(v) for v in value])
    if isinstance(value, sp.Basic):
        return symbol_name(value) if hasattr(value, "name") else sp.srepr(value)
    return f"{type(value).__name__}:{value!r}"


def _join(tag: str, parts: Iterable[str]) -> str:
    # Each part is preceded by its length: ("ab", "c") and ("a", "bc") must not meet.
    text = "".join(f"{len(p)}:{p}" for p in (tag, *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Digest:
    """Digests of expressions, remembered by node."""

    def __init__(self) -> None:
        self.known: dict[tuple[type, Any], str] = {}
        self.dummies: dict[Any, int] = {}
        self.classes: dict[type, str] = {}

    def of(self, root: Any) -> str:
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            key = _key(node)
            if key in self.known:
                continue
            operands = _operands(node)
            if ready or not operands:
                self.known[key] = self._node(node, [self.known[_key(a)] for a in operands])
            else:
                stack.append((node, True))
                stack.extend((a, False) for a in reversed(operands))
        return self.known[_key(root)]

    def _node(self, node: Any, operands: list[str]) -> str:
        kind = f"{type(node).__module__}.{type(node).__qualname__}"
        if isinstance(node, sp.Dummy):
            content = (
                f"dummy {node.name} {self.dummies.setdefault(node, len(self.dummies))} {_assumptions(node)}"
            )
        elif isinstance(node, sp.Symbol):
            content = f"symbol {node.name} {_assumptions(node)}"
        elif isinstance(node, sp.Float):
            content = f"{node._mpf_} {node._prec}"
        elif isinstance(node, sp.Rational):
            content = f"{node.p:x}/{node.q:x}"  # decimal conversion has a limit of digits
        elif isinstance(node, sp.MatrixBase):
            content = str(node.shape)
        elif operands:
            content = ""
        else:
            content = sp.srepr(node) if isinstance(node, sp.Basic) else repr(node)
        if type(node) not in self.classes:
            self.classes[type(node)] = function_text(type(node))
        return _join(kind, [content, self.classes[type(node)], *operands])


def _key(node: Any) -> tuple[type, Any]:
    # The class is part of the key: 1 == True == 1.0 in Python.
    return (type(node), node) if isinstance(node, sp.Basic) else (type(node), id(node))


def _operands(node: Any) -> tuple:
    if isinstance(node, sp.MatrixBase):
        return tuple(node.flat())
    return tuple(node.args) if isinstance(node, sp.Basic) else ()


def _assumptions(symbol: sp.Symbol) -> str:
    return str(sorted(symbol.assumptions0.items()))


def function_text(cls: type, seen: set[int] | None = None) -> str:
    """What the code of a user's function class says: byte code, constants and plain values it sees."""
    seen = set() if seen is None else seen
    seen.add(id(cls))
    parts: list[str] = []
    for base in cls.__mro__:
        if str(base.__module__).split(".")[0] in ("sympy", "builtins") or base is object:
            continue
        parts.append(f"{base.__module__}.{base.__qualname__}")
        for name, value in sorted(vars(base).items()):
            if not name.startswith("__") or callable(value):
                parts.append(f"{name}={_value(value, seen)}")
    return _join("class", parts) if parts else ""


def _value(value: Any, seen: set[int]) -> str:
    value = getattr(value, "__func__", value)
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, types.FunctionType):
        return _function(value, seen)
    if isinstance(value, _PLAIN):
        return f"{type(value).__name__}:{value!r}"
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, type):
        own = not str(value.__module__).startswith(("sympy", "builtins", "numpy")) and id(value) not in seen
        return f"class {value.__module__}.{value.__qualname__}" + (function_text(value, seen) if own else "")
    if isinstance(value, types.BuiltinFunctionType | types.GetSetDescriptorType | types.MemberDescriptorType):
        return f"builtin {value.__name__}"
    if isinstance(value, dict):
        return _join("items", sorted(_join(_value(k, seen), [_value(v, seen)]) for k, v in value.items()))
    if isinstance(value, tuple | list):
        return _join("items", [_value(v, seen) for v in value])
    if isinstance(value, set | frozenset):
        return _join("items", sorted(_value(v, seen) for v in value))
    if isinstance(value, sp.Basic):
        return _Digest().of(value)
    if str(type(value).__module__).startswith(("sympy", "functools", "_abc")):
        return type(value).__qualname__
    return uuid.uuid4().hex


def _function(function: types.FunctionType, seen: set[int]) -> str:
    if id(function) in seen:
        return function.__qualname__
    seen.add(id(function))
    if function.__module__ and function.__module__.startswith("sympy."):
        return f"{function.__module__}.{function.__qualname__}"
    cells = [c.cell_contents for c in function.__closure__ or () if not _is_empty(c)]
    parts = [_code(function.__code__), *(_value(c, seen) for c in cells)]
    parts += [_value(d, seen) for d in function.__defaults__ or ()]
    parts += [f"{k}={_value(v, seen)}" for k, v in sorted((function.__kwdefaults__ or {}).items())]
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            parts.append(f"{name}={_value(function.__globals__[name], seen)}")
    return _join("function", parts)


def _is_empty(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


def _code(code: types.CodeType) -> str:
    consts = [
        _code(c) if isinstance(c, types.CodeType) else f"{type(c).__name__}:{c!r}" for c in code.co_consts
    ]
    return _join("code", [code.co_code.hex(), str(code.co_names), str(code.co_varnames), *consts])
