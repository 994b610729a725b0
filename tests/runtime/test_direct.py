"""The short way into a kernel takes what is right, and leaves the rest to the long way."""

from __future__ import annotations

import numpy as np
import pytest

import symbp as sb
from symbp.runtime.direct import direct_gradient


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


def test_it_is_what_the_long_way_gives(model, data):
    theta = model.init(seed=0)
    loss, gradient = model._direct(theta, data)
    assert isinstance(loss, float)
    again, same = model.value_and_grad(theta, data=data, check_finite=True)
    assert loss == again
    np.testing.assert_array_equal(gradient, same)


def test_what_has_to_be_converted_is_left_to_the_long_way(model, data):
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
        assert model._direct(theta, given) is None
        loss, gradient = model.value_and_grad(theta, **given)
        assert loss == want[0]
        np.testing.assert_array_equal(gradient, want[1])
    assert model._direct(theta.astype(float), data) is None


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
def test_what_is_wrong_has_its_words_from_the_long_way(model, data, wrong):
    theta, given = model.init(seed=0), {**data, **wrong}
    assert model._direct(theta, given) is None
    with pytest.raises(sb.SymbpError):
        model.value_and_grad(theta, **given)
    with pytest.raises(sb.SymbpError):
        model.value_and_grad(theta[:-1], **data)


def test_kernels_with_labels_or_more_results_have_none():
    labels = sb.compile(sb.mlp([3, 4, 2], loss="softmax_cross_entropy", labels=True), cache=False)
    assert direct_gradient(labels._gradient_kernel(), labels.size) is None
