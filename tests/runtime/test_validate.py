import numpy as np
import pytest

from symbp.errors import DataError
from symbp.runtime.validate import Slot, admit, admit_vector, check_names, check_total, merge

X, Y = Slot("x", (3,)), Slot("y", ())
LABEL = Slot("k", (), role="label", bound=4)
GOOD = np.ones((5, 3))


def admitted(slot, value, **options):
    arrays, samples = admit([slot], {slot.name: value}, "float64", **options)
    return arrays[0], samples


def test_right_arrays_pass_without_copy():
    array, samples = admitted(X, GOOD)
    assert array is GOOD
    assert samples == 5


@pytest.mark.parametrize(
    "value",
    [
        GOOD.astype(int),
        GOOD.astype(bool),
        GOOD.astype(np.float32),
        GOOD.astype(">f8"),
        np.asfortranarray(GOOD),
        np.ones((5, 6))[:, ::2],
        GOOD.tolist(),
        np.ma.masked_array(GOOD),  # nothing is masked
        [np.ones(3)] * 5,
    ],
)
def test_what_can_be_converted_is(value):
    array, _ = admitted(X, value)
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    assert array.flags.carray
    assert np.array_equal(array, GOOD)


def test_read_only_memory_is_not_copied():
    frozen = np.ones((5, 3))
    frozen.flags.writeable = False
    array, _ = admitted(X, frozen)
    assert array.flags.writeable
    assert array.ctypes.data == frozen.ctypes.data


GARBAGE = [
    None,
    "text",
    "1" * 100_000,
    b"bytes",
    {},
    {"a": 1},
    object(),
    [[1, 2], [3]],
    [[1, "a", 2]],
    [None],
    (i for i in range(3)),
    GOOD + 0j,
    np.array([["a", "b", "c"]]),
    np.array([[1, 2, None]], dtype=object),
    np.array(["2020-01-01"], dtype="datetime64[D]"),
    np.ones((5, 4)),
    np.ones((0, 3)),
    np.ones(3),
    np.ones((2, 5, 3)),
    np.ones((5, 3, 1)),
    3.0,
    10**400,
    [[10**400, 1, 2]],
    np.zeros(2, dtype=[("a", float)]),
    type,
    lambda: 1,
    {1, 2},
    range(3),
    Ellipsis,
]


@pytest.mark.parametrize("value", GARBAGE, ids=[f"{k}" for k in range(len(GARBAGE))])
@pytest.mark.parametrize("slot", [X, LABEL, Slot("x", (3, 3), batched=False)])
def test_garbage_is_a_data_error(value, slot):
    if slot is LABEL and isinstance(value, range | np.ndarray) and np.shape(value) == (3,):
        return
    with pytest.raises(DataError) as caught:
        admitted(slot, value)
    assert len(str(caught.value)) < 1000


class Hostile:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")


def test_hostile_objects():
    with pytest.raises(DataError, match="no array"):
        admitted(X, Hostile())


def test_messages_say_what_to_write():
    with pytest.raises(DataError, match=r"x\[None\]"):
        admitted(X, np.ones(3))
    with pytest.raises(DataError, match="'x' has 5 samples, but 'y' has 4"):
        admit([X, Y], {"x": GOOD, "y": np.ones(4)}, "float64")
    with pytest.raises(DataError, match="no samples"):
        admitted(Y, np.ones(0))


def test_masked_entries_have_no_value():
    with pytest.raises(DataError, match="masked entries") as caught:
        admitted(X, np.ma.masked_array(GOOD, mask=np.eye(5, 3)))
    assert "filled" in caught.value.hint


@pytest.mark.parametrize(
    ("slot", "value", "finite"),
    [
        (X, None, False),
        (X, [[1, 2, 3], [4]], False),
        (X, np.empty((0, 3)), False),
        (X, np.full((1, 3), np.nan), True),
        (LABEL, [0.5], False),
        (LABEL, [-1], False),
        (LABEL, [10**6], False),
    ],
)
def test_every_refusal_says_what_to_give(slot, value, finite):
    with pytest.raises(DataError) as caught:
        admitted(slot, value, finite=finite)
    assert caught.value.hint


def test_finiteness_on_request():
    bad = np.array([[1, np.nan, np.inf]])
    admitted(X, bad)
    with pytest.raises(DataError, match="nan or infinity"):
        admitted(X, bad, finite=True)


@pytest.mark.parametrize("labels", [[-1], [4], [0.5], [np.nan], [np.inf], [1e300]])
def test_labels_outside_are_refused(labels):
    with pytest.raises(DataError, match="label"):
        admitted(LABEL, labels)


@pytest.mark.parametrize("labels", [[0, 3], [0.0, 3.0], np.array([0, 3], np.uint8), [False, True]])
def test_labels_become_integers(labels):
    array, _ = admitted(LABEL, labels)
    assert array.dtype == np.int64


def test_unbatched_scalars_are_arrays_of_one_entry():
    array, _ = admitted(Slot("s", (), batched=False), 2)
    assert array.shape == (1,)


def test_theta():
    assert admit_vector(None, 0, "float64", "theta").shape == (0,)
    assert admit_vector([1, 2], 2, "float32", "theta").dtype == np.float32
    for bad in (None, "x", [1], [[1, 2]], [1, 2j], {}):
        with pytest.raises(DataError, match="theta"):
            admit_vector(bad, 2, "float64", "theta")


def test_names():
    with pytest.raises(DataError, match="did you mean 'labels'"):
        check_names(["label"], ["x", "labels"], ["x"])
    with pytest.raises(DataError, match="'x' is missing"):
        check_names(["labels"], ["x", "labels"], ["x"])
    assert merge({"not a name": 1}, {"x": 2}) == {"not a name": 1, "x": 2}
    for data in ({"x": 1}, [1], {1: 2}, "x"):
        with pytest.raises(DataError):
            merge(data, {"x": 1})


T = Slot("t", (3,), total=1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("real", ["float64", "float32"])
def test_totals_hold_to_rounding(dtype, real):
    weights = np.random.default_rng(0).exponential(size=(100, 3)).astype(dtype)
    check_total(T, weights / weights.sum(axis=1, keepdims=True), real)
    check_total(T, np.eye(3, dtype=dtype), real)
    check_total(T, np.eye(3, dtype=int), real)
    check_total(T, np.eye(3, dtype=dtype)[0], real)


@pytest.mark.parametrize("wrong", [0.0, 2.0, 1 + 1e-4, np.nan, np.inf])
def test_other_totals_are_refused(wrong):
    rows = np.eye(3)
    rows[1, 2] = wrong - 1
    with pytest.raises(DataError, match=r"'t' add up to .* in sample 1, it is declared to add up to 1"):
        check_total(T, rows, "float32")
