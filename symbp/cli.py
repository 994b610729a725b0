"""The command `symbp`: derive, show, check, compile, train and time a model file.

Exit codes: 0 where all went well, 1 where the model file, its data or its gradient are at fault, 2 for wrong
usage of the command.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import Enum
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from typer.core import TyperGroup

from symbp.errors import GradientError, SymbpError

if TYPE_CHECKING:
    from symbp.stages import Work


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


def _work(spec: Path, dtype: _DType | None, console: Console) -> Work:
    from symbp.stages import Work  # the compiler, which --help can do without

    return Work(spec, None if dtype is None else dtype.value, console)


@app.command()
def run(spec: SpecFile, dtype: DType = None) -> None:
    """Derive, print the formulas, check the gradient, train if the file says so, and time a call."""
    out = Console()
    work = _work(spec, dtype, out)
    model = work.model
    out.print(f"{work.summary()}\n")
    _print_plain(out, str(work.derivation))
    out.print()
    options, training = work.spec.check, work.spec.train
    work.check(options)
    if training is None:
        work.measure(model.init(options.seed), work.data(options))
        out.print(work.table())
        return
    result = work.train(training)
    work.measure(result.theta, work.samples.train)
    out.print(work.table())
    if training.accuracy is not None and (result.test_accuracy or 0.0) < training.accuracy:
        got = "unknown" if result.test_accuracy is None else f"{result.test_accuracy:.2%}"
        raise SymbpError(f"the test accuracy is {got}, and [train] asks for {training.accuracy:.2%}")


@app.command()
def inspect(
    spec: SpecFile,
    steps: Annotated[bool, typer.Option("--steps", help="Every rewrite, and how it was verified.")] = False,
    cost: Annotated[bool, typer.Option("--cost", help="Operations, calls and storage.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="The formulas as LaTeX.")] = False,
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
    """Print the formulas of the forward and the backward pass, the rewrites that led there, and the cost.

    Options choose parts of it; several may be given together.
    """
    work = _work(spec, dtype, Console(stderr=True))
    if circuit is not None:
        drawn = work.circuit()
        _print_plain(Console(), f"{drawn.save(circuit)}: {len(drawn)} gates and inputs")
    if html is not None:
        _write_report(work, html)
    parts = []
    if latex:
        parts.append(work.derivation.latex())
    if steps:
        parts.append(str(work.derivation.ledger))
    if cost:
        parts.append(f"Cost\n{work.derivation.cost}")
    if source:
        from symbp.export import export

        parts.append(export(work.derivation, work.dtype).text)
    if not parts and circuit is None and html is None:
        parts = [str(work.derivation), f"Cost\n{work.derivation.cost}"]
    if parts:
        _print_plain(Console(), "\n\n".join(parts))


def _write_report(work: Work, path: Path) -> None:
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
    if output.suffix != ".py" or not output.stem.isidentifier() or iskeyword(output.stem):
        raise typer.BadParameter(f"{output.name!r} cannot be imported; write -o NAME.py")
    from symbp.export import export

    work = _work(spec, dtype, Console(stderr=True))
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
    work = _work(spec, dtype, out)
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
    vs: Annotated[
        str | None,
        typer.Option("--vs", metavar="NAMES", help="Libraries that run the same equations: numpy,jax,torch."),
    ] = None,
    dtype: DType = None,
) -> None:
    """Time the kernels: time per call, GFLOP/s and compile time.

    With --vs numpy,jax,torch those libraries run the derived equations too; results are compared first.
    """
    from symbp.versus import PEERS

    names = [] if vs is None else [name.strip() for name in vs.split(",")]
    for name in names:
        if name not in PEERS:
            raise typer.BadParameter(f"{name[:80]!r} is none of {', '.join(PEERS)}", param_hint="--vs")
    out = Console()
    work = _work(spec, dtype, out)
    sizes = batch or [1, 32, 1024]
    out.print(work.timings(sizes))
    if names:
        out.print(work.against(names, sizes))
    out.print(work.table())


def _print_plain(console: Console, text: str) -> None:
    """Text as it is: long lines are left to the terminal, so that they can be copied and piped."""
    console.print(Text(text), soft_wrap=True, highlight=False)


def main() -> None:
    """The entry point of the command `symbp`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # formulas have signs that an ASCII terminal lacks
            stream.reconfigure(errors="backslashreplace")
    app()
