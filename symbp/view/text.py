"""Terms as plain text: `delta1 = (W2.T*delta2) ⊙ a1 ⊙ (1 - a1)`."""

from __future__ import annotations

from typing import ClassVar

from symbp.view.names import printable
from symbp.view.printer import ATOM, Printer, branches, number_text, rows
from symbp.view.terms import Term


class TextPrinter(Printer):
    """For terminals. Operators are Python's, ⊙ is the product entry by entry."""

    signs: ClassVar = {
        ",": ", ", "+": " + ", "-": " - ", "negative": "-", "*": "*", "⊙": " ⊙ ", "not": "not ",
        **{sign: f" {sign} " for sign in ("and", "or", "<", "<=", ">", ">=", "==", "!=")},
    }  # fmt: skip

    def name(self, name: str, array: bool = False) -> str:
        return printable(name)

    def parentheses(self, text: str) -> str:
        return f"({text})"

    def _number(self, t: Term) -> str:
        return number_text(t.data)

    def _access(self, t: Term) -> str:
        return f"{self.name(str(t.data))}[{self.listed(t.args)}]"

    def _transpose(self, t: Term) -> str:
        return self.wrap(t.args[0], ATOM) + ".T"

    def _fraction(self, t: Term) -> str:
        return f"{self.wrap(t.args[0], 3)}/{self.wrap(t.args[1], 4)}"

    def _power(self, t: Term) -> str:
        return f"{self.wrap(t.args[0], 5)}**{self.wrap(t.args[1], 5)}"

    def _unit(self, t: Term) -> str:
        return f"one_hot({self.show(t.args[0])})"

    def _partial(self, t: Term) -> str:
        return f"d{self.name(t.data)}/d({self.show(t.args[0])})"

    def _call(self, t: Term) -> str:
        return f"{t.data}({self.listed(t.args)})"

    def _sum(self, t: Term) -> str:
        what, indices = t.data
        return f"{what}_{{{self.listed(indices)}}} {self.wrap(t.args[0], 2)}"

    def _if(self, t: Term) -> str:
        out = ""
        for value, condition in branches(t):
            if condition.kind == "true":
                return out + self.wrap(value, 1)
            out += f"{self.wrap(value, 1)} if {self.wrap(condition, 0.1)} else "
        return out + "0"

    def _matrix(self, t: Term) -> str:
        if t.data == 1:
            return f"[{self.listed(t.args)}]"
        return f"[{', '.join(f'[{self.listed(row)}]' for row in rows(t))}]"

    def _words(self, t: Term) -> str:
        return f"<{t.data}>"

    def _true(self, t: Term) -> str:
        return "true"

    def _brief(self, t: Term) -> str:
        operations, names = t.data
        shown = ", ".join(self.name(n) for n in names[:6]) + (", ..." if len(names) > 6 else "")
        return f"<{operations} operations on {shown}>"
