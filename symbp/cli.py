"""The command `symbp`: derive, show, check, compile, train and time a model file.

Exit codes: 0 where all went well, 1 where the model file, its data or its gradient are at fault, 2 for wrong
usage of the command.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

import symbp
from symbp.errors import GradientError, SymbpError, shorten
from symbp.export import export
from symbp.pipeline import derive
from symbp.runtime.check import check_gradient, random_data
from symbp.spec import CheckOptions, TrainOptions, load
from symbp.train import fit, read_samples
from symbp.view.cost import arithmetic


class _Reported(TyperGroup):
    """A group whose commands end with a message and exit code 1 where symbp raises an error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SymbpError as error:
            title = type(error).__name__
            Console(stderr=True).print(Panel(Text(str(error)), title=title, title_align="left", style="red"))
            raise typer.Exit(1) from None
        except MemoryError as error:
            Console(stderr=True).print(Text(f"this model needs more memory than there is: {error}"))
            raise typer.Exit(1) from None


class _DType(str, Enum):
    float64 = "float64"
    float32 = "float32"


app = typer.Typer(
    cls=_Reported,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compile equations into gradient-checked Numba kernels.",
)

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A model file (TOML).", show_default=False)]
DType = Annotated[_DType | None, typer.Option("--dtype", help="The model file's choice unless given.")]


@app.callback()
def _app() -> None:
    pass


@app.command()
def run(spec: SpecFile, dtype: DType = None) -> None:
    """Derive, print the formulas, check the gradient, train if the file says so, and time a call."""
    out = Console()
    work = _Work(spec, dtype, out)
    model = work.model
    out.print(f"[bold]{_safe(work.spec.name)}[/bold]: {work.summary()}\n")
    _print_plain(out, str(work.derivation))
    out.print()
    options, training = work.spec.check, work.spec.train
    work.check(options)
    if training is None:
        work.measure(model.init(options.seed), work.data(options))
        out.print(work.table())
        return
    result = _train(work, training, out)
    work.measure(result.theta, work.samples.train)
    out.print(work.table())
    if training.accuracy is not None and (result.test_accuracy or 0.0) < training.accuracy:
        got = "unknown" if result.test_accuracy is None else f"{result.test_accuracy:.2%}"
        raise SymbpError(f"the test accuracy is {got}, and [train] asks for {training.accuracy:.2%}")


