"""What a gradient check found, as a table, and the error where it failed."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.errors import GradientError, shorten


@dataclass(frozen=True)
class Comparison:
    """One method's result; `worst` names an entry or a direction."""

    method: str
    checked: int
    skipped: int
    worst: str
    analytic: float
    numeric: float
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance


@dataclass(frozen=True)
class GradientReport:
    """Prints as a table.

    Attributes:
        name: of the network.
        what: was checked.
        rows: one comparison per method.
        repeatable: whether a second run gave the same bits.
        entries: the number of variables, P and the differentiated inputs.
    """

    name: str
    rows: tuple[Comparison, ...]
    repeatable: bool
    entries: int
    dtype: str = "float64"
    notes: tuple[str, ...] = ()
    what: str = "gradient"

    @property
    def passed(self) -> bool:
        return self.repeatable and self.compared and all(r.passed for r in self.rows)

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare: not all entries at kinks or infinite."""
        return not self.rows or any(r.checked for r in self.rows)

    @property
    def worst(self) -> Comparison | None:
        """The comparison that is furthest from its tolerance upwards."""
        return max(self.rows, key=lambda r: r.error / r.tolerance, default=None)

    def __str__(self) -> str:
        lines = [f"{self.what} of {self.name}: {self.entries} entries, {self.dtype}"]
        head = f"  {'method':<20} {'checked':>8} {'skipped':>8} {'worst error':>12} {'allowed':>8}  at"
        lines.append(head)
        for r in self.rows:
            at = shorten(r.worst, 70)
            values = f" (analytic {r.analytic:.6g}, numeric {r.numeric:.6g})" if r.worst else ""
            mark = "" if r.passed else "  FAILED"
            lines.append(
                f"  {r.method:<20} {r.checked:>8} {r.skipped:>8} {r.error:>12.1e} {r.tolerance:>8.0e}  "
                f"{at}{values}{mark}"
            )
        lines.append(f"  second run: {'bitwise equal' if self.repeatable else 'DIFFERENT BITS  FAILED'}")
        lines += [f"  {note}" for note in self.notes]
        lines.append("passed" if self.passed else "FAILED")
        return "\n".join(lines)


def failure(report: GradientReport) -> GradientError:
    worst = report.worst
    if worst is None or worst.passed:
        if report.repeatable:
            return GradientError(
                f"nothing could be compared: each of {report.entries} entries is at a kink or not finite",
                report=report,
                hint="choose data and parameters at which the loss is finite and smooth",
            )
        return GradientError("a second run of the same kernel gave different bits", report=report)
    return GradientError(
        f"the {report.what} is wrong at {shorten(worst.worst, 100)}: analytic {worst.analytic:.8g}, "
        f"{worst.method} {worst.numeric:.8g}, relative error {worst.error:.1e}",
        report=report,
        hint="print the report in .report; where the loss is not smooth, choose another point",
    )
