"""Terms as MathML: markup of the Core level, which browsers set without scripts or fonts from elsewhere."""

from __future__ import annotations

import html
import unicodedata
from typing import ClassVar

import sympy as sp

from symbp.view.latex import SHORT
from symbp.view.names import GREEK, Letter, Name, Partial, Verbatim, printable, reading
from symbp.view.printer import ATOM, Printer, branches, number_text, rows
from symbp.view.terms import Term


def math(inner: str) -> str:
    """Markup of a formula as one `<math>` element, with sums and fractions at their full size."""
    return f'<math displaystyle="true">{inner}</math>'


def row(inner: str) -> str:
    return f"<mrow>{inner}</mrow>"


def operator(sign: str) -> str:
    return f"<mo>{html.escape(sign)}</mo>"


def words(plain: str) -> str:
    """Text as text. Its spaces do not collapse: they tell names apart."""
    return f"<mtext>{html.escape(plain).replace(' ', '&#xa0;')}</mtext>"


_APPLY = "<mo>&#x2061;</mo>"


class MathMLPrinter(Printer):
    """Inner markup of a `<math>` element; every name of the user's is escaped."""

    signs: ClassVar = {
        ",": '<mo separator="true">,</mo>', "+": operator("+"), "-": operator("−"),
        "negative": '<mo form="prefix">−</mo>', "*": '<mspace width="0.17em"/>',
        "⊙": '<mo lspace="0.22em" rspace="0.22em">⊙</mo>',
        "not": operator("¬"), "and": operator("∧"), "or": operator("∨"), "<": operator("<"),
        "<=": operator("≤"), ">": operator(">"), ">=": operator("≥"), "==": operator("="),
        "!=": operator("≠"),
    }  # fmt: skip

    def name(self, name: str, array: bool = False) -> str:
        return self._read(reading(name, array))

    def _read(self, name: Name) -> str:
        if isinstance(name, Verbatim):
            return words(name.text)
        if isinstance(name, Partial):
            of, by = (
                row(f'<mi mathvariant="normal">∂</mi>{self._read(part)}') for part in (name.of, name.by)
            )
            whole = f"<mfrac>{of}{by}</mfrac>"
            return whole if not name.part else f"<msub>{self.parentheses(whole)}{_word(name.part)}</msub>"
        base = _word(name.base)
        layer = self.parentheses(_word(name.layer)) if name.layer else ""
        below = row(self.signs[","].join(map(_word, name.subscripts))) if name.subscripts else ""
        if layer and below:
            return f"<msubsup>{base}{below}{layer}</msubsup>"
        if layer:
            return f"<msup>{base}{layer}</msup>"
        return f"<msub>{base}{below}</msub>" if below else base

    def parentheses(self, text: str) -> str:
        # Chromium leaves gaps around whatever may stretch: only what is tall needs it.
        tall = any(tag in text for tag in _TALL)
        return row(_fence("(", tall) + text + _fence(")", tall))

    def wrap(self, t: Term, at_least: float) -> str:
        return row(super().wrap(t, at_least)) if t.args else super().wrap(t, at_least)

    def _number(self, t: Term) -> str:
        value, digits = t.data, number_text(t.data)
        if value.is_infinite:
            return (self.signs["negative"] if value.is_extended_negative else "") + "<mi>∞</mi>"
        if value.is_NumberSymbol:
            return f"<mi>{_CONSTANTS.get(value, html.escape(digits))}</mi>"
        if "/" in digits:
            sign = self.signs["negative"] if value.is_negative else ""
            return f"{sign}<mfrac>{_digits(str(abs(value.p)))}{_digits(str(value.q))}</mfrac>"
        sign = self.signs["negative"] if digits.startswith("-") else ""
        mantissa, e, exponent = digits.lstrip("-").partition("e")
        if not e:
            return sign + _digits(mantissa)
        power = f"<msup><mn>10</mn>{row(_signed(int(exponent)))}</msup>"
        return f"{sign}{_digits(mantissa)}<mo>·</mo>{power}"

    def _access(self, t: Term) -> str:
        read = reading(str(t.data), bool(t.args))
        below = row(self.listed(t.args))
        if isinstance(read, Letter) and not read.subscripts:
            base = _word(read.base)
            if read.layer:
                layer = self.parentheses(_word(read.layer))
                return f"<msubsup>{base}{below}{layer}</msubsup>"
            return f"<msub>{base}{below}</msub>"
        return f"<msub>{self.parentheses(self._read(read))}{below}</msub>"

    def _transpose(self, t: Term) -> str:
        return f'<msup>{row(self.raised(t.args[0]))}<mi mathvariant="normal">T</mi></msup>'

    def _fraction(self, t: Term) -> str:
        return f"<mfrac>{row(self.show(t.args[0]))}{row(self.show(t.args[1]))}</mfrac>"

    def _power(self, t: Term) -> str:
        return f"<msup>{row(self.raised(t.args[0]))}{row(self.show(t.args[1]))}</msup>"

    def _partial(self, t: Term) -> str:
        d = '<mi mathvariant="normal">∂</mi>'
        of, by = row(d + self.name(t.data)), row(d + self.wrap(t.args[0], ATOM))
        return f"<mfrac>{of}{by}</mfrac>"

    def _unit(self, t: Term) -> str:
        return f"<msub><mn>𝟏</mn>{row(self.show(t.args[0]))}</msub>"

    def _call(self, t: Term) -> str:
        inside = self.listed(t.args)
        if t.data in _FENCES:
            left, right = _FENCES[t.data]
            tall = any(tag in inside for tag in _TALL)
            return row(_fence(left, tall) + inside + _fence(right, tall))
        if t.data == "sqrt":
            return f"<msqrt>{inside}</msqrt>"
        if t.data == "sum":
            return operator("∑") + self.parentheses(inside)
        if t.data == "exp" and t.size <= SHORT:
            return f"<msup><mi>e</mi>{row(inside)}</msup>"
        return f"<mi>{html.escape(printable(t.data))}</mi>{_APPLY}{self.parentheses(inside)}"

    def _sum(self, t: Term) -> str:
        what, indices = t.data
        sign = operator("∑") if what == "sum" else f"<mo>{html.escape(what)}</mo>"
        return f"<munder>{sign}{row(self.listed(indices))}</munder>{self.wrap(t.args[0], 2)}"

    def _if(self, t: Term) -> str:
        lines = []
        for value, condition in branches(t):
            when = words("otherwise")
            if condition.kind != "true":
                when = words("if ") + self.show(condition)
            lines.append(f"<mtr><mtd>{self.show(value)}</mtd><mtd>{when}</mtd></mtr>")
        return row(f'{_fence("{", True)}<mtable class="cases">{"".join(lines)}</mtable>')

    def _matrix(self, t: Term) -> str:
        cells = ["".join(f"<mtd>{self.show(a)}</mtd>" for a in line) for line in rows(t)]
        table = "".join(f"<mtr>{line}</mtr>" for line in cells)
        return row(f"{_fence('[', True)}<mtable>{table}</mtable>{_fence(']', True)}")

    def _words(self, t: Term) -> str:
        return words(t.data)

    def _true(self, t: Term) -> str:
        return words("true")

    def _brief(self, t: Term) -> str:
        operations, names = t.data
        shown = self.signs[","].join(self.name(n) for n in names[:6])
        more = self.signs[","] + operator("…") if len(names) > 6 else ""
        return row(
            f"{_fence('⟨', False)}{words(f'{operations} operations on ')}{shown}{more}{_fence('⟩', False)}"
        )


_FENCES = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceiling": ("⌈", "⌉")}
_TALL = ("<mfrac", "<munder", "<mtable", "<msqrt", 'stretchy="true"')


def _fence(sign: str, stretched: bool) -> str:
    return f'<mo stretchy="{"true" if stretched else "false"}">{sign}</mo>'


_CONSTANTS = {sp.pi: "π", sp.E: "e"}


def _digits(text: str) -> str:
    return f"<mn>{html.escape(text)}</mn>"


def _signed(value: int) -> str:
    return ('<mo form="prefix">−</mo>' if value < 0 else "") + _digits(str(abs(value)))


def _word(word: str) -> str:
    if word.isdigit():
        return _digits(word)
    if word in GREEK:
        size = "SMALL" if word[0].islower() else "CAPITAL"
        letter = word.upper().replace("LAMBDA", "LAMDA")
        return f"<mi>{unicodedata.lookup(f'GREEK {size} LETTER {letter}')}</mi>"
    return f"<mi>{html.escape(word)}</mi>"
