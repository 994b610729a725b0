"""Small straight-line code as readable Python: nested where a value is used once, named where shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbp.codegen.functions import spelled
from symbp.codegen.names import Namer
from symbp.codegen.scalar import Code
from symbp.codegen.vector import BODIES

WIDEST = 80
SUM, PRODUCT, MINUS, ATOM = 1, 2, 3, 4
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
CONDITIONS = (*COMPARISONS, "and", "or", "not")


class PythonText:
    """Writes the values of a `Code` as Python expressions.

    Attributes:
        lines: assignments of named temporaries, to be placed before what uses the expressions.
    """

    def __init__(self, code: Code, load: Callable[..., str], namer: Namer, single: bool):
        self.code = code
        self.load = load
        self.namer = namer
        self.single = single
        self.lines: list[str] = []
        self.text: dict[int, tuple[str, int]] = {}

    def write(self, roots: list[int], named: Mapping[int, str] | None = None) -> list[str]:
        """Expressions for the roots; those in `named` become variables of that name. Fills `lines`."""
        named = named or {}
        needed = [k for k in self.code.needed(roots) if k not in self.text]
        uses = dict.fromkeys(needed, 0)
        for number in needed:
            for operand in self.code.operands(number):
                if operand in uses:
                    uses[operand] += 1
        for root in roots:
            if root in uses:
                uses[root] += 1
        for number in needed:
            text, level = self._expression(number)
            shared = uses[number] > 1 and self.code.lines[number][0] not in ("const", "int", "local")
            if number in named or shared or len(text) > WIDEST:
                name = named[number] if number in named else self.temporary(number)
                self.lines.append(f"{name} = {text}")
                text, level = name, ATOM
            self.text[number] = (text, level)
        return [self.text[root][0] for root in roots]

    def temporary(self, number: int) -> str:
        op, *args = self.code.lines[number]
        if op in CONDITIONS:  # no name that a number has elsewhere: a variable has one type
            return self.namer("holds")
        return self.namer(self.load(*args).split("[")[0] + "_value" if op == "load" else "t1")

    def _at(self, number: int, level: int) -> str:
        text, own = self.text[number]
        return text if own >= level else f"({text})"

    def _expression(self, number: int) -> tuple[str, int]:
        op, *args = self.code.lines[number]
        if op == "const":
            return self._constant(args[0])
        if op == "int":
            return (f"f32({args[0]})" if self.single else f"float({args[0]})"), ATOM
        if op == "load":
            return self.load(*args), ATOM
        if op == "local":
            return args[0], ATOM
        # Operations stay in their order: a + (b - c) is no (a + b) - c in floating point.
        if op in ("+", "-"):
            return f"{self._at(args[0], SUM)} {op} {self._at(args[1], PRODUCT)}", SUM
        if op in ("*", "/"):
            return f"{self._at(args[0], PRODUCT)}{op}{self._at(args[1], MINUS)}", PRODUCT
        if op == "neg":
            return "-" + self._at(args[0], MINUS), PRODUCT
        if op == "pow":
            return f"power({self._at(args[0], SUM)}, {self._at(args[1], SUM)})", ATOM
        if op in COMPARISONS:
            return f"({self._at(args[0], SUM)} {op} {self._at(args[1], SUM)})", ATOM
        if op in ("and", "or"):
            return f"({self._at(args[0], ATOM)} {op} {self._at(args[1], ATOM)})", ATOM
        if op == "not":
            return f"(not {self._at(args[0], ATOM)})", ATOM
        if op == "select":
            condition, yes, no = (self._at(a, SUM) for a in args)
            return f"({yes} if {condition} else {no})", ATOM
        if op == "call":
            return self._call(args[0], [self._at(a, SUM) for a in args[1:]]), ATOM
        name = {"sqrt": "math.sqrt", "max": "maximum", "min": "minimum"}.get(op, op)
        return f"{name}({', '.join(self._at(a, SUM) for a in args)})", ATOM

    def _call(self, function: str, args: list[str]) -> str:
        name = spelled(function)
        if self.single and "." not in name and name not in BODIES:
            # Helpers compute in double precision.
            return f"f32({name}({', '.join(f'float({a})' for a in args)}))"
        return f"{name}({', '.join(args)})"

    def _constant(self, text: str) -> tuple[str, int]:
        if text in ("True", "False"):
            return text, ATOM
        if text in ("inf", "nan", "-inf"):
            text = text.replace("inf", "np.inf").replace("nan", "np.nan")
        if self.single:
            return f"f32({text})", ATOM
        return text, PRODUCT if text[0] == "-" else ATOM
