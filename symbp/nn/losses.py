"""Loss functions of one sample, each as its formula: loss(prediction, target) is a scalar.

Prediction and target are two scalars, or two vectors or matrices of equal shape; mixed shapes raise
ShapeError. The two cross-entropies over classes also take an integer class label as the target.
"""

from __future__ import annotations

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from symbp.errors import UnsupportedError
from symbp.nn.activations import log_softmax
from symbp.nn.elementwise import absolute, elementwise, exp, log, square
from symbp.nn.operands import (
    Operand,
    coefficient,
    column,
    fresh_symbol,
    is_explicit,
    is_matrix,
    operand,
    same_shape,
)
from symbp.nn.reductions import hadamard, mean, squared_norm, total


def squared_error(prediction: Operand, target: Operand) -> sp.Expr:
    """1/2 sum_k (a_k - y_k)^2."""
    a, y = same_shape("squared_error", prediction=prediction, target=target)
    return total(square(a - y)) / 2


def mean_squared_error(prediction: Operand, target: Operand) -> sp.Expr:
    """1/n sum_k (a_k - y_k)^2, where n is the number of entries."""
    a, y = same_shape("mean_squared_error", prediction=prediction, target=target)
    return mean(square(a - y))


def absolute_error(prediction: Operand, target: Operand) -> sp.Expr:
    """sum_k |a_k - y_k|."""
    a, y = same_shape("absolute_error", prediction=prediction, target=target)
    return total(absolute(a - y))


def huber(prediction: Operand, target: Operand, delta: Operand = 1) -> sp.Expr:
    """sum_k h(a_k - y_k), h(r) = r^2/2 where |r| <= delta, else delta*(|r| - delta/2) (Huber, 1964).

    Raises:
        UnsupportedError: delta is not positive.
    """
    a, y = same_shape("huber", prediction=prediction, target=target)
    delta = coefficient("delta", delta, lambda d: d > 0, "positive")

    def penalty(r: sp.Expr) -> sp.Expr:
        size = sp.Abs(r)
        return sp.Piecewise((r**2 / 2, size <= delta), (delta * (size - delta / 2), True))

    return total(elementwise(penalty, a - y))


def hinge(score: Operand, target: Operand) -> sp.Expr:
    """sum_k max(0, 1 - y_k s_k), for targets y_k = -1 or +1."""
    s, y = same_shape("hinge", score=score, target=target)
    return total(elementwise(lambda margin: sp.Max(0, 1 - margin), hadamard(y, s)))


def binary_cross_entropy(prediction: Operand, target: Operand) -> sp.Expr:
    """-sum_k (y_k log p_k + (1 - y_k) log(1 - p_k)), for probabilities p_k and targets y_k in [0, 1]."""
    p, y = same_shape("binary_cross_entropy", prediction=prediction, target=target)
    if_one = hadamard(y, log(p))
    if_zero = hadamard(elementwise(lambda t: 1 - t, y), elementwise(lambda t: sp.log(1 - t), p))
    return -total(if_one + if_zero)


def cross_entropy(prediction: Operand, target: Operand) -> sp.Expr:
    """-sum_k y_k log p_k, for probabilities p; with an integer label y in 0..n-1, -log p[y].

    Raises:
        ShapeError: the shapes differ, and the target is not a label for a column vector p.
        UnsupportedError: the target is a number that is no label of p.
    """
    p, y = operand(prediction), operand(target)
    if is_matrix(p) and not is_matrix(y):
        # The logarithm of the entry, not the entry of the logarithm: the other p may be 0.
        return -sp.log(_entry_at("cross_entropy", p, y))
    p, y = same_shape("cross_entropy", prediction=p, target=y)
    return -total(hadamard(y, log(p)))


def softmax_cross_entropy(logits: Operand, target: Operand) -> sp.Expr:
    """-sum_k y_k log softmax(z)_k = -sum_k y_k (z_k - log total(exp(z))), for probabilities y (n, 1).

    With an integer label y in 0..n-1: log(total(exp(z))) - z[y].

    Raises:
        ShapeError: the logits are not a column vector, or the target is of another shape.
        UnsupportedError: the target is a number that is no label of z.
    """
    z, y = column("softmax_cross_entropy", logits), operand(target)
    if not is_matrix(y):
        return sp.log(total(exp(z))) - _entry_at("softmax_cross_entropy", z, y)
    z, y = same_shape("softmax_cross_entropy", logits=z, target=y)
    return -total(hadamard(y, log_softmax(z)))


def l2_penalty(strength: Operand, *weights: Operand) -> sp.Expr:
    """strength/2 * (||W1||^2 + ||W2||^2 + ...), for strength >= 0.

    Raises:
        UnsupportedError: strength is negative or not a scalar, or no weights are given.
    """
    factor = coefficient("strength, the first argument,", strength, lambda s: s >= 0, "0 or positive")
    if not weights:
        raise UnsupportedError("l2_penalty has no weights", hint="l2_penalty(strength, W1, W2)")
    return factor / 2 * sp.Add(*(squared_norm(W) for W in weights))


def _entry_at(what: str, v: sp.Expr, label: sp.Expr) -> sp.Expr:
    """v[label] as sum_k delta(k, label) v[k]: the label is data, so no entry can be picked beforehand."""
    n = column(what, v).shape[0]
    if label.is_integer is False or (label.is_number and not _is_label(label, n)):
        raise UnsupportedError(
            f"{what} of a vector ({n}, 1) takes a target of the same shape or an integer label in 0..n-1,"
            f" got {label}",
            hint="label(name) makes a class label, vector(name, n) a one-hot target",
        )
    if is_explicit(v):
        return sp.Add(*(sp.KroneckerDelta(k, label) * v[k] for k in range(n)))
    k = fresh_symbol("k", [v, label], integer=True)
    # MatrixElement, not v[k, 0]: indexing W*x + b would write out the product, one term per column of W.
    return sp.Sum(sp.KroneckerDelta(k, label) * MatrixElement(v, k, 0), (k, 0, n - 1))


def _is_label(number: sp.Expr, n: sp.Expr) -> bool:
    return isinstance(number, sp.Integer) and number >= 0 and (number < n) != sp.false
