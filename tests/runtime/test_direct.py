"""The short way into a kernel takes what is right, and leaves the rest to the long way."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.runtime import threads
from symbp.runtime.direct import direct_forward, direct_gradient, direct_samples
from symbp.runtime.expression import Function
from symbp.runtime.often import OFTEN


@pytest.fixture(scope="module")
def model():
    return sb.compile(sb.mlp([3, 4, 2], activation="tanh"), dtype="float32", cache=False)


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    return {
        "x": random.normal(size=(5, 3)).astype("float32"),
        "y": random.normal(size=(5, 2)).astype("float32"),
    }


@pytest.fixture(scope="module")
def direct(model):
    return direct_gradient(model._gradient_kernel(), model.size)


def test_it_is_what_the_long_way_gives(model, data, direct):
    theta = model.init(seed=0)
    loss, gradient = direct(theta, data)
    assert isinstance(loss, float)
    again, same = model.value_and_grad(theta, data=data, check_finite=True)
    assert loss == again
    np.testing.assert_array_equal(gradient, same)


def test_what_has_to_be_converted_is_left_to_the_long_way(model, data, direct):
    theta = model.init(seed=0)
    want = model.value_and_grad(theta, **data)
    read_only = data["x"].copy()
    read_only.flags.writeable = False
    wide = np.zeros((5, 6), np.float32)
    wide[:, ::2] = data["x"]
    for x in (
        data["x"].astype(float),
        data["x"].tolist(),
        wide[:, ::2],
        np.asfortranarray(data["x"]),
        read_only,
    ):
        given = {**data, "x": x}
        assert direct(theta, given) is None
        loss, gradient = model.value_and_grad(theta, **given)
        assert loss == want[0]
        np.testing.assert_array_equal(gradient, want[1])
    assert direct(theta.astype(float), data) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": np.zeros((4, 3), "float32")},
        {"x": np.zeros((5, 4), "float32")},
        {"x": np.zeros(3, "float32")},
        {"x": np.zeros((0, 3), "float32"), "y": np.zeros((0, 2), "float32")},
        {"z": np.zeros((5, 3), "float32")},
    ],
    ids=["fewer rows", "wider", "one sample", "empty", "another name"],
)
def test_what_is_wrong_has_its_words_from_the_long_way(model, data, direct, wrong):
    theta, given = model.init(seed=0), {**data, **wrong}
    assert direct(theta, given) is None
    with pytest.raises(sb.SymbpError):
        model.value_and_grad(theta, **given)
    with pytest.raises(sb.SymbpError):
        model.value_and_grad(theta[:-1], **data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_labels_and_totals_are_checked(dtype):
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(6, 3)).astype(dtype), np.array([0, 1, 3, 2, 1, 0])
    share = random.dirichlet(np.ones(4), 6).astype(dtype)
    for integers, y in ((True, labels), (False, share)):
        network = sb.mlp([3, 5, 4], loss="softmax_cross_entropy", labels=integers)
        model = sb.compile(network, dtype=dtype, cache=False)
        call = direct_gradient(model._gradient_kernel(), model.size, model._totals)
        theta = model.init(0)
        want = model.value_and_grad(theta, x=x, y=y)
        for got in (
            call(theta, {"x": x, "y": y}),
            *(model.value_and_grad(theta, x=x, y=y) for _ in range(6)),
        ):
            assert got[0] == want[0]
            np.testing.assert_array_equal(got[1], want[1])
        for place, value in (
            ((5, 4), (0, -1), (3, 2**62)) if integers else ((5, 0.5), (0, np.nan), (2, np.inf))
        ):
            wrong = y.copy()
            wrong[place] = value
            assert call(theta, {"x": x, "y": wrong}) is None
            with pytest.raises(sb.DataError):
                model.value_and_grad(theta, x=x, y=wrong)


@pytest.fixture(scope="module")
def short(model):
    return direct_forward(model._forward_kernel(("z2", "a1")), model.size)


def test_inference_is_what_the_long_way_gives(model, data, short):
    theta = model.init(seed=0)
    got = short(theta, {"x": data["x"]})
    want = model.forward(theta, x=data["x"], outputs=["z2", "a1"], check_finite=True)
    assert list(got) == ["z2", "a1"]
    for name in got:
        np.testing.assert_array_equal(got[name], want[name])
    for _ in range(OFTEN + 1):
        alone = model.forward(theta, x=data["x"], outputs=("z2",))
        assert list(alone) == ["z2"]
        np.testing.assert_array_equal(alone["z2"], want["z2"])
    assert ("z2",) in model._short


def test_inference_leaves_the_rest_to_the_long_way(model, data, short):
    theta, x = model.init(seed=0), data["x"]
    want = model.forward(theta, x=x)["z2"]
    for given in (x.astype(float), x.tolist(), np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2]):
        assert short(theta, {"x": given}) is None
        np.testing.assert_array_equal(model.forward(theta, x=given)["z2"], want)
        np.testing.assert_array_equal(model.forward(theta, x=given, outputs="z2")["z2"], want)
    masked = np.ma.masked_array(x, mask=np.zeros(x.shape, bool))
    assert short(theta, {"x": masked}) is None
    for wrong in ({"x": x[:, :2]}, {"x": x[0]}, {"x": x[:0]}, {}, {"q": x}):
        assert short(theta, wrong) is None
        with pytest.raises(sb.SymbpError):
            model.forward(theta, data=wrong, outputs=("z2",))
    with pytest.raises(sb.SymbpError):
        model.forward(theta[:-1], x=x, outputs=("z2",))
    with pytest.raises(sb.SymbpError):
        model.forward(theta, x=x, outputs=("nothing",))
    assert direct_forward(model._gradient_kernel(), model.size) is None


def test_functions_take_numbers_or_arrays_the_short_way():
    x, y = sp.symbols("x y")
    for expression in (x * sp.sin(y), [x * y, sp.exp(x)]):
        f = Function(expression, wrt=[x, y], cache=False)
        what = f._derivative
        call = direct_samples(f._kernel(what), f._slots)
        a = np.linspace(0, 1, 5)
        long = f._long(what, (a, a))[1]
        for got, want in zip(call(a, a), long, strict=True):
            np.testing.assert_array_equal(got, want)
        for quarter in (0.25, np.float64(0.25)):
            for got, want in zip(call(quarter, 0.25), long, strict=True):
                np.testing.assert_array_equal(got, want[1])
        for given in (
            (a, 0.5),
            (1, 2),
            (a.astype("f4"), a.astype("f4")),
            (a[::2], a[::2]),
            (a, a[:3]),
            (a[:, None], a[:, None]),
            (a[:0], a[:0]),
            (np.array(1.0), np.array(2.0)),
            (a,),
        ):
            assert call(*given) is None


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_take_one_sample_of_vectors_the_short_way(alone, dtype):
    t, y, W = sp.Symbol("t"), sb.vector("y", 3), sb.matrix("A", 2, 2)
    rates = [t * sp.exp(y[0, 0]) - y[1, 0], y[1, 0] * y[2, 0], W[0, 1] + sp.sin(y[2, 0])]
    f = Function(rates, args=[t, y, W], wrt=[y], dtype=dtype, cache=False)
    call = direct_samples(f._kernel("value_and_jacobian"), f._slots, "all", alone)
    row, block = np.array([0.5, 2.0, -1.0], dtype), np.arange(4, dtype=dtype).reshape(2, 2)
    want = f._long("value_and_jacobian", (0.25, row, block))[1]
    for got, right in zip(call(0.25, row, block), want, strict=True):
        np.testing.assert_array_equal(got, right, strict=True)
    for given in (
        (0.25, row[:2], block),
        (0.25, np.stack([row]), block),
        (0.25, row, block.T),
        (0.25, row.astype("i4"), block),
        (0.25, 1.0, block),
        (row, row, block),
        (0.25, row),
    ):
        assert call(*given) is None
    many = [np.full(4, 0.25, dtype), np.tile(row, (4, 1)), np.tile(block, (4, 1, 1))]
    for got, right in zip(call(*many), want, strict=True):
        np.testing.assert_array_equal(got, np.stack([right] * 4))


def test_who_takes_vectors_first_looks_at_numbers_without_harm():
    y = sb.vector("y", 3)
    f = Function([y[0, 0] * y[1, 0], sp.cos(y[2, 0])], args=[y], cache=False)
    call = direct_samples(f._kernel("value"), f._slots, "one")
    for given in (1.0, None, "y", [1.0, 2.0, 3.0], np.float64(2.0), np.ones(3, "f4")):
        assert call(given) is None
    np.testing.assert_array_equal(call(np.zeros(3)), [0.0, 1.0])


@pytest.mark.parametrize("threads", [1, 2])
def test_large_calls_take_the_short_way_too_and_only_where_nothing_is_wrong(threads):
    model = sb.compile(sb.mlp([4, 64, 3], loss="mean_squared_error"), threads=threads)
    theta, random = model.init(0), np.random.default_rng(0)
    x, y = random.normal(size=(4000, 4)), random.normal(size=(4000, 3))
    kernel = model._gradient_kernel()
    assert (kernel.call.fewest_shared < 4000) is (threads == 2)
    call = direct_gradient(kernel, model.size)
    loss, gradient = call(theta, {"x": x, "y": y})
    want = model.value_and_grad(theta, data={"x": x, "y": y})
    assert loss == want[0]
    np.testing.assert_array_equal(gradient, want[1])
    still = x.copy()
    still.flags.writeable = False
    wrongs = [still, x[:, :3], x[:-1], x.astype("f"), np.asfortranarray(x), x[:0], x.byteswap().view(">f8")]
    for wrong in wrongs:
        assert call(theta, {"x": wrong, "y": y}) is None
    assert call(theta[:-1], {"x": x, "y": y}) is None
    assert call(theta.reshape(1, -1), {"x": x, "y": y}) is None


def test_the_order_of_bytes_counts():
    """After an array that is not aligned, Numba's dispatcher takes another order of bytes for its own."""
    model = sb.compile(sb.mlp([3, 4, 2], loss="mean_squared_error"))
    given = model.init(0), np.ones((5, 3)), np.ones((5, 2))
    swapped = [a.byteswap().view(">f8") for a in given]
    want = model.value_and_grad(given[0], x=given[1], y=given[2])
    odd = np.empty(given[1].nbytes + 1, np.uint8)[1:].view(float).reshape(given[1].shape)
    odd[:] = given[1]
    assert model.value_and_grad(given[0], x=odd, y=given[2])[0] == want[0]
    for wrong in range(3):
        theta, x, y = (swapped[k] if k == wrong else given[k] for k in range(3))
        assert model.value_and_grad(theta, x=x, y=y)[0] == want[0]
        np.testing.assert_array_equal(
            model.forward(theta, x=x)["z2"], model.forward(given[0], x=given[1])["z2"]
        )
    u, v = sp.symbols("u v")
    f, numbers = sb.compile(sp.exp(u) * v, wrt=[u, v]), np.linspace(0, 1, 7)
    other = numbers.byteswap().view(">f8")
    np.testing.assert_array_equal(f(other, numbers), f(numbers, numbers))
    slopes = [f.value_and_grad(numbers, a)[1][0] for a in (other, numbers)]
    np.testing.assert_array_equal(*slopes)


