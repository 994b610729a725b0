"""Long straight-line programs."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import sympy as sp

from symbp.codegen.module import emit
from symbp.codegen.support import BLOCK_PIECE, MOST_INLINED
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import compare, load, program_of, random_values

N = Index("n", BATCH)


def long_program(count: int, per_statement: int = 20):
    """A chain of scalar equations over three inputs and many scalar parameters."""
    draw = random.Random(0)
    # Unevaluated, because SymPy takes a minute to put that many terms in order.
    moves = [
        lambda a, b, c: sp.Add(sp.Mul(a, b, evaluate=False), c, evaluate=False),
        lambda a, b, c: sp.Add(a, sp.Mul(sp.Rational(1, 2), c, evaluate=False), evaluate=False),
        lambda a, b, c: sp.Mul(sp.sin(a), b, evaluate=False),
    ]
    inputs = [Tensor(name, (BATCH,), "input") for name in "xyz"]
    weights = [Tensor(f"w{k}", (), "parameter") for k in range(50)]
    tensors: list[Tensor] = [*inputs, *weights]
    statements = []
    known = [t[N] for t in inputs] + [w[()] for w in weights]
    for k in range(count // per_statement):
        body = draw.choice(known[-30:])
        for _ in range(per_statement // 2):
            other, third = draw.choice(known[-30:]), draw.choice(known)
            body = draw.choice(moves)(body, other, third)
        target = Tensor(f"t{k}", (BATCH,))
        tensors.append(target)
        statements.append(Statement(target.name, (N,), sp.tanh(body)))
        known.append(target[N])
    tensors.append(Tensor("total", ()))
    statements.append(Statement("total", (), known[-1] ** 2, "sum", (N,)))
    return program_of(tensors, statements, (known[-1].name, "total"))


def test_twenty_thousand_instructions(tmp_path):
    program = long_program(20_000)
    parameters = tuple(t.name for t in program.by_role("parameter"))
    kernel = Kernel("long", program, ("x", "y", "z"), parameters, (program.outputs[0], "total"), ())
    text = emit([kernel])
    module = load(text, tmp_path)
    values = random_values(program, 5)
    compare(module, kernel, values)
    assert text.count("\n") > 5_000
    assert "make_block(" in text


def test_block_values_used_after_the_block(agree):
    """A long line before a reduction, and one inside of it."""
    x, w = Tensor("x", (BATCH, 4), "input"), Tensor("w", (BATCH,), "input")
    i = Index("i", 4)
    first, second = Tensor("first", (BATCH,)), Tensor("second", (BATCH,))
    long, inner = w[N], x[N, i]
    for k in range(1, 50):
        long = sp.cos(long) * k / (k + 1) + w[N]
        inner = sp.sin(inner) / k + first[N]
    statements = [Statement("first", (N,), long), Statement("second", (N,), inner, "sum", (i,))]
    text = agree(program_of([x, w, first, second], statements, ("second",)), ("second",))
    assert text.count("= make_block(") == 2


def test_block_addresses(agree):
    """Affine addresses, gathers and constants inside a block."""
    x, y = Tensor("x", (BATCH, 6), "input"), Tensor("y", (BATCH,), "label", bound=6)
    c = Tensor("c", (2, 4), "constant", values=tuple(map(float, range(8))))
    i = Index("i", 4)
    out = Tensor("out", (BATCH, 4))
    body = x[N, i + 2] * c[1, i] + sp.sin(x[N, y[N]]) + sp.cos(i + y[N])
    for k in range(1, 60):
        body = sp.sin(body) + c[0, i] / k
    text = agree(program_of([x, y, c, out], [Statement("out", (N, i), body)], ("out",)), ("out",))
    assert "= make_block(" in text


def test_many_tensors_are_addressed_in_whole_buffers(agree):
    weights = [Tensor(f"w{k}", (2,), "parameter") for k in range(30)]
    x = Tensor("x", (BATCH, 2), "input")
    i = Index("i", 2)
    a, total = Tensor("a", (BATCH, 2)), Tensor("total", ())
    gradient = [Tensor(f"g{k}", (2,)) for k in range(2)]
    statements = [
        Statement("a", (N, i), sp.Add(*(w[i] * x[N, i] ** k for k, w in enumerate(weights)))),
        Statement("total", (), a[N, i], "sum", (N, i)),
        *(Statement(g.name, (i,), x[N, i] ** k, "sum", (N,)) for k, g in enumerate(gradient)),
    ]
    names = tuple(g.name for g in gradient)
    program = program_of([x, *weights, a, total, *gradient], statements, ("a", "total", *names))
    for dtype in ("float64", "float32"):
        text = agree(
            program, ("a", "total"), names, dtype=dtype, values={"x": np.full((3, 2), 0.9)}, samples=(3,)
        )
    assert "w1_in" not in text


def chain(count):
    """A block with that many calls that wait for each other, and a kernel of it."""
    x, y, out = Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input"), Tensor("out", (BATCH,))
    body = x[N]
    for _ in range(count):
        body = sp.tanh(body + y[N]) * x[N] + sp.erfc(y[N]) / 7
    return Kernel(
        "run", program_of([x, y, out], [Statement("out", (N,), body)], ("out",)), ("x", "y"), (), ("out",), ()
    )


@pytest.mark.parametrize("count", [30, MOST_INLINED + 5, BLOCK_PIECE // 2])
def test_blocks_are_vectorised(tmp_path, count):
    kernel = chain(count)
    module = load(emit([kernel]), tmp_path)
    values = {"x": np.linspace(-1, 1, 50), "y": np.linspace(-2, 2, 50)}
    compare(module, kernel, values)
    (text,) = module.run_into.inspect_asm().values()
    assert re.search(r"vfn?m(add|sub)\d*pd\s.*%[yz]mm|fmla\s+v\d+\.2d|vaddpd\s.*%[yz]mm", text)
