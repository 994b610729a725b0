"""python -m benchmarks: symbp against its peers, in one table. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from pathlib import Path

from rich.console import Console

from benchmarks import memory, networks, peak, scaling, start, structures
from benchmarks.measure import FULL, QUICK
from benchmarks.records import Run, machine
from benchmarks.scalar import section as scalar_section
from benchmarks.scalar.models import MODELS
from benchmarks.table import show
from benchmarks.workloads import WORKLOADS

SECTIONS = {
    "gradients": networks.gradients,
    "products": networks.products,
    "inference": networks.inference,
    "epoch": networks.epoch,
    "structures": structures.structures,
    "scalar": scalar_section.scalar,
    "memory": memory.memory,
    "start": start.start,
    "scaling": scaling.scaling,
}
PARTS = {
    "gradients": [w.name for w in WORKLOADS],
    "products": [w.name for w in WORKLOADS[:-1]],
    "inference": [w.name for w in WORKLOADS],
    "structures": list(structures.STRUCTURES),
    "start": [w.name for w in WORKLOADS],
    "scalar": list(MODELS),
    "scaling": [*scaling.AXES, "operations"],
}
"""The names inside a section that --only may pick."""


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0, or 1 where a contender failed or computed something else than symbp."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 190)
    logging.disable(logging.WARNING)  # XLA and Inductor talk
    warnings.filterwarnings("ignore")
    budget = QUICK if options.quick else FULL
    run = Run(machine())
    console.print(f"{run.machine['processor']}, {run.machine['cores']} cores, load {run.machine['load']}")
    console.print(", ".join(f"{k} {v}" for k, v in run.machine["versions"].items()) + "\n")
    names = set(options.only or ())
    wanted = {s: f for s, f in SECTIONS.items() if not names or s in names or names & set(PARTS.get(s, ()))}
    if {"gradients", "inference"} & set(wanted):
        run.peak = peak.matmul_peak(512 if options.quick else 2048, budget)
        console.print(f"peak: {run.peak / 1e9:.0f} GFLOP/s, the fastest float32 matrix product\n")
    for section, measure in wanted.items():
        parts = names & set(PARTS.get(section, ()))
        before = {r.section for r in run.records}
        measure(run, budget, options.quick, lambda name, parts=parts: not parts or name in parts)
        for title in dict.fromkeys(r.section for r in run.records):
            if title not in before:
                show(run, title, console)
        if options.json:  # after every section: a run that is cut short has something to show
            options.json.write_text(json.dumps(run.as_json(), indent=1))
    if options.plots:
        from benchmarks.plots import plot

        for path in plot(run, options.plots):
            console.print(str(path))
    return int(any(r.failed for r in run.records))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    known = [*SECTIONS, *dict.fromkeys(n for parts in PARTS.values() for n in parts)]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="for errors, not for times: under two minutes")
    parser.add_argument("--only", action="append", metavar="NAME", choices=known, help=", ".join(known))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all records")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write PNG files")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
