"""Scalar models: evaluations of value and derivatives together, or of the Hessian, and the time until the
first of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial

from benchmarks.children import child
from benchmarks.contest import contest
from benchmarks.measure import Budget, Timing
from benchmarks.peers import OURS
from benchmarks.records import Record, Run, is_ours
from benchmarks.scalar.models import MODELS
from benchmarks.scalar.peers import PEERS, make

TOLERANCE = 1e-9
SAMPLES = (1, 1000)
QUICK_SIZES = {
    "pendulum": (2,),
    "mixture": (2,),
    "kinetics": (8, 10),
    "rosenbrock": (3,),
    "curved mixture": (2,),
}


def scalar(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    for name, build in MODELS.items():
        if not chosen(name):
            continue
        model = build(*QUICK_SIZES[name]) if quick else build()
        for samples in SAMPLES[1:] if quick else SAMPLES:
            points = model.points(samples)
            makers = {peer: partial(make, peer, model, points) for peer in PEERS}
            subject = f"{model.name} N={samples}"
            contest(run, "scalar models", subject, makers, budget, TOLERANCE, {"evaluations/s": samples})
        if not quick:
            _builds(run, name, model.name)


def _builds(run: Run, name: str, title: str) -> None:
    for peer in PEERS:
        if peer != OURS and is_ours(peer):
            continue  # it is compiled in the same way
        subject = f"{title}: derive and compile"
        try:
            with tempfile.TemporaryDirectory() as cache:
                environment = {"SYMBP_CACHE_DIR": cache}
                answer = child("benchmarks.scalar.build", name, peer, environment=environment)
            run.add(Record("scalar models", subject, peer, Timing.of([answer["seconds"]])))
        except ImportError as error:
            run.add(Record("scalar models", subject, peer, note=f"absent ({error})"))
        except RuntimeError as error:
            run.add(Record("scalar models", subject, peer, note=f"FAILED: {error}"))
