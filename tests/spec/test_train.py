"""The table [train]: data, optimizer, and the folder that data files stay in."""

import pytest

from symbp.errors import SpecError
from symbp.spec import DataSource, TrainOptions, load, loads

BUNDLED = ["digits", "iris", "wine", "breast_cancer", "diabetes"]


def train(table: str, **options) -> TrainOptions:
    text = f'[inputs]\nx = 4\ny = 4\n[equations]\nz = "x"\nE = "dot(z, y)"\n[train]\n{table}\n'
    result = loads(text, **options).train
    assert result is not None
    return result


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data(name):
    assert train(f"data = '{name}'").data == DataSource("bundled", name)


def test_training_defaults():
    options = train("data = 'iris'")
    assert (options.optimizer, options.iterations, options.rate, options.test) == ("lbfgs", 200, None, 0.2)
    assert train("data = 'iris'\noptimizer = 'sgd'").rate == 0.1
    assert train("data = 'iris'\nsplit = 0.7").test == pytest.approx(0.3)


def test_data_files(tmp_path):
    found = train("data = { npz = 'sub/a.npz', x = 'images', y = 'targets' }", folder=tmp_path).data
    assert found == DataSource(
        "npz", "sub/a.npz", tmp_path.resolve() / "sub" / "a.npz", {"x": ("images",), "y": ("targets",)}
    )
    found = train("data = { csv = 'a.csv', x = ['u', 'v'], y = 'w' }", folder=tmp_path).data
    assert found.columns == {"x": ("u", "v"), "y": ("w",)}


def test_data_files_are_relative_to_the_model_file(tmp_path):
    (tmp_path / "model.toml").write_text("[equations]\nE = '1'\n[train]\ndata = { npz = 'a.npz' }\n")
    spec = load(tmp_path / "model.toml")
    assert spec.train is not None
    assert spec.train.data.path == tmp_path.resolve() / "a.npz"


@pytest.mark.parametrize(
    "name",
    [
        "../a.npz",
        "b/../../a.npz",
        "b/..",
        "..",
        "/etc/a.npz",
        "//host/a.npz",
        "C:/a.npz",
        "C:\\\\a.npz",
        "..\\\\a.npz",
        "~/../a.npz",
        "file:///a.npz",
        "https://host/a.npz",
        "a.npz\\u0000",
        "a.npy",
        "a",
        "",
        " a.npz",
        "link/a.npz",
    ],
)
def test_data_files_stay_in_the_folder(name, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside").mkdir()
    (inside / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(SpecError) as caught:
        train(f'data = {{ npz = "{name}" }}', folder=inside)
    assert caught.value.line == 8


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("seed = 1", "no data"),
        ("data = 'digit'", "unknown data set"),
        ("data = 3", "a name or a table"),
        ("data = { npz = 'a.npz' }", "folder"),
        ("data = { npz = 'a.npz', csv = 'a.csv' }", "one file"),
        ("data = { x = 'a' }", "one file"),
        ("data = { npz = 3 }", "name of a data file"),
        ("data = { npz = 'a.npz', w = 'a' }", "unknown key 'w'"),
        ("data = { npz = 'a.npz', x = 3 }", "name of an array"),
        ("data = { npz = 'a.npz', x = ['a', 'b'] }", "name of an array"),
        ("data = 'iris'\nsplit = 0.8\ntest = 0.2", "both split and test"),
        ("data = 'iris'\nsplit = 1.0", "between 0 and 1"),
        ("data = 'iris'\nsplit = 'half'", "between 0 and 1"),
        ("data = 'iris'\noptimizer = 'newton'", "one of 'lbfgs'"),
        ("data = 'iris'\nepochs = 3", "lbfgs takes no epochs"),
        ("data = 'iris'\nrate = 0.1", "lbfgs takes no rate"),
        ("data = 'iris'\noptimizer = 'adam'\niterations = 3", "adam takes no iterations"),
        ("data = 'iris'\noptimizer = 'gd'\nbatch = 3", "gd takes no batch"),
        ("data = 'iris'\niterations = 0", "whole number"),
        ("data = 'iris'\nseed = -1", "whole number"),
        ("data = 'iris'\nscale = inf", "number above 0"),
        ("data = 'iris'\nscale = 1" + "0" * 400, "number above 0"),
        ("data = 'iris'\naccuracy = 1.5", "up to 1"),
        ("data = 'iris'\nstandardize = 1", "true or false"),
        ("data = 'iris'\nonehot = 'yes'", "true or false"),
        ("data = 'iris'\noutput = 'w'", "names no equation"),
        ("data = 'iris'\noutput = 3", "must be a text"),
        ("data = 'iris'\noptimiser = 'sgd'", "unknown key 'optimiser'"),
    ],
)
def test_errors_in_train(table, problem):
    with pytest.raises(SpecError) as caught:
        train(table)
    assert problem in str(caught.value)
    assert caught.value.line >= 7
