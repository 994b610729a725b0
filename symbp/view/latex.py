r"""Terms as LaTeX: `\delta^{(1)} = \left(\left(W^{(2)}\right)^{T} \, \delta^{(2)}\right) \odot ...`.

The text needs the packages amsmath and amssymb and nothing else, and compiles whatever symbols are called:
names that are no mathematics are set as text in which every special character is a command.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar

import sympy as sp

from symbp.view.names import GREEK, Letter, Name, Partial, Verbatim, reading
from symbp.view.printer import ATOM, Printer, branches, number_text, rows
from symbp.view.terms import Term

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    **{c: "\\" + c for c in "#$%&_{}"},
}
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030c": "v"}
SHORT = 12
"""Nodes up to which the argument of exp is set as an exponent of e."""
_FENCES = {"abs": ("|", "|"), "floor": (r"\lfloor ", r"\rfloor "), "ceiling": (r"\lceil ", r"\rceil ")}
_KNOWN = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min")


def text(plain: str) -> str:
    r"""Any printable text as `\text{...}`, in ASCII."""
    return rf"\text{{{''.join(map(_character, plain))}}}"


def _character(c: str) -> str:
    if c.isascii():
        return _SPECIAL.get(c, c)
    words = unicodedata.name(c, "").split()
    if words[:2] in (["GREEK", "SMALL"], ["GREEK", "CAPITAL"]) and len(words) == 4:
        letter = words[3].lower().replace("lamda", "lambda")
        letter = letter if words[1] == "SMALL" else letter.capitalize()
        if letter in GREEK:
            return rf"$\{letter}$"
    parts = unicodedata.normalize("NFD", c)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    # No engine has every character of Unicode: the number tells them apart in all.
    return f"(U+{ord(c):04X})"


class LatexPrinter(Printer):
    """For documents with amsmath and amssymb, and for notebooks."""

    signs: ClassVar = {
        ",": ", ", "+": " + ", "-": " - ", "negative": "-", "*": r" \, ", "⊙": r" \odot ", "not": r"\neg ",
        "and": r" \wedge ", "or": r" \vee ", "<": " < ", "<=": r" \le ", ">": " > ", ">=": r" \ge ",
        "==": " = ", "!=": r" \ne ",
    }  # fmt: skip

    def name(self, name: str, array: bool = False) -> str:
        return self._read(reading(name, array))

    def _read(self, name: Name) -> str:
        if isinstance(name, Verbatim):
            return text(name.text)
        if isinstance(name, Partial):
            whole = rf"\frac{{\partial {self._read(name.of)}}}{{\partial {self._read(name.by)}}}"
            return whole if not name.part else rf"\left({whole}\right)_{{{text(name.part)}}}"
        out = self._word(name.base, r"\mathit")
        if name.subscripts:
            out += f"_{{{','.join(self._word(s, chr(92) + 'mathrm') for s in name.subscripts)}}}"
        return out + (f"^{{({name.layer})}}" if name.layer else "")

    def _word(self, word: str, face: str) -> str:
        if word in GREEK:
            return "\\" + word
        return word if len(word) == 1 or word.isdigit() else f"{face}{{{word}}}"

    def parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _number(self, t: Term) -> str:
        digits = number_text(t.data)
        if "/" in digits or t.data.is_NumberSymbol or t.data.is_infinite:
            return sp.latex(t.data)
        mantissa, e, exponent = digits.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else digits

    def _access(self, t: Term) -> str:
        read = reading(str(t.data), bool(t.args))
        name = self._read(read)
        bare = isinstance(read, Letter) and not read.subscripts
        return f"{name if bare else self.parentheses(name)}_{{{','.join(map(self.show, t.args))}}}"

    def _transpose(self, t: Term) -> str:
        return rf"{self.raised(t.args[0])}^{{T}}"

    def _fraction(self, t: Term) -> str:
        return rf"\frac{{{self.show(t.args[0])}}}{{{self.show(t.args[1])}}}"

    def _power(self, t: Term) -> str:
        return rf"{self.raised(t.args[0])}^{{{self.show(t.args[1])}}}"

    def _unit(self, t: Term) -> str:
        return rf"\mathbf{{1}}_{{{self.show(t.args[0])}}}"

    def _partial(self, t: Term) -> str:
        return rf"\frac{{\partial {self.name(t.data)}}}{{\partial {self.wrap(t.args[0], ATOM)}}}"

    def _call(self, t: Term) -> str:
        inside = self.listed(t.args)
        if t.data in _FENCES:
            left, right = _FENCES[t.data]
            return rf"\left{left}{inside}\right{right}"
        if t.data == "exp" and t.size <= SHORT:
            return rf"e^{{{inside}}}"
        if t.data == "sqrt":
            return rf"\sqrt{{{inside}}}"
        if t.data == "sum":
            return rf"\sum \left({inside}\right)"
        name = rf"\{t.data}" if t.data in _KNOWN else rf"\operatorname{{{self._function(t.data)}}}"
        return rf"{name}\left({inside}\right)"

    def _function(self, name: str) -> str:
        return name if name.isascii() and name.isalnum() else text(name)

    def _sum(self, t: Term) -> str:
        what, indices = t.data
        return rf"\{what}_{{{self.listed(indices)}}} {self.wrap(t.args[0], 2)}"

    def _if(self, t: Term) -> str:
        rows = []
        for value, condition in branches(t):
            when = r"\text{otherwise}"
            if condition.kind != "true":
                when = rf"\text{{if }} {self.show(condition)}"
            rows.append(f"{self.show(value)} & {when}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def _matrix(self, t: Term) -> str:
        body = r" \\ ".join(" & ".join(map(self.show, row)) for row in rows(t))
        # A bmatrix has at most ten columns.
        return rf"\left[\begin{{array}}{{{'c' * t.data}}} {body} \end{{array}}\right]"

    def _words(self, t: Term) -> str:
        return text(t.data)

    def _true(self, t: Term) -> str:
        return r"\text{true}"

    def _brief(self, t: Term) -> str:
        operations, names = t.data
        shown = ", ".join(self.name(n) for n in names[:6]) + (r", \ldots" if len(names) > 6 else "")
        return rf"\langle {operations} \text{{ operations on }} {shown} \rangle"
