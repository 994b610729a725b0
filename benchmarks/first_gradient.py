"""A fresh process up to its first gradient: python -m benchmarks.first_gradient PEER WORKLOAD [ready]

With `ready` each peer has compiled something else before the clock starts: all modules it needs are imported,
and what it sets up once per process is there.
"""

import json
import sys
import time
from itertools import pairwise

began = time.perf_counter()


def symbp(name, ready):
    import numpy as np

    import symbp as sb
    from benchmarks.workloads import WORKLOADS

    if ready:
        import sympy as sp

        x, W, E = sb.vector("x", 3), sb.matrix("W", 3, 3), sp.Symbol("E")
        net = sb.Network([sp.Eq(E, sb.squared_error(W * x, x))], inputs=[x], parameters=[W], loss=E)
        model = sb.compile(net, dtype="float64")  # micro-kernels for float32 are still to be compiled
        model.value_and_grad(model.init(seed=0), x=np.ones((2, 3)))
    imported = time.perf_counter()
    workload = next(w for w in WORKLOADS if w.name == name)
    model = sb.compile(
        sb.mlp(workload.sizes, activation=workload.activation, loss=workload.loss), dtype="float32"
    )
    theta = model.init(seed=0)
    x, y = workload.data
    assert np.isfinite(model.value_and_grad(theta, x=x, y=y)[1]).all()
    return imported


def jax(name, ready):
    """The network's own workloads module imports symbp: the sizes are handed over instead."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    if ready:
        square = jax.value_and_grad(lambda W, x: jnp.sum((x @ W - x) ** 2))
        jax.block_until_ready(jax.jit(square)(np.ones((3, 3), np.float32), np.ones((2, 3), np.float32)))
    imported = time.perf_counter()
    sizes, samples, activation, kind = json.loads(name)

    def loss(parameters, x, y):
        for W, b in parameters[:-1]:
            x = (jnp.tanh if activation == "tanh" else jax.nn.relu)(x @ W + b)
        z = x @ parameters[-1][0] + parameters[-1][1]
        if kind == "squared_error":
            return 0.5 * jnp.mean(jnp.sum((z - y) ** 2, axis=1))
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))

    random = np.random.default_rng(0)
    parameters = [
        (random.standard_normal((m, n), dtype=np.float32), np.zeros(n, np.float32))
        for m, n in pairwise(sizes)
    ]
    x = random.standard_normal((samples, sizes[0]), dtype=np.float32)
    y = random.standard_normal((samples, sizes[-1]), dtype=np.float32)
    jax.block_until_ready(jax.jit(jax.value_and_grad(loss))(parameters, x, y))
    return imported


if __name__ == "__main__":
    imported = {"symbp": symbp, "jax": jax}[sys.argv[1]](sys.argv[2], "ready" in sys.argv[3:])
    ended = time.perf_counter()
    print(json.dumps({"import": imported - began, "first gradient": ended - imported, "now": time.time()}))
