"""Matrix products as calls, and the source that generated modules carry for them."""

from __future__ import annotations

import ast

import pytest
from llvmlite import ir

from symbp.codegen.product import (
    OWN_NAMES,
    UNIT,
    Part,
    crew_functions,
    micro_kernels,
    multiply_lines,
    write_products,
)
from symbp.ir.nodes import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from symbp.schedule.memory import plan_kernel
from tests.codegen.kernels import program_of

N = Index("n", BATCH)


def schedule():
    i, j = Index("i", 8), Index("j", 6)
    x, w = Tensor("x", (BATCH, 6), "input"), Tensor("W", (8, 6), "parameter")
    d, z, g = Tensor("d", (BATCH, 8), "input"), Tensor("z", (BATCH, 6)), Tensor("g", (8, 6))
    statements = [
        Statement("z", (N, j), w[i, j] * d[N, i], "sum", (i,)),
        Statement("g", (i, j), d[N, i] * x[N, j], "sum", (N,)),
    ]
    program = program_of([x, w, d, z, g], statements, ("z", "g"))
    return plan_kernel(Kernel("f", program, ("x", "d"), ("W",), ("z",), ("g",)))


def lines(s, plan, single=False, alone=False, part=None):
    return multiply_lines(
        s, plan, lambda name: (name, "0"), lambda text: text.removesuffix("_loop"), single, alone, part
    )


def one(s, plan, **more):
    (line,) = lines(s, plan, **more)
    return line


def call(target, part=None):
    plan = schedule()
    statement = next(s for s in plan.program.statements if s.target == target)
    return one(statement, plan, part=part)


def test_sizes_and_strides():
    assert call("z") == "multiply(z, 0, 6, d, 0, 8, 1, W, 0, 6, rows, 6, 8, True, 1.0)"
    assert call("g") == "multiply(g, 0, 6, d, 0, 1, 8, x, 0, 6, 8, 6, rows, start == 0, 1.0)"


def test_means_and_sums_of_their_own():
    i, j = Index("i", 8), Index("j", 6)
    x, d, g = Tensor("x", (BATCH, 6), "input"), Tensor("d", (BATCH, 8), "input"), Tensor("g", (8, 6))
    mean = Statement("g", (i, j), d[N, i] * x[N, j] / BATCH, "sum", (N,))
    plan = plan_kernel(Kernel("f", program_of([x, d, g], [mean], ("g",)), ("x", "d"), (), (), ("g",)))
    place = "multiply(g, 0, 6, d, 0, 1, 8, x, 0, 6, 8, 6, rows,"
    for single, number in ((False, "1.0/samples"), (True, "f32(1.0)/f32(samples)")):
        assert one(mean, plan, single=single) == f"{place} start == 0, {number})"
    assert one(mean, plan, alone=True) == f"{place} True, 1.0/samples)"


def test_rows_along_the_sum():
    i, j = Index("i", 8), Index("j", 6)
    x, w = Tensor("x", (BATCH, 6), "input"), Tensor("W", (8, 6), "parameter")
    v, z, y = Tensor("v", (6,), "parameter"), Tensor("z", (BATCH, 8)), Tensor("y", (8,))
    statements = [
        Statement("z", (N, i), w[i, j] * x[N, j], "sum", (j,)),
        Statement("y", (i,), w[i, j] * v[j], "sum", (j,)),
    ]
    plan = plan_kernel(
        Kernel("f", program_of([x, w, v, z, y], statements, ("z", "y")), ("x",), ("W", "v"), ("z", "y"), ())
    )
    texts = [one(s, plan) for s in plan.program.statements]
    assert texts == [
        "multiply_turned(z, 0, 8, x, 0, 6, 1, W, 0, 6, rows, 8, 6, True, samples < 8)",
        "multiply_turned(y, 0, 0, v, 0, 0, 1, W, 0, 6, 1, 8, 6, True, True)",
    ]


def attention():
    """Scores of queries and keys, and a gradient of what all positions share."""
    t, s, d, e = Index("t", 16), Index("s", 16), Index("d", 8), Index("e", 8)
    q, k = (Tensor(name, (BATCH, 16, 8), "input") for name in "qk")
    S, v, g = Tensor("S", (BATCH, 16, 16)), Tensor("v", (BATCH, 16, 8)), Tensor("g", (8, 8))
    U = Tensor("U", (8, 8), "parameter")
    statements = [
        Statement("S", (N, t, s), q[N, t, d] * k[N, s, d], "sum", (d,)),
        Statement("v", (N, t, d), q[N, t, e] * U[e, d], "sum", (e,)),
        Statement("g", (e, d), q[N, t, e] * k[N, t, d], "sum", (N, t)),
    ]
    program = program_of([q, k, U, S, v, g], statements, ("S", "v", "g"))
    return plan_kernel(Kernel("f", program, ("q", "k"), ("U",), ("S", "v"), ("g",)))


