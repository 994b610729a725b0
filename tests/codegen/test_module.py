"""Emitted modules equal the interpreter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp

from symbp.codegen.module import emit, imports
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import compare, load, program_of, random_values

N = Index("n", BATCH)


def dense(sizes=(5, 7, 3)):
    """A tanh network with squared error and its hand-written gradient."""
    x = Tensor("x", (BATCH, sizes[0]), "input")
    y = Tensor("y", (BATCH, sizes[-1]), "input")
    tensors, statements, weights, activations = [x, y], [], [], [x]
    for k, (below, above) in enumerate(itertools.pairwise(sizes), 1):
        i, j = Index("i", above), Index("j", below)
        w, b = Tensor(f"W{k}", (above, below), "parameter"), Tensor(f"b{k}", (above,), "parameter")
        s, a = Tensor(f"s{k}", (BATCH, above)), Tensor(f"a{k}", (BATCH, above))
        statements.append(Statement(s.name, (N, i), w[i, j] * activations[-1][N, j], "sum", (j,)))
        statements.append(Statement(a.name, (N, i), sp.tanh(s[N, i] + b[i])))
        tensors += [w, b, s, a]
        weights.append(w)
        activations.append(a)
    i = Index("i", sizes[-1])
    a = activations[-1]
    tensors.append(Tensor("loss", ()))
    statements.append(Statement("loss", (), (a[N, i] - y[N, i]) ** 2 / (2 * BATCH), "sum", (N, i)))
    gradient: list[str] = []
    error = (a[N, i] - y[N, i]) / BATCH
    for k in range(len(weights), 0, -1):
        i, j = Index("i", sizes[k]), Index("j", sizes[k - 1])
        d = Tensor(f"delta{k}", (BATCH, sizes[k]))
        statements.append(Statement(d.name, (N, i), error * (1 - activations[k][N, i] ** 2)))
        dw, db = Tensor(f"dE/dW{k}", (sizes[k], sizes[k - 1])), Tensor(f"dE/db{k}", (sizes[k],))
        statements.append(Statement(dw.name, (i, j), d[N, i] * activations[k - 1][N, j], "sum", (N,)))
        statements.append(Statement(db.name, (i,), d[N, i], "sum", (N,)))
        e = Tensor(f"dE/da{k - 1}", (BATCH, sizes[k - 1]))
        if k > 1:
            statements.append(Statement(e.name, (N, j), weights[k - 1][i, j] * d[N, i], "sum", (i,)))
            error = e[N, Index("i", sizes[k - 1])]
            tensors.append(e)
        tensors += [d, dw, db]
        gradient = [dw.name, db.name, *gradient]
    return program_of(tensors, statements, ("loss", *gradient)), tuple(gradient)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_dense_network_and_gradient(agree, dtype):
    program, gradient = dense()
    text = agree(program, ("loss",), gradient, samples=(1, 2, 3, 256, 257, 600), dtype=dtype)
    assert "    multiply(" in text


def test_batched_results_and_a_result_inside_the_gradient(agree):
    program, gradient = dense()
    agree(program, ("a2", "s1", "dE/dW1", "loss"), gradient)


def test_results_that_no_statement_defines_are_copied(agree):
    x, w = Tensor("x", (BATCH, 2), "input"), Tensor("w", (2,), "parameter")
    i = Index("i", 2)
    y = Tensor("y", (BATCH, 2))
    program = program_of([x, w, y], [Statement("y", (N, i), x[N, i] * w[i])], ("y", "x", "w"))
    agree(program, ("y", "x", "w"))


def test_read_only_input(tmp_path):
    program, gradient = dense()
    parameters = tuple(t.name for t in program.by_role("parameter"))
    kernel = Kernel("run", program, ("x", "y"), parameters, ("loss", "a2"), gradient)
    module = load(emit([kernel]), tmp_path)
    x, y, theta = np.ones((4, 5)), np.ones((4, 3)), np.full(66, 0.1)
    writable = module.run(theta, x, y)
    for array in (x, y, theta):
        array.flags.writeable = False
    for a, b in zip(writable, module.run(theta, x, y), strict=True):
        assert np.array_equal(a, b)


def test_there_is_no_sum_over_no_samples(tmp_path):
    program, gradient = dense()
    parameters = tuple(t.name for t in program.by_role("parameter"))
    for results, sums in ((("loss", "a2"), gradient), (("a2",), ())):
        kernel = Kernel("run", program, ("x", "y"), parameters, results, sums)
        module = load(emit([kernel], results[0]), tmp_path)
        none = np.full(66, 0.1), np.ones((0, 5)), np.ones((0, 3))
        if sums:
            with pytest.raises(ValueError, match="there are no samples"):
                module.run(*none)
        else:
            assert module.run(*none)[0].shape == (0, 3)


def test_phases_before_and_after_the_batch(agree):
    """A normalisation over the batch: two passes over the samples, results kept in between."""
    i, j = Index("i", 4), Index("j", 4)
    x, w = Tensor("x", (BATCH, 4), "input"), Tensor("w", (4, 4), "parameter")
    names = ("scale", "z", "mean", "centred", "variance", "out", "total")
    shapes = ((4,), (BATCH, 4), (4,), (BATCH, 4), (4,), (BATCH, 4), ())
    t = {n: Tensor(n, s) for n, s in zip(names, shapes, strict=True)}
    statements = [
        Statement("scale", (i,), w[i, j] ** 2, "sum", (j,)),
        Statement("z", (N, i), x[N, i] * t["scale"][i]),
        Statement("mean", (i,), t["z"][N, i] / BATCH, "sum", (N,)),
        Statement("centred", (N, i), t["z"][N, i] - t["mean"][i]),
        Statement("variance", (i,), t["centred"][N, i] ** 2 / BATCH, "sum", (N,)),
        Statement("out", (N, i), t["centred"][N, i] / sp.sqrt(t["variance"][i] + 1)),
        Statement("total", (), t["variance"][i] + t["mean"][i], "sum", (i,)),
    ]
    agree(program_of([x, w, *t.values()], statements, names), ("out", "total"))


def test_maximum_over_classes_and_over_the_batch(agree):
    x = Tensor("x", (BATCH, 6), "input")
    k, m = Index("k", 6), Index("m", 6)
    top, e, total, p = (Tensor(n, s) for n, s in zip(
        ("top", "e", "total", "p"), ((BATCH,), (BATCH, 6), (BATCH,), (BATCH, 6)), strict=True
    ))  # fmt: skip
    best, column = Tensor("best", ()), Tensor("column", (6,))
    statements = [
        Statement("top", (N,), x[N, k], "max", (k,)),
        Statement("e", (N, k), sp.exp(x[N, k] - top[N])),
        Statement("total", (N,), e[N, m], "sum", (m,)),
        Statement("p", (N, k), e[N, k] / total[N]),
        Statement("best", (), x[N, k], "max", (N, k)),
        Statement("column", (k,), x[N, k], "max", (N,)),
    ]
    agree(
        program_of([x, top, e, total, p, best, column], statements, ("p", "best", "column")),
        ("p", "best", "column"),
    )


def test_maximum_keeps_nan(agree):
    x = Tensor("x", (BATCH, 3), "input")
    k = Index("k", 3)
    top, part = Tensor("top", (BATCH,)), Tensor("part", (BATCH, 3))
    statements = [
        Statement("top", (N,), x[N, k], "max", (k,)),
        Statement("part", (N, k), sp.Max(x[N, k], 0) + sp.Min(x[N, k], 1)),
    ]
    values = np.array([[1, np.nan, 2], [np.nan, 1, 3], [1, 2, np.nan], [1, 2, 3]])
    agree(
        program_of([x, top, part], statements, ("top", "part")),
        ("top", "part"),
        samples=(4,),
        values={"x": values},
    )


def test_label_gather_and_its_scatter(agree):
    z, y = Tensor("z", (BATCH, 4), "input"), Tensor("y", (BATCH,), "label", bound=4)
    table = Tensor("table", (4, 3), "parameter")
    i, k, r = Index("i", 3), Index("k", 4), Index("r", 4)
    picked, hot, row, back, number = (Tensor(n, s) for n, s in zip(
        ("picked", "hot", "row", "back", "number"), ((), (BATCH, 4), (BATCH, 3), (4, 3), (BATCH,)),
        strict=True,
    ))  # fmt: skip
    statements = [
        Statement("picked", (), -z[N, y[N]] / BATCH, "sum", (N,)),
        Statement("hot", (N, k), sp.Piecewise((z[N, k] - 1, sp.Eq(k, y[N])), (z[N, k], True))),
        Statement("row", (N, i), table[y[N], i] * 2),
        Statement("back", (r, i), row_term(z, i), "sum", (N,), (sp.Eq(r, y[N]),)),
        Statement("number", (N,), 2 * y[N] + z[N, 0]),
    ]
    names = ("picked", "hot", "row", "back", "number")
    agree(program_of([z, y, table, picked, hot, row, back, number], statements, names), names)


def row_term(z, i):
    return z[N, i] ** 2


def test_a_large_module_shares_functions_and_is_cut(tmp_path):
    """Fifty equal layers are one function, and a hundred are a loop."""
    kernel = layers_of_three(50)
    text = emit([kernel])
    assert text.count("def compute_") == 1
    assert text.count("def forward_part_") == 2
    compare(load(text, tmp_path), kernel, random_values(kernel.program, 5))

    kernel = layers_of_three(100)
    text = emit([kernel])
    assert text.count("def compute_") == 1
    assert "for step in range(" in text
    assert "def forward_part_" not in text
    compare(load(text, tmp_path), kernel, random_values(kernel.program, 5))


def layers_of_three(count):
    """So many layers, each of three units without a bias."""
    i, j = Index("i", 3), Index("j", 3)
    x = Tensor("a0", (BATCH, 3), "input")
    tensors, statements = [x], []
    before = x
    for k in range(1, count + 1):
        w, s, a = (
            Tensor(f"W{k}", (3, 3), "parameter"),
            Tensor(f"s{k}", (BATCH, 3)),
            Tensor(f"a{k}", (BATCH, 3)),
        )
        statements.append(Statement(s.name, (N, i), w[i, j] * before[N, j], "sum", (j,)))
        statements.append(Statement(a.name, (N, i), sp.tanh(s[N, i])))
        tensors += [w, s, a]
        before = a
    program = program_of(tensors, statements, (before.name,))
    parameters = tuple(f"W{k}" for k in range(1, count + 1))
    return Kernel("forward", program, ("a0",), parameters, (before.name,), ())


def test_point_function(tmp_path):
    x, y, v = Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input"), Tensor("v", (BATCH, 2), "input")
    c = Tensor("c", (), "input")
    f, g = Tensor("f", (BATCH,)), Tensor("g", (BATCH, 2))
    i = Index("i", 2)
    statements = [
        Statement("f", (N,), sp.exp(x[N]) * y[N] + c[()]),
        Statement("g", (N, i), x[N] * v[N, i]),
    ]
    program = program_of([x, y, v, c, f, g], statements, ("f", "g"))
    kernel = Kernel("both", program, ("x", "y", "v", "c"), (), ("f", "g"), (), point=True)
    module = load(emit([kernel]), tmp_path)
    values = random_values(program, 4)
    compare(module, kernel, values, "both_batch")
    f1, g1 = module.both(0.5, 2.0, np.array([1.0, 3.0]), 7.0)
    assert isinstance(f1, float)
    assert f1 == pytest.approx(np.exp(0.5) * 2 + 7, abs=1e-14)
    assert g1.tolist() == [0.5, 1.5]


def test_constants_and_unbatched_programs(agree):
    c = Tensor("c", (2, 3), "constant", values=(1.0, 2.0, 3.0, 4.0, 5.0, float("inf")))
    x, s, t = Tensor("x", (3,), "input"), Tensor("s", (2,)), Tensor("t", ())
    i, j = Index("i", 2), Index("j", 3)
    statements = [
        Statement("s", (i,), sp.Min(c[i, j], 9) * x[j], "sum", (j,)),
        Statement("t", (), s[0] - s[1]),
    ]
    agree(program_of([c, x, s, t], statements, ("s", "t")), ("s", "t"))


GOLDEN = '''\
@njit(nogil=True, error_model="numpy", cache=True)
def forward_into(theta, x, a1):
    """Writes all results into the last arguments."""
    samples = x.shape[0]
    if theta.size != 6:
        raise ValueError("theta must have 6 entries")
    if x.shape[1] != 3:
        raise ValueError("x must have shape (N, 3)")
    if a1.shape[0] != samples or a1.shape[1] != 2:
        raise ValueError("a1 must have shape (N, 2)")
    for start in range(0, samples, 256):
        rows = min(256, samples - start)
        # s1[n, i] = sum(j) W1[i, j]*x[n, j]
        # a1[n, i] = 1/(1 + exp(-s1[n, i]))
        W1 = view(theta, at(0), (2, 3))
        x_view = view(x, start*3, (rows, 3))
        a1_view = view(a1, start*2, (rows, 2))
        for n in range(rows):
            for i in range(2):
                s1 = 0.0
                for j in range(3):
                    s1 = accumulate_product(s1, W1[i, j], x_view[n, j])
                a1_view[n, i] = 1.0/(1.0 + exp(-s1))


@njit(nogil=True, error_model="numpy", cache=True)
def forward(theta, x):
    """Allocates the results and returns them as a tuple."""
    samples = x.shape[0]
    a1 = np.empty((samples, 2), np.float64)
    forward_into(theta, x, a1)
    return (a1,)
'''


def test_golden_listing():
    i, j = Index("i", 2), Index("j", 3)
    x, w = Tensor("x", (BATCH, 3), "input"), Tensor("W1", (2, 3), "parameter")
    s, a = Tensor("s1", (BATCH, 2)), Tensor("a1", (BATCH, 2))
    statements = [
        Statement("s1", (N, i), w[i, j] * x[N, j], "sum", (j,)),
        Statement("a1", (N, i), 1 / (1 + sp.exp(-s[N, i]))),
    ]
    program = program_of([x, w, s, a], statements, ("a1",))
    text = emit([Kernel("forward", program, ("x",), ("W1",), ("a1",), ())], "one layer")
    assert text.endswith(GOLDEN)


def test_imports_are_those_of_whole_words():
    assert imports("x = math.exp(np.pi)") == "import math\n\nimport numpy as np"
    assert imports("x = aftermath.exp(own.np.pi)") == ""
    assert imports("@njit\ndef f(kind=types.intp): ...") == "from numba import njit, types"
