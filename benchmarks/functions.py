"""Time per element of the functions that generated modules carry, against math.* in a Numba loop and NumPy.

    python benchmarks/functions.py [--size N] [--repeats N] [NAME ...]

Median of interleaved repeats on one thread, over an array that fits the second-level cache. The last column
is what one such function adds to the compilation of a module: making it, and linking it into one loop.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from rich.console import Console
from rich.table import Table
from scipy import special

from symbp.codegen.module import imports
from symbp.codegen.vector import BODIES
from symbp.codegen.vector.sources import arity, sources

NUMPY: dict[str, Any] = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "erf": special.erf, "erfc": special.erfc,
    "erfcx": special.erfcx,
}  # fmt: skip
RANGES = {"log": (0.1, 10), "log1p": (-0.9, 10), "power": (0.1, 10), "asin": (-1, 1), "acos": (-1, 1)}


def carried(name: str) -> Any:
    """A function as a generated module defines it, for Numba."""
    text, names = "\n\n".join(sources([name])), {"__name__": "carried"}
    exec(f"{imports(text)}\n\n{text}", names)
    return names[name]


def loop(function: Any, count: int, kind: Any) -> tuple[Any, float]:
    """out[i] = function(x[i], ...) compiled, and the seconds that took."""
    if count == 1:

        @njit(error_model="numpy", fastmath={"reassoc", "contract"})
        def run(x, out):
            for i in range(x.size):
                out[i] = function(x[i])

    else:

        @njit(error_model="numpy", fastmath={"reassoc", "contract"})
        def run(x, y, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i])

    began = time.process_time()
    run.compile((kind[::1],) * (count + 1))
    return run, time.process_time() - began


def interleaved(runs: list[Callable[[], Any]], repeats: int) -> list[float]:
    """The median seconds of each."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for run, own in zip(runs, times, strict=True):
            began = time.perf_counter()
            run()
            own.append(time.perf_counter() - began)
    return [float(np.median(own)) for own in times]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(BODIES), metavar="NAME")
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=101)
    options = parser.parse_args()
    if unknown := set(options.names) - set(BODIES):
        parser.error(f"no such function: {', '.join(sorted(unknown))}; there are {', '.join(BODIES)}")
    table = Table("function", "dtype", "ns", "math.* ns", "ratio", "NumPy ns", "ratio", "compile ms")
    random = np.random.default_rng(0)
    loop(math.sqrt, 1, types.float64)  # Numba's own start
    for name in options.names or BODIES:
        count = arity(name)
        for dtype, kind in ((np.float32, types.float32), (np.float64, types.float64)):
            args = [
                random.uniform(*RANGES.get(name, (-9, 9)), options.size).astype(dtype) for _ in range(count)
            ]
            out = np.empty(options.size, dtype)
            known = getattr(math, "pow" if name == "power" else name, None)
            slow, plain = loop(known or math.erfc, count, kind)
            fast, compiled = loop(carried(name), count, kind)
            ufunc = NUMPY.get(name) or getattr(np, name)
            runs = [
                lambda run=fast, args=args, out=out: run(*args, out),
                lambda run=slow, args=args, out=out: run(*args, out),
                lambda run=ufunc, args=args, out=out: run(*args, out=out),
            ]
            own, libm, numpy = (t / options.size * 1e9 for t in interleaved(runs, options.repeats))
            row = [f"{v:.2f}" for v in (own, libm, libm / own, numpy, numpy / own)]
            if known is None:
                row[1:3] = "", ""
            table.add_row(name, dtype.__name__, *row, f"{(compiled - plain) * 1e3:.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
