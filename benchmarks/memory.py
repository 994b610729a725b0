"""Peak memory of a large batch beyond the data itself."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.children import child
from benchmarks.measure import Budget
from benchmarks.records import Record, Run


def memory(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    samples = 10_000 if quick else 1_000_000
    for peer in ("symbp", "jax", "torch"):
        subject = f"M3's net, N={samples:,}"
        try:
            answer = child("benchmarks.peak_memory", peer, str(samples))
            amount = {"bytes": float(answer["growth"]), "bytes of data": float(answer["data"])}
            run.add(Record("peak memory", subject, peer, amount=amount))
        except ImportError as error:
            run.add(Record("peak memory", subject, peer, note=f"absent ({error})"))
        except RuntimeError as error:
            run.add(Record("peak memory", subject, peer, note=f"FAILED: {error}"))
