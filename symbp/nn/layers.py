"""A dense layer, the activations and losses by name, and the equations of a multilayer perceptron."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import sympy as sp

from symbp.errors import ShapeError, UnsupportedError
from symbp.nn import activations, losses
from symbp.nn.elementwise import elementwise
from symbp.nn.operands import Operand, operand, shape_of, shape_text
from symbp.nn.symbols import label, matrix, one_hot, scalar, vector

Activation = Callable[[Operand], sp.Expr]
Loss = Callable[[Operand, Operand], sp.Expr]

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "elu": activations.elu,
        "gelu": activations.gelu,
        "leaky_relu": activations.leaky_relu,
        "log_softmax": activations.log_softmax,
        "relu": activations.relu,
        "selu": activations.selu,
        "sigmoid": activations.sigmoid,
        "silu": activations.silu,
        "softmax": activations.softmax,
        "softplus": activations.softplus,
        "softsign": activations.softsign,
        "tanh": activations.tanh,
    }
)

LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "absolute_error": losses.absolute_error,
        "binary_cross_entropy": losses.binary_cross_entropy,
        "cross_entropy": losses.cross_entropy,
        "hinge": losses.hinge,
        "huber": losses.huber,
        "mean_squared_error": losses.mean_squared_error,
        "softmax_cross_entropy": losses.softmax_cross_entropy,
        "squared_error": losses.squared_error,
    }
)

# The losses whose target may be an integer class label.
LABEL_LOSSES = ("cross_entropy", "softmax_cross_entropy")


def dense(
    W: Operand, x: Operand, b: Operand | None = None, activation: str | Activation | None = None
) -> sp.Expr:
    """activation(W*x + b): W is (m, n), x is (n, 1), b and the result are (m, 1).

    Without b or without activation that part is left out. The activation is a name in ACTIVATIONS or any
    function of a vector expression.

    Raises:
        ShapeError: W, x and b do not fit together.
        UnsupportedError: no activation of that name.
    """
    W, x = operand(W), operand(x)
    if shape_of(W) is None or shape_of(x) is None or W.shape[1] != x.shape[0]:
        raise ShapeError(
            f"W*x needs as many columns in W as rows in x, but W is {shape_text(W)}, x is {shape_text(x)}",
            equation=(W, x),
            hint="transpose a matrix with .T; dense(W, x, b) takes the weights first",
        )
    z = W * x
    if b is not None:
        b = operand(b)
        if shape_of(b) != z.shape:
            raise ShapeError(
                f"W*x + b needs equal shapes, but W*x is {shape_text(z)}, b is {shape_text(b)}",
                equation=(z, b),
                hint="declare b as vector(name, rows of W)",
            )
        z = z + b
    return z if activation is None else find_activation(activation)(z)


def find_activation(activation: str | Activation) -> Activation:
    """The activation of that name, the given function itself, or a function of SymPy entry by entry."""
    if isinstance(activation, sp.FunctionClass):
        return partial(elementwise, activation)
    return _find("activation", activation, ACTIVATIONS)


def find_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the given function itself."""
    return _find("loss", loss, LOSSES)


def _find(kind: str, wanted, table: Mapping[str, Callable]) -> Callable:
    if callable(wanted):
        return wanted
    if isinstance(wanted, str) and wanted in table:
        return table[wanted]
    raise UnsupportedError(
        f"no {kind} is called {wanted!r}", hint=f"a function, or one of: {', '.join(sorted(table))}"
    )


class MlpEquations(NamedTuple):
    """The equations of a multilayer perceptron and the roles of their symbols.

    Attributes:
        equations: z1 = W1*x + b1, a1 = activation(z1), ..., E = loss(...), in order.
        inputs: x and the target y.
        parameters: W1, b1, W2, b2, ...
        loss: E.
    """

    equations: tuple[sp.Eq, ...]
    inputs: tuple[sp.Expr, sp.Expr]
    parameters: tuple[sp.MatrixSymbol, ...]
    loss: sp.Symbol


