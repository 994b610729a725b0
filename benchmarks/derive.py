"""Time to derive and to compile, against the size of the model, with the fitted exponent."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import sympy as sp
from rich.console import Console
from rich.progress import track
from rich.table import Table

import symbp as sb
from symbp import pipeline

LAYERS = (1, 2, 5, 10, 20, 50, 100, 200)
OPERATIONS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def layers(count: int) -> sb.Network:
    """A chain of dense layers of 16 tanh units."""
    return sb.mlp([16] * count + [4], activation="tanh", loss="squared_error")


def scalar(count: int, variables: int = 100) -> sb.Network:
    """One expression of about `count` operations over 100 symbols that shares its parts heavily."""
    # A seed for each size: SymPy's cache compares equal deep expressions by recursion, and runs out of stack.
    random = np.random.default_rng(count)
    symbols = list(sp.symbols(f"p0:{min(variables, count)}", real=True))
    pool: list[sp.Expr] = list(symbols)
    operations = 0
    while operations < count - 1:
        # Each variable once, then recent results: as a tree the expression grows exponentially.
        recent = pool[-40:]
        a = symbols[len(pool) - len(symbols)] if len(pool) < 2 * len(symbols) else recent[random.integers(40)]
        b = recent[-1]
        kind = random.integers(4)
        if kind == 0:
            node, cost = sp.Add(a, sp.sin(b, evaluate=False), evaluate=False), 2
        elif kind == 1:
            node, cost = sp.Mul(sp.tanh(a, evaluate=False), b, evaluate=False), 2
        elif kind == 2:
            node, cost = sp.Add(sp.Mul(a, b, evaluate=False), sp.Rational(1, 3), evaluate=False), 2
        else:
            node, cost = sp.Mul(sp.cos(b, evaluate=False), sp.cos(a, evaluate=False), evaluate=False), 3
        pool.append(node)
        operations += cost
    value = sp.Symbol("f", real=True)
    equation = sp.Eq(value, pool[-1], evaluate=False)
    return sb.Network([equation], parameters=symbols, loss=value, batch=False, name=f"scalar {count}")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def exponent(sizes: list[int], times: list[float]) -> float:
    """The slope of log(time) against log(size), by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def compiled(network: sb.Network) -> None:
    """Derive, compile and call once."""
    model = sb.compile(network, cache=False)
    theta = model.init(seed=0)
    if network.batch:
        model.value_and_grad(theta, x=np.ones((2, 16)), y=np.ones((2, 4)))
    else:
        model.value_and_grad(theta)


def measure(
    title: str, sizes: list[int], build: Callable[[int], sb.Network], compiling: bool, console: Console
) -> None:
    table = Table(title=title)
    for heading in ("size", "derive, s", "derive + compile, s"):
        table.add_column(heading, justify="right")
    derive, total = [], []
    pipeline.derive(build(sizes[0]))  # imports and caches
    for size in track(sizes, description=title, console=console, transient=True):
        network = build(size)
        derive.append(seconds(lambda n=network: pipeline.derive(n)))
        total.append(seconds(lambda n=network: compiled(n)) if compiling else float("nan"))
        table.add_row(f"{size:,}", f"{derive[-1]:.3f}", f"{total[-1]:.2f}" if compiling else "")
    # Small sizes measure fixed costs: the line goes through the upper half.
    half = len(sizes) // 2 if len(sizes) > 3 else 0
    slopes = [exponent(sizes[half:], derive[half:])]
    slopes += [exponent(sizes[half:], total[half:])] if compiling else []
    table.add_section()
    table.add_row("exponent", *(f"{slope:.2f}" for slope in slopes))
    console.print(table)
    console.print(f"exponents are fitted to sizes {sizes[half]:,} to {sizes[-1]:,}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few small sizes")
    parser.add_argument("--no-compile", action="store_true", help="only derive")
    options = parser.parse_args()
    console = Console()
    count = 3 if options.quick else None
    measure("dense layers", list(LAYERS[:count]), layers, not options.no_compile, console)
    measure("scalar operations", list(OPERATIONS[:count]), scalar, not options.no_compile, console)


if __name__ == "__main__":
    main()
