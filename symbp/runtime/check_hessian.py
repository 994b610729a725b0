"""Second derivatives against numerical differentiation of the first.

What is checked is the gradient of a sum of first derivatives, weighted by fixed random numbers: the Hessian
times the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from symbp.ir.evaluate import evaluate
from symbp.network import symbol_name
from symbp.runtime.check import passed, problem_of, random_data, rounded
from symbp.runtime.check_function import check_function
from symbp.runtime.gradient_report import GradientReport

WHAT = "Hessian"


def check_model_hessian(
    model: Any, theta: Any = None, data: Mapping[str, Any] | None = None, *, seed: int = 0
) -> GradientReport:
    """Check `model.hvp`; arguments and errors are those of `symbp.runtime.check.check_gradient`."""
    from symbp import pipeline

    arrays = random_data(model, seed=seed) if data is None else dict(data)
    theta, arrays = rounded(model, model.init(seed) if theta is None else theta, arrays)
    layout = model._gradient_kernel().gradient
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, layout.size).astype(model.dtype)

    def slope(t: np.ndarray, inputs: Mapping[str, Any]) -> float:
        return float(weights.astype(float) @ model.value_and_grad(t, data=inputs)[1].astype(float))

    first, again = (model.hvp(theta, weights, data=arrays) for _ in range(2))
    problem, split = problem_of(model, theta, arrays, (slope(theta, arrays), first), ())
    kernel = pipeline.gradient_kernel(model.derivation)

    def value(v: np.ndarray) -> float:
        return slope(*split(v.astype(model.dtype)))

    def interpreted(v: np.ndarray) -> complex:
        t, inputs = split(v)
        found = evaluate(kernel.program, {**model.params(t), **inputs}, v.dtype)
        return complex(weights @ np.concatenate([np.ravel(found[name]) for name in kernel.gradient]))

    same = first.tobytes() == again.tobytes()
    return passed(problem, value, interpreted, same, model.network.name, WHAT)


def check_function_hessian(function: Any, args: Sequence[Any] = ()) -> GradientReport:
    """Check `function.hessian`; arguments and errors are those of `symbp.runtime.check_function`."""
    return check_function(_Slopes(function), args, WHAT)


class _Slopes:
    """The first derivatives of a function as a function of several values, whose Jacobian is the Hessian."""

    def __init__(self, function: Any):
        self._function = function
        derivation = function._kernels["value_and_grad"].derivation
        names = [derivation.gradients[symbol_name(s)] for s in function.wrt]
        tensors = derivation.forward_program.tensors
        entries = sum(int(np.prod(tensors[symbol_name(s)].shape, dtype=int)) for s in function.wrt)
        self._shape = (entries,)
        # The interpreter runs the statements of the gradient.
        first = SimpleNamespace(
            forward_program=derivation.backward_program, network=SimpleNamespace(defined=names)
        )
        self._kernels = {"value": SimpleNamespace(derivation=first)}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)

    def __call__(self, *args: Any) -> np.ndarray:
        return self._function.jacobian(*args)[..., 0, :]

    def jacobian(self, *args: Any) -> np.ndarray:
        return self._function.hessian(*args)
