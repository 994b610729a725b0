"""Comparisons with other libraries."""

import importlib.util

import numpy as np
import pytest

import symbp as sb
from symbp.errors import DataError, UnsupportedError
from symbp.runtime.check import random_data
from symbp.versus import contest, versus

NET = sb.mlp([3, 4, 2], activation="tanh")


@pytest.fixture(scope="module")
def model():
    return sb.compile(NET)


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(contest, "ROUNDS", 1)
    monkeypatch.setattr(contest, "STRETCH", 1e-5)


def run(model, *names):
    return versus(model, model.init(0), random_data(model, 5), names)


def test_numpy(model):
    own, other = run(model, "numpy")
    assert (own.name, other.name) == ("symbp", "numpy")
    assert own.seconds > 0
    assert other.seconds > 0


@pytest.mark.parametrize("name", ["jax", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_libraries_agree_or_are_absent(name, dtype):
    _, other = run(sb.compile(NET, dtype=dtype), name)
    assert (other.seconds is not None) == (importlib.util.find_spec(name) is not None)


def test_a_missing_library_is_absent(model, monkeypatch):
    def missing(*_):
        raise ImportError(name="jax")

    monkeypatch.setitem(contest.PEERS, "jax", missing)
    assert run(model, "jax")[1].note == "absent (jax)"


def test_other_results_are_refused(model, monkeypatch):
    honest = contest.PEERS["numpy"]

    def wrong(*given):
        call = honest(*given)
        return lambda: (call()[0], 1.001 * np.asarray(call()[1]))

    monkeypatch.setitem(contest.PEERS, "numpy", wrong)
    with pytest.raises(DataError, match="numpy computes something else"):
        run(model, "numpy")


def test_names_that_are_none(model):
    with pytest.raises(UnsupportedError, match="none of numpy, jax, torch"):
        run(model, "tensorflow")


def test_scikit_learn_has_no_such_call(model):
    with pytest.raises(UnsupportedError, match="one batch"):
        run(model, "sklearn")
