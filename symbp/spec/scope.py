"""What the names in a formula mean: the vocabulary, and the names that a model defines."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

import sympy as sp

from symbp.spec.forms import FORMS

CONSTANTS: dict[str, sp.Expr] = {"pi": sp.pi}

Functions = Mapping[str, Callable[..., object]]


class Scope:
    """The names that a formula may use; grows as a model file is read, from top to bottom.

    Attributes:
        functions: what each function name stands for.
        names: what each other name stands for: symbols, matrix symbols, indexed bases.
        promised: names that equations define, known already or not; for better messages.
    """

    def __init__(self, functions: Functions, names: Mapping[str, sp.Basic] | None = None):
        self.functions = functions
        self.names: dict[str, sp.Basic] = {}
        self.promised: set[str] = set()
        for name, value in (names or {}).items():
            self.define(name, value)

    def define(self, name: str, value: sp.Basic) -> None:
        """Let `name` stand for `value` from here on.

        Python's parser brings identifiers to Unicode form NFKC, and so must the names they are looked up
        among.

        Raises:
            ValueError: where it means something already.
        """
        name = unicodedata.normalize("NFKC", name)
        if problem := self.clash(name):
            raise ValueError(problem)
        self.names[name] = value

    def clash(self, name: str) -> str | None:
        """Why `name` cannot be defined, or None."""
        kind = self.meaning(name)
        if kind is None:
            return None
        return f"the name {name!r} is " + ("declared twice" if kind == "name" else f"taken by a {kind}")

    def meaning(self, name: str) -> str | None:
        """What `name` is: a "constant", a "function", a "name", or None where it is free."""
        if name in CONSTANTS:
            return "constant"
        if name in self.functions or name in FORMS:
            return "function"
        return "name" if name in self.names else None
