"""Every constant inside a formula is a finite real number that float64 can hold.

SymPy computes with constants while expressions are being built, exactly and to any size, so `9**9**9`
would never come back. Here each new expression is measured before the next operation uses it: its value
where it is a constant, and its size. Values and sizes are remembered per sub-expression, so measuring
costs time linear in what is new, although expressions share their parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import sympy as sp

from symbp.spec.limits import MAX_EXPONENT, MAX_SIZE

_MAX_PARTS = 30  # of a constant such as sqrt(2/pi); SymPy's questions about its sign are exponential in this
_MAX_BITS = 2_200  # of a numerator or denominator; float64 spans 2**-1074 to 2**1024

_VALUES: dict[type, Callable[..., float]] = {
    sp.exp: math.exp,
    sp.log: math.log,
    sp.sin: math.sin,
    sp.cos: math.cos,
    sp.tan: math.tan,
    sp.asin: math.asin,
    sp.acos: math.acos,
    sp.atan: math.atan,
    sp.atan2: math.atan2,
    sp.sinh: math.sinh,
    sp.cosh: math.cosh,
    sp.tanh: math.tanh,
    sp.asinh: math.asinh,
    sp.acosh: math.acosh,
    sp.atanh: math.atanh,
    sp.erf: math.erf,
    sp.erfc: math.erfc,
    sp.gamma: math.gamma,
    sp.loggamma: math.lgamma,
    sp.Abs: abs,
    sp.sign: lambda x: math.copysign(1.0, x) if x else 0.0,
    sp.floor: math.floor,
    sp.ceiling: math.ceil,
    sp.Max: max,
    sp.Min: min,
    sp.Add: lambda *terms: math.fsum(terms),
    sp.Mul: lambda *factors: math.prod(factors),
    sp.Pow: math.pow,
}


class ConstantError(ValueError):
    """A constant is not a finite real number, or an expression is too large.

    Attributes:
        hint: what to write instead.
    """

    def __init__(self, problem: str, hint: str = "symbp computes with real numbers that float64 holds"):
        self.hint = hint
        super().__init__(problem)


class Measure:
    """Values and sizes of expressions, remembered for the time that one formula is read."""

    def __init__(self) -> None:
        self._values: dict[sp.Basic, float | None] = {}
        self._sizes: dict[sp.Basic, int] = {}

    def check(self, expression: sp.Basic) -> None:
        """Refuse constants that are not finite and real, and expressions that are too large.

        Raises:
            ConstantError: with the reason.
        """
        if self.size(expression) > MAX_SIZE:
            raise ConstantError(
                f"the expression grows beyond {MAX_SIZE:,} operations", "name its parts in equations before"
            )
        self.value(expression)

    def size(self, expression: sp.Basic) -> int:
        """Number of nodes of the expression's tree, shared parts counted each time they occur."""
        known = self._sizes.get(expression)
        if known is None:
            known = 1
            if not isinstance(expression, (sp.MatrixSymbol, sp.Rational)):
                known += sum(self.size(arg) for arg in expression.args)
            self._sizes[expression] = known
        return known

    def value(self, expression: sp.Basic) -> float | None:
        """The value of a constant in float64; None where the expression holds symbols.

        Raises:
            ConstantError: where the constant is infinite, undefined or not real.
        """
        if expression not in self._values:
            self._values[expression] = self._compute(expression)
        return self._values[expression]

    def _compute(self, expression: sp.Basic) -> float | None:
        if expression in (sp.S.ComplexInfinity, sp.S.Infinity, sp.S.NegativeInfinity, sp.S.NaN):
            raise ConstantError("a constant is infinite or undefined (a division by zero?)")
        if expression is sp.S.ImaginaryUnit:
            raise ConstantError("a constant is not a real number (the root of a negative number?)")
        if isinstance(expression, sp.Rational):
            return _rational(expression)
        if isinstance(expression, (sp.Float, sp.NumberSymbol)):
            return _finite(float(expression))
        rule = _VALUES.get(type(expression))
        if rule is None:
            return None
        # Every argument is measured, also after a symbol was met: this is where an infinity is noticed.
        values = [self.value(arg) for arg in expression.args]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        try:
            value = float(rule(*known))
        except (OverflowError, ValueError, ZeroDivisionError):
            hint = "it is beyond the range of float64, or outside of the function's real domain"
            raise ConstantError("a constant is not a finite real number", hint) from None
        if self.size(expression) > _MAX_PARTS:
            raise ConstantError(f"a constant has more than {_MAX_PARTS} parts", "write its value")
        return _finite(value)

    def check_power(self, base: sp.Basic, exponent: sp.Basic) -> None:
        """Refuse giant powers before SymPy computes them.

        Raises:
            ConstantError: with the reason.
        """
        value = self.value(exponent)
        if value is None:
            return
        if abs(value) > MAX_EXPONENT:
            raise ConstantError(
                f"a constant exponent is larger than {MAX_EXPONENT:,}",
                "write exp(n*log(x)), or a smaller one",
            )
        if base == 0 and value < 0:
            raise ConstantError("a constant is divided by zero")


def _rational(number: sp.Rational) -> float:
    if max(int(number.p).bit_length(), int(number.q).bit_length()) > _MAX_BITS:
        raise ConstantError("a constant is beyond the range of float64")
    value = _finite(float(number))
    if value == 0 and number != 0:
        raise ConstantError("a constant is too small for float64")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ConstantError("a constant is beyond the range of float64")
    return value
