"""One scalar expression as gates: +, *, *-1, +1, 1/x, ^2, exp, ...

SymPy keeps a - b as a + (-1)*b, a/b as a*b**(-1), and turns -(a + b) into -a - b. The gates are those of a
lecture: a sum whose terms are all negative is negated as a whole, the divisors of a product are one product
under one 1/x, constants are part of the gate that uses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.errors import UnsupportedError
from symbp.ir.brief import brief
from symbp.ir.walk import postorder, substitute
from symbp.view.circuit.labels import constant
from symbp.view.circuit.wiring import Wiring, placeholder

Factor = tuple[Any, sp.Expr]
"""A base and the constant that it is raised to."""

Done = dict[Any, int]
"""The gate of each sub-expression."""

_SCALAR = (sp.Add, sp.Mul, sp.Pow, sp.Function, sp.Max, sp.Min)
_NAMES = {"Max": "max", "Min": "min", "Abs": "|x|"}


@dataclass(frozen=True)
class Term:
    """coefficient * product of `above` / product of `below`."""

    coefficient: sp.Expr
    above: tuple[Factor, ...] = ()
    below: tuple[Factor, ...] = ()

    @property
    def bases(self) -> list[Any]:
        return [base for base, _ in (*self.above, *self.below)]


class Reader:
    """Reads expressions into a wiring; `equation` is the text of the one being read, for errors."""

    def __init__(self, wiring: Wiring, equation: str):
        self.wiring = wiring
        self.equation = equation
        self.varying: set[Any] = set()

    def read(self, root: sp.Expr) -> int:
        """The gate that computes `root`.

        Raises:
            UnsupportedError: it is no scalar expression of symbols, or has too many operations.
        """
        for node in postorder([root], leaf=lambda n: not n.args):
            if isinstance(node, sp.Symbol) or any(a in self.varying for a in node.args):
                self.varying.add(node)
        done: Done = {}
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if node in done:
                continue
            if ready:
                done[node] = self._gate(node, done)
            else:
                stack.append((node, True))
                stack.extend((n, False) for n in reversed(self._operands(node)))
        return done[root]

    def _operands(self, node: Any) -> list[Any]:
        """The sub-expressions that have a gate of their own."""
        if node not in self.varying or isinstance(node, sp.Symbol):
            return []
        if not isinstance(node, _SCALAR) or isinstance(node, sp.MatrixExpr):
            raise UnsupportedError(
                f"{type(node).__name__} {brief(node, 30)} is no operation on numbers",
                equation=self.equation,
                hint='draw it with per="equation"',
            )
        if isinstance(node, sp.Add):
            return [base for arg in node.args for base in self._term(arg).bases]
        if self._is_product(node):
            return self._term(node).bases
        return self._inside(node)

    def _is_product(self, node: Any) -> bool:
        return isinstance(node, sp.Mul) or (isinstance(node, sp.Pow) and node.exp not in self.varying)

    def _inside(self, node: Any) -> list[Any]:
        """The varying operands, also those inside the conditions of a choice."""

        def is_operand(n: Any) -> bool:
            return n is not node and isinstance(n, sp.Expr) and not isinstance(n, ExprCondPair)

        nodes = postorder([node], leaf=lambda n: is_operand(n) or not n.args)
        return [n for n in nodes if n in self.varying and is_operand(n)]

    def _term(self, node: Any) -> Term:
        if node not in self.varying:
            return Term(node)
        coefficient: sp.Expr = sp.S.One
        above: list[Factor] = []
        below: list[Factor] = []
        for factor in node.args if isinstance(node, sp.Mul) else (node,):
            if factor not in self.varying:
                coefficient = coefficient * factor
            elif isinstance(factor, sp.Pow) and factor.exp not in self.varying:
                negative = factor.exp.is_negative is True
                exponent = -factor.exp if negative else factor.exp
                (below if negative else above).append((factor.base, exponent))
            else:
                above.append((factor, sp.S.One))
        return Term(coefficient, tuple(above), tuple(below))

    def _gate(self, node: Any, done: Done) -> int:
        if node not in self.varying:
            return self.wiring.add(constant(node), node, ())
        if isinstance(node, sp.Symbol):
            return self.wiring.symbols[node.name]
        if isinstance(node, sp.Add):
            return self._sum(node, done)
        if self._is_product(node):
            return self._product(self._term(node), done)
        if isinstance(node, sp.Pow):
            return self._power(node, done)
        return self._call(node, done)

    def _sum(self, node: sp.Add, done: Done) -> int:
        terms = [self._term(arg) for arg in node.args]
        negated = len(terms) > 1 and all(t.coefficient.is_negative for t in terms)
        if negated:
            terms = [Term(-t.coefficient, t.above, t.below) for t in terms]
        offset = sp.Add(*(t.coefficient for t in terms if not t.bases))
        result = self._combine("+", [self._product(t, done) for t in terms if t.bases])
        if offset != 0:
            text = constant(offset)
            operation = text if text.startswith("-") else f"+{text}"
            result = self.wiring.add(operation, placeholder(0) + offset, (result,))
        return self._scaled(sp.S.NegativeOne, result) if negated else result

    def _product(self, t: Term, done: Done) -> int:
        above = [self._raised(done[base], exponent) for base, exponent in t.above]
        below: list[int] = []
        if t.below:
            divisor = self._combine("*", [self._raised(done[base], exponent) for base, exponent in t.below])
            below = [self.wiring.add("1/x", 1 / placeholder(0), (divisor,))]
        return self._scaled(t.coefficient, self._combine("*", above, below))

    def _combine(self, operation: str, gates: Iterable[int], last: Sequence[int] = ()) -> int:
        """A gate for a sum or a product: operands by their first symbols, lone symbols last in a sum."""
        rank = self.wiring.rank
        gates = sorted(gates, key=lambda g: (operation == "+" and self.wiring.is_symbol(g), rank(g)))
        gates += last
        build = sp.Add if operation == "+" else sp.Mul
        result = gates[0]
        if self.wiring.binary:
            for gate in gates[1:]:
                result = self.wiring.add(operation, build(placeholder(0), placeholder(1)), (result, gate))
        elif len(gates) > 1:
            formula = build(*(placeholder(k) for k in range(len(gates))))
            result = self.wiring.add(operation, formula, tuple(gates))
        return result

    def _scaled(self, coefficient: sp.Expr, gate: int) -> int:
        if coefficient == 1:
            return gate
        return self.wiring.add(f"*{constant(coefficient)}", coefficient * placeholder(0), (gate,))

    def _raised(self, gate: int, exponent: sp.Expr) -> int:
        if exponent == 1:
            return gate
        text = constant(exponent)
        operation = f"^{text}" if text.isalnum() else f"^({text})"
        if exponent == sp.S.Half:
            operation = "sqrt"
        return self.wiring.add(operation, sp.Pow(placeholder(0), exponent, evaluate=False), (gate,))

    def _power(self, node: sp.Pow, done: Done) -> int:
        """A power with a varying exponent."""
        if node.base in self.varying:
            formula = placeholder(0) ** placeholder(1)
            return self.wiring.add("^", formula, (done[node.base], done[node.exp]), ordered=True)
        operation = "exp" if node.base is sp.E else f"{constant(node.base)}^x"
        return self.wiring.add(operation, node.base ** placeholder(0), (done[node.exp],))

    def _call(self, node: Any, done: Done) -> int:
        operands = self._inside(node)
        formula = substitute(node, {n: placeholder(k) for k, n in enumerate(operands)})
        gates = tuple(done[n] for n in operands)
        ordered = not isinstance(node, sp.Max | sp.Min)
        return self.wiring.add(_call_text(node, operands), formula, gates, ordered)


def _call_text(node: Any, operands: list[Any]) -> str:
    """exp, max(0, x), or a if b > 0 else c: operands are x, or a, b, c, ... in the order of the wires."""
    letters = ["x"] if len(operands) == 1 else [_letter(k) for k in range(len(operands))]
    shown = {n: sp.Symbol(letter) for n, letter in zip(operands, letters, strict=True)}
    if isinstance(node, sp.Piecewise):
        return _choice_text(node, shown)
    name = type(node).__name__
    name = _NAMES.get(name, name)
    if name == "|x|" or all(a in shown for a in node.args):
        return name
    return f"{name}({', '.join(str(shown[a]) if a in shown else constant(a) for a in node.args)})"


def _choice_text(node: sp.Piecewise, shown: dict[Any, sp.Symbol]) -> str:
    parts = []
    for value, condition in node.args:
        text = str(substitute(value, shown))
        parts.append(text if condition == sp.true else f"{text} if {substitute(condition, shown)}")
    return " else ".join(parts)


def _letter(k: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[k] if k < 26 else f"a{k}"