def test_loops_around_products():
    scores, _, _ = attention().program.statements
    assert lines(scores, attention()) == [
        "for n in range(rows):",
        "    multiply_turned(S, 0 + n*256, 16, q, 0 + n*128, 8, 1, k, 0 + n*128, 8, 16, 16, 8, True, False)",
    ]


def test_indices_of_one_name_have_loops_of_their_own():
    h, t, s, d = Index("n", 3), Index("t", 12), Index("s", 12), Index("d", 8)
    q, k = (Tensor(name, (BATCH, 3, 12, 8), "input") for name in "qk")
    S = Statement("S", (N, h, t, s), q[N, h, t, d] * k[N, h, s, d], "sum", (d,))
    program = program_of([q, k, Tensor("S", (BATCH, 3, 12, 12))], [S], ("S",))
    plan = plan_kernel(Kernel("f", program, ("q", "k"), (), ("S",), ()))
    first, second, call = multiply_lines(S, plan, lambda name: (name, "0"), str, False, False)
    assert (first, second) == ("for n_loop in range(rows):", "    for n_loop_ in range(3):")
    assert "S, 0 + n_loop*432 + n_loop_*144," in call


def test_rows_of_all_samples_are_one_product():
    """And the terms of a sum over all positions of all samples."""
    plan = attention()
    _, values, gradient = plan.program.statements
    assert one(values, plan) == "multiply(v, 0, 8, q, 0, 8, 1, U, 0, 8, rows*16, 8, 8, True, 1.0)"
    assert one(gradient, plan) == "multiply(g, 0, 8, q, 0, 1, 8, k, 0, 8, 8, 8, rows*16, start == 0, 1.0)"
    assert "rows*16, True, 1.0)" in one(gradient, plan, alone=True)
    assert "g, 0 + low*8, 8, q, 0 + low*1," in one(gradient, plan, part=Part("low", "count"))


def test_few_rows_are_those_of_all_samples():
    e, t, j = Index("e", 16), Index("t", 3), Index("j", 16)
    x, w, z = (
        Tensor("x", (BATCH, 3, 16), "input"),
        Tensor("W", (16, 16), "parameter"),
        Tensor("z", (BATCH, 3, 16)),
    )
    s = Statement("z", (N, t, j), w[j, e] * x[N, t, e], "sum", (e,))
    plan = plan_kernel(Kernel("f", program_of([x, w, z], [s], ("z",)), ("x",), ("W",), ("z",), ()))
    text = "multiply_turned(z, 0, 16, x, 0, 16, 1, W, 0, 16, rows*3, 16, 16, True, samples < 3)"
    assert one(s, plan) == text


def test_overlapping_windows():
    c, i, j, p, q = (Index(name, n) for name, n in zip("cijpq", (8, 26, 26, 3, 3), strict=True))
    x, k = Tensor("x", (BATCH, 28, 29), "input"), Tensor("k", (8, 3, 3), "parameter")
    z = Tensor("z", (BATCH, 8, 26, 26))
    s = Statement("z", (N, c, i, j), k[c, p, q] * x[N, i + p, j + q + 1], "sum", (p, q))
    plan = plan_kernel(Kernel("f", program_of([x, k, z], [s], ("z",)), ("x",), ("k",), ("z",), ()))
    *loops, text = lines(s, plan)
    assert [line.strip() for line in loops] == [
        "for n in range(rows):",
        "for i in range(26):",
        "for q in range(3):",
    ]
    assert text.strip() == (
        "multiply(z, 0 + n*5408 + i*26, 676, k, 0 + q*1, 9, 3, x, 0 + 1 + n*812 + i*29 + q*1, 29, "
        "8, 26, 3, q == 0, 1.0)"
    )


