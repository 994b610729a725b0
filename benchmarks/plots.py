"""PNG plots of a run: ratios to symbp, and times over sizes with their fitted exponents."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import exponent
from benchmarks.records import Run, is_peer, ours
from benchmarks.table import series


def plot(run: Run, folder: Path) -> list[Path]:
    """Write the plots that the records are enough for; the files.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for section in dict.fromkeys(r.section for r in run.records):
        if section == "peak memory":
            continue
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        axes = figure.add_subplot()
        drawn = _lines(axes, run, section) if section.startswith("scaling") else _bars(axes, run, section)
        if not drawn:
            continue
        path = folder / f"{section.replace(' ', '_')}.png"
        figure.savefig(path, dpi=150)
        written.append(path)
    return written


def _lines(axes, run: Run, section: str) -> bool:
    records = run.of(section)
    for peer in dict.fromkeys(r.peer for r in records if r.timing):
        sizes, seconds = series(records, peer)
        label = f"{peer}, exponent {exponent(sizes, seconds):.2f}" if len(sizes) > 1 else peer
        axes.loglog(sizes, seconds, "o-", label=label)
    built = [(int(r.subject), r.amount["build seconds"]) for r in records if "build seconds" in r.amount]
    if built:
        sizes, seconds = map(list, zip(*built, strict=True))
        slope = f", exponent {exponent(sizes, seconds):.2f}" if len(sizes) > 1 else ""
        axes.loglog(sizes, seconds, "s--", label=f"derive and compile{slope}")
    axes.set_xlabel(section.removeprefix("scaling over "))
    axes.set_ylabel("seconds per value and gradient")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    return True


def _bars(axes, run: Run, section: str) -> bool:
    """Time of each peer over that of symbp, a group for each subject."""
    records = [r for r in run.of(section) if r.timing]
    subjects = [s for s in dict.fromkeys(r.subject for r in records) if ours(_about(records, s))]
    peers = [p for p in dict.fromkeys(r.peer for r in records) if is_peer(p)]
    if not subjects or not peers:
        return False
    width = 0.8 / len(peers)
    for k, peer in enumerate(peers):
        places, ratios = [], []
        for at, subject in enumerate(subjects):
            row = {r.peer: r.timing.median for r in _about(records, subject)}
            if peer in row:
                places.append(at + (k - (len(peers) - 1) / 2) * width)
                ratios.append(row[peer] / row["symbp"])
        axes.bar(places, ratios, width, label=peer)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.set_xticks(range(len(subjects)), subjects, rotation=20, ha="right", fontsize=7)
    axes.set_ylabel("time of the peer / time of symbp")
    axes.set_title(section)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside the bars, not on them
    return True


def _about(records, subject):
    return [r for r in records if r.subject == subject]
