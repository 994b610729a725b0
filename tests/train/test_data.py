"""Data for training: read, split, scaled and shaped for the inputs."""

from __future__ import annotations

import numpy as np
import pytest

from symbp.errors import DataError
from symbp.spec import loads
from symbp.train import read_samples

MODEL = """
[inputs]
x = {x}
y = {y}
[parameters]
W = [{k}, {x}]
[equations]
z = "W*x"
E = "{loss}(z, y)"
[train]
"""


def spec(train, x=4, y=3, k=3, loss="softmax_cross_entropy", folder=None):
    return loads(MODEL.format(x=x, y=y, k=k, loss=loss) + train, folder=folder)


def test_bundled_one_hot():
    samples = read_samples(spec('data = "iris"\nstandardize = true\ntest = 0.3'))
    assert samples.train["x"].shape == (105, 4)
    assert samples.test["y"].shape == (45, 3)
    assert np.allclose(samples.train["x"].mean(axis=0), 0, atol=1e-12)
    assert np.allclose(samples.train["x"].std(axis=0), 1)
    assert np.array_equal(samples.test["y"].argmax(axis=1), samples.classes)
    again = read_samples(spec('data = "iris"\nstandardize = true\ntest = 0.3'))
    assert np.array_equal(samples.train["x"], again.train["x"])
    other = read_samples(spec('data = "iris"\nstandardize = true\ntest = 0.3\nseed = 1'))
    assert not np.array_equal(samples.classes, other.classes)


def test_bundled_labels():
    samples = read_samples(spec('data = "iris"\nscale = 0.5', y='"label"'))
    assert samples.train["y"].dtype == np.int64
    assert samples.train["x"].max() <= 4
    assert set(samples.train["y"]) == {0, 1, 2}


def test_regression():
    text = 'data = "diabetes"'
    samples = read_samples(spec(text, x=10, y=1, k=1, loss="squared_error"))
    assert samples.train["y"].shape == (354, 1)
    assert samples.classes is None


def test_npz_and_csv(tmp_path):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 4)), np.arange(20) % 3
    np.savez(tmp_path / "d.npz", features=x, y=y)
    table = np.column_stack([x, y])
    np.savetxt(tmp_path / "d.csv", table, delimiter=",", header="a,b,c,d,y", comments="", fmt="%.17g")
    first = read_samples(spec('data = { npz = "d.npz", x = "features" }', folder=tmp_path))
    second = read_samples(spec('data = { csv = "d.csv", x = ["a", "b", "c", "d"] }', folder=tmp_path))
    assert first.train["x"].shape == (16, 4)
    for name in ("x", "y"):
        assert np.allclose(first.train[name], second.train[name], rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("train", "options", "message"),
    [
        ('data = "iris"', {"x": 5}, "4"),
        ('data = "digits"', {"x": 64}, "classes"),
        ('data = { npz = "none.npz" }', {}, "cannot be read"),
        ('data = { npz = "d.npz", x = "f" }', {}, "no array"),
        ('data = { csv = "text.csv", x = ["a", "b", "c", "q"] }', {}, "no column"),
        ('data = { csv = "text.csv", x = ["a", "b", "c", "d"] }', {}, "cannot be read"),
    ],
)
def test_errors(tmp_path, train, options, message):
    np.savez(tmp_path / "d.npz", x=np.zeros((5, 4)), y=np.zeros(5, dtype=int))
    (tmp_path / "text.csv").write_text("a,b,c,d,y\n1,2,3,four,0\n1,2,3,4,1\n")
    with pytest.raises(DataError, match=message):
        read_samples(spec(train, folder=tmp_path, **options))


def test_no_train_table():
    with pytest.raises(DataError, match="train"):
        read_samples(loads(MODEL.format(x=1, y=1, k=1, loss="squared_error").replace("[train]", "")))
