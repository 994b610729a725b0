"""The command `symbp`: derive, show, check, compile, train and time a model file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from symbp.errors import GradientError, SymbpError, shorten

# NumPy, SymPy and Numba are imported where they are used: `symbp --help` answers at once.


class _Reported(TyperGroup):
    """A group whose commands end with a message and exit code 1 where symbp raises an error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SymbpError as error:
            title = type(error).__name__
            Console(stderr=True).print(Panel(Text(str(error)), title=title, title_align="left", style="red"))
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Reported,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compile equations into gradient-checked Numba kernels.",
)

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A model file (TOML).", show_default=False)]
DType = Annotated[
    str | None, typer.Option("--dtype", help='"float64" or "float32"; the model file\'s choice unless given.')
]


@app.callback()
def _app() -> None:
    pass


@app.command()
def run(spec: SpecFile, dtype: DType = None) -> None:
    """Derive, print the formulas, check the gradient, train where there is [train], and time a call."""
    out = Console()
    work = _Work(spec, dtype, out)
    out.print(f"[bold]{_safe(work.spec.name)}[/bold]  {work.summary()}\n")
    _print_plain(out, str(work.derivation))
    out.print()
    report = work.check()
    data, theta = work.data(), work.theta()
    if work.spec.train is not None:
        result = _train(work, out)
        theta = result.theta
        data = work.samples().train
    work.measure(theta, data)
    out.print(work.table())
    wanted = None if work.spec.train is None else work.spec.train.accuracy
    if work.spec.train is not None and wanted is not None and (result.test_accuracy or 0.0) < wanted:
        got = "unknown" if result.test_accuracy is None else f"{result.test_accuracy:.2%}"
        raise SymbpError(f"the test accuracy is {got}, and [train] asks for {wanted:.2%}")
    assert report is not None


@app.command()
def inspect(
    spec: SpecFile,
    latex: Annotated[bool, typer.Option("--latex", help="As LaTeX.")] = False,
    source: Annotated[bool, typer.Option("--source", help="The generated Numba module.")] = False,
    circuit: Annotated[
        Path | None,
        typer.Option("--circuit", metavar="PATH", help="Draw the circuit of one sample (.svg, .png, .pdf)."),
    ] = None,
    dtype: DType = None,
) -> None:
    """Print the formulas of the forward and the backward pass."""
    work = _Work(spec, dtype, Console(stderr=True))
    if circuit is not None:
        drawn = work.circuit()
        Console().print(f"{_safe(str(drawn.save(circuit)))}: {len(drawn)} gates and inputs")
        return
    if source:
        text = work.model.source
    else:
        text = work.derivation.latex() if latex else str(work.derivation)
    _print_plain(Console(), text)


@app.command(name="compile")
def compile_(
    spec: SpecFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="The module to write.", show_default=False)],
    dtype: DType = None,
) -> None:
    """Write a Python module with forward and value_and_grad that needs numba and numpy only."""
    work = _Work(spec, dtype, Console(stderr=True))
    text = module_text(work.derivation, work.dtype, work.spec.name)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SymbpError(f"{output} cannot be written: {error.strerror}") from None
    lines = text.count("\n")
    Console().print(f"{_safe(str(output))}: {lines} lines, forward and value_and_grad, {work.dtype}")


@app.command()
def check(
    spec: SpecFile,
    samples: Annotated[int | None, typer.Option("--samples", min=1, help="Random samples to draw.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of the random numbers.")] = None,
    dtype: DType = None,
) -> None:
    """Check the compiled gradient against numerical differentiation; exit code 1 where it fails."""
    out = Console()
    work = _Work(spec, dtype, out)
    _print_plain(out, str(work.check(samples, seed)))


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
    for count in batch or [1, 32, 1024]:
        theta, data = work.theta(), work.random_data(count, 0)
        for name, call, flops in work.kernels(theta, data):
            seconds = time_per_call(call)
            rate = flops * count / seconds / 1e9
            table.add_row(name, f"{count:,}", duration(seconds), duration(seconds / count), f"{rate:.3g}")
    out.print(table)
    out.print(
        f"derive {duration(work.derive_seconds)}, compile {duration(work.compile_seconds)}, {work.dtype}"
    )


def module_text(derivation: Any, dtype: str, title: str) -> str:
    """A self-contained module with the kernels forward and value_and_grad of a derivation."""
    from dataclasses import replace

    from symbp.codegen.module import emit
    from symbp.pipeline import forward_kernel, gradient_kernel

    names = [name for name in derivation.network.defined if name in derivation.forward_program.tensors]
    kernels = [forward_kernel(derivation, tuple(names))]
    if derivation.loss is not None:
        kernels.append(gradient_kernel(derivation))
    return emit([replace(kernel, dtype=dtype) for kernel in kernels], title=title)