@app.command()
def inspect(
    spec: SpecFile,
    steps: Annotated[bool, typer.Option("--steps", help="Every rewrite, and how it was verified.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="As LaTeX.")] = False,
    source: Annotated[bool, typer.Option("--source", help="The generated Numba module.")] = False,
    circuit: Annotated[
        Path | None,
        typer.Option("--circuit", metavar="PATH", help="Draw the circuit of one sample (.svg, .png, .pdf)."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PATH", help="Write all of it as one web page.")
    ] = None,
    dtype: DType = None,
) -> None:
    """Print the formulas of the forward and the backward pass, the rewrites that led there, and the cost."""
    if steps + latex + source + (circuit is not None) + (html is not None) > 1:
        raise typer.BadParameter("--steps, --latex, --source, --circuit and --html exclude each other")
    work = _Work(spec, dtype, Console(stderr=True))
    if circuit is not None:
        drawn = work.circuit()
        Console().print(f"{_safe(str(drawn.save(circuit)))}: {len(drawn)} gates and inputs")
    elif html is not None:
        _write_report(work, html)
    elif source:
        _print_plain(Console(), export(work.derivation, work.dtype).text)
    elif latex:
        _print_plain(Console(), work.derivation.latex())
    elif steps:
        _print_plain(Console(), str(work.derivation.ledger))
    else:
        _print_plain(Console(), f"{work.derivation}\n\nCost\n{work.derivation.cost}")


def _write_report(work: _Work, path: Path) -> None:
    try:
        work.model.report(path, work.model.init(work.spec.check.seed), data=work.data(work.spec.check))
    except OSError as error:
        raise SymbpError(f"{path} cannot be written: {error.strerror}") from None
    _print_plain(Console(), f"{path}: {path.stat().st_size:,} bytes")


@app.command(name="compile")
def compile_(
    spec: SpecFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="The module to write.", show_default=False)],
    forward: Annotated[
        list[str] | None,
        typer.Option(
            "--forward", metavar="NAME", help="An equation that forward computes; all unless given."
        ),
    ] = None,
    dtype: DType = None,
) -> None:
    """Write a Python module with forward and value_and_grad that needs numba and numpy only.

    With --forward z2, forward returns z2 alone, and takes only the inputs that z2 needs.
    """
    if output.suffix != ".py" or not output.stem.isidentifier():
        raise typer.BadParameter(f"{output.name!r} cannot be imported; write -o NAME.py")
    work = _Work(spec, dtype, Console(stderr=True))
    module = export(work.derivation, work.dtype, forward)
    try:
        output.write_text(module.text, encoding="utf-8")
    except OSError as error:
        raise SymbpError(f"{output} cannot be written: {error.strerror}") from None
    lines = module.text.count("\n")
    _print_plain(Console(), f"{output}: {lines} lines\n{module.usage}")


@app.command()
def check(
    spec: SpecFile,
    samples: Annotated[int | None, typer.Option("--samples", min=1, help="Samples to draw.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of the random numbers.")] = None,
    directions: Annotated[
        int | None,
        typer.Option("--directions", min=1, help="Random directions to check in place of every entry."),
    ] = None,
    dtype: DType = None,
) -> None:
    """Check the compiled gradient against numerical differentiation; exit code 1 where it fails.

    Options win over the table [check] of the model file.
    """
    out = Console()
    work = _Work(spec, dtype, out)
    given: dict[str, Any] = {"samples": samples, "seed": seed, "directions": directions}
    options = replace(work.spec.check, **{name: n for name, n in given.items() if n is not None})
    try:
        report = work.check(options)
    except GradientError as error:
        _print_plain(out, str(error.report))
        raise
    _print_plain(out, str(report))


@app.command()
def bench(
    spec: SpecFile,
    batch: Annotated[list[int] | None, typer.Option("--batch", min=1, help="Samples per call.")] = None,
    dtype: DType = None,
) -> None:
    """Time the kernels: time per call, GFLOP/s and compile time."""
    out = Console()
    work = _Work(spec, dtype, out)
    table = Table("kernel", box=box.SIMPLE_HEAD)
    for heading in ("samples", "per call", "per sample", "GFLOP/s"):
        table.add_column(heading, justify="right")
    seed = work.spec.check.seed
    theta = work.model.init(seed)
    for count in (batch or [1, 32, 1024]) if work.spec.inputs else [1]:
        for name, call, flops in work.kernels(theta, random_data(work.model, count, seed)):
            seconds = time_per_call(call)
            rate = flops * count / seconds / 1e9
            table.add_row(name, f"{count:,}", duration(seconds), duration(seconds / count), f"{rate:.3g}")
    out.print(table)
    out.print(work.table())


class _Work:
    """A model file on its way through the stages, with the time each took."""

    def __init__(self, path: Path, dtype: _DType | None, console: Console):
        self.console = console
        self.spec = load(path)
        self.dtype = self.spec.options.dtype if dtype is None else dtype.value
        self.stages: list[tuple[str, str, float]] = []

    @cached_property
    def derivation(self) -> Any:
        """The equations of both passes; those of the model where there is one, to derive them once."""
        if "model" in vars(self):
            return self.model.derivation
        with self.console.status("deriving ..."):
            return derive(self.spec.network())

    @cached_property
    def model(self) -> Any:
        """The compiled model, after one call of each of its kernels."""
        start = time.perf_counter()
        with self.console.status("deriving and compiling ..."):
            model = symbp.compile(self.spec.network(), dtype=self.dtype)
            theta, data = model.init(0), random_data(model, 1)
            model.forward(theta, data=data)
            model.value_and_grad(theta, data=data)
            d = model.derivation
        total, derived = time.perf_counter() - start, sum(d.seconds.values())
        what = f"{_count(len(d.forward_program.statements), 'statement')} forward, "
        what += f"{len(d.backward_program.statements):,} forward and backward"
        self.stages.append(("derived", what, derived))
        what = f"both kernels in {self.dtype}, or found in the cache"
        self.stages.append(("compiled", what, max(total - derived, 0.0)))
        return model

    def summary(self) -> str:
        spec = self.spec
        parts = [_count(len(spec.equations), "equation"), _count(len(spec.inputs), "input")]
        numbers = f"{_count(len(spec.parameters), 'parameter')} ({_count(self.model.size, 'number')})"
        return f"{', '.join(parts)}, {numbers}, loss {_safe(spec.loss)}"

    @cached_property
    def samples(self) -> Any:
        return read_samples(self.spec)

    def data(self, options: CheckOptions) -> dict[str, Any]:
        """A few samples: drawn from the training data where there is some, else random numbers."""
        if self.spec.train is None:
            return random_data(self.model, options.samples, options.seed)
        train = self.samples.train
        there = len(next(iter(train.values())))
        order = np.random.default_rng(options.seed).permutation(there)[: options.samples]
        return {name: values[order] for name, values in train.items()}

    def circuit(self) -> Any:
        """The circuit at the first theta and the first sample."""
        sample = {name: values[0] for name, values in self.data(self.spec.check).items()}
        return symbp.circuit(self.model, sample, theta=self.model.init(self.spec.check.seed))

    def check(self, options: CheckOptions) -> Any:
        theta, data = self.model.init(options.seed), self.data(options)
        start = time.perf_counter()
        with self.console.status("checking the gradient ..."):
            report = check_gradient(
                self.model,
                theta,
                data,
                seed=options.seed,
                directions=options.directions,
                tolerance=options.tolerance,
            )
        what = _count(report.entries, "entry")
        if report.rows:
            finest = min(report.rows, key=lambda row: row.tolerance)
            if finest.checked + finest.skipped != report.entries:
                what += f", {_count(finest.checked, 'direction')}"
            what += f": {finest.method} to {finest.error:.1e}"
        self.stages.append(("checked", what, time.perf_counter() - start))
        return report

    def kernels(self, theta: Any, data: dict[str, Any]) -> list[tuple[str, Callable[[], Any], int]]:
        """Name, a call, and operations per sample of each kernel."""
        model, d = self.model, self.derivation
        forward = ("forward", lambda: model.forward(theta, data=data), arithmetic(d.forward_program))
        backward = (
            "value_and_grad",
            lambda: model.value_and_grad(theta, data=data),
            arithmetic(d.backward_program),
        )
        return [forward, backward]

    def measure(self, theta: Any, data: dict[str, Any]) -> None:
        count = len(next(iter(data.values()))) if data else 1
        for name, call, flops in self.kernels(theta, data):
            seconds = time_per_call(call)
            what = f"{name}, {_count(count, 'sample')}: {flops * count / seconds / 1e9:.3g} GFLOP/s"
            self.stages.append(("a call of", what, seconds))

    def table(self) -> Table:
        table = Table("stage", "what", box=box.SIMPLE_HEAD)
        table.add_column("time", justify="right", no_wrap=True)
        for stage, what, seconds in self.stages:
            table.add_row(stage, _safe(what), duration(seconds))
        return table


def _train(work: _Work, options: TrainOptions, out: Console) -> Any:
    samples = work.samples
    planned = options.iterations if options.optimizer in ("lbfgs", "gd") else options.epochs
    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TextColumn("loss {task.fields[loss]}"), TimeElapsedColumn(), console=out) as bar:
        task = bar.add_task("training", total=planned, loss="?")
        result = fit(
            work.model,
            samples,
            options,
            progress=lambda step, steps, loss: bar.update(
                task, completed=step, total=steps, loss=f"{loss:.6f}"
            ),
        )
        bar.update(task, completed=result.steps, total=result.steps, loss=f"{result.loss:.6f}")
    count = len(next(iter(samples.train.values())))
    what = f"{options.optimizer}, {result.steps} steps on {count:,} samples, loss {result.loss:.6f}"
    work.stages.append(("trained", what, result.seconds))
    if result.test_accuracy is not None:
        tested = len(next(iter(samples.test.values())))
        out.print(
            f"accuracy: {result.train_accuracy:.2%} of {count:,} training samples, "
            f"[bold]{result.test_accuracy:.2%} of {tested:,} test samples[/bold]"
        )
    return result


def time_per_call(call: Callable[[], Any], budget: float = 0.4) -> float:
    """Seconds per call: the median of several rounds of calls, within about `budget` seconds."""
    call()
    start = time.perf_counter()
    call()
    once = max(time.perf_counter() - start, 1e-7)
    repeats = max(1, int(budget / 7 / once))
    rounds = []
    for _ in range(7 if once < budget else 1):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        rounds.append((time.perf_counter() - start) / repeats)
    return sorted(rounds)[len(rounds) // 2]


def duration(seconds: float) -> str:
    """A time with three digits and a unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _count(number: int, what: str) -> str:
    """ "1 entry", "2,000 entries"."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def _safe(text: str) -> str:
    """Text from a model file, which is no markup."""
    from rich.markup import escape

    return escape(shorten(text, 200))


def _print_plain(console: Console, text: str) -> None:
    """Text as it is: long lines are left to the terminal, so that they can be copied and piped."""
    console.print(Text(text), soft_wrap=True, highlight=False)


def main() -> None:
    """The entry point of the command `symbp`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # formulas have signs that an ASCII terminal lacks
            stream.reconfigure(errors="backslashreplace")
    app()