def test_what_a_kernel_does_not_read_is_broadcast_all_the_same():
    x, y = sp.symbols("x y")
    f = sb.compile(5 * sp.exp(y), args=[x, y], wrt=[x, y])
    four, three, one = np.arange(4.0), np.arange(3.0), np.array([1.0])
    np.testing.assert_allclose(f(four, one), np.full(4, 5 * np.e), rtol=1e-15)
    np.testing.assert_allclose(f(one, three), 5 * np.exp(three), rtol=1e-15)
    with pytest.raises(sb.DataError, match="broadcast"):
        f(four, three)
    assert f(2.0, 0.0) == 5


def test_an_input_that_falls_away_is_needed_however_often_it_is_called():
    w, x, y, z = sp.symbols("w x y z")
    network = sb.Network([sp.Eq(z, w * x + sp.log(sp.exp(y)) - y)], inputs=[x, y], parameters=[w])
    model, numbers = sb.compile(network), np.arange(5.0)
    theta = model.init(0)
    assert [s.name for s in model._forward_kernel(("z",)).inputs] == ["x"]
    for outputs in (None, "z", ("z",)):
        for _ in range(OFTEN + 1):
            model.forward(theta, x=numbers, y=numbers, outputs=outputs)
        with pytest.raises(sb.DataError, match="missing"):
            model.forward(theta, x=numbers, outputs=outputs)


