"""Value and gradient, products with the Hessian, inference, and a training epoch of dense networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from benchmarks.contest import contest
from benchmarks.measure import Budget
from benchmarks.multiply_add import MultiplyAdds
from benchmarks.peers import NAMES, contender
from benchmarks.records import Run
from benchmarks.workloads import WORKLOADS, Workload

TOLERANCE = 3e-4
"""Of float32 gradients that are summed in different orders."""
LARGE = 1e6
"""Operations from which on it is told how long they take at least."""
SLOW_TO_COMPILE = "torch.compile"


@dataclass(frozen=True)
class Epoch:
    """Plain gradient descent through a data set once, in minibatches, in order."""

    workload: Workload
    inputs: np.ndarray
    targets: np.ndarray
    rate: float = 0.05

    @cached_property
    def batches(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Whole batches only: JAX's scan takes no remainder."""
        n = self.workload.samples
        starts = range(0, len(self.inputs) - n + 1, n)
        return [(self.inputs[k : k + n], self.targets[k : k + n]) for k in starts]


def digits() -> Epoch:
    """scikit-learn's 1797 handwritten digits, 64-64-10, minibatches of 32."""
    from sklearn.datasets import load_digits

    data = load_digits()
    inputs = (data.data / 16).astype(np.float32)
    targets = np.eye(10, dtype=np.float32)[data.target]
    return Epoch(Workload("digits", (64, 64, 10), 32, "relu", "softmax_cross_entropy"), inputs, targets)


def gradients(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    for workload in WORKLOADS:
        if chosen(workload.name):
            peers = [n for n in NAMES if not (quick and n == SLOW_TO_COMPILE)]
            makers = {n: partial(contender, n, "gradient", workload) for n in peers}
            least = MultiplyAdds() if workload.flops >= LARGE else None
            contest(
                run,
                "value and gradient",
                workload.text,
                makers,
                budget,
                TOLERANCE,
                {"FLOP/s": workload.flops},
                least,
            )


def products(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    """The Hessian times a vector; M6 has nothing to add to M5."""
    for workload in WORKLOADS[:-1]:
        if chosen(workload.name):
            makers = {n: partial(contender, n, "product", workload) for n in NAMES}
            contest(run, "Hessian times a vector", workload.text, makers, budget, TOLERANCE)


def inference(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    seen = set()
    for base in WORKLOADS:
        for samples in (1, 256):
            workload = base.with_samples(samples)
            if (
                not chosen(workload.name)
                or (workload.sizes, samples) in seen
                or (quick and base.name in ("M5", "M6"))
            ):
                continue
            seen.add((workload.sizes, samples))
            makers = {n: partial(contender, n, "inference", workload) for n in NAMES}
            amounts = {"FLOP/s": float(workload.forward_flops)}
            contest(run, "inference", workload.text, makers, budget, TOLERANCE, amounts)


def epoch(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    try:
        task = digits()
    except ImportError:
        return
    makers = {n: partial(contender, n, "epoch", task) for n in NAMES}
    count = float(sum(len(x) for x, _ in task.batches))
    contest(run, "training epoch", task.workload.text, makers, budget, TOLERANCE, {"samples/s": count})
