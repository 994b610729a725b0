"""Work in fresh processes: what a start, a derivation or a large batch costs shows only there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class ChildFailed(RuntimeError):
    """The process ended with an error; the message is the end of what it said."""


def child(module: str, *arguments: str, environment: dict[str, str] | None = None, limit: float = 600) -> Any:
    """Run `python -m MODULE ARGUMENTS` and read the last line it prints as JSON.

    A dict gets an entry "spawned": seconds from before the process was there to the "now" it reports.

    Raises:
        ImportError: the process found a library missing.
        ChildFailed: it ended otherwise, or not within `limit` seconds.
    """
    # An installed package has its byte code: no peer compiles its own sources at every start.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    began = time.time()
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True,
            text=True,
            timeout=limit,
            env={**inherited, "PYTHONPATH": path, **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"{module} {' '.join(arguments)}: not done after {limit:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        if last.startswith(("ImportError", "ModuleNotFoundError")):
            raise ImportError(last)
        raise ChildFailed(f"{module} {' '.join(arguments)}: {last[:300]}")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if isinstance(answer, dict) and "now" in answer:
        answer["spawned"] = answer.pop("now") - began
    return answer