def test_who_makes_no_short_way_leaves_the_one_of_another_thread(data):
    model = sb.compile(sb.mlp([3, 4, 2]), dtype="float32")
    theta = model.init(seed=0)

    def meanwhile(*_):
        model._direct = made
        return None

    made, model._short_way = (lambda *_: None), meanwhile
    model.value_and_grad(theta, **data)
    assert model._direct is made


X, Y = sp.symbols("x y")
V, A = sb.vector("v", 3), sb.matrix("A", 2, 3)
OFTEN_CALLED = {
    "number": (X * sp.sin(Y), (0.3, 0.7)),
    "numbers": ([X * Y, sp.exp(X), X - Y], (0.3, 0.7)),
    "column": (sp.Matrix([X * Y, sp.exp(X)]), (0.3, 0.7)),
    "rows": (sp.Matrix([[X * Y, sp.exp(X)], [X, Y]]), (0.3, 0.7)),
    "not read": (5 * sp.exp(Y) + 0 * X, (0.3, 0.7)),
    "product": (A * V, (np.arange(6.0).reshape(2, 3), np.arange(3.0))),
    "sum of squares": ((V.T * V)[0, 0], (np.arange(3.0),)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OFTEN_CALLED)
def test_who_calls_often_gets_the_same_results(name, dtype):
    expression, point = OFTEN_CALLED[name]
    f = sb.compile(expression, dtype=dtype, args=sorted(expression_symbols(expression), key=str))
    many = tuple(np.stack([np.asarray(p, dtype)] * 5) for p in point)
    calls = [f, f.value_and_jacobian]
    if f._shape is None:
        calls.append(f.value_and_grad)
    for args in (point, tuple(np.asarray(p, dtype) for p in point), many):
        if len(args) != len(f.arguments):
            continue
        for call in calls:
            first = call(*args)
            for _ in range(OFTEN + 1):
                same(call(*args), first)


def expression_symbols(expression):
    listed = expression if isinstance(expression, list) else [expression]
    return set().union(*(e.free_symbols for e in listed))


def same(got, want):
    """Equal kinds, shapes and numbers."""
    assert type(got) is type(want)
    if isinstance(got, tuple):
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            same(one, other)
    else:
        assert np.shape(got) == np.shape(want)
        np.testing.assert_array_equal(got, want)
        assert getattr(got, "dtype", None) == getattr(want, "dtype", None)


FORMS = {
    "__call__": sum(sp.exp(-k * X) * sp.sin(Y / k) for k in range(1, 30)),
    "value_and_grad": sum(sp.exp(-k * X) * sp.cos(Y / k) for k in range(1, 30)),
    "value_and_jacobian": [sp.exp(-k * X) * sp.sin(Y / k) for k in range(1, 9)],
}


@pytest.mark.parametrize("form", FORMS)
def test_what_threads_share_has_a_short_way_too(form, monkeypatch):
    """Equal bits, and the errors of the long way."""
    monkeypatch.setattr(threads, "SHARED", 1000)
    monkeypatch.setattr(threads, "WORTH", 1)
    alone, shared = (Function(FORMS[form], threads=n, cache=False) for n in (1, 2))
    random = np.random.default_rng(0)
    a, b = random.uniform(0.1, 1.0, (2, 3000))

    def flat(result):
        return [np.asarray(r) for part in result for r in (part if isinstance(part, tuple) else (part,))]

    for _ in range(3 * OFTEN):
        want, got = getattr(alone, form)(a, b), getattr(shared, form)(a, b)
        for one, other in zip(flat(want), flat(got), strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
    assert any(key.endswith("by threads") for key in shared._short)
    np.testing.assert_array_equal(
        flat(getattr(shared, form)(a[::2], 0.5))[0], flat(getattr(alone, form)(a[::2], 0.5))[0]
    )
    with pytest.raises(sb.DataError):
        getattr(shared, form)(a, b[:-1])
