"""Scalar SymPy bodies as three-address code.

Sharing is by hash-consing twice over: a dict keyed by expression, and value numbering of the
instructions. Walks are iterative: a body may have 20,000 nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.codegen.twofold import exponential
from symbp.errors import UnsupportedError
from symbp.ir.functions import compensated_exp, finite, first, one_plus_erf, times_logarithm
from symbp.ir.nodes import BATCH, Access, Index
from symbp.ir.walk import is_leaf, postorder

Instruction = tuple
LEAVES = ("const", "int", "load", "local")
COMPARE = {sp.Lt: "<", sp.Le: "<=", sp.Gt: ">", sp.Ge: ">=", sp.Eq: "==", sp.Ne: "!="}
_UNARY = """exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sign floor ceiling
erf erfc erfcx gamma loggamma"""
UNARY = frozenset(_UNARY.split())
SMALL_POWER = 64


@dataclass(frozen=True)
class Position:
    """One integer index: const + sum of coefficient * term; terms are Python text."""

    const: int
    terms: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        parts = [name if c == 1 else f"-{name}" if c == -1 else f"{c}*{name}" for name, c in self.terms]
        text = " + ".join(parts).replace("+ -", "- ")
        if not parts:
            return str(self.const)
        return text + (f" {'+' if self.const > 0 else '-'} {abs(self.const)}" if self.const else "")


class Code:
    """A straight line of instructions; an operand is the number of the instruction it comes from."""

    def __init__(self) -> None:
        self.lines: list[Instruction] = []
        self.known: dict[Instruction, int] = {}

    def __call__(self, op: str, *args: Any) -> int:
        line = (op, *args)
        if line not in self.known:
            self.known[line] = len(self.lines)
            self.lines.append(line)
        return self.known[line]

    def const(self, value: float) -> int:
        return self("const", repr(float(value)))

    def operands(self, number: int) -> tuple[int, ...]:
        line = self.lines[number]
        return () if line[0] in LEAVES else line[2:] if line[0] == "call" else line[1:]

    def size(self, roots: list[int]) -> int:
        """The number of instructions the roots need, leaves without loads excluded."""
        return sum(self.lines[k][0] not in ("const", "int", "local") for k in self.needed(roots))

    def needed(self, roots: list[int]) -> list[int]:
        """The instructions the roots depend on, in order."""
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            number = stack.pop()
            if number not in seen:
                seen.add(number)
                stack.extend(self.operands(number))
        return sorted(seen)


class Translator:
    """Appends the value of SymPy bodies to a `Code`.

    Attributes:
        code: what is appended to.
        read: gives the number of the instruction that holds an access.
        names: loop variable by index.
        single: whether the code runs in float32.
    """

    def __init__(
        self, code: Code, read: Callable[[Access], int], names: Mapping[Index, str], single: bool = False
    ):
        self.code = code
        self.read = read
        self.names = names
        self.single = single
        self.done: dict[sp.Basic, int] = {}

    def __call__(self, root: sp.Basic) -> int:
        for node in postorder([root], leaf=_leaf):
            if node not in self.done and not isinstance(node, ExprCondPair):
                self.done[node] = self._node(node)
        return self.done[root]

    def _node(self, node: Any) -> int:
        code = self.code
        if isinstance(node, Access):
            return self.read(node)
        if isinstance(node, Index):
            return code("int", self.names[node])
        if node == BATCH:
            return code("int", "samples")
        if isinstance(node, sp.logic.boolalg.BooleanAtom):
            return code("const", "True" if bool(node) else "False")
        if node.is_Number or isinstance(node, sp.NumberSymbol):
            return code.const(number(node))
        if isinstance(node, sp.Add):
            return self._sum(node)
        if isinstance(node, sp.Mul):
            return self._product(node)
        if isinstance(node, sp.Pow):
            return self._power(node)
        if isinstance(node, sp.Piecewise):
            return self._piecewise(node)
        return self._function(node)

    def _function(self, node: Any) -> int:
        code = self.code
        if isinstance(node, compensated_exp):
            return exponential(code, node.args[0], self.done.__getitem__, self.single)
        args = [self.done[a] for a in node.args if not (isinstance(node, sp.polygamma) and a is node.args[0])]
        for kind, sign in COMPARE.items():
            if isinstance(node, kind):
                return code(sign, *args)
        if isinstance(node, sp.And | sp.Or):
            return self._chain("and" if isinstance(node, sp.And) else "or", args)
        if isinstance(node, sp.Not):
            return code("not", *args)
        if isinstance(node, sp.Max | sp.Min):
            return self._chain("max" if isinstance(node, sp.Max) else "min", args)
        if isinstance(node, sp.Abs):
            return code("abs", *args)
        if isinstance(node, sp.polygamma):
            if not node.args[0].is_Integer or node.args[0].is_negative:
                raise UnsupportedError("polygamma needs a constant integer order", equation=node)
            return code("call", f"_polygamma_{int(node.args[0])}" if node.args[0] else "digamma", args[-1])
        if isinstance(node, one_plus_erf):
            return code("call", "erfc", code("neg", *args))
        if isinstance(node, first):
            return args[0]
        if isinstance(node, finite):
            return clamp(code, args[0], self.single)
        if isinstance(node, times_logarithm):
            u, v = args
            is_zero = code("and", code("==", u, code.const(0)), code("==", v, v))  # v is no nan
            return code("select", is_zero, code.const(0), code("*", u, v))
        if isinstance(node, sp.atan2):
            return code("call", "atan2", *args)
        name = type(node).__name__
        if name in UNARY:
            return code("call", name, *args)
        raise UnsupportedError(f"no code for the function {name}", equation=node)

    def _chain(self, op: str, args: list[int]) -> int:
        result = args[0]
        for arg in args[1:]:
            result = self.code(op, result, arg)
        return result

    def _sum(self, node: sp.Add) -> int:
        """A sum, the values of functions last: z - max(z) - log(s) keeps log(s) where z is 1e30."""
        terms = sorted(((_is_call(a), _is_negative(a), k) for k, a in enumerate(node.args)))
        first = next((t for t in terms if not t[1]), terms[0])
        result = self.done[node.args[first[2]]]
        for term in terms:
            if term is first:
                continue
            arg = node.args[term[2]]
            if term[1]:
                result = self.code("-", result, self._product(arg, flip=True))
            else:
                result = self.code("+", result, self.done[arg])
        return result

    def _product(self, node: sp.Mul, flip: bool = False) -> int:
        """A product, with all negative powers in one division; `flip` computes its negative."""
        code = self.code
        above, below = [], []
        sign = -1 if flip else 1
        for arg in node.args:
            if arg is sp.S.NegativeOne:
                sign = -sign
            elif arg.is_Number:
                value = number(arg)
                if value < 0:
                    value, sign = -value, -sign
                if value != 1:
                    above.append(code.const(value))
            elif (
                isinstance(arg, sp.Pow)
                and arg.exp.is_Number
                and arg.exp.is_negative
                and not arg.base.is_number
            ):
                below.append(self._raise(self.done[arg.base], -arg.exp))
            else:
                above.append(self.done[arg])
        result = self._chain("*", above) if above else code.const(1)
        if below:
            divisor = self._chain("*", below)
            # The number of samples is the same in all rounds of a loop, and so is its reciprocal, which
            # rounds a mean by no more than its sum was.
            many = above and code.lines[divisor] == ("int", "samples")
            result = (
                code("*", result, code("/", code.const(1), divisor)) if many else code("/", result, divisor)
            )
        return code("neg", result) if sign < 0 else result

    def _power(self, node: sp.Pow) -> int:
        base, exponent = node.base, node.exp
        if base is sp.E or base == sp.E:
            return self.code("call", "exp", self.done[exponent])
        if exponent.is_Number and exponent.is_negative and exponent not in (sp.S.NegativeInfinity,):
            return self.code("/", self.code.const(1), self._raise(self.done[base], -exponent))
        if exponent.is_Number:
            return self._raise(self.done[base], exponent)
        return self.code("pow", self.done[base], self.done[exponent])

    def _raise(self, base: int, exponent: sp.Number) -> int:
        """A power with a positive constant exponent."""
        code = self.code
        if exponent == sp.S.Half:
            return code("sqrt", base)
        if exponent.is_Integer and 0 < int(exponent) <= SMALL_POWER:
            result, square, rest = None, base, int(exponent)
            while rest:
                if rest & 1:
                    result = square if result is None else code("*", result, square)
                rest >>= 1
                if rest:
                    square = code("*", square, square)
            assert result is not None
            return result
        if exponent == sp.Rational(3, 2):
            return code("*", base, code("sqrt", base))
        return code("pow", base, code.const(number(exponent)))

    def _piecewise(self, node: sp.Piecewise) -> int:
        pairs = list(node.args)
        if pairs[-1].cond == True:  # noqa: E712  (SymPy's true is no bool)
            result = self.done[pairs.pop().expr]
        else:
            result = self.code.const(float("nan"))
        for pair in reversed(pairs):
            result = self.code("select", self.done[pair.cond], self.done[pair.expr], result)
        return result


def clamp(code: Code, value: int, single: bool) -> int:
    """The number itself, but the largest ones in place of infinite ones; nan stays.

    Constants come first: a greater or smaller of two, of which the first is no nan, is one instruction.
    """
    largest = float(np.finfo(np.float32 if single else np.float64).max)
    return code("min", code.const(largest), code("max", code.const(-largest), value))


def _is_call(term: sp.Basic) -> bool:
    return any(
        isinstance(f, sp.Function) and not isinstance(f, sp.Piecewise | sp.Abs | first)
        for f in sp.Mul.make_args(term)
    )


def _is_negative(term: sp.Basic) -> bool:
    """Whether it is subtracted as a term: a product with a negative number in front."""
    return isinstance(term, sp.Mul) and bool(term.args[0].is_Number and term.args[0].is_negative)


def _leaf(node: sp.Basic) -> bool:
    return is_leaf(node)


def number(node: Any) -> float:
    """A SymPy number as a float; those beyond the range of floats are infinite."""
    try:
        return float(node)
    except OverflowError:
        return float("inf") if node > 0 else float("-inf")
    except TypeError:
        return float("nan")


def affine(position: sp.Expr, text: Callable[[sp.Expr], str]) -> Position:
    """An integer expression as a `Position`; what is not affine becomes a term of its own."""
    const = 0
    terms: dict[str, int] = {}
    for part in sp.Add.make_args(sp.expand(position) if position.args else position):
        if part.is_Integer:
            const += int(part)
            continue
        coefficient, rest = part.as_coeff_Mul()
        if not coefficient.is_Integer:
            coefficient, rest = sp.S.One, part
        name = text(rest)
        terms[name] = terms.get(name, 0) + int(coefficient)
    return Position(const, tuple(terms.items()))


def integer_text(node: Any, names: Mapping[Index, str], read: Callable[[Access], str]) -> str:
    """Python text of an integer expression or of a condition between such."""

    def text(n: Any) -> str:
        return integer_text(n, names, read)

    if isinstance(node, Access):
        return read(node)
    if isinstance(node, Index):
        return names[node]
    if node == BATCH:
        return "samples"
    if node.is_Integer:
        return str(int(node))
    if isinstance(node, sp.logic.boolalg.BooleanAtom):
        return str(bool(node))
    if isinstance(node, sp.Add):
        first, *rest = sorted(node.args, key=lambda a: bool(a.could_extract_minus_sign()))
        out = text(first)
        for arg in rest:
            out += f" - {text(-arg)}" if arg.could_extract_minus_sign() else f" + {text(arg)}"
        return f"({out})"
    if isinstance(node, sp.Mul):
        return "(" + "*".join(text(a) for a in node.args) + ")"
    if isinstance(node, sp.floor):
        above, below = node.args[0].as_numer_denom()
        return f"({text(above)} // {text(below)})"
    if isinstance(node, sp.Mod):
        return f"({text(node.args[0])} % {text(node.args[1])})"
    for kind, sign in COMPARE.items():
        if isinstance(node, kind):
            return f"{text(node.args[0])} {sign} {text(node.args[1])}"
    if isinstance(node, sp.And | sp.Or):
        word = " and " if isinstance(node, sp.And) else " or "
        return word.join(f"({text(a)})" for a in node.args)
    if isinstance(node, sp.Not):
        return f"not ({text(node.args[0])})"
    raise UnsupportedError("no code for this index", equation=node)
