"""One subject, several contenders: make each, compare what they compute, then time them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.measure import Budget, agree, interleaved
from benchmarks.multiply_add import MultiplyAdds
from benchmarks.peers import Contender
from benchmarks.records import LEAST, Record, Run

Make = Callable[[], "Contender | str | None"]


def contest(
    run: Run,
    section: str,
    subject: str,
    makers: Mapping[str, Make],
    budget: Budget,
    tolerance: float,
    amounts: Mapping[str, float] | None = None,
    least: MultiplyAdds | None = None,
) -> None:
    """Add a record for each contender. Who fails or disagrees with the first one is not timed.

    Args:
        makers: by peer, what makes its call and result; the first is what the others must agree with.
        tolerance: of the largest difference, as a share of the largest entry.
        amounts: operations of one call by unit, recorded per second.
        least: timed with the others, for what so many floating-point operations take at least.
    """
    calls: dict[str, Callable[[], Any]] = {}
    notes: dict[str, str] = {}
    want: list[np.ndarray] | None = None
    for peer, make in makers.items():
        try:
            made = make()
            if made is None:
                continue
            if isinstance(made, str):
                notes[peer] = made
                continue
            call, result = made
            got = _parts(result())
            if want is None:
                want = got
            for own, other in zip(got, want, strict=True):
                agree(peer, own, other, tolerance)
            calls[peer] = call
        except Exception as error:  # whatever one contender does, the table shows the others
            notes[peer] = f"FAILED: {type(error).__name__}: {str(error)[:200]}"
    timings = interleaved({**calls, LEAST: least} if least else calls, budget)
    if least:
        share = (amounts or {})["FLOP/s"] / least.operations
        run.add(Record(section, subject, LEAST, timings[LEAST].times(share)))
    for peer in makers:
        if peer in timings:
            timing = timings[peer]
            rates = {unit: count / timing.median for unit, count in (amounts or {}).items()}
            run.add(Record(section, subject, peer, timing, rates))
        elif peer in notes:
            run.add(Record(section, subject, peer, note=notes[peer]))


def _parts(result: Any) -> list[np.ndarray]:
    """A value and its gradient are compared apart: the one may be much larger than the other."""
    return [np.asarray(part, np.float64) for part in (result if isinstance(result, tuple) else (result,))]
