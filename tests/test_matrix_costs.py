"""What matrix expressions cost, in operations of their programs, forward and with the gradient."""

import itertools
import math
from types import SimpleNamespace

import pytest
import sympy as sp
from sympy.matrices.expressions.diagonal import DiagMatrix

import symbp as sb
from symbp.ir.walk import accesses
from symbp.network import symbol_name, symbols_used
from symbp.pipeline import derive
from tests.passes.stages import work_of

SMALL, LARGE = 16, 32


def symbols(n):
    """Square matrices A, B, C, D, the wide W, vectors u, v, x, y, and a scalar c."""
    shapes = dict.fromkeys("ABCD", (n, n)) | {"W": (n, n // 2)} | dict.fromkeys("uvxy", (n, 1))
    return SimpleNamespace(c=sp.Symbol("c"), n=n, **{k: sp.MatrixSymbol(k, *v) for k, v in shapes.items()})


def derived(build, n=LARGE, wrt=None):
    """The derivation of what is built; of its sum with fixed weights, where it is no scalar."""
    value = sp.sympify(build(symbols(n)))
    equations, E = [], sp.Symbol("E")
    if getattr(value, "is_Matrix", False) and value.shape != (1, 1):
        f, U = sp.MatrixSymbol("f", *value.shape), sp.MatrixSymbol("U", *value.shape)
        equations.append(sp.Eq(f, value, evaluate=False))
        equations.append(sp.Eq(E, sp.Trace(sp.MatMul(sp.Transpose(U), f)), evaluate=False))
        inputs = [*symbols_used(value), U]
    else:
        equations.append(sp.Eq(E, value, evaluate=False))
        inputs = symbols_used(value)
    net = sb.Network(equations, inputs=inputs, loss=E, batch=False)
    return derive(net, wrt=symbols_used(value) if wrt is None else wrt)


def work(build, n=LARGE):
    derivation = derived(build, n)
    return work_of(derivation.forward_program), work_of(derivation.backward_program)


def order(build):
    """The exponents of n in the operations forward, and forward and backward."""
    return [math.log2(b / a) for a, b in zip(work(build, SMALL), work(build, LARGE), strict=True)]


@pytest.mark.parametrize(
    "build",
    [
        lambda s: s.x.T * s.A * s.B * s.C * s.y,
        lambda s: s.A * s.B * s.x,
        lambda s: s.x.T * s.A * s.B,
        lambda s: s.A.T * (s.B.T * s.x),
        lambda s: (s.A * s.B).T * s.x,
        lambda s: DiagMatrix(s.v) * s.W,
        lambda s: DiagMatrix(s.v) * s.W * s.W.T * DiagMatrix(s.u) * s.x,
        lambda s: sp.Trace(s.A * s.B),
        lambda s: sp.Trace(s.x * s.y.T * s.A * s.B),
        lambda s: sp.Trace(s.A * s.B + s.c * s.C),
        lambda s: sb.total(s.A * s.B),
        lambda s: s.A * sp.OneMatrix(s.n, s.n) * s.x,
        lambda s: (s.A * s.B + s.C) * s.x,
        lambda s: s.x.T * (s.A * (s.B * s.C + s.D) + sp.Identity(s.n)) * s.y,
        lambda s: (s.A * s.B * s.x).applyfunc(sp.tanh),
        lambda s: sp.HadamardProduct(s.A, s.x * s.y.T) * s.v,
        lambda s: (s.A * s.B * s.x + s.u).T * s.C * (s.A * s.B * s.x + s.u),
        lambda s: s.A * s.B * s.C * s.x * s.y.T * s.D * s.A * s.B * s.C * s.D * s.A * s.B,
        lambda s: sp.MatMul(*[s.A, s.B, s.C, s.D] * 3, s.x),
        lambda s: sp.MatMul(s.x.T, *[s.A, s.B, s.C, s.D] * 3),
        lambda s: sp.MatMul(*[s.A, s.B] * 30, s.x),
    ],
)
def test_no_vector_is_multiplied_out_into_matrices(build):
    assert all(k < 2.1 for k in order(build))
    forward, backward = work(build)
    assert backward <= 4 * forward


@pytest.mark.parametrize(
    "build",
    [
        lambda s: s.x * s.y.T * s.v,
        lambda s: (s.u * s.v.T) * (s.x * s.y.T) * s.u,
        lambda s: DiagMatrix(s.v) * DiagMatrix(s.u) * s.x,
        lambda s: sp.Trace(s.x * s.y.T),
        lambda s: sp.Trace(s.A) * sp.Trace(s.B),
    ],
)
def test_values_that_take_linear_work(build):
    forward, _ = order(build)
    assert forward < 1.1
    assert work(build)[0] <= 8 * LARGE


def test_exact_counts():
    n, p = LARGE, LARGE // 2

    def forward(build):
        return work(build)[0]

    dot, times = 2 * n - 1, n * (2 * n - 1)  # x'y and A x
    assert forward(lambda s: s.x.T * s.A * s.B * s.C * s.y) == 3 * times + dot
    assert forward(lambda s: sp.Trace(s.A * s.B)) == 2 * n * n - 1
    assert forward(lambda s: (s.x * s.y.T) * s.v) == dot + n + dot
    # A scaled matrix, then the sum over f that makes it a scalar.
    assert forward(lambda s: DiagMatrix(s.v) * s.W) == n * p + 2 * n * p - 1
    # A product and its transpose, a power of two: computed once.
    assert forward(lambda s: (s.A * s.x).T * (s.A * s.x)) == times + dot
    assert forward(lambda s: sp.Trace(s.A**8)) == 2 * n * times + 2 * n * n - 1
    # 119: |A B D + C|^2 takes two products, also where it is written with a transpose.
    squares = forward(lambda s: sp.Trace((s.A * s.B * s.D + s.C) * (s.A * s.B * s.D + s.C).T))
    assert squares <= 2 * n * times + 3 * n * n


def test_common_factors_are_multiplied_once():
    n = LARGE
    separate = work(lambda s: s.A * s.x + s.B * s.y)
    together = work(lambda s: s.A * s.x + s.A * s.y)
    assert together[0] == separate[0] - n * (2 * n - 1)
    assert together[1] < separate[1]
    scaled = work(lambda s: s.c * s.A * s.x + s.c * s.A * s.y)
    assert scaled[0] == together[0] + n


def test_a_constant_is_multiplied_once_per_entry():
    for build in (
        lambda s: 2 * (3 * s.A) * s.x,
        lambda s: sp.MatMul(2, sp.Transpose(sp.MatMul(3, s.A)), s.c, s.x),
    ):
        program = derived(build).forward_program
        (product, scaled) = program.statements[:2]
        assert product.reduce == "sum"
        assert not product.body.has(sp.Integer(6))
        assert scaled.indices == product.indices
        assert 6 in scaled.body.args
    small = derived(lambda s: 2 * s.c * s.x * s.y.T).forward_program
    assert [len(s.indices) for s in small.statements] == [1, 2, 0]


def test_index_notation_follows():
    """sum_j c W[i, j] x[j] multiplies by c once per i; long contractions are ordered, too."""
    n = 8
    W, x, z = sb.indexed("W", n, n), sb.indexed("x", n), sb.indexed("z", n)
    i, j = sb.index("i", n), sp.Symbol("j", integer=True)
    c = sp.Symbol("c")
    for body in (c * W[i, j] * x[j], c * W[i, j] * x[j] + c * x[j], 2 * c * W[i, j] - 2 * c * x[j]):
        net = sb.Network([sp.Eq(z[i], sp.Sum(body, (j, 0, n - 1)))], inputs=[W, x, c], batch=False)
        inside, outside = derive(net).forward_program.statements
        assert "c" not in {a.name for a in accesses(inside.body)}
        assert "c" in {a.name for a in accesses(outside.body)}
        assert not outside.bound
    k = sp.symbols("k0:11", integer=True)
    body = sp.Mul(x[k[0]], *(W[a, b] for a, b in itertools.pairwise(k)), x[k[-1]])
    E = sp.Symbol("E")
    net = sb.Network(
        [sp.Eq(E, sp.Sum(body, *((a, 0, n - 1) for a in k)))], inputs=[W, x], loss=E, batch=False
    )
    assert work_of(derive(net, wrt=[W, x]).backward_program) <= 4 * 10 * 2 * n * n


def test_gradients_that_nobody_asks_for_are_not_computed():
    def build(s):
        return (s.A * sp.MatMul(s.B, s.x).applyfunc(sp.sin) + s.c * s.y).T * s.C * s.v

    names = [symbol_name(s) for s in symbols_used(build(symbols(LARGE)))]
    everything = derived(build)
    assert set(everything.gradients) == set(names)
    for name in names:
        derivation = derived(build, wrt=[name])
        statements = derivation.backward_program.statements
        assert set(derivation.gradients) == {name}
        others = {everything.gradients[n] for n in names if n != name}
        assert not others & {s.target for s in statements}
        assert work_of(derivation.backward_program) < work_of(everything.backward_program)
    # The gradient for C is an outer product: nothing behind it is differentiated.
    extra = work_of(derived(build, wrt=["C"]).backward_program) - work_of(everything.forward_program)
    assert extra <= LARGE * LARGE + 2 * LARGE


def test_no_transpose_is_stored():
    for build in (
        lambda s: s.A.T * (s.B.T * s.x),
        lambda s: (s.A * s.B).T * s.x,
        lambda s: (s.W.T * s.A).T * s.W.T * s.x,
    ):
        program = derived(build).backward_program
        matrices = {s.target for s in program.statements if len(s.indices) == 2}
        assert matrices <= set(derived(build).gradients.values())
