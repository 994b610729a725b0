"""How long the passes take."""

from __future__ import annotations

import time
from typing import Any


class Clock:
    """Calls a pass and adds the time it took to `seconds`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Any, *args: Any) -> Any:
        start = time.perf_counter()
        result = work(*args)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return result
