"""The short ways from Python into the kernels of a function, made when those are called often enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symbp.runtime.arguments import count_arguments
from symbp.runtime.compiled import Compiled
from symbp.runtime.often import Often
from symbp.runtime.validate import Slot


class ShortWays:
    """Finds the short ways of one function.

    Args:
        kernel: gives the kernel of a name.
        names, slots: of the arguments.

    Attributes:
        found: what has been made, by the name of the kernel.
    """

    def __init__(self, kernel: Callable[[str], Compiled], names: Sequence[str], slots: Sequence[Slot]):
        self._kernel, self._names, self._slots = kernel, names, slots
        self.found: dict[str, Callable[..., Any]] = {}
        self._often: dict[str, Often] = {}

    def __call__(
        self, what: str, form: str, method: Any, otherwise: Callable[..., Any], args: tuple[Any, ...]
    ) -> Callable[..., Any]:
        """The short way into a kernel, or `otherwise`.

        Args:
            what: the name of the kernel.
            form: see `symbp.runtime.direct.direct_samples`.
            method: the bound method that it stands for, which calls of it need not go through any more: that
                would take as long again. None for what is called by no name.
            otherwise: to what the short way leaves arguments that it does not take.
            args: of this call.
        """
        found = self.found.get(what)
        if found is not None:
            return found
        often = self._often.get(what)
        if often is None:
            count_arguments(self._names, args)
            alone = bool(args) and np.ndim(args[0]) == len(self._slots[0].shape)
            given = self._kernel(what), self._slots, form, alone, method, otherwise
            often = Often("direct_samples", *given)
        found = self._often.setdefault(what, often)()
        if found is None:
            return otherwise
        self.found[what] = found
        if method is not None:
            vars(method.__self__)[method.__name__] = found
        return found

    def by_threads(self, what: str, form: str, args: tuple[Any, ...]) -> Any:
        """The results for so many samples that threads share them, by a short way; None for others."""
        kernel = self._kernel(what)
        if not args or type(args[0]) is not np.ndarray or args[0].size < kernel.call.fewest_shared:
            return None
        key = f"{what} by threads"
        way = self.found.get(key)
        if way is None:
            often = self._often.get(key) or Often("direct_shared", kernel, self._slots, form)
            way = self._often.setdefault(key, often)()
            if way is None:
                return None
            self.found[key] = way
        return way(*args)
