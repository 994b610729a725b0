"""One file per peer; a peer that is not installed is absent, which is no error.

A module may have any of

    gradient(workload) -> (call, result)     value and gradient; result() is (loss, flat gradient)
    product(workload) -> (call, result)      the Hessian times `workload.direction`; result() is flat
    inference(workload) -> (call, result)    the last pre-activation; result() is (N, s_L)
    epoch(task) -> (call, result)            one epoch of training; result() is the flat parameters

`call` is what is timed: warm, compiled, and done when it returns. `result` converts for the comparison.
Each raises ImportError where its library is missing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

NAMES = ("symbp", "numpy", "jax", "torch", "torch.compile", "sklearn", "onnxruntime")
OURS = "symbp"

Contender = tuple[Callable[[], Any], Callable[[], Any]]


def contender(peer: str, what: str, subject: Any) -> Contender | str | None:
    """The call and its result; why it is absent; or None where the peer does not do such a thing."""
    try:
        module = importlib.import_module(f"benchmarks.peers.{peer.replace('.', '_')}_")
        make = getattr(module, what, None)
        return None if make is None else make(subject)
    except ImportError as error:
        return f"absent ({error.name or error})"
