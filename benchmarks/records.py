"""What a run has found: records for JSON, tables and plots."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import Timing
from benchmarks.peers import OURS

OWN = ("symbp", "sympy", "numpy", "numba")
PACKAGES = (*OWN, "jax", "torch", "scikit-learn", "onnxruntime", "casadi", "symengine")


LEAST = "multiply-adds"
"""No contender: what the floating-point operations of one take at least, on all cores."""


@dataclass(frozen=True)
class Record:
    """One contender at one thing.

    Attributes:
        section, subject, peer: what was measured, on what, of whom.
        timing: seconds per call; None where `note` says why there is none.
        amount: another quantity, by name and unit ("GFLOP/s", "bytes", "samples").
        note: "absent (jax)" or "FAILED: ...".
    """

    section: str
    subject: str
    peer: str
    timing: Timing | None = None
    amount: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def failed(self) -> bool:
        return self.note.startswith("FAILED")


@dataclass
class Run:
    """All records of a run, and the machine they are from."""

    machine: dict[str, Any]
    records: list[Record] = field(default_factory=list)
    peak: float | None = None

    def add(self, record: Record) -> None:
        self.records.append(record)

    def of(self, section: str) -> list[Record]:
        return [r for r in self.records if r.section == section]

    def as_json(self) -> dict[str, Any]:
        return {"machine": self.machine, "peak": self.peak, "records": [asdict(r) for r in self.records]}


def best_peer(records: list[Record]) -> Record | None:
    """The fastest that is not symbp."""
    timed = [r for r in records if r.timing and is_peer(r.peer)]
    return min(timed, key=lambda r: r.timing.median, default=None)  # type: ignore[union-attr]


def is_ours(peer: str) -> bool:
    """Whether this is symbp, called in one way or another ("symbp, bound")."""
    return peer.split(",")[0] == OURS


def is_peer(peer: str) -> bool:
    return not is_ours(peer) and peer != LEAST


def ours(records: list[Record]) -> Record | None:
    return next((r for r in records if r.peer == OURS and r.timing), None)


def machine() -> dict[str, Any]:
    """Processor, cores, load and versions."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "absent"
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": [round(n, 2) for n in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
