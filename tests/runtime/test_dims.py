import threading

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.errors import DataError, ShapeError
from symbp.runtime.dims import Instances, check_dims, declared_shape, shape_of, unknown_dims

n, m = sp.symbols("n m", integer=True, positive=True)
x, M, s = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("M", n, m), sp.Symbol("s")
TABLE = nn.indexed("T", n, 3, m)


def test_vectors_have_one_axis():
    assert declared_shape(x) == (n,)
    assert declared_shape(M) == (n, m)
    assert declared_shape(TABLE) == (n, 3, m)
    assert declared_shape(s) == ()
    assert declared_shape(sp.IndexedBase("free")) is None


def test_shapes_in_numbers():
    assert shape_of(M, {"n": 2, "m": 5}) == (2, 5)
    assert shape_of(sp.MatrixSymbol("L", n + 1, 2 * m), {"n": 2, "m": 5}) == (3, 10)
    assert shape_of(sp.IndexedBase("free"), {}) is None
    with pytest.raises(ShapeError, match="dimension m of M is not known"):
        shape_of(M, {"n": 2})


def test_unknown_dimensions_are_listed_once_in_order():
    assert unknown_dims([s, M, x], {}) == ["n", "m"]
    assert unknown_dims([sp.MatrixSymbol("L", 2 * m + n, 3)], {}) == ["m", "n"]
    assert unknown_dims([M, x], {"n": 3}) == ["m"]
    assert unknown_dims([nn.vector("v", 3)], {}) == []


def instances(leading=1, known=(), made=None):
    made = [] if made is None else made
    return Instances(dict.fromkeys([x, M, TABLE], leading), dict(known), lambda d: made.append(d) or dict(d))


def test_one_instance_for_each_set_of_dimensions():
    made = []
    several = instances(made=made)
    first, arrays = several.get({"M": np.ones((7, 2, 5))})
    assert first == {"n": 2, "m": 5}
    assert arrays["M"].shape == (7, 2, 5)
    assert several.get({"M": np.ones((9, 2, 5))})[0] is first
    assert several.get({"T": np.ones((1, 2, 3, 5)), "x": np.ones((4, 2))})[0] is first
    assert several.get({"M": np.ones((7, 5, 2))})[0] == {"n": 5, "m": 2}
    assert len(made) == 2


def test_a_single_column_becomes_a_vector():
    made, arrays = instances().get({"M": np.ones((7, 2, 1)), "T": np.ones((7, 2, 3, 1))})
    assert made == {"n": 2, "m": 1}
    assert arrays["M"].shape == (7, 2)
    assert arrays["T"].shape == (7, 2, 3, 1)


def test_any_number_of_leading_axes():
    for shape in ((2, 5), (7, 2, 5), (4, 7, 2, 5)):
        assert instances(None).get({"M": np.ones(shape)})[0] == {"n": 2, "m": 5}
    with pytest.raises(DataError, match="at least 2 axes"):
        instances(None).get({"M": np.ones(2)})


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"M": np.ones((2, 5))}, "'M' must have 3 axes"),
        ({"M": np.ones((1, 1, 2, 5))}, "'M' must have 3 axes"),
        ({"M": np.ones((7, 2, 5)), "x": np.ones((7, 3))}, "the dimension n is 3, but 'M'"),
        ({"M": [[1], [1, 2]]}, "'M' is not an array"),
    ],
)
def test_shapes_that_disagree(arrays, message):
    with pytest.raises(DataError, match=message):
        instances().get(arrays)


def test_given_dimensions_hold():
    assert instances(known={"m": 5}).get({"x": np.ones((7, 2))})[0] == {"n": 2, "m": 5}
    with pytest.raises(DataError, match="the dimension m is 4"):
        instances(known={"m": 4}).get({"M": np.ones((7, 2, 5))})


def test_what_no_array_shows_is_what_it_was_before_where_that_is_unique():
    several = instances()
    with pytest.raises(ShapeError, match="dimension m is not known") as caught:
        several.get({"x": np.ones((7, 2))})
    assert "dims={'m': ...}" in caught.value.hint
    first, _ = several.get({"M": np.ones((7, 2, 5))})
    assert several.get({"x": np.ones((7, 2))})[0] is first
    with pytest.raises(ShapeError, match="not known"):
        several.get({"x": np.ones((7, 3))})
    second, _ = several.get({"M": np.ones((7, 2, 6))})
    with pytest.raises(ShapeError, match="several values"):
        several.get({"x": np.ones((7, 2))})
    assert several.get({"x": np.ones((7, 2))}, lambda made: made["m"] == 6)[0] is second


def test_threads_that_race_make_one_instance():
    made, ready = [], threading.Barrier(4)
    several = instances(made=made)

    def work():
        ready.wait()
        several.get({"M": np.ones((7, 2, 5))})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(made) == 1


def test_values_for_dimensions_that_are_not_there():
    y, E = sp.MatrixSymbol("y", m + 1, 1), sp.Symbol("E")
    network = sb.Network([sp.Eq(E, nn.total(M * sp.OneMatrix(m, 1)) + nn.total(y))], inputs=[M, y], loss=E)
    check_dims(network, {"n": 2, "m": 3})
    check_dims(network, {})
    with pytest.raises(ShapeError, match="no dimension 'mm'") as caught:
        check_dims(network, {"n": 2, "mm": 3})
    assert "'m'" in caught.value.hint
    with pytest.raises(ShapeError, match="no dimension 'q'"):
        sb.compile(network, dims={"q": 3})
    with pytest.raises(ShapeError, match="no dimension 'q'"):
        sb.compile(x.T * x, dims={"q": 3})


def test_bounds_of_sums_are_dimensions():
    i, t = sp.symbols("i t", integer=True)
    f = sb.compile(sp.Sum(s * i, (i, 0, t)), dims={t: 3})
    assert f(2.0) == 12.0
