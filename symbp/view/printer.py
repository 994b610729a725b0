"""What all printers of terms share: which operator binds tighter, and where parentheses go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import sympy as sp

from symbp.errors import shorten
from symbp.view.names import Letter, Partial, reading
from symbp.view.terms import Term, number

_LEVEL = {
    "if": 0.0,
    "relation": 0.6,
    "plus": 1,
    "minus": 1,
    "sum": 2,
    "hadamard": 2,
    "times": 3,
    "matmul": 3,
    "fraction": 3,
    "power": 4,
}
_LOGIC = {"or": 0.2, "and": 0.3, "not": 0.4}
ATOM = 9

DIGITS = 10**6
"""Numerators and denominators from here on are written as decimal numbers."""


def level(t: Term) -> float:
    """How tightly a term binds; larger is tighter."""
    if t.kind == "number":
        if t.data.is_negative:
            return 1
        return 3 if t.data.is_Rational and not t.data.is_Integer and not _decimal(t.data) else ATOM
    if t.kind == "logic":
        return _LOGIC[t.data]
    return _LEVEL.get(t.kind, ATOM)


class Printer:
    """Terms as strings. A subclass gives the signs and writes what it sets in its own way."""

    signs: ClassVar[dict[str, str]]

    def show(self, t: Term) -> str:
        return getattr(self, "_" + t.kind)(t)

    def wrap(self, t: Term, at_least: float) -> str:
        """The term, in parentheses where it binds less tightly than `at_least`."""
        text = self.show(t)
        return text if level(t) >= at_least else self.parentheses(text)

    def parentheses(self, text: str) -> str:
        raise NotImplementedError

    def name(self, name: str, array: bool = False) -> str:
        raise NotImplementedError

    def joined(self, sign: str, terms: Iterable[Term], at_least: float) -> str:
        return self.signs[sign].join(self.wrap(t, at_least) for t in terms)

    def raised(self, t: Term) -> str:
        """The term as the base of a superscript, in parentheses where it has one already."""
        shown = self.wrap(t, ATOM)
        return self.parentheses(shown) if _superscripted(t) else shown

    def listed(self, terms: Iterable[Term]) -> str:
        return self.signs[","].join(self.show(t) for t in terms)

    def _name(self, t: Term) -> str:
        return self.name(str(t.data), t.array)

    def _index(self, t: Term) -> str:
        return self.name(t.data.name)

    def _plus(self, t: Term) -> str:
        out = self.wrap(t.args[0], 1)
        for part in t.args[1:]:
            sign = "+"
            if part.kind == "minus":
                sign, part = "-", part.args[0]
            elif part.kind == "number" and part.data.is_negative:
                sign, part = "-", number(-part.data)
            out += self.signs[sign] + self.wrap(part, 2)
        return out

    def _minus(self, t: Term) -> str:
        return self.signs["negative"] + self.wrap(t.args[0], 2)

    def _times(self, t: Term) -> str:
        first, *rest, last = t.args
        whole = first.kind in ("number", "fraction")
        # Numbers may be multiplied with the first matrix of a product as well as with all of it.
        level = 3 if last.kind == "matmul" and last.array and not any(f.array for f in t.args[:-1]) else 4
        shown = [
            self.wrap(first, 3 if whole else 4),
            *(self.wrap(f, 4) for f in rest),
            self.wrap(last, level),
        ]
        return self.signs["*"].join(shown)

    def _matmul(self, t: Term) -> str:
        return self.joined("*", t.args, 4)

    def _hadamard(self, t: Term) -> str:
        return self.joined("⊙", t.args, 4)

    def _relation(self, t: Term) -> str:
        return self.joined(t.data, t.args, 1)

    def _logic(self, t: Term) -> str:
        if t.data == "not":
            return self.signs["not"] + self.wrap(t.args[0], 1)
        return self.joined(t.data, t.args, level(t) + 0.05)


def _superscripted(t: Term) -> bool:
    if t.kind in ("name", "access"):
        name = reading(str(t.data), t.array or bool(t.args))
        return isinstance(name, Partial) or (isinstance(name, Letter) and bool(name.layer))
    if t.kind == "number":
        return "e" in number_text(t.data)
    return t.kind == "transpose" or (t.kind == "call" and t.data == "exp")


def rows(t: Term) -> list[tuple[Term, ...]]:
    """The rows of a "matrix" term."""
    return [t.args[k : k + t.data] for k in range(0, len(t.args), t.data)]


def branches(t: Term) -> list[tuple[Term, Term]]:
    """The (value, condition) pairs of an "if" term."""
    return list(zip(t.args[::2], t.args[1::2], strict=True))


def number_text(value: object) -> str:
    """A constant as a person writes it: floats with as many digits as they need, at most 12."""
    if isinstance(value, sp.Float):
        return f"{float(value):.12g}"
    if isinstance(value, sp.Integer) and abs(int(value)) >= 10**15:
        return f"{float(value):.6g}" if abs(value) < 10**300 else shorten(str(value), 40)
    if isinstance(value, sp.Rational) and _decimal(value):
        return repr(float(value)) if sp.Rational(repr(float(value))) == value else f"{float(value):.12g}"
    return shorten(str(value), 40)


def _decimal(value: sp.Basic) -> bool:
    """Whether a fraction is written as a decimal number."""
    if not isinstance(value, sp.Rational) or isinstance(value, sp.Integer):
        return False
    return max(abs(value.p), value.q) >= DIGITS and 1e-300 < abs(value) < 1e300
