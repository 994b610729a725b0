"""Activation functions, each as its formula.

All of them take a scalar expression, an indexed element, a matrix expression or an explicit Matrix, and
keep its shape. They are plain SymPy: the compiler knows none of these names, only the formulas.
"""

from __future__ import annotations

import sympy as sp

from symbp.nn.elementwise import elementwise, exp
from symbp.nn.operands import Operand, coefficient, column
from symbp.nn.reductions import total

# The constants of Klambauer et al., Self-Normalizing Neural Networks (2017), appendix A.
SELU_ALPHA = sp.Rational("1.6732632423543772")
SELU_SCALE = sp.Rational("1.0507009873554805")


def sigmoid(x: Operand) -> sp.Expr:
    """1/(1 + exp(-x)), entry by entry."""
    return elementwise(lambda t: 1 / (1 + sp.exp(-t)), x)


def tanh(x: Operand) -> sp.Expr:
    """tanh(x) = (exp(x) - exp(-x))/(exp(x) + exp(-x)), entry by entry."""
    return elementwise(sp.tanh, x)


def relu(x: Operand) -> sp.Expr:
    """max(0, x), entry by entry."""
    return elementwise(lambda t: sp.Max(0, t), x)


def leaky_relu(x: Operand, slope: Operand = 0.1) -> sp.Expr:
    """max(slope*x, x), entry by entry, for 0 < slope < 1; its derivative at 0 is the slope.

    Written as cases: SymPy orders the arguments of Max as it likes, and at a tie the first one counts.

    Raises:
        UnsupportedError: slope is not between 0 and 1.
    """
    slope = coefficient("slope", slope, lambda s: 0 < s < 1, "between 0 and 1")
    return elementwise(lambda t: sp.Piecewise((t, t > 0), (slope * t, True)), x)


def softplus(x: Operand) -> sp.Expr:
    """log(1 + exp(x)), entry by entry."""
    return elementwise(lambda t: sp.log(1 + sp.exp(t)), x)


def elu(x: Operand, alpha: Operand = 1) -> sp.Expr:
    """x where x > 0, else alpha*(exp(x) - 1), entry by entry, for alpha > 0.

    Raises:
        UnsupportedError: alpha is not positive.
    """
    alpha = coefficient("alpha", alpha, lambda a: a > 0, "positive")
    return elementwise(lambda t: sp.Piecewise((t, t > 0), (alpha * (sp.exp(t) - 1), True)), x)


def selu(x: Operand) -> sp.Expr:
    """scale*x where x > 0, else scale*alpha*(exp(x) - 1), entry by entry.

    alpha = 1.6732632423543772 and scale = 1.0507009873554805 keep mean 0 and variance 1 from layer to layer
    (Klambauer et al., 2017).
    """
    return elementwise(
        lambda t: SELU_SCALE * sp.Piecewise((t, t > 0), (SELU_ALPHA * (sp.exp(t) - 1), True)), x
    )


def gelu(x: Operand) -> sp.Expr:
    """x*Phi(x) = x/2*(1 + erf(x/sqrt(2))), entry by entry (Hendrycks and Gimpel, 2016; the exact form)."""
    return elementwise(lambda t: t / 2 * (1 + sp.erf(t / sp.sqrt(2))), x)


def silu(x: Operand) -> sp.Expr:
    """x*sigmoid(x) = x/(1 + exp(-x)), entry by entry."""
    return elementwise(lambda t: t / (1 + sp.exp(-t)), x)


def softsign(x: Operand) -> sp.Expr:
    """x/(1 + |x|), entry by entry."""
    return elementwise(lambda t: t / (1 + sp.Abs(t)), x)


# No shift by the maximum in the two below: the formula stays the textbook's, and the compiler's stabilise
# pass finds the overflow in any formula of this kind, a user's own included.


def softmax(z: Operand) -> sp.Expr:
    """exp(z)/total(exp(z)) for a column vector z (n, 1): positive entries with sum 1.

    Raises:
        ShapeError: z is not a column vector.
    """
    powers = exp(column("softmax", z))
    return powers / total(powers)


def log_softmax(z: Operand) -> sp.Expr:
    """log(softmax(z)) = z - log(total(exp(z)))*1 for a column vector z (n, 1).

    Raises:
        ShapeError: z is not a column vector.
    """
    z = column("log_softmax", z)
    log_total = sp.log(total(exp(z)))
    if isinstance(z, sp.MatrixBase):
        return z.applyfunc(lambda entry: entry - log_total)
    return z - log_total * sp.OneMatrix(z.rows, 1)
