"""Functions that only the last passes write: more accurate ways of computing what exp and log mean.

No equation of a user's and no derivative holds them before the stable forms are chosen, but for `finite`
in what is not differentiated, so that differentiation and simplification see exp and log alone. In exact
arithmetic each equals its formula.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.logic import fuzzy_and

__all__ = [
    "INTERNAL",
    "compensated_exp",
    "erfcx",
    "expm1",
    "finite",
    "first",
    "log1p",
    "one_plus_erf",
    "times_logarithm",
]


class _OfReals(sp.Function):
    """A real function of real numbers: of what may be complex, SymPy writes the size with conjugates."""

    def _eval_is_extended_real(self) -> bool | None:
        return fuzzy_and(a.is_extended_real for a in self.args)


class compensated_exp(_OfReals):
    """exp(u) where u is computed in twice the working precision.

    exp multiplies an error of its argument by the argument: at u = -x**2 = -676 the rounding of x**2
    alone costs 340 units in the last place. The generated code keeps what the operations in u round off.
    """

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self

    def _eval_evalf(self, prec: int) -> Any:
        return sp.exp(self.args[0])._eval_evalf(prec)

    def _sympystr(self, printer: Any) -> str:
        return f"exp({printer._print(self.args[0])})"


class one_plus_erf(_OfReals):
    """1 + erf(x) = erfc(-x), which SymPy turns into 2 - erfc(x): 0 at -10, where it is 2.1e-45."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * sp.exp(-(self.args[0] ** 2)) / sp.sqrt(sp.pi)

    def _eval_evalf(self, prec: int) -> Any:
        return (1 + sp.erf(self.args[0]))._eval_evalf(prec)

    def _sympystr(self, printer: Any) -> str:
        return f"(1 + erf({printer._print(self.args[0])}))"


class erfcx(_OfReals):
    """exp(x^2) erfc(x), which is about 1/(x sqrt(pi)) where erfc(x) is 0 in floating point."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * self.args[0] * self - 2 / sp.sqrt(sp.pi)

    def _eval_evalf(self, prec: int) -> Any:
        (x,) = self.args
        return (sp.exp(x**2) * sp.erfc(x))._eval_evalf(prec)


class times_logarithm(_OfReals):
    """u * v for a v that is a logarithm; 0 where u is 0 and v is infinite, which is the limit of u log(u).

    Where v is nan, so is the product.
    """

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.args[2 - argindex]

    def _eval_evalf(self, prec: int) -> Any:
        return (self.args[0] * self.args[1])._eval_evalf(prec)

    def _sympystr(self, printer: Any) -> str:
        return printer._print(sp.Mul(*self.args, evaluate=False))


class _Itself(_OfReals):
    """What is its operand to mathematics, and more to a kernel."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.One

    def _eval_evalf(self, prec: int) -> Any:
        return self.args[0]._eval_evalf(prec)


class finite(_Itself):
    """Its operand; where that is infinite, the largest number of its sign, since inf - inf is nan.

    It only stands for what is subtracted from exponents, on which no value depends.
    """

    def _sympystr(self, printer: Any) -> str:
        return printer._print(self.args[0])


class first(_Itself):
    """Its operand, computed before anything is added to it: z - m - log(s) as first(z - m) - log(s)."""

    def _sympystr(self, printer: Any) -> str:
        return f"({printer._print(self.args[0])})"


INTERNAL = (expm1, log1p, compensated_exp, one_plus_erf, erfcx, times_logarithm, finite, first)
"""All of them."""
