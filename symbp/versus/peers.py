"""Who can run the equations of a network: NumPy both passes, JAX and PyTorch the forward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symbp.errors import UnsupportedError
from symbp.pipeline import gradient_kernel, value_kernel
from symbp.versus.arrays import Library, plan

Call = Callable[[], "tuple[Any, Any]"]
"""() -> (loss, gradient as one vector), done when it returns."""


def _program(model: Any, backward: bool) -> Any:
    kernel = (gradient_kernel if backward else value_kernel)(model.derivation, model.dtype)
    constants = {
        t.name: np.asarray(t.values, model.dtype).reshape(t.shape) for t in kernel.program.by_role("constant")
    }
    return kernel, constants


def _numpy(model: Any, theta: np.ndarray, data: Mapping[str, Any]) -> Call:
    """Both passes as derived, with products in BLAS."""
    from scipy.special import erf

    library = Library(np, np.transpose, erf)
    kernel, constants = _program(model, backward=True)
    values = {**constants, **data, **model.params(theta)}
    run = plan(kernel.program, values, library)

    def call() -> tuple[Any, Any]:
        found = run(values)
        return found[kernel.results[0]], _Late(found, list(kernel.gradient))

    return call


def _jax(model: Any, theta: np.ndarray, data: Mapping[str, Any]) -> Call:
    """One jitted value_and_grad of the forward pass."""
    import jax
    import jax.numpy as jnp

    if model.dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    library = Library(jnp, jnp.transpose, jax.scipy.special.erf)
    kernel, constants = _program(model, backward=False)
    fixed = {n: jnp.asarray(a) for n, a in constants.items()}
    arrays = {n: jnp.asarray(a) for n, a in data.items()}
    parameters = {n: jnp.asarray(a.copy()) for n, a in model.params(theta).items()}

    run = plan(kernel.program, {**fixed, **arrays, **parameters}, library)

    def loss(p: Any, arrays: Any) -> Any:
        return run({**fixed, **arrays, **p})[kernel.results[0]]

    step = jax.jit(jax.value_and_grad(loss))

    def call() -> tuple[Any, Any]:
        value, slopes = jax.block_until_ready(step(parameters, arrays))
        return value, _Late(slopes, list(parameters))

    return call


def _torch(model: Any, theta: np.ndarray, data: Mapping[str, Any]) -> Call:
    """The forward pass eagerly, torch.autograd.grad for the backward pass."""
    import torch

    library = Library(torch, torch.permute, torch.erf)
    kernel, constants = _program(model, backward=False)
    fixed = {n: torch.from_numpy(np.ascontiguousarray(a)) for n, a in {**constants, **data}.items()}
    parameters = {n: torch.tensor(a).requires_grad_() for n, a in model.params(theta).items()}
    values = {**fixed, **parameters}
    run = plan(kernel.program, values, library)

    def call() -> tuple[Any, Any]:
        value = run(values)[kernel.results[0]]
        slopes = torch.autograd.grad(value, list(parameters.values()), materialize_grads=True)
        return value.detach(), _Late(dict(zip(parameters, slopes, strict=True)), list(parameters))

    return call


class _Late:
    """Gradients by name, joined to one vector only where that is asked for: that is not to be timed."""

    def __init__(self, slopes: Mapping[str, Any], names: list[str]):
        self.slopes, self.names = slopes, names

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.concatenate([np.ravel(np.asarray(self.slopes[n])) for n in self.names]).astype(dtype)


def _sklearn(model: Any, theta: np.ndarray, data: Mapping[str, Any]) -> Call:
    raise UnsupportedError(
        "scikit-learn has no call for the value and gradient of one batch",
        hint="python -m benchmarks --only epoch compares whole epochs of training with its MLPClassifier",
    )


PEERS: dict[str, Callable[[Any, np.ndarray, Mapping[str, Any]], Call]] = {
    "numpy": _numpy,
    "jax": _jax,
    "torch": _torch,
    "sklearn": _sklearn,
}