def mlp_equations(
    sizes: Sequence[int],
    activation: str | Activation | None = "tanh",
    loss: str | Loss = "squared_error",
    output: str | Activation | None = None,
    *,
    labels: bool = False,
    normalized: bool | None = None,
) -> MlpEquations:
    """The equations of a multilayer perceptron, as a user would write them.

    For sizes (s0, ..., sL): x (s0, 1), Wk (sk, s(k-1)), bk (sk, 1),

        z1 = W1*x + b1,  a1 = activation(z1),  z2 = W2*a1 + b2,  ...,  zL = WL*a(L-1) + bL,
        aL = output(zL) where an output activation is given,  E = loss(aL or zL, y).

    The target y is (sL, 1), or with `labels` an integer class label. Where `normalized`, its entries must
    add up to 1, see `one_hot`; that is the default for a cross-entropy over classes. The softmax
    cross-entropy takes the logits zL, also where output="softmax" makes the probabilities aL available.

    Raises:
        ShapeError: fewer than two sizes, or one that is not a positive integer.
        UnsupportedError: no activation or loss of that name, or choices that do not go together.
    """
    sizes = _layer_sizes(sizes)
    loss_function = find_loss(loss)
    activation = None if activation is None else find_activation(activation)
    takes_logits = loss_function is losses.softmax_cross_entropy
    if takes_logits and output not in (None, "softmax", activations.softmax):
        raise UnsupportedError(
            "softmax_cross_entropy applies the softmax itself, to the logits",
            hint='leave out `output`, or say output="softmax" to have the probabilities as well',
        )
    # A loss of the user's own is taken at its word.
    without_labels = [function for name, function in LOSSES.items() if name not in LABEL_LOSSES]
    if labels and loss_function in without_labels:
        raise UnsupportedError(
            f"the loss {loss_function.__name__} takes no class labels",
            hint=f"use one of: {', '.join(LABEL_LOSSES)}",
        )

    x = vector("x", sizes[0])
    if normalized is None:
        normalized = any(loss_function is LOSSES[name] for name in LABEL_LOSSES)
    y = label("y") if labels else (one_hot if normalized else vector)("y", sizes[-1])
    equations: list[sp.Eq] = []
    parameters: list[sp.MatrixSymbol] = []
    signal = x
    functions = [activation] * (len(sizes) - 2) + [output]
    for k, (fan_in, fan_out, function) in enumerate(zip(sizes, sizes[1:], functions, strict=False), start=1):
        W, b, z = matrix(f"W{k}", fan_out, fan_in), vector(f"b{k}", fan_out), vector(f"z{k}", fan_out)
        parameters += [W, b]
        equations.append(_equation(z, dense(W, signal, b)))
        signal = z
        if function is not None:
            signal = vector(f"a{k}", fan_out)
            equations.append(_equation(signal, find_activation(function)(z)))
    E = scalar("E")
    equations.append(_equation(E, loss_function(z if takes_logits else signal, y)))
    return MlpEquations(tuple(equations), (x, y), tuple(parameters), E)


def _equation(name: Any, formula: Any) -> sp.Eq:
    """An equation that defines a name.

    SymPy is not asked whether it holds: it would subtract the sides, which takes longer than all the rest.
    """
    return sp.Eq(name, formula, evaluate=False)


def _layer_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        checked = tuple(operator.index(size) for size in sizes)
    except Exception:  # iterating over objects of SymPy's and others may raise anything
        checked = ()
    if len(checked) < 2 or min(checked) < 1 or any(isinstance(size, bool) for size in sizes):
        raise ShapeError(
            f"sizes must be two or more positive integers, got {sizes!r}",
            hint="(64, 32, 10) means 64 inputs, one hidden layer of 32 and 10 outputs",
        )
    return checked
