"""Times that can be compared on a busy machine: interleaved repeats, medians, spreads; and agreement first.

Peers keep thread pools whose threads spin for a while after a call, waiting for the next. Before each
measured stretch everyone is therefore asleep for a moment, and the one who is measured is called once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Budget:
    """How much to measure.

    Attributes:
        rounds: stretches of calls per contender, interleaved with those of the others.
        stretch: seconds that a stretch lasts at least.
        pause: seconds of sleep before each stretch, so that the threads of the one before stop spinning
            and the system spreads those of the next over the cores.
    """

    rounds: int = 15
    stretch: float = 0.05
    pause: float = 0.15


QUICK = Budget(rounds=3, stretch=0.001, pause=0.001)
FULL = Budget()


@dataclass(frozen=True)
class Timing:
    """Seconds per call: the median of the rounds, and their quartiles."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        low, median, high = np.percentile(seconds, [25, 50, 75])
        return cls(float(median), float(low), float(high), len(seconds))

    def times(self, factor: float) -> Timing:
        return Timing(self.median * factor, self.low * factor, self.high * factor, self.rounds)

    @property
    def spread(self) -> float:
        """The distance of the quartiles, as a share of the median."""
        return (self.high - self.low) / self.median


def interleaved(calls: Mapping[str, Callable[[], Any]], budget: Budget) -> dict[str, Timing]:
    """Seconds per call of each contender. The order turns by one each round."""
    repeats = {name: _repeats(call, budget.stretch) for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(budget.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            call, count = calls[name], repeats[name]
            time.sleep(budget.pause)
            call()
            seconds[name].append(_seconds(call, count) / count)
    return {name: Timing.of(own) for name, own in seconds.items()}


def _repeats(call: Callable[[], Any], stretch: float) -> int:
    """How many calls last about `stretch` seconds.

    Where they do, it is asked again: one of them may have compiled what the following ones use.
    """
    for _ in range(2):
        call()
    count = 1
    while count < 1 << 20:
        took = _seconds(call, count)
        if took >= stretch / 2 and (took := min(took, _seconds(call, count))) >= stretch / 2:
            return max(1, round(count * stretch / took))
        count *= 4
    return count


def _seconds(call: Callable[[], Any], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - began


class Disagreement(AssertionError):
    """Two contenders do not compute the same: times of theirs must not be compared."""


def agree(name: str, got: Any, want: Any, tolerance: float) -> None:
    """Raise Disagreement unless the largest difference is below tolerance x the largest wanted entry."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape:
        raise Disagreement(f"{name}: shape {got.shape}, not {want.shape}")
    error = float(np.max(np.abs(got - want), initial=0.0))
    scale = float(np.max(np.abs(want), initial=0.0))
    if not error <= tolerance * scale:
        raise Disagreement(f"{name}: off by {error:.3g}, where the largest entry is {scale:.3g}")


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """p of seconds ~ size^p over the upper half of the sizes, where fixed costs matter least."""
    half = len(sizes) // 2 if len(sizes) > 3 else 0
    return float(np.polyfit(np.log(sizes[half:]), np.log(seconds[half:]), 1)[0])
