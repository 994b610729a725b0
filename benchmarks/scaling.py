"""Time of one value and gradient over width, depth, batch and scalar operations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.contest import contest
from benchmarks.derive import scalar as scalar_network
from benchmarks.measure import Budget, interleaved
from benchmarks.peers import contender
from benchmarks.records import Record, Run
from benchmarks.workloads import Workload

PEERS = ("symbp", "jax")
AXES: dict[str, tuple[Sequence[int], Callable[[int], Workload]]] = {
    "width": (
        (16, 32, 64, 128, 256, 512, 1024),
        lambda n: Workload("width", (n, n, n, 10), 128, "tanh", "squared_error"),
    ),
    "depth": (
        (1, 2, 4, 8, 16, 32),
        lambda n: Workload("depth", (*[64] * (n + 1), 10), 128, "tanh", "squared_error"),
    ),
    "batch": (
        (1, 8, 64, 512, 4096, 32768),
        lambda n: Workload("batch", (8, 64, 64, 1), n, "tanh", "squared_error"),
    ),
}
OPERATIONS = (100, 300, 1000, 3000, 10_000)


def scaling(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    budget = Budget(min(budget.rounds, 7), budget.stretch / 2)
    for axis, (sizes, workload) in AXES.items():
        if chosen(axis):
            for size in sizes[: 2 if quick else None]:
                made = workload(size)
                makers = {n: partial(contender, n, "gradient", made) for n in PEERS}
                contest(run, f"scaling over {axis}", str(size), makers, budget, 1e-3)
    if chosen("operations"):
        for size in OPERATIONS[: 1 if quick else None]:
            _operations(run, size, budget)


def _operations(run: Run, size: int, budget: Budget) -> None:
    """One expression of so many operations: the time of a call, and that to derive and compile it."""
    import symbp as sb

    network = scalar_network(size)
    began = time.perf_counter()
    model = sb.compile(network, cache=False)
    theta = model.init(seed=0)
    model.value_and_grad(theta)
    seconds = time.perf_counter() - began
    timing = interleaved({"symbp": lambda: model.value_and_grad(theta)}, budget)["symbp"]
    run.add(Record("scaling over operations", str(size), "symbp", timing, {"build seconds": seconds}))
