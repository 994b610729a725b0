"""Straight lines for many samples in lockstep."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy as sp
from numba.core.errors import TypingError

from symbp.codegen.module import emit
from symbp.codegen.support import BLOCK_PIECE
from symbp.ir import BATCH, Access, Index, Statement, Tensor
from symbp.passes.batch import SAMPLE
from symbp.passes.pack import pack
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import compare, load, program_of

N = Index("n", BATCH)
X, Y = Access("x", SAMPLE), Access("y", SAMPLE)


def rows(bodies, dtype="float64", shape=None, inputs=None, **options):
    """A kernel whose result has one entry per body."""
    inputs = inputs or [Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input")]
    names = [f"v{k}" for k in range(len(bodies))]
    statements = [Statement(n, (SAMPLE,), sp.sympify(b)) for n, b in zip(names, bodies, strict=True)]
    program = program_of([*inputs, *(Tensor(n, (BATCH,)) for n in names)], statements, tuple(names))
    shape = shape or (len(bodies),)
    places = list(np.ndindex(*shape))
    program = pack(
        program, "out", shape, {at: Access(n, SAMPLE) for at, n in zip(places, names, strict=True)}
    )
    program = type(program)(program.tensors, program.statements, ("out",))
    return Kernel("run", program, tuple(t.name for t in inputs), (), ("out",), (), dtype, **options)


FUNCTIONS = [
    *(f(X) for f in (sp.exp, sp.sin, sp.cos, sp.tan, sp.tanh, sp.sinh, sp.cosh, sp.atan, sp.erf, sp.erfc)),
    *(f(X / 4) for f in (sp.asin, sp.acos, sp.asinh, sp.atanh)),
    *(f(sp.Abs(X) + 1.5) for f in (sp.log, sp.acosh, sp.gamma, sp.loggamma, sp.digamma, sp.sqrt)),
    sp.polygamma(1, sp.Abs(X) + 1),
    sp.atan2(Y, X),
    sp.floor(X) + sp.ceiling(Y),
    sp.sign(X) - sp.Max(X, Y) + 2 * sp.Min(X, Y, 0.25),
    sp.Piecewise((X, (X > Y) & (Y > 0)), (Y, sp.Or(X < -1, sp.Not(Y >= 0.5))), (X * Y, True)),
    (X**2 + 1) ** Y,
    X**-3 + sp.Rational(1, 3),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [*range(1, 20), 32, 33, 1000])
def test_all_operations_for_any_number_of_samples(tmp_path, dtype, count):
    kernel = rows(FUNCTIONS, dtype)
    module = _module(kernel, tmp_path)
    random = np.random.default_rng(count)
    values = {name: random.normal(size=count).astype(dtype) for name in "xy"}
    if dtype == "float64":
        compare(module, kernel, values)
        return
    (got,) = module.run(values["x"], values["y"])
    wide = rows(FUNCTIONS)
    (right,) = _module(wide, tmp_path).run(*(v.astype(float) for v in values.values()))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, right, rtol=3e-5, atol=3e-5)


_MODULES: dict = {}


def _module(kernel, folder):
    """The module of a kernel, compiled once for all tests that have an equal one."""
    text = emit([kernel])
    if text not in _MODULES:
        _MODULES[text] = load(text, folder)
    return _MODULES[text]


@pytest.mark.parametrize("size", [1, 2, 5, 7, 8, 9, 15, 16, 17, 33])
def test_rows_of_any_length(tmp_path, size):
    for dtype in ("float64", "float32"):
        kernel = rows([X * k + Y for k in range(1, size + 1)] + [sp.sin(X)] * (size == 1), dtype)
        module = load(emit([kernel]), tmp_path)
        for count in (1, 3, 16, 37):
            compare(module, kernel, {"x": np.arange(count) / 8, "y": np.ones(count)})


def test_constants_and_copies(tmp_path):
    kernel = rows([sp.Integer(3), X, sp.pi, sp.Integer(0), X], shape=(5,))
    module = load(emit([kernel]), tmp_path)
    for count in (1, 8, 21):
        compare(module, kernel, {"x": np.arange(float(count)), "y": np.ones(count)})


def test_inputs_with_rows(tmp_path):
    inputs = [Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH, 2, 3), "input")]
    bodies = [Access("y", SAMPLE, i, j) * X + i for i in range(2) for j in range(3)]
    kernel = rows(bodies, shape=(2, 3), inputs=inputs)
    module = load(emit([kernel]), tmp_path)
    random = np.random.default_rng(0)
    for count in (1, 5, 8, 19):
        compare(module, kernel, {"x": random.normal(size=count), "y": random.normal(size=(count, 2, 3))})


def test_one_sample_stands_for_all(tmp_path):
    kernel = rows([X * Y, X - Y], point=True)
    module = load(emit([kernel]), tmp_path)
    out = np.empty((21, 2))
    x = np.arange(21.0)
    module.run_into(x, np.array([3.0]), out)
    np.testing.assert_array_equal(out, np.stack([x * 3, x - 3], 1))
    module.run_into(np.array([2.0]), np.array([3.0]), out)
    np.testing.assert_array_equal(out, np.tile([6.0, -1.0], (21, 1)))
    np.testing.assert_array_equal(module.run(2.0, 3.0)[0], [6.0, -1.0])


def test_results_of_one_sample_are_written(tmp_path):
    # As many numbers come out as go in: what is said of the inputs must not be taken for the results.
    given = [Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input")]
    made = [Tensor("s", (BATCH,)), Tensor("t", (BATCH,))]
    program = program_of(
        [*given, *made],
        [Statement("s", (SAMPLE,), sum(sp.sin(k * X) for k in range(80))), Statement("t", (SAMPLE,), X * Y)],
        ("s", "t"),
    )
    kernel = Kernel("run", program, ("x", "y"), (), ("s", "t"), (), "float64", point=True)
    module = load(emit([kernel]), tmp_path)
    want = np.sum(np.sin(0.5 * np.arange(80))), 1.25
    for _ in range(3):
        np.testing.assert_allclose(module.run(0.5, 2.5), want, rtol=1e-12)
    s, t = np.empty((2, 1))
    module.run_into(np.array([0.5]), np.array([2.5]), s, t)
    np.testing.assert_allclose([s[0], t[0]], want, rtol=1e-12)


def chain(count):
    """Truth values and numbers that outlive many pieces."""
    bodies = [sp.sin(X + Y), *(sp.sin(X * k) for k in range(1, 6))]
    for k in range(count):
        last, early = Access(f"v{len(bodies) - 1}", SAMPLE), Access(f"v{1 + k % 5}", SAMPLE)
        choice = sp.Piecewise((last * Y + sp.Rational(k, 7), X > Y), (last / 2 - Access("v0", SAMPLE), True))
        bodies.append(choice + early / 9)
    return bodies


def test_long_lines_are_cut_into_pieces(tmp_path):
    kernel = rows(chain(BLOCK_PIECE))
    text = emit([kernel])
    assert text.count(" select ") >= BLOCK_PIECE
    module = load(text, tmp_path)
    random = np.random.default_rng(1)
    compare(module, kernel, {"x": random.uniform(0, 0.9, 37), "y": random.uniform(0, 0.9, 37)})
    kernel = rows(chain(BLOCK_PIECE), "float32")
    compare(
        load(emit([kernel]), tmp_path),
        kernel,
        {"x": random.uniform(0, 0.9, 37).astype("f4"), "y": random.uniform(0, 0.9, 37).astype("f4")},
    )


def test_special_values_pass_through(tmp_path):
    kernel = rows([sp.exp(X) * Y, sp.Max(X, Y), X + Y, sp.sqrt(X)])
    module = load(emit([kernel]), tmp_path)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e308, -1.0])
    x, y = (a.ravel() for a in np.meshgrid(special, special))
    with np.errstate(all="ignore"):
        right = np.stack([np.exp(x) * y, np.maximum(x, y), x + y, np.sqrt(x)], 1)
    (got,) = module.run(x.copy(), y.copy())
    np.testing.assert_array_equal(got, right)


def test_a_sample_does_not_depend_on_its_neighbours(tmp_path):
    kernel = rows(FUNCTIONS)
    module = _module(kernel, tmp_path)
    random = np.random.default_rng(3)
    x, y = random.normal(size=(2, 29))
    (together,) = module.run(x, y)
    for k in range(29):
        (alone,) = module.run(x[k : k + 1].copy(), y[k : k + 1].copy())
        np.testing.assert_array_equal(alone[0], together[k])


def test_arrays_of_other_kinds_are_refused(tmp_path):
    module = load(emit([rows([X * Y, X])]), tmp_path)
    ones, out = np.ones(4), np.empty((4, 2))
    with pytest.raises(TypingError, match="float64 in C order"):
        module.run_into(ones.astype("f4"), ones, out)
    with pytest.raises(TypingError, match="float64 in C order"):
        module.run_into(np.ones(8)[::2], ones, out)
    with pytest.raises(ValueError, match="x must have shape"):
        module.run_into(np.ones(3), ones, out)
    with pytest.raises(ValueError, match="out must have shape"):
        module.run_into(ones, ones, np.empty((4, 3)))


def test_rows_of_other_lengths_are_refused_by_name(tmp_path):
    inputs = [Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH, 2, 3), "input")]
    bodies = [Access("y", SAMPLE, i, j) * X for i in range(2) for j in range(3)]
    text = emit([rows(bodies, shape=(2, 3), inputs=inputs)])
    # Numba takes longer over an `if` for each of many arrays than over all they are computed with.
    assert "raise" not in text[text.index("def run_into") :]
    module = load(text, tmp_path)
    x, y, out = np.ones(4), np.ones((4, 2, 3)), np.empty((4, 2, 3))
    module.run_into(x[:1], y[:1], out)
    np.testing.assert_array_equal(out, np.ones((4, 2, 3)))
    for wrong in (np.ones((4, 2, 4)), np.ones((4, 3, 3)), np.ones((3, 2, 3))):
        with pytest.raises(ValueError, match=r"^y must have shape \(N, 2, 3\)$"):
            module.run_into(x, wrong, out)
    with pytest.raises(ValueError, match=r"^x must have shape \(N,\)$"):
        module.run_into(np.ones(5), y, out)
    for wrong in (np.empty((4, 2, 2)), np.empty((5, 2, 3))):
        with pytest.raises(ValueError, match=r"must have shape \(N, 2, 3\)|x must have shape"):
            module.run_into(x, y, wrong)


def test_registers_are_full(tmp_path):
    module = load(emit([rows([sp.exp(X * k) + Y for k in range(1, 9)])]), tmp_path)
    module.run(np.ones(9), np.ones(9))
    (text,) = module.run_into.inspect_asm().values()
    assert re.search(r"v(add|fmadd\d*)pd\s.*%[yz]mm|fadd\s+v\d+\.2d|addpd", text)


def test_arrays_whose_rows_are_alike_share_a_loop(tmp_path):
    inputs = [Tensor(f"x{k}", (BATCH,), "input") for k in range(12)] + [Tensor("v", (BATCH, 3), "input")]
    terms = [Access(f"x{k}", SAMPLE) * Access("v", SAMPLE, k % 3) for k in range(12)]
    kernel = rows([sp.Add(*terms), terms[5]], shape=(2,), inputs=inputs)
    module = load(emit([kernel]), tmp_path)
    random = np.random.default_rng(2)
    for count in (1, 8, 21):
        data = {f"x{k}": random.normal(size=1 if k == 5 else count) for k in range(12)}
        data["v"] = random.normal(size=(count, 3))
        out = np.empty((count, 2))
        module.run_into(*data.values(), out)
        want = [data[f"x{k}"] * data["v"][:, k % 3] for k in range(12)]
        np.testing.assert_allclose(out, np.stack([sum(want), want[5]], 1), rtol=1e-12)
    (text,) = module.run_into.inspect_llvm().values()
    # Numbers, rows of v, rows of the result.
    assert len(re.findall(r"^define .*lockstep_move", text, re.M)) == 3
