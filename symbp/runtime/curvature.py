"""Second derivatives: the methods of models and functions that ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from symbp.runtime.compiled import Compiled
from symbp.runtime.hessian_products import HessianProducts
from symbp.runtime.kernels import KernelSet
from symbp.runtime.short_ways import ShortWays
from symbp.runtime.unit_vectors import hessian_by_columns
from symbp.runtime.validate import merge


class ModelCurvature:
    """The methods of a model for second derivatives."""

    _open: list[str]
    _curved: KernelSet
    _hessian_products: HessianProducts

    if TYPE_CHECKING:

        def _closed(
            self, arrays: dict[str, Any] | None = None, theta: Any = None
        ) -> tuple[Any, dict[str, Any]]: ...

        def _need_loss(self) -> str: ...

    def hvp(
        self,
        theta: Any,
        vector: Any,
        *,
        data: Any = None,
        check_finite: bool = False,
        **inputs: Any,
    ) -> np.ndarray:
        """The product of the Hessian of the loss with a vector, in two to three times the time of a gradient.

        It is what `scipy.optimize.minimize(..., hessp=)` and Newton's method with conjugate gradients ask
        for: the Hessian itself, of P^2 entries, is not made.

        Args:
            vector: of the shape of the gradient, (P,).
            theta, data, inputs, check_finite: as in `value_and_grad`.

        Returns:
            An array of shape (P,).

        Raises:
            DataError: an argument is not what the model takes.
        """
        arrays = inputs if data is None else merge(data, inputs)
        if self._open:
            model, arrays = self._closed(arrays, theta)
            return model.hvp(theta, vector, data=arrays, check_finite=check_finite)
        self._need_loss()
        return self._hessian_products(theta, vector, arrays, check_finite)

    def hessian(
        self, theta: Any = None, *, data: Any = None, check_finite: bool = False, **inputs: Any
    ) -> np.ndarray:
        """The Hessian of the loss, of shape (P, P): P products with unit vectors, see `hvp`.

        Raises:
            DataError: an argument is not what the model takes, or P^2 numbers do not fit into memory.
        """
        arrays = merge(data, inputs)
        if self._open:
            model, arrays = self._closed(arrays, theta)
            return model.hessian(theta, data=arrays, check_finite=check_finite)
        self._need_loss()
        return self._hessian_products.hessian(theta, arrays, check_finite)

    def check_hessian(self, theta: Any = None, *, data: Any = None, **inputs: Any) -> Any:
        """Compare `hvp` with numerical differentiation of the gradient, as `check` does for that.

        Raises:
            GradientError: they disagree; names the worst entry.
        """
        from symbp.runtime.check_hessian import check_model_hessian

        model, arrays = self._closed(merge(data, inputs), theta)
        return check_model_hessian(model, theta, arrays or None)

    def _hvp_kernel(self) -> Compiled:
        self._need_loss()
        return self._curved.hvp()


class FunctionCurvature:
    """The methods of a function for second derivatives."""

    dtype: str
    wrt: tuple[Any, ...]
    _open: list[str]
    _pointwise: bool
    _ways: ShortWays

    if TYPE_CHECKING:

        def _closed(self, args: tuple[Any, ...] | None = None) -> tuple[Any, tuple[Any, ...]]: ...

        def _admit(self, args: Sequence[Any]) -> tuple[tuple[int, ...], list[np.ndarray]]: ...

        def _long(self, what: str, args: Sequence[Any]) -> tuple[tuple[int, ...], list[np.ndarray]]: ...

        def _own_method(self, name: str) -> Any: ...

        def _need_one_value(self, hint: str) -> None: ...

    def hessian(self, *args: Any) -> np.ndarray:
        """All second derivatives of an expression with one value.

        They have the shape (..., n, n), where ... is the shape that the arguments broadcast to, and n the
        number of entries of the symbols of `wrt`, which are taken one after the other.

        Raises:
            NetworkError: the expression has several values.
            DataError: as for a call.
        """
        if self._open:
            function, args = self._closed(args)
            return function.hessian(*args)
        self._need_one_value("compile the one whose Hessian you want by itself")
        if not self.wrt:
            return np.zeros((*self._admit(args)[0], 0, 0), self.dtype)
        if not self._pointwise:
            return hessian_by_columns(cast(Any, self), args)
        method = self._own_method("hessian")
        return self._ways("hessian", "one", method, self._hessian, args)(*args)

    def _hessian(self, *args: Any) -> np.ndarray:
        found = self._ways.by_threads("hessian", "one", args)
        return self._long("hessian", args)[1][0] if found is None else found

    def check_hessian(self, *args: Any) -> Any:
        """Compare `hessian` with numerical differentiation of the gradient, as `check` does for that.

        Raises:
            GradientError: they disagree.
            NetworkError: the expression has several values.
        """
        from symbp.runtime.check_hessian import check_function_hessian

        function, args = self._closed(args or None)
        function._need_one_value("compile the one whose Hessian you want by itself")
        return check_function_hessian(function, args)
