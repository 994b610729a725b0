"""A kernel that is given all it takes, results and workspaces too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbp.machine.callable import Function
from symbp.runtime.often import Often


class Into:
    """Runs a function; when it is called often, by the short way.

    Attributes:
        function: machine code, or a function of Numba where there is none.
    """

    def __init__(self, function: Any):
        self.function = function
        self._often = Often("direct_into", function) if isinstance(function, Function) else None
        self._short: Callable[..., bool | None] | None = None

    def __call__(self, *arguments: Any) -> None:
        """Run it.

        Raises:
            TypeError, ValueError, MemoryError: as `symbp.machine.callable.Function`.
        """
        if self._short is None and self._often is not None:
            self._short = self._often() or self._short
        if self._short is None or not self._short(*arguments):
            self.function(*arguments)
