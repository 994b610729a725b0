"""JAX: one jitted function, arrays on the device beforehand, done when the result is there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workloads import Workload, flat


def forward(parameters, x, activation):
    """Weights are (inputs, outputs) here, as JAX users keep them: x @ W without a transposition."""
    for W, b in parameters[:-1]:
        z = x @ W + b
        x = jnp.tanh(z) if activation == "tanh" else jax.nn.relu(z)
    W, b = parameters[-1]
    return x @ W + b


def loss(parameters, x, y, activation, kind):
    z = forward(parameters, x, activation)
    if kind == "squared_error":
        return 0.5 * jnp.mean(jnp.sum((z - y) ** 2, axis=1))
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))


def on_device(parameters):
    return [(jnp.asarray(W.T.copy()), jnp.asarray(b)) for W, b in parameters]


def compiled(workload: Workload):
    """The jitted value and gradient of a workload, as a function of (parameters, x, y)."""
    return jax.jit(
        jax.value_and_grad(lambda p, x, y: loss(p, x, y, workload.activation, workload.loss)),
    )


def gradient(workload: Workload):
    step = compiled(workload)
    parameters = on_device(workload.parameters)
    x, y = map(jnp.asarray, workload.data)

    def call():
        return jax.block_until_ready(step(parameters, x, y))

    def result():
        value, gradients = call()
        return value, flat([(W.T, b) for W, b in gradients])

    return call, result


def product(workload: Workload):
    """The tangent of the gradient, forward over reverse, as JAX's documentation advises."""
    slope = jax.grad(lambda p, x, y: loss(p, x, y, workload.activation, workload.loss))
    run = jax.jit(lambda p, v, x, y: jax.jvp(lambda p: slope(p, x, y), (p,), (v,))[1])
    parameters, direction = on_device(workload.parameters), on_device(workload.direction)
    x, y = map(jnp.asarray, workload.data)

    def call():
        return jax.block_until_ready(run(parameters, direction, x, y))

    return call, lambda: flat([(W.T, b) for W, b in call()])


def inference(workload: Workload):
    run = jax.jit(lambda p, x: forward(p, x, workload.activation))
    parameters, x = on_device(workload.parameters), jnp.asarray(workload.data[0])

    def call():
        return run(parameters, x).block_until_ready()

    return call, call


def epoch(task):
    """The whole epoch is one jitted scan, which is the fastest way there is."""
    workload, rate = task.workload, np.float32(task.rate)
    x = jnp.stack([x for x, _ in task.batches])
    y = jnp.stack([y for _, y in task.batches])
    slope = jax.grad(lambda p, x, y: loss(p, x, y, workload.activation, workload.loss))

    @jax.jit
    def run(parameters):
        def step(p, batch):
            return jax.tree.map(lambda a, g: a - rate * g, p, slope(p, *batch)), None

        return jax.lax.scan(step, parameters, (x, y))[0]

    start = on_device(workload.parameters)

    def call():
        return jax.block_until_ready(run(start))

    return call, lambda: flat([(W.T, b) for W, b in call()])
