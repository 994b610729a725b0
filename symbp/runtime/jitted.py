"""The `@njit` functions of a model or an expression, for callers that are compiled themselves.

Each is kept as an attribute when it is first asked for: loops over `model.kernel.forward_into(...)` find it
as fast as any other attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbp.runtime.expression import Function
    from symbp.runtime.model import Model


class ModelKernels:
    """The `@njit` functions of a model: `value_and_grad`, `forward`, `hvp`, and each with `_into`.

    `hvp` takes theta and the vector as one, the vector behind theta, and gives the derivative of the loss
    along the vector and the product of the Hessian with it.
    """

    def __init__(self, model: Model):
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name in ("value_and_grad", "value_and_grad_into"):
            kernel = self._model._gradient_kernel()
        elif name in ("forward", "forward_into"):
            kernel = self._model._forward_kernel(self._model.network.defined)
        elif name in ("hvp", "hvp_into"):
            kernel = self._model._hvp_kernel()
        else:
            raise AttributeError(name)
        found = self.__dict__[name] = kernel.jitted(name)
        return found


class FunctionKernels:
    """The compiled functions of a `Function`, for callers that are compiled themselves."""

    def __init__(self, function: Function):
        self._function = function

    def __getattr__(self, name: str) -> Any:
        what = name.removesuffix("_batch").removesuffix("_into")
        if what not in self._function._kernels:
            raise AttributeError(name)
        found = self.__dict__[name] = self._function._kernel(what).jitted(name)
        return found
