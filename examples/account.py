"""What the examples share: a table on the terminal and a place for plots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

OUTPUT = Path(__file__).resolve().parent / "output"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings; floats with six digits."""
    cells = [[f"{c:.6g}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    widths = [max(len(line[k]) for line in [list(headings), *cells]) for k in range(len(headings))]
    for line in [list(headings), ["-" * w for w in widths], *cells]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print()


def save(figure, name: str) -> None:
    """Write a figure to examples/output/."""
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"{name}.png"
    figure.set_layout_engine("constrained")  # else labels reach into the next panel
    figure.savefig(path, dpi=120, bbox_inches="tight")
    print(f"plot: {path.relative_to(OUTPUT.parent.parent)}")


def draw(circuit, name: str) -> None:
    """Print a circuit, and write its picture to examples/output/."""
    OUTPUT.mkdir(exist_ok=True)
    print(f"{circuit}\n")
    for ending in ("svg", "png"):
        circuit.save(OUTPUT / f"{name}.{ending}")
    print(f"circuit: examples/output/{name}.svg")
