"""Hostile symbol names, and ten thousand calls with garbage."""

import random

import numpy as np
import pytest
import sympy as sp

import symbp as sb

NAMES = [
    "__import__('os')", "class", "lambda", "None", "δ", "🦀", "a\nb", "a\rb", "'", '"', '"""', "\\", "\\n",
    "a b", "a.b", "a-b", "a_b", "a+b", "a/b", "x" * 10_000, "x" * 10_000 + "y", "theta", "gradient", "n",
    "N", "math", "np", "delta1", "dE/dW1", "dE_dW1", "z1", "t1_E", "u1_E", "s_E", "seed", "value", "numba",
    "njit", "prange", "range", "float", "exp", "forward", "value_and_grad", "i", "j", "k", "0", "1x",
    "\u202e", "#", "{x}", "%s", "\x00", "é", "e\u0301", "ﬁ", "fi", "mean E", "out", "self", "data",
    "__name__",
]  # fmt: skip


def test_hostile_names_compile_and_stay_distinguishable():
    rng = np.random.default_rng(0)
    parameters = [sp.Symbol(n) for n in NAMES]
    v, E = sp.Symbol("'); raise SystemExit ('"), sp.Symbol("E")
    middle = [sp.Symbol(f"{n} ") for n in NAMES[:8]]
    equations = [sp.Eq(m, sp.sin(p) * v) for m, p in zip(middle, parameters, strict=False)]
    weighted = sp.Add(*((k + 1) * p**2 for k, p in enumerate(parameters)))
    equations.append(sp.Eq(E, v * weighted + sp.Add(*middle)))
    model = sb.compile(sb.Network(equations, inputs=[v], parameters=parameters, loss=E), cache=False)
    theta = rng.normal(size=model.size)
    assert dict(model.params(theta)) == dict(zip(NAMES, theta, strict=True))
    loss, gradient = model.value_and_grad(theta, data={v.name: np.array([2.0])})
    rank = np.arange(1, len(NAMES) + 1)
    slopes = 4 * rank * theta
    slopes[:8] += 2 * np.cos(theta[:8])
    np.testing.assert_allclose(gradient, slopes, rtol=1e-12)
    assert loss == pytest.approx(2 * rank @ theta**2 + 2 * np.sin(theta[:8]).sum(), rel=1e-12)
    found = model.forward(theta, data={v.name: np.array([2.0])})
    assert list(found) == [*(m.name for m in middle), "E"]
    for m, t in zip(middle, theta, strict=False):
        np.testing.assert_allclose(found[m.name], [2 * np.sin(t)])


def test_hostile_names_in_a_bare_expression():
    symbols = [sp.Symbol(n) for n in NAMES[:16]]
    f = sb.compile(sp.Add(*(k * s for k, s in enumerate(symbols))), args=symbols, cache=False)
    at = np.random.default_rng(0).normal(size=16)
    value, gradient = f.value_and_grad(*at.tolist())
    assert value == pytest.approx(np.arange(16) @ at)
    np.testing.assert_allclose(gradient, np.arange(16))


GARBAGE = [
    None, "text", b"bytes", "", 1j, True, 0, -1, 10**400, float("nan"), float("inf"), 1e308, object(), [], {},
    set(), (), [[1, 2], [3]], [None], ["a"], [1j], [[[]]], {"x": 1}, lambda: 0, int, sp.Symbol("x"), ...,
    np.zeros(0), np.zeros((0, 3)), np.zeros((2, 3)), np.zeros((1, 3)), np.zeros((5, 4)), np.zeros((3, 2)),
    np.zeros((2, 3, 1)), np.array(1.0), np.array(None), np.array(["a", "b"]), np.zeros((2, 3), complex),
    np.zeros((2, 3), np.float32), np.ones((2, 3), int), np.ones((2, 3), bool), np.zeros((2, 3), "M8[s]"),
    np.zeros((2, 3), [("a", float)]), np.full((2, 3), np.nan), np.full((2, 3), np.inf),
    np.zeros((4, 6))[::2, ::2], np.asfortranarray(np.ones((2, 3))), np.zeros((2, 3), object),
    np.ma.masked_array(np.ones((2, 3)), True), np.array([0, 1]), np.array([0, 5]), np.array([-1, 0]),
    np.array([0.5, 1]), np.array([2**63 - 1, 0]), np.array([2**64 - 1, 0], np.uint64), np.zeros(2),
    np.zeros(3), np.zeros(9), np.ones(9), np.zeros(10), np.zeros((9, 1)), range(9), [0.0] * 9, "123456789",
    np.broadcast_to(0.0, (1000, 3)),
]  # fmt: skip


def test_ten_thousand_bad_calls():
    x, W, E = sb.vector("x", 3), sb.matrix("W", 3, 3), sp.Symbol("E")
    label, a = sp.Symbol("label", integer=True), sb.vector("a", 3)
    k = sp.Symbol("k", integer=True)
    picked = sp.Sum(sp.KroneckerDelta(k, label) * a[k, 0], (k, 0, 2))
    equations = [sp.Eq(a, sb.tanh(W * x)), sp.Eq(E, picked)]
    model = sb.compile(sb.Network(equations, inputs=[x, label], parameters=[W], loss=E), cache=False)
    function = sb.compile((x.T * W * x)[0, 0], args=[x, W], cache=False)
    theta = np.linspace(-1, 1, 9)
    good = {"x": np.ones((2, 3)), "label": np.array([0, 2])}
    want, slopes = model.value_and_grad(theta, **good)
    draw = random.Random(0)
    refused = 0

    def pick(right):
        return right if draw.random() < 0.5 else draw.choice(GARBAGE)

    def arrays():
        found = {n: pick(v) for n, v in good.items() if draw.random() < 0.95}
        if draw.random() < 0.1:
            found[draw.choice(["y", "W", "", "E", "x "])] = pick(1.0)
        return found if draw.random() < 0.95 else draw.choice(GARBAGE)

    calls = [
        lambda: model.value_and_grad(pick(theta), data=arrays()),
        lambda: model.value_and_grad(pick(theta), data=arrays(), out=pick(np.empty(9))),
        lambda: model.value(pick(theta), data=arrays(), check_finite=True),
        lambda: model.forward(pick(theta), data=arrays(), outputs=pick(["E"])),
        lambda: model.forward(pick(theta), data=arrays()),
        lambda: model.params(draw.choice(GARBAGE)),
        lambda: model.pack(draw.choice([*GARBAGE, {"W": draw.choice(GARBAGE)}])),
        lambda: function(*(draw.choice(GARBAGE) for _ in range(draw.choice([0, 1, 2, 2, 2, 3])))),
        lambda: function.value_and_grad(draw.choice(GARBAGE), pick(np.ones((3, 3)))),
        lambda: function.jacobian(draw.choice(GARBAGE), pick(np.ones((3, 3)))),
    ]
    for _ in range(10_000):
        try:
            draw.choice(calls)()
        except sb.SymbpError:
            refused += 1
    assert 4_000 < refused < 10_000
    loss, gradient = model.value_and_grad(theta, **good)
    assert loss == want
    np.testing.assert_array_equal(gradient, slopes)
