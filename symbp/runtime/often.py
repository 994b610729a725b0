"""What is made for kernels that are called often: short ways from Python into them.

What writes them is imported when the first one is made: a process that calls a few times starts without it.
They are made under the lock of all that is compiled, so that no child is forked meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbp.runtime.lock import MAKING

OFTEN = 4
"""Calls of a kernel after which its short way is made, which takes some 30 ms."""


class Often:
    """Makes a short way after some calls.

    Args:
        make: the name of a function of `symbp.runtime.direct`.
        arguments: what it is called with.
    """

    def __init__(self, make: str, *arguments: Any):
        self._make, self._arguments, self._calls = make, arguments, 0

    def __call__(self) -> Callable[..., Any] | None:
        """The short way, at the last of `OFTEN` calls, if there is one; else None."""
        self._calls += 1
        if self._calls != OFTEN:
            return None
        with MAKING:
            from symbp.runtime import direct

            return getattr(direct, self._make)(*self._arguments)
