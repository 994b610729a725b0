"""Cold and warm start: from nothing to the first gradient, in fresh processes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable

from benchmarks.children import child
from benchmarks.measure import Budget, Timing
from benchmarks.records import Record, Run
from benchmarks.workloads import WORKLOADS, Workload

STAGES = {"spawned": "whole process", "import": "imports", "first gradient": "imports to first gradient"}
KINDS = {"cold": STAGES, "ready": {"first gradient": "derive or trace, and compile"}, "warm": STAGES}
"""With empty caches; the same after all imports; and with what the first process left in the caches."""


def start(run: Run, budget: Budget, quick: bool, chosen: Callable[[str], bool]) -> None:
    for workload in WORKLOADS[: 1 if quick else 4]:
        if chosen(workload.name):
            _start(run, workload, 1 if quick else 3)


def _start(run: Run, workload: Workload, rounds: int) -> None:
    given = json.dumps([workload.sizes, workload.samples, workload.activation, workload.loss])
    names = {"symbp": workload.name, "jax": given}
    answers: dict[tuple[str, str], list[dict[str, float]]] = {}
    notes: dict[str, str] = {}
    for _ in range(rounds):
        for peer, name in names.items():
            with tempfile.TemporaryDirectory() as cache:  # empty: cold; and again: warm
                for kind in KINDS:
                    folder = f"{cache}/ready" if kind == "ready" else cache
                    try:
                        answer = child(
                            "benchmarks.first_gradient", peer, name, kind, environment=_caches(folder)
                        )
                        answers.setdefault((peer, kind), []).append(answer)
                    except ImportError as error:
                        notes[peer] = f"absent ({error})"
                    except RuntimeError as error:
                        notes[peer] = f"FAILED: {error}"
    for kind, stages in KINDS.items():
        for stage, title in stages.items():
            for peer in names:
                subject = f"{workload.name} {kind}, {title}"
                if (peer, kind) in answers:
                    seconds = [a[stage] for a in answers[peer, kind]]
                    run.add(Record("start", subject, peer, Timing.of(seconds)))
                elif stage == "spawned":
                    run.add(Record("start", subject, peer, note=notes[peer]))


def _caches(folder: str) -> dict[str, str]:
    """Both keep compiled kernels there; JAX also those that took little time to compile."""
    return {
        "SYMBP_CACHE_DIR": f"{folder}/symbp",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
