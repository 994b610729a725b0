"""Terms as text and as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sympy as sp

from symbp.errors import shorten
from symbp.view.terms import Term

_LEVEL = {"plus": 1, "minus": 1, "if": 1, "relation": 1, "logic": 1, "hadamard": 2, "times": 3, "matmul": 3}
_LEVEL |= {"fraction": 3, "power": 4, "sum": 2}
_ATOM = 9
_PARTIAL = re.compile(r"d(\w+)/d(.+)", re.DOTALL)
_DELTA = re.compile(r"delta(\d+)")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def level(t: Term) -> int:
    """How tightly a term binds; larger is tighter."""
    if t.kind == "number":
        value = t.data
        if value.is_negative:
            return 1
        return 3 if value.is_Rational and not value.is_Integer else _ATOM
    return _LEVEL.get(t.kind, _ATOM)


class TextPrinter:
    """Plain text: `delta1 = (W2.T*delta2) ⊙ a1 ⊙ (1 - a1)`."""

    times, hadamard, less_equal = "*", " ⊙ ", "<="

    def name(self, name: str) -> str:
        return shorten("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name), 90)

    def show(self, t: Term) -> str:
        return getattr(self, "_" + t.kind)(t)

    def wrap(self, t: Term, at_least: int) -> str:
        text = self.show(t)
        return text if level(t) >= at_least else self.parentheses(text)

    def parentheses(self, text: str) -> str:
        return f"({text})"

    def _number(self, t: Term) -> str:
        return number_text(t.data)

    def _name(self, t: Term) -> str:
        return self.name(str(t.data))

    def _access(self, t: Term) -> str:
        return f"{self.name(str(t.data))}[{', '.join(self.show(a) for a in t.args)}]"

    def _transpose(self, t: Term) -> str:
        return self.wrap(t.args[0], _ATOM) + ".T"

    def _plus(self, t: Term) -> str:
        out = self.show(t.args[0])
        for part in t.args[1:]:
            if part.kind == "minus":
                out += " - " + self.wrap(part.args[0], 2)
            elif part.kind == "number" and part.data.is_negative:
                out += " - " + number_text(-part.data)
            else:
                out += " + " + self.wrap(part, 2)
        return out

    def _minus(self, t: Term) -> str:
        return "-" + self.wrap(t.args[0], 2)

    def _times(self, t: Term) -> str:
        first, *rest = t.args
        return self.times.join([self.wrap(first, 3 if first.kind == "number" else 4), *self._wrapped(rest)])

    def _wrapped(self, factors: Iterable[Term]) -> list[str]:
        return [self.wrap(f, 4) for f in factors]

    def _matmul(self, t: Term) -> str:
        return self.times.join(self._wrapped(t.args))

    def _hadamard(self, t: Term) -> str:
        return self.hadamard.join(self._wrapped(t.args))

    def _fraction(self, t: Term) -> str:
        return f"{self.wrap(t.args[0], 3)}/{self.wrap(t.args[1], 4)}"

    def _power(self, t: Term) -> str:
        return f"{self.wrap(t.args[0], 5)}**{self.wrap(t.args[1], 5)}"

    def _call(self, t: Term) -> str:
        return f"{t.data}({', '.join(self.show(a) for a in t.args)})"

    def _sum(self, t: Term) -> str:
        what, indices = t.data
        return f"{what}_{{{', '.join(self.show(i) for i in indices)}}} {self.wrap(t.args[0], 2)}"

    def _relation(self, t: Term) -> str:
        return f"{self.wrap(t.args[0], 2)} {t.data} {self.wrap(t.args[1], 2)}"

    def _logic(self, t: Term) -> str:
        if t.data == "not":
            return "not " + self.wrap(t.args[0], 2)
        return f" {t.data} ".join(self.wrap(a, 2) for a in t.args)

    def _if(self, t: Term) -> str:
        pairs = list(zip(t.args[::2], t.args[1::2], strict=True))
        out = ""
        for value, condition in pairs:
            if condition.kind == "true":
                return out + self.wrap(value, 2)
            out += f"{self.wrap(value, 2)} if {self.show(condition)} else "
        return out + "0"

    def _true(self, t: Term) -> str:
        return "true"

    def _brief(self, t: Term) -> str:
        operations, names = t.data
        shown = ", ".join(self.name(n) for n in names[:6]) + (", ..." if len(names) > 6 else "")
        return f"<{operations} operations on {shown}>"


def _escaped(c: str) -> str:
    """One character inside of LaTeX text."""
    if c in "#$%&_{}":
        return "\\" + c
    return rf"\char{ord(c)} " if c in r"\^~" else c


class LatexPrinter(TextPrinter):
    r"""LaTeX: `\delta^{(1)} = \left({W_{2}}^{T} \, \delta^{(2)}\right) \odot a_{1}`."""

    times, hadamard = r" \, ", r" \odot "

    def name(self, name: str) -> str:
        if found := _DELTA.fullmatch(name):
            return rf"\delta^{{({found[1]})}}"
        if found := _PARTIAL.fullmatch(name):
            return rf"\frac{{\partial {self.name(found[1])}}}{{\partial {self.name(found[2])}}}"
        if _PLAIN.fullmatch(name):
            return sp.latex(sp.Symbol(name))
        printable = super().name(name)
        return rf"\text{{{''.join(map(_escaped, printable))}}}"

    def parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _number(self, t: Term) -> str:
        value = t.data
        return number_text(value) if isinstance(value, sp.Float) else sp.latex(value)

    def _access(self, t: Term) -> str:
        inside = ",".join(self.show(a) for a in t.args)
        name = self.name(str(t.data))
        return f"{self.parentheses(name) if re.search(r'[_^]', name) else name}_{{{inside}}}"

    def _transpose(self, t: Term) -> str:
        inner = self.wrap(t.args[0], _ATOM)
        return rf"{{{inner}}}^{{T}}"

    def _fraction(self, t: Term) -> str:
        return rf"\frac{{{self.show(t.args[0])}}}{{{self.show(t.args[1])}}}"

    def _power(self, t: Term) -> str:
        return rf"{{{self.wrap(t.args[0], 5)}}}^{{{self.show(t.args[1])}}}"

    def _call(self, t: Term) -> str:
        inside = ", ".join(self.show(a) for a in t.args)
        if t.data == "abs":
            return rf"\left|{inside}\right|"
        if t.data == "sum":
            return rf"\sum \left({inside}\right)"
        known = {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"}
        name = rf"\{t.data}" if t.data in known else rf"\operatorname{{{t.data}}}"
        return rf"{name}\left({inside}\right)"

    def _sum(self, t: Term) -> str:
        what, indices = t.data
        return rf"\{what}_{{{', '.join(self.show(i) for i in indices)}}} {self.wrap(t.args[0], 2)}"

    def _relation(self, t: Term) -> str:
        signs = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}
        sign = signs.get(str(t.data), str(t.data))
        return f"{self.wrap(t.args[0], 2)} {sign} {self.wrap(t.args[1], 2)}"

    def _logic(self, t: Term) -> str:
        signs = {"and": r"\wedge", "or": r"\vee"}
        if t.data == "not":
            return r"\neg " + self.wrap(t.args[0], 2)
        return f" {signs[str(t.data)]} ".join(self.wrap(a, 2) for a in t.args)

    def _if(self, t: Term) -> str:
        rows = []
        for value, condition in zip(t.args[::2], t.args[1::2], strict=True):
            when = r"\text{otherwise}"
            if condition.kind != "true":
                when = rf"\text{{if }} {self.show(condition)}"
            rows.append(f"{self.show(value)} & {when}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def _true(self, t: Term) -> str:
        return r"\text{true}"

    def _brief(self, t: Term) -> str:
        operations, names = t.data
        shown = ", ".join(self.name(n) for n in names[:6]) + (r", \ldots" if len(names) > 6 else "")
        return rf"\langle {operations} \text{{ operations on }} {shown} \rangle"


def number_text(value: object) -> str:
    """A constant as a person writes it: floats with as many digits as they need, at most 12."""
    if isinstance(value, sp.Float):
        return f"{float(value):.12g}"
    if isinstance(value, sp.Integer) and abs(int(value)) >= 10**15:
        return f"{float(value):.6g}"
    return shorten(str(value), 40)