class _Work:
    """A model file on its way through the stages, with the time each took."""

    def __init__(self, path: Path, dtype: str | None, console: Console):
        from symbp.spec import load

        self.console = console
        self.spec = load(path)
        self.dtype = dtype or self.spec.options.dtype
        self.stages: list[tuple[str, str, float]] = []
        self._model: Any = None
        self._samples: Any = None
        self.derive_seconds = self.compile_seconds = 0.0
        if self.dtype not in ("float64", "float32"):
            raise SymbpError(f"the dtype is {shorten(self.dtype, 40)!r}", hint='"float64" or "float32"')

    @property
    def model(self) -> Any:
        if self._model is None:
            self._compile()
        return self._model

    def _compile(self) -> None:
        import symbp as sb

        start = time.perf_counter()
        with self.console.status("deriving and compiling ..."):
            self._model = model = sb.compile(self.spec.network(), dtype=self.dtype)
            built = time.perf_counter()
            d = model.derivation  # derived only now where the kernels came from the cache
            loaded = time.perf_counter() - built > 0.01
            names = [name for name, call, _ in self.kernels(self.theta(), self.random_data(1, 0)) if call()]
        total = time.perf_counter() - start
        self.derive_seconds = sum(d.seconds.values())
        self.compile_seconds = max(total - self.derive_seconds, 0.0)
        forward, both = len(d.forward_program.statements), len(d.backward_program.statements)
        what = f"{forward} statements forward, {both} forward and backward"
        self.stages.append(("derived", what, self.derive_seconds))
        stage = "loaded" if loaded else "compiled"
        self.stages.append((stage, f"{' and '.join(names)}, {self.dtype}", self.compile_seconds))

    @property
    def derivation(self) -> Any:
        return self.model.derivation

    def summary(self) -> str:
        inputs, parameters = len(self.spec.inputs), len(self.spec.parameters)
        return (
            f"{len(self.spec.equations)} equations, {inputs} inputs, "
            f"{parameters} parameters with {self.theta().size:,} numbers, loss {_safe(self.spec.loss)}"
        )

    def theta(self) -> Any:
        seed = self.spec.train.seed if self.spec.train else self.spec.check.seed
        return self.model.init(seed=seed)

    def samples(self) -> Any:
        if self._samples is None:
            from symbp.train import read_samples

            self._samples = read_samples(self.spec)
        return self._samples

    def data(self, samples: int | None = None, seed: int | None = None) -> dict[str, Any]:
        """A few samples: of the training data where there is some, else random ones."""
        count = samples or self.spec.check.samples
        seed = self.spec.check.seed if seed is None else seed
        if self.spec.train is None:
            return self.random_data(count, seed)
        return {name: values[:count] for name, values in self.samples().train.items()}

    def random_data(self, count: int, seed: int) -> dict[str, Any]:
        import numpy as np

        random = np.random.default_rng(seed)
        bounds = {
            t.name: t.bound
            for t in self.model.derivation.forward_program.tensors.values()
            if t.role == "label"
        }
        data: dict[str, Any] = {}
        for name, shape in self.spec.inputs.items():
            if shape == "label":
                data[name] = random.integers(0, bounds.get(name) or 1, count)
            else:
                data[name] = random.uniform(0.05, 0.95, (count, *shape))
        return data

    def circuit(self) -> Any:
        """The circuit at the first theta and the first sample."""
        import symbp as sb

        sample = {name: values[0] for name, values in self.data(1).items()}
        return sb.circuit(self.model, sample, theta=self.theta())

    def check(self, samples: int | None = None, seed: int | None = None) -> Any:
        options = self.spec.check
        theta, data = self.theta(), self.data(samples, seed)
        start = time.perf_counter()
        with self.console.status("checking the gradient ..."):
            report = self.model.check(theta, data=data)
        error = max((row.error for row in report.rows), default=0.0)
        if options.tolerance is not None and error > options.tolerance:
            raise GradientError(
                f"the largest relative error of the gradient is {error:.1e}, and [check] allows "
                f"{options.tolerance:g}",
                report=report,
            )
        best = min(report.rows, key=lambda row: row.error, default=None)
        what = f"gradient of {report.entries:,} entries"
        if best is not None:
            what += f", relative error {best.error:.1e} ({best.method})"
        self.stages.append(("checked", what, time.perf_counter() - start))
        return report

    def kernels(self, theta: Any, data: dict[str, Any]) -> list[tuple[str, Callable[[], Any], int]]:
        """Name, a call, and operations per sample of each kernel."""
        from symbp.view.cost import arithmetic

        model, d = self._model, self._model.derivation
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
            what = f"{name}, {count:,} samples: {flops * count / seconds / 1e9:.3g} GFLOP/s"
            self.stages.append(("a call of", what, seconds))

    def table(self) -> Table:
        table = Table("stage", "what", box=box.SIMPLE_HEAD)
        table.add_column("time", justify="right", no_wrap=True)
        for stage, what, seconds in self.stages:
            table.add_row(stage, _safe(what), duration(seconds))
        return table


def _train(work: _Work, out: Console) -> Any:
    from symbp.train import fit

    options, samples = work.spec.train, work.samples()
    assert options is not None
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
