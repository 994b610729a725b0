"""Value and gradient of one network by symbp and by others, compared and then timed in turns."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbp.errors import DataError, UnsupportedError, shorten
from symbp.versus.peers import PEERS, Call

ROUNDS, STRETCH, PAUSE = 9, 0.02, 0.004
TOLERANCE = {"float32": 1e-3, "float64": 1e-8}


@dataclass(frozen=True)
class Timing:
    """One contender: seconds per call as the median of rounds; None and a reason where it is absent."""

    name: str
    seconds: float | None
    note: str = ""


def versus(model: Any, theta: np.ndarray, data: Mapping[str, Any], names: Iterable[str]) -> list[Timing]:
    """Times of value and gradient, symbp's first; a library that is not installed is noted as absent.

    The libraries run the equations as they were derived: NumPy both passes, JAX (jitted) and PyTorch
    (eager) the forward pass, which they differentiate themselves.

    Args:
        model: a compiled network whose `wrt` are its parameters.
        data: inputs by name, as `model.value_and_grad` takes them.
        names: of PEERS.

    Raises:
        UnsupportedError: no such peer, or the network has something that it cannot express.
        DataError: a library computes something else than symbp.
    """
    data = {n: _cast(v, model.dtype) for n, v in data.items()}
    calls: dict[str, Call] = {"symbp": lambda: model.value_and_grad(theta, data=data)}
    found = {}
    for name in names:
        if name not in PEERS:
            raise UnsupportedError(f"{shorten(name, 80)!r} is none of {', '.join(PEERS)}")
        try:
            calls[name] = PEERS[name](model, theta, data)
        except ImportError as error:
            found[name] = Timing(name, None, f"absent ({error.name or error})")
    want = calls["symbp"]()
    for name, call in calls.items():
        _agree(name, call(), want, TOLERANCE[model.dtype])
    found |= {name: Timing(name, seconds) for name, seconds in _medians(calls).items()}
    return [found[name] for name in ("symbp", *names)]


def _cast(values: Any, dtype: str) -> np.ndarray:
    array = np.asarray(values)
    return array if array.dtype.kind in "iu" else np.ascontiguousarray(array, dtype)


def _agree(name: str, got: tuple[Any, Any], want: tuple[Any, Any], tolerance: float) -> None:
    for own, other in zip(got, want, strict=True):
        own, other = np.asarray(own, np.float64), np.asarray(other, np.float64)
        scale = max(float(np.max(np.abs(other), initial=0.0)), 1e-30)
        error = (
            float(np.max(np.abs(own - other), initial=0.0)) / scale if own.shape == other.shape else np.inf
        )
        if not error <= tolerance:
            raise DataError(f"{name} computes something else: off by {error:.1e} of the largest entry")


def _medians(calls: Mapping[str, Call]) -> dict[str, float]:
    """Seconds per call. Rounds are interleaved, with a pause in which the threads of others fall asleep."""
    counts: dict[str, int] = {}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for name, call in calls.items():
        call()
        began = time.perf_counter()
        call()
        counts[name] = max(1, int(STRETCH / max(time.perf_counter() - began, 1e-7)))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            time.sleep(PAUSE)
            call()
            began = time.perf_counter()
            for _ in range(counts[name]):
                call()
            seconds[name].append((time.perf_counter() - began) / counts[name])
    return {name: float(np.median(own)) for name, own in seconds.items()}
