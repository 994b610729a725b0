"""The records of a run as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.measure import exponent
from benchmarks.records import LEAST, Record, Run, best_peer, ours
from symbp.stages import duration


def show(run: Run, section: str, console: Console) -> None:
    """The records of one section: a row for each subject, a column for each peer."""
    records = run.of(section)
    if not records:
        return
    if section.startswith("scaling"):
        console.print(_scaling(section, records))
    elif section == "peak memory":
        console.print(_memory(records))
    else:
        console.print(_times(section, records, run.peak))
    for record in records:
        if record.failed:
            console.print(Text(f"{record.subject}, {record.peer}: {record.note}", style="red"))


def _times(section: str, records: list[Record], peak: float | None) -> Table:
    peers = list(dict.fromkeys(r.peer for r in records if r.peer != LEAST))
    peers += [LEAST] * any(r.peer == LEAST for r in records)
    table = Table(title=section, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", overflow="fold")
    for peer in peers:
        table.add_column(peer, justify="right")
    rated = any("FLOP/s" in r.amount for r in records)
    for heading in ("best peer ÷ symbp", "JAX ÷ symbp", *["symbp GFLOP/s", "of peak", "of FMA"] * rated):
        table.add_column(heading, justify="right")
    for subject in dict.fromkeys(r.subject for r in records):
        row = [r for r in records if r.subject == subject]
        cells = {r.peer: _cell(r) for r in row}
        own, best = ours(row), best_peer(row)
        jax = next((r for r in row if r.peer.lower() == "jax" and r.timing), None)
        rate = own.amount.get("FLOP/s") if own else None
        least = next((r for r in row if r.peer == LEAST), None)
        rates = [f"{rate / 1e9:.3g}" if rate else "", f"{rate / peak:.0%}" if rate and peak else ""] * rated
        rates += [_share(least, own)] * rated
        table.add_row(
            subject, *(cells.get(p, "") for p in peers), _ratio(best, own), _ratio(jax, own), *rates
        )
    return table


def _cell(record: Record) -> str:
    """The median, and the distance of the quartiles in percent of it."""
    if record.timing is None:
        return "FAILED" if record.failed else "absent"
    spread = f" ±{record.timing.spread / 2:.0%}" if record.timing.rounds > 1 else ""
    return duration(record.timing.median) + spread


def _share(least: Record | None, own: Record | None) -> str:
    """The least time of the operations as a share of the time taken."""
    if least is None or own is None or least.timing is None or own.timing is None:
        return ""
    return f"{least.timing.median / own.timing.median:.0%}"


def _ratio(other: Record | None, own: Record | None) -> Text:
    if other is None or own is None or other.timing is None or own.timing is None:
        return Text("")
    ratio = other.timing.median / own.timing.median
    return Text(f"{ratio:.2f}", style="green" if ratio >= 1 else "red")


def _memory(records: list[Record]) -> Table:
    table = Table(title="peak memory beyond the data", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("", "peer", "MB", "MB of data"):
        table.add_column(heading, justify="right" if "MB" in heading else "left")
    for r in records:
        megabytes = [f"{r.amount[k] / 1e6:.1f}" if r.amount else "" for k in ("bytes", "bytes of data")]
        table.add_row(r.subject, r.peer, *(megabytes if r.amount else [r.note.split()[0], ""]))
    return table


def series(records: Iterable[Record], peer: str) -> tuple[list[int], list[float]]:
    """Sizes and seconds of one peer."""
    pairs = [(int(r.subject), r.timing.median) for r in records if r.peer == peer and r.timing]
    return [size for size, _ in pairs], [seconds for _, seconds in pairs]


def _scaling(section: str, records: list[Record]) -> Table:
    peers = list(dict.fromkeys(r.peer for r in records if r.timing))
    table = Table(
        section.removeprefix("scaling over "), title=section, title_justify="left", box=box.SIMPLE_HEAD
    )
    for peer in peers:
        table.add_column(peer, justify="right")
    builds = any("build seconds" in r.amount for r in records)
    if builds:
        table.add_column("derive and compile", justify="right")
    for subject in dict.fromkeys(r.subject for r in records):
        row = {r.peer: r for r in records if r.subject == subject}
        cells = [_cell(row[p]) if p in row else "" for p in peers]
        if builds:
            cells.append(duration(row[peers[0]].amount["build seconds"]))
        table.add_row(f"{int(subject):,}", *cells)
    table.add_section()
    slopes = []
    for peer in peers:
        sizes, seconds = series(records, peer)
        slopes.append(f"{exponent(sizes, seconds):.2f}" if len(sizes) > 1 else "")
    if builds:
        own = [r for r in records if "build seconds" in r.amount]
        sizes = [int(r.subject) for r in own]
        slopes.append(
            f"{exponent(sizes, [r.amount['build seconds'] for r in own]):.2f}" if len(own) > 1 else ""
        )
    table.add_row("exponent", *slopes)
    return table
