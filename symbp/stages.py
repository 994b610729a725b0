"""A model file on its way through the stages, with the time each took."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import symbp
from symbp.errors import SymbpError, shorten
from symbp.passes.count import arithmetic
from symbp.pipeline import derive
from symbp.runtime.check import check_gradient, random_data
from symbp.spec import CheckOptions, TrainOptions, load
from symbp.train import fit, read_samples


class Work:
    """A model file and what has been made of it so far.

    Attributes:
        stages: what was done: stage, what, seconds.
    """

    def __init__(self, path: Path, dtype: str | None, console: Console):
        self.console = console
        self.spec = load(path)
        self.dtype = dtype or self.spec.options.dtype
        self.stages: list[tuple[str, str, float]] = []

    @cached_property
    def derivation(self) -> Any:
        """The equations of both passes; those of the model where there is one, to derive them once."""
        if "model" in vars(self):
            return self.model.derivation
        with self.console.status("deriving ..."), self._located():
            return derive(self.spec.network())

    @cached_property
    def model(self) -> Any:
        """The compiled model, after one call of each of its kernels."""
        start = time.perf_counter()
        with self.console.status("deriving and compiling ..."), self._located():
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

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Errors that name an equation of the file say where it stands there."""
        try:
            yield
        except SymbpError as error:
            raise self.spec.located(error) from error

    def summary(self) -> str:
        """What the model consists of, as markup."""
        spec = self.spec
        parts = [_count(len(spec.equations), "equation"), _count(len(spec.inputs), "input")]
        numbers = f"{_count(len(spec.parameters), 'parameter')} ({_count(self.model.size, 'number')})"
        return f"[bold]{_safe(spec.name)}[/bold]: {', '.join(parts)}, {numbers}, loss {_safe(spec.loss)}"

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

    def timings(self, batch: list[int]) -> Table:
        """The time of a call of each kernel, for several numbers of samples."""
        table = Table("kernel", box=box.SIMPLE_HEAD)
        for heading in ("samples", "per call", "per sample", "GFLOP/s"):
            table.add_column(heading, justify="right")
        seed = self.spec.check.seed
        theta = self.model.init(seed)
        for count in batch if self.spec.inputs else [1]:
            for name, call, flops in self.kernels(theta, random_data(self.model, count, seed)):
                seconds = time_per_call(call)
                rate = flops * count / seconds / 1e9
                table.add_row(name, f"{count:,}", duration(seconds), duration(seconds / count), f"{rate:.3g}")
        return table

    def against(self, names: list[str], batch: list[int]) -> Table:
        """Value and gradient by symbp and by other libraries: time per call, and as a multiple of symbp's.

        Raises:
            UnsupportedError: a library is unknown, or cannot express the equations.
            DataError: a library computes something else.
        """
        from symbp.versus import versus

        names = list(dict.fromkeys(names))
        table = Table("value and gradient", box=box.SIMPLE_HEAD)
        for heading in ("samples", "per call", "÷ symbp"):
            table.add_column(heading, justify="right")
        seed = self.spec.check.seed
        theta = self.model.init(seed)
        for count in batch if self.spec.inputs else [1]:
            own, *others = versus(self.model, theta, random_data(self.model, count, seed), names)
            for t in (own, *others):
                if t.seconds is None or own.seconds is None:
                    table.add_row(t.name, f"{count:,}", t.note, "")
                else:
                    ratio = f"{t.seconds / own.seconds:.3g}"
                    table.add_row(t.name, f"{count:,}", duration(t.seconds), ratio)
        return table

    def table(self) -> Table:
        """What was done, and how long each of it took."""
        table = Table("stage", "what", box=box.SIMPLE_HEAD)
        table.add_column("time", justify="right", no_wrap=True)
        for stage, what, seconds in self.stages:
            table.add_row(stage, _safe(what), duration(seconds))
        return table

    def train(self, options: TrainOptions) -> Any:
        """Fit the parameters to the data, with a progress bar."""
        samples = self.samples
        planned = options.iterations if options.optimizer in ("lbfgs", "gd") else options.epochs
        columns = (
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("loss {task.fields[loss]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("training", total=planned, loss="?")
            result = fit(
                self.model,
                samples,
                options,
                progress=lambda step, steps, loss: bar.update(
                    task, completed=step, total=steps, loss=f"{loss:.6f}"
                ),
            )
            bar.update(task, completed=result.steps, total=result.steps, loss=f"{result.loss:.6f}")
        count = len(next(iter(samples.train.values())))
        what = f"{options.optimizer}, {result.steps} steps on {count:,} samples, loss {result.loss:.6f}"
        self.stages.append(("trained", what, result.seconds))
        tested = len(next(iter(samples.test.values())))
        if result.test_r2 is not None:
            self.console.print(
                f"R²: {result.train_r2:.4f} of {count:,} training samples, "
                f"[bold]{result.test_r2:.4f} of {tested:,} test samples[/bold]"
            )
        if result.test_accuracy is not None:
            self.console.print(
                f"accuracy: {result.train_accuracy:.2%} of {count:,} training samples, "
                f"[bold]{result.test_accuracy:.2%} of {tested:,} test samples[/bold]"
            )
        return result


FIRST_CALLS = 6
"""Calls before anything is timed, if they do not take too long."""


def time_per_call(call: Callable[[], Any], budget: float = 0.4) -> float:
    """Seconds per call: the median of several rounds of calls, within about `budget` seconds.

    The first calls compile what only those need that follow each other; the quickest one tells how many
    calls make a round.
    """
    begin, once = time.perf_counter(), math.inf
    for _ in range(FIRST_CALLS):
        start = time.perf_counter()
        call()
        once = min(once, max(time.perf_counter() - start, 1e-7))
        if time.perf_counter() - begin > 10 * budget:
            break
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
    return escape(shorten(text, 200))
