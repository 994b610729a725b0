"""The machine's peak: the fastest product of two square float32 matrices that a library manages."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import Budget, interleaved


def matmul_peak(size: int, budget: Budget) -> float:
    """Operations per second, by the best library that is installed."""
    a = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    b, out = a.T.copy(), np.empty_like(a)
    calls = {"numpy": lambda: np.matmul(a, b, out=out)}
    try:
        import torch

        left, right, result = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(np.empty_like(a))
        calls["torch"] = lambda: torch.mm(left, right, out=result)
    except ImportError:
        pass
    try:
        import jax
        import jax.numpy as jnp

        product, x, y = jax.jit(jnp.matmul), jnp.asarray(a), jnp.asarray(b)
        calls["jax"] = lambda: product(x, y).block_until_ready()
    except ImportError:
        pass
    # The lower quartile: a peak is what the machine does when nobody disturbs.
    return 2 * size**3 / min(t.low for t in interleaved(calls, budget).values())
