"""Windows as tensors, so that convolutions are products of matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as sb
from benchmarks.structures import images
from symbp import nn
from symbp.ir import check, evaluate
from symbp.ir.nodes import BATCH, Index, Statement, Tensor, TensorName
from symbp.schedule import windows
from symbp.schedule.product import products_of
from symbp.schedule.windows import with_windows
from tests.codegen.kernels import program_of, random_values

N, C, DEPTH, A, B, P, Q, K, L = (
    Index(name, n) for name, n in zip("ncdijpqkl", (BATCH, 6, 2, 8, 9, 3, 3, 10, 11), strict=True)
)
X, KERNEL = Tensor("x", (BATCH, 2, 10, 11), "input"), Tensor("k", (6, 2, 3, 3), "parameter")
Z, DX, DK = Tensor("z", (BATCH, 6, 8, 9)), Tensor("dx", (BATCH, 2, 10, 11)), Tensor("dk", (BATCH, 6, 2, 3, 3))
WINDOW = X[N, DEPTH, A + P, B + Q]
FORWARD = Statement("z", (N, C, A, B), KERNEL[C, DEPTH, P, Q] * WINDOW, "sum", (P, Q, DEPTH))
BACK = Statement(
    "dx",
    (N, DEPTH, K, L),
    Z[N, C, A, B] * KERNEL[C, DEPTH, P, Q],
    "sum",
    (C, A, B, P, Q),
    (sp.Eq(K, A + P), sp.Eq(L, B + Q)),
)
SLOPE = Statement("dk", (N, C, DEPTH, P, Q), Z[N, C, A, B] * WINDOW, "sum", (A, B))


def program(*statements, outputs=("z",), tensors=(X, KERNEL, Z, DX, DK)):
    made = {s.target for s in statements}
    return program_of(
        [t for t in tensors if t.role != "defined" or t.name in made], list(statements), outputs
    )


def test_a_convolution_its_slopes_and_its_transpose():
    found = with_windows(program(FORWARD, SLOPE, BACK, outputs=("dk", "dx")))
    copy, made, slope, before, back = found.statements
    assert copy == Statement("x_windows", (N, DEPTH, P, Q, A, B), WINDOW)
    read = found.tensors["x_windows"][N, DEPTH, P, Q, A, B]
    assert made == FORWARD.with_body(KERNEL[C, DEPTH, P, Q] * read)
    assert slope == SLOPE.with_body(Z[N, C, A, B] * read)  # the same copy
    (product,) = products_of(made, found.tensors)
    assert (product.rows.indices, product.columns.indices) == ((C,), (A, B))
    assert (product.depth.indices, product.loops) == ((DEPTH, P, Q), (N,))
    (product,) = products_of(slope, found.tensors)
    assert (product.columns.indices, product.depth.indices) == ((DEPTH, P, Q), (A, B))
    (product,) = products_of(before, found.tensors)
    assert (product.rows.indices, product.columns.indices) == ((DEPTH, P, Q), (A, B))
    assert (back.target, back.bound, back.where) == ("dx", (A, B, P, Q), BACK.where)
    assert back.body == before.access


def test_a_copy_that_is_no_use_is_not_known():
    """Of a sum that is no product after all, before one that is."""
    v, u = Tensor("v", (6,), "parameter"), Tensor("u", (BATCH, 6, 8, 9))
    mere = Statement("u", (N, C, A, B), v[C] * WINDOW, "sum", (P, Q, DEPTH))
    before = program(mere, FORWARD, outputs=("u", "z"), tensors=(X, KERNEL, v, u, Z))
    first, copy, made = check(with_windows(before)).statements
    assert (first, copy.target) == (mere, "x_windows")
    assert made.body.has(TensorName("x_windows"))
    alone = program(mere, outputs=("u",), tensors=(X, v, u))
    assert with_windows(alone) is alone


def test_channels_may_come_last():
    x, k = Tensor("x", (BATCH, 10, 11, 2), "input"), Tensor("k", (3, 3, 2, 6), "parameter")
    z = Tensor("z", (BATCH, 8, 9, 6))
    s = Statement("z", (N, A, B, C), k[P, Q, DEPTH, C] * x[N, A + P, B + Q, DEPTH], "sum", (P, Q, DEPTH))
    found = with_windows(program(s, tensors=(x, k, z)))
    copy, made = found.statements
    assert copy.indices == (N, A, B, P, Q, DEPTH)
    (product,) = products_of(made, found.tensors)
    assert (product.rows.indices, product.columns.indices) == ((N, A, B), (C,))  # of all samples
    assert product.depth.indices == (P, Q, DEPTH)


def test_a_margin_is_one_of_the_windows():
    inside = (sp.Ge(A + P, 1), sp.Le(A + P, 10))
    moved = X[N, DEPTH, A + P - 1, B + Q]
    tall = Index("i", 10)
    swap = {A: tall}
    z = Tensor("z", (BATCH, 6, 10, 9))
    s = Statement(
        "z",
        (N, C, tall, B),
        KERNEL[C, DEPTH, P, Q] * moved.xreplace(swap),
        "sum",
        (P, Q, DEPTH),
        tuple(w.xreplace(swap) for w in inside),
    )
    found = with_windows(program(s, tensors=(X, KERNEL, z)))
    copy, made = found.statements
    assert (copy.where, copy.reduce, made.where) == (s.where, "none", ())
    assert products_of(made, found.tensors)
    # Another margin is another copy.
    t = replace(s, target="t", where=(*s.where, sp.Ge(B, 1)))
    both = program(s, t, outputs=("z", "t"), tensors=(X, KERNEL, z, replace(z, name="t")))
    assert len([c for c in with_windows(both).statements if c.reduce == "none"]) == 2


def test_sums_of_products_have_their_windows_each():
    """As the derivative of a convolution along a direction: of its weights and its input."""
    inside = (sp.Ge(A + P, 1), sp.Ge(B + Q, 1))
    moved = {name: Tensor(name, X.shape, "input")[N, DEPTH, A + P - 1, B + Q - 1] for name in "xy"}
    other = Tensor("h", KERNEL.shape, "parameter")
    both = KERNEL[C, DEPTH, P, Q] * moved["y"] + other[C, DEPTH, P, Q] * moved["x"]
    tensors = (X, replace(X, name="y"), KERNEL, other, Z)
    s = replace(FORWARD, body=both, where=inside)
    *copies, made = with_windows(program(s, tensors=tensors)).statements
    assert {c.target for c in copies} == {"x_windows", "y_windows"}
    assert all(c.where == inside for c in copies)
    assert (made.where, len(made.body.args)) == ((), 2)
    # A term that is not read from windows would be added where the condition fails.
    held = Tensor("w", (BATCH, 2, 3, 3, 8, 9), "input")
    third = both + KERNEL[C, DEPTH, P, Q] * held[N, DEPTH, P, Q, A, B]
    alone = program(s.with_body(third), tensors=(*tensors, held))
    assert with_windows(alone) is alone
    assert (
        len(with_windows(program(replace(s, body=third, where=()), tensors=(*tensors, held))).statements) == 3
    )
    twice = (
        Z[N, C, A, B] * other[C, DEPTH, P, Q]
        + Tensor("u", Z.shape, "input")[N, C, A, B] * KERNEL[C, DEPTH, P, Q]
    )
    given = replace(Z, role="input"), Tensor("u", Z.shape, "input")
    before, back = with_windows(
        program(BACK.with_body(twice), outputs=("dx",), tensors=(X, KERNEL, other, *given, DX))
    ).statements
    assert before.body == twice
    assert (back.body, back.where) == (before.access, BACK.where)


def test_what_stays(monkeypatch):
    few, tensors = Index("c", 3), (X, Tensor("k", (3, 2, 3, 3), "parameter"), Tensor("z", (BATCH, 3, 8, 9)))
    plain = program(FORWARD)
    for same in (
        program(FORWARD.with_body(KERNEL[C, DEPTH, P, Q] * sp.tanh(WINDOW))),
        program(Statement("z", (N, C, A, B), X[N, 0, A, B] * KERNEL[C, DEPTH, P, Q], "sum", (P, Q, DEPTH))),
        program(
            Statement("z", (N, few, A, B), tensors[1][few, DEPTH, P, Q] * WINDOW, "sum", (P, Q, DEPTH)),
            tensors=tensors,
        ),
        program(Statement("z", (N, C, A, B), KERNEL[C, DEPTH, P, Q] * WINDOW, "max", (P, Q, DEPTH))),
    ):
        assert with_windows(same) is same
    assert with_windows(plain) is not plain
    monkeypatch.setattr(windows, "MOST_ENTRIES", 1000)
    assert with_windows(plain) is plain


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_windows_keep_their_meaning(data):
    """Of one or two axes, in steps, beside margins, in any order of axes: forward, slopes and transpose."""

    def whole(least, most):
        return data.draw(st.integers(least, most))

    axes = whole(1, 2)
    depth, channels = Index("d", whole(1, 3)), Index("c", whole(1, 6))
    inside, along, offsets, where, ends = [], [], [], [], []
    for k in range(axes):
        i, p = Index(f"i{k}", whole(1, 5)), Index(f"p{k}", whole(1, 3))
        step, shift = whole(1, 3), whole(0, 2)
        size = max(1, step * (i.extent - 1) + p.extent - shift - whole(0, 1))
        position = step * i + p - shift
        if shift or step * (i.extent - 1) + p.extent - 1 - shift >= size:
            where += [sp.Ge(position, 0), sp.Lt(position, size)]
        inside.append(position), along.append(i), offsets.append(p), ends.append(Index(f"k{k}", size))
    order = data.draw(st.permutations(range(axes + 1)))

    def arranged(first, others):
        return tuple([first, *others][k] for k in order)

    def extents(indices):
        return tuple(i.extent for i in indices)

    tensors = {
        "x": Tensor("x", (BATCH, *extents(arranged(depth, ends))), "input"),
        "g": Tensor("g", (BATCH, channels.extent, *extents(along)), "input"),
        "k": Tensor("k", extents((channels, *arranged(depth, offsets))), "parameter"),
    }
    if data.draw(st.booleans()):  # sums of two products each
        tensors |= {f"{name}2": replace(t, name=f"{name}2") for name, t in tensors.items()}
    places = {
        "x": (N, *arranged(depth, inside)),
        "k": (channels, *arranged(depth, offsets)),
        "g": (N, channels, *along),
    }

    def product(first, second):
        """Of two entries, or its derivative along a direction."""
        if len(tensors) == 3:
            return tensors[first][places[first]] * tensors[second][places[second]]
        pairs = ((first, f"{second}2"), (f"{first}2", second))
        return sp.Add(*(tensors[a][places[first]] * tensors[b][places[second]] for a, b in pairs))

    named = [sp.Eq(k, position) for k, position in zip(ends, inside, strict=True)]
    statements = [
        Statement("z", (N, channels, *along), product("k", "x"), "sum", (depth, *offsets), tuple(where)),
        Statement("s", (N, channels, depth, *offsets), product("g", "x"), "sum", tuple(along), tuple(where)),
        Statement(
            "b", (N, depth, *ends), product("g", "k"), "sum", (channels, *along, *offsets), (*named, *where)
        ),
    ]
    made = [Tensor(s.target, extents(s.indices)) for s in statements]
    before = program_of([*tensors.values(), *made], statements, ("z", "s", "b"))
    after = check(with_windows(before))
    values = random_values(before, 3)
    want, found = (evaluate(p, values) for p in (before, after))
    for name in before.outputs:
        np.testing.assert_allclose(found[name], want[name], rtol=1e-12, atol=1e-12)


def layer(name, source, channels, depth, size, window, step, padded):
    """A layer of windows as an equation, and what it reads and defines."""
    inside = (size + 2 * padded - window) // step + 1
    extents = (channels, depth, inside, inside, window, window)
    c, d, i, j, p, q = (nn.index(n, m) for n, m in zip("cdijpq", extents, strict=True))
    k = nn.indexed(f"k{name}", channels, depth, window, window)
    z = nn.indexed(f"z{name}", channels, inside, inside)
    at = step * i + p - padded, step * j + q - padded
    body = k[c, d, p, q] * source[d, at[0], at[1]]
    if padded:
        held = sp.And(*(sp.And(a >= 0, a <= size - 1) for a in at))
        body = sp.Piecewise((body, held), (0, True))
    total = sp.Sum(body, (d, 0, depth - 1), (p, 0, window - 1), (q, 0, window - 1))
    return sp.Eq(z[c, i, j], sp.tanh(total)), k, z, inside


def convolved(x, kernel, step=1, padded=0):
    """In NumPy, as a sum over windows."""
    x = np.pad(x, ((0, 0), (0, 0), (padded, padded), (padded, padded)))
    seen = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], (2, 3))[:, :, ::step, ::step]
    return np.einsum("ndijpq,cdpq->ncij", seen, kernel)


def assert_is_gradient(found, loss, theta):
    """Against complex steps along some directions; `loss` takes complex parameters."""
    random = np.random.default_rng(0)
    for _ in range(5):
        direction = random.normal(size=theta.shape)
        want = loss(theta + 1e-30j * direction).imag / 1e-30
        assert found @ direction == pytest.approx(want, rel=1e-11, abs=1e-12 * np.abs(found).sum())


@pytest.mark.parametrize("samples", [1, 3, 40])
@pytest.mark.parametrize("padded", [0, 1])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_layers_of_windows(step, padded, samples):
    """The same numbers for any number of threads."""
    x, E = nn.indexed("x", 2, 12, 12), nn.scalar("E")
    first, k1, z1, size = layer("1", x, 5, 2, 12, 3, step, padded)
    second, k2, z2, size = layer("2", z1, 4, 5, size, 2, 1, padded)
    c, i, j = nn.index("c", 4), nn.index("i", size), nn.index("j", size)
    end = sp.Eq(E, sp.Sum(z2[c, i, j] ** 3, (c, 0, 3), (i, 0, size - 1), (j, 0, size - 1)))
    network = sb.Network([first, second, end], inputs=[x], parameters=[k1, k2], loss=E)
    model = sb.compile(network, threads=1)
    assert "x_windows" in model.source
    random = np.random.default_rng(samples)
    theta = random.normal(size=model.init(seed=0).shape)
    data = {"x": random.normal(size=(samples, 2, 12, 12))}

    def loss(theta):
        one, two = theta[:90].reshape(5, 2, 3, 3), theta[90:].reshape(4, 5, 2, 2)
        found = np.tanh(convolved(np.tanh(convolved(data["x"], one, step, padded)), two, 1, padded))
        return (found**3).sum((1, 2, 3)).mean()

    value, gradient = model.value_and_grad(theta, data=data)
    assert value == pytest.approx(loss(theta), rel=1e-12)
    assert_is_gradient(gradient, loss, theta)
    shared = sb.compile(network, threads=2)
    for _ in range(5):
        np.testing.assert_array_equal(shared.value_and_grad(theta, data=data)[1], gradient)


@pytest.mark.parametrize("samples", [1, 5, 70])
def test_images(samples):
    """With relu and the maxima of 2 x 2, whose steps are those of the entry that is taken."""
    made = images(18, (4, 5), 3, samples=samples)
    model = sb.compile(made.network)
    theta = model.pack(made.parameters)
    order = [*map(str, made.network.parameters)]
    shapes = {n: made.parameters[n].shape for n in order}

    def largest(*several):
        several = np.stack(several)
        return np.take_along_axis(several, several.real.argmax(0)[None], 0)[0]

    def loss(theta):
        given, at = {}, 0
        for n in order:
            size = int(np.prod(shapes[n]))
            given[n], at = theta[at : at + size].reshape(shapes[n]), at + size
        found = made.data["x"].astype(float)
        for k in "12":
            found = convolved(found, given[f"k{k}"]) + given[f"b{k}"][:, None, None]
            found = np.where(found.real > 0, found, 0)
            found = largest(*(found[:, :, u::2, v::2] for u in (0, 1) for v in (0, 1)))
        z = np.einsum("ncij,ocij->no", found, given["W"])
        z = z - z.real.max(1, keepdims=True)
        return (np.log(np.exp(z).sum(1)) - (z * made.data["y"]).sum(1)).mean()

    value, gradient = model.value_and_grad(theta, data=made.data)
    assert value == pytest.approx(loss(theta), rel=1e-12)
    assert_is_gradient(gradient, loss, np.asarray(theta, float))
