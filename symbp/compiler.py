"""`compile` and `mlp`: the two calls most users start with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symbp.errors import DataError
from symbp.network import Network, sizes
from symbp.nn.layers import mlp_equations
from symbp.runtime.expression import Function
from symbp.runtime.model import Model


def compile(
    model: Any,
    *,
    wrt: Sequence[Any] | None = None,
    args: Sequence[Any] | None = None,
    dtype: Any = "float64",
    dims: Mapping[Any, int] | None = None,
    reduction: str | None = None,
    batch: bool | None = None,
    reuse: bool | None = None,
    check: bool = False,
    cache: bool = True,
    threads: int | None = None,
    schedule: str | int | None = None,
) -> Any:
    """Compile a network, or a bare expression, into fast functions.

    Args:
        model: a `Network`, or a SymPy expression (scalar, list, `Matrix` or matrix expression).
        wrt: symbols to differentiate with respect to. For a network: its parameters by default,
            inputs may be added. For an expression: all its symbols by default.
        args: for expressions, the order of the arguments.
        dtype: "float64" or "float32".
        dims: values of symbolic dimensions, by symbol or by name; those that are missing are read
            from the data of each call, and kernels are compiled once for each set of them.
        reduction: overrides the network's "mean" or "sum".
        batch: False compiles a network's equations as they stand, without a sample axis.
        reuse: whether derivatives may be written through forward outputs where that loses relative
            accuracy: 1 - a**2 for tanh is right to rounding against its maximum, and 0 at 30 where the
            truth is 3.5e-26. By default True for networks and False for expressions.
        check: compare the compiled gradient with numerical differentiation on random data now.
        cache: False keeps the kernels off the disk.
        threads: the most threads a call may use. By default all that Numba may use, where
            there is enough to do; the environment variable NUMBA_NUM_THREADS limits them. The numbers do
            not depend on it.
        schedule: for networks, how many samples go through the whole forward and backward pass at a time:
            "fused" for as few as keep everything in a second-level cache, "layerwise" for as many as
            share the load of a large matrix, or their number. By default what suits the sizes. Sums over
            samples are rounded differently.

    Returns:
        A `Model` for a network, a `Function` for an expression.

    Raises:
        SymbpError: naming the equation that cannot be compiled, and what to write instead.
        GradientError: with check=True, where the compiled gradient is wrong.
    """
    known = sizes(dims)
    if isinstance(model, Network):
        network = _with_options(model, reduction, batch)
        compiled: Any = Model(
            network,
            dtype=dtype,
            wrt=wrt,
            dims=known,
            reuse=reuse is not False,
            cache=cache,
            threads=threads,
            schedule=schedule,
        )
    else:
        if schedule is not None:
            raise DataError("schedule= is for networks", hint="leave it out for an expression")
        compiled = Function(
            model,
            wrt=wrt,
            args=args,
            dtype=dtype,
            dims=known,
            reuse=reuse is True,
            cache=cache,
            threads=threads,
        )
    if check:
        compiled.check()
    return compiled


def mlp(
    sizes: Iterable[int],
    *,
    activation: Any = "tanh",
    loss: Any = "squared_error",
    output: Any = None,
    labels: bool = False,
    normalized: bool | None = None,
    reduction: str = "mean",
    name: str = "mlp",
) -> Network:
    """A multi-layer perceptron as the equations a user would write.

    z1 = W1 x + b1, a1 = activation(z1), ..., E = loss(last, y); inputs are called `x` and `y`,
    parameters `W1, b1, W2, b2, ...`. See `symbp.nn.mlp_equations` for the arguments.
    """
    written = mlp_equations(list(sizes), activation, loss, output, labels=labels, normalized=normalized)
    return Network(
        written.equations,
        inputs=written.inputs,
        parameters=written.parameters,
        loss=written.loss,
        reduction=reduction,
        name=name,
    )


def _with_options(network: Network, reduction: str | None, batch: bool | None) -> Network:
    if reduction is None and batch is None:
        return network
    return Network(
        network.equations,
        inputs=network.inputs,
        parameters=network.parameters,
        loss=network.loss,
        reduction=network.reduction if reduction is None else reduction,
        batch=network.batch if batch is None else batch,
        name=network.name,
    )