def test_sums_of_products_are_calls_one_after_the_other():
    i, j = Index("i", 8), Index("j", 6)
    x, y = (Tensor(name, (BATCH, 6), "input") for name in "xy")
    a, b, g = Tensor("a", (BATCH, 8), "input"), Tensor("b", (BATCH, 8), "input"), Tensor("g", (8, 6))
    total = Statement("g", (i, j), a[N, i] * x[N, j] + b[N, i] * y[N, j], "sum", (N,))
    plan = plan_kernel(
        Kernel("f", program_of([x, y, a, b, g], [total], ("g",)), ("x", "y", "a", "b"), (), (), ("g",))
    )
    assert lines(total, plan) == [
        "multiply(g, 0, 6, a, 0, 1, 8, x, 0, 6, 8, 6, rows, start == 0, 1.0)",
        "multiply(g, 0, 6, b, 0, 1, 8, y, 0, 6, 8, 6, rows, False, 1.0)",
    ]


def test_some_rows():
    some = call("g", Part("low", "count"))
    assert some == "multiply(g, 0 + low*6, 6, d, 0 + low*1, 1, 8, x, 0, 6, count, 6, rows, start == 0, 1.0)"


def test_some_columns():
    some = call("g", Part("low", "count", columns=True))
    assert some == "multiply(g, 0 + low*1, 6, d, 0, 1, 8, x, 0 + low*1, 6, 8, count, rows, start == 0, 1.0)"


def test_the_names_that_modules_carry_are_reserved():
    for texts in (micro_kernels(True, True, True), crew_functions(notes=True)):
        for node in ast.parse("\n".join(texts)).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names = [node.name]
            else:
                assert isinstance(node, ast.Assign)
                names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            assert set(names) <= OWN_NAMES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_micro_kernels_apart_from_a_text(dtype):
    module = ir.Module()
    functions = write_products(module, dtype)
    names = [f"{n}_f{dtype[-2:]}" for n in ("multiply", "multiply_turned", "tiles")]
    assert [f.name for f in functions] == names
    assert {f.name for f in module.functions if f.blocks} >= {*names}


def test_micro_kernels_for_the_matrix_unit_call_those_of_float32():
    module = ir.Module()
    functions = write_products(module, UNIT)
    assert [f.name for f in functions] == ["multiply_in_unit_f32", "unit_allowed"]
    (tiles,) = (f for f in module.functions if f.name == "tiles_f32")
    assert not tiles.blocks


MATRIX = "z, 0, {c}, x, 0, {k}, 1, W, 0, {k}, rows, {c}, {k}, True, f32(1.0), True, samples < 8"


@pytest.mark.parametrize(
    ("columns", "depth", "large"),
    [
        (1000, 784, "samples >= 191"),
        (427, 128, "samples >= 256"),
        (426, 784, None),
        (160, 784, None),
        (1000, 127, None),
    ],
)
def test_large_products_of_float32_are_for_the_matrix_unit(columns, depth, large):
    """Of m rows and n columns, m*n/(m + n) is 160 or more; a tile has 256 at most."""
    i, j = Index("i", columns), Index("j", depth)
    x, w, z = (
        Tensor("x", (BATCH, depth), "input"),
        Tensor("W", (columns, depth), "parameter"),
        Tensor("z", (BATCH, columns)),
    )
    s = Statement("z", (N, i), w[i, j] * x[N, j], "sum", (j,))
    kernel = Kernel(
        "f", program_of([x, w, z], [s], ("z",)), ("x",), ("W",), ("z",), (), "float32", schedule=256
    )
    plan = plan_kernel(kernel)

    def text(single, **more):
        return one(s, plan, single=single, **more)

    if large is None:
        assert text(True).startswith("multiply_turned(")
    else:
        assert text(True) == f"multiply_large({MATRIX.format(c=columns, k=depth)}, {large})"
        # A piece has the numbers of the tile.
        piece = text(True, part=Part("low", "count", columns=True))
        assert piece.endswith(f", samples < 8, {large})")
    assert text(False).startswith("multiply_turned(")


def test_sums_over_samples_for_the_matrix_unit_take_more_than_some_samples():
    i, j = Index("i", 400), Index("j", 300)
    x, d, g = Tensor("x", (BATCH, 300), "input"), Tensor("d", (BATCH, 400), "input"), Tensor("g", (400, 300))
    s = Statement("g", (i, j), d[N, i] * x[N, j], "sum", (N,))
    plan = plan_kernel(Kernel("f", program_of([x, d, g], [s], ("g",)), ("x", "d"), (), (), ("g",), "float32"))
    text = one(s, plan, single=True)
    assert text.endswith("400, 300, rows, start == 0, f32(1.0), False, False, samples >= 128)")
