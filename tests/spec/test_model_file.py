"""Model files: what they give, and where their errors point."""

import contextlib
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbp import nn
from symbp.errors import SpecError
from symbp.spec import CheckOptions, DataSource, Options, TrainOptions, load, loads

DATA = Path(__file__).parent / "data"
HEAD = "[inputs]\nx = 4\n[parameters]\nW = [3, 4]\n[equations]\n"  # equations begin on line 6


def refusal(text: str, **options) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loads(text, **options)
    return caught.value


# -- what files give ----------------------------------------------------------------------------------------


def test_digits():
    spec = load(DATA / "digits.toml")
    assert (spec.name, spec.loss, spec.path) == ("digits", "E", DATA / "digits.toml")
    assert dict(spec.inputs) == {"x": (64,), "y": (10,)}
    assert list(spec.parameters) == ["W1", "b1", "W2", "b2"]
    assert [equation.name for equation in spec.equations] == ["a1", "z2", "p", "E"]
    assert [equation.shape for equation in spec.equations] == [(32,), (10,), (10,), ()]
    assert [equation.line for equation in spec.equations] == [16, 17, 18, 19]
    x, W1, b1 = nn.vector("x", 64), nn.matrix("W1", 32, 64), nn.vector("b1", 32)
    assert spec.equations[0].eq == sp.Eq(nn.vector("a1", 32), nn.sigmoid(W1 * x + b1))
    assert spec.options == Options("float32", "mean")
    assert spec.check == CheckOptions(samples=4, seed=1, tolerance=1e-3)
    assert spec.train == TrainOptions(
        data=DataSource("bundled", "digits"),
        test=pytest.approx(0.2),
        optimizer="adam",
        epochs=30,
        rate=0.01,
        scale=0.0625,
        accuracy=0.96,
        output="z2",
    )


def test_index_notation():
    spec = load(str(DATA / "index_notation.toml"))
    assert spec.name == "index notation"
    assert dict(spec.inputs) == {"x": (4,), "label": "label"}
    assert spec.parameters["K"] == (3, 2, 2)
    shapes = {equation.name: equation.shape for equation in spec.equations}
    assert shapes == {"z1": (5,), "a1": (5,), "z2": (3,), "d": (4,), "E": ()}
    assert spec.loss == "E"
    i, j = sp.symbols("i j", integer=True)
    W1, x, b1 = nn.matrix("W1", 5, 4), nn.vector("x", 4), nn.vector("b1", 5)
    first = spec.equations[0]
    assert first.indices == (i,)
    assert first.eq.lhs == nn.indexed("z1", 5)[i]
    assert first.eq.rhs == sp.Sum(W1[i, j] * x[j, 0], (j, 0, 3)) + b1[i, 0]
    assert spec.symbols["z1"] == nn.vector("z1", 5)


def test_scalars_and_defaults():
    spec = load(DATA / "scalar.toml")
    assert spec.name == "scalar"
    assert spec.loss == "f"
    assert dict(spec.inputs) == {}
    x, y, z, q, f = (nn.scalar(name) for name in "xyzqf")
    assert [equation.eq for equation in spec.equations] == [sp.Eq(q, x + y), sp.Eq(f, q * z)]
    assert (spec.options, spec.check, spec.train) == (Options(), CheckOptions(), None)


@pytest.mark.parametrize("name", ["digits", "index_notation", "scalar"])
def test_network(name):
    network = pytest.importorskip("symbp.network")
    spec = load(DATA / f"{name}.toml")
    net = spec.network()
    assert isinstance(net, network.Network)
    assert net.loss == spec.loss
    assert net.defined == tuple(equation.name for equation in spec.equations)
    assert net.reduction == "mean"


def test_text_instead_of_a_file():
    text = (DATA / "scalar.toml").read_text()
    assert loads(text).equations == load(text).equations
    assert loads(text.replace("\n", "\r\n")).equations == loads(text).equations
    assert loads(text).name == "model"


def test_a_loss_in_matrix_notation_is_its_only_entry():
    spec = loads("[inputs]\nx = 4\ny = 4\n[equations]\nE = '(x - y).T*(x - y)'\n")
    x, y = nn.vector("x", 4), nn.vector("y", 4)
    assert spec.equations[0].eq.rhs == sp.Trace((x - y).T * (x - y))
    assert spec.equations[0].shape == ()


def test_names_may_be_any_identifier():
    spec = loads('[parameters]\n"λ" = []\nI = []\nS = []\n__x__ = []\n[equations]\nE = "λ*I + S*__x__"\n')
    assert spec.equations[0].eq.rhs.free_symbols == {nn.scalar(name) for name in ("λ", "I", "S", "__x__")}


def test_indices_may_return_in_later_equations():
    spec = loads(HEAD + '"z[i]" = "sum(W[i, j]*x[j], (j, 0, 3))"\n"u[j, i]" = "z[i]*x[j]"\nE = "total(u)"\n')
    assert [equation.shape for equation in spec.equations] == [(3,), (4, 3), ()]


def test_three_axes_on_the_left():
    spec = loads(HEAD + '"T[i, j, k:2]" = "W[i, j]*k"\nE = "sum(T[0, j, 1], (j, 0, 3))"\n')
    assert spec.equations[0].shape == (3, 4, 2)
    assert spec.symbols["T"] == nn.indexed("T", 3, 4, 2)


# -- where errors point -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "line", "column", "problem"),
    [
        ('E = "total(W*xx)"', 6, 14, "unknown name 'xx'"),
        ("E = 'total(W*xx)'", 6, 14, "unknown name 'xx'"),
        ('  E   =   "xx"', 6, 12, "unknown name 'xx'"),
        ('"E" = "xx"', 6, 8, "unknown name 'xx'"),
        ('E = """xx"""', 6, 8, "unknown name 'xx'"),
        ('E = """\ntotal(\n  xx)"""', 8, 3, "unknown name 'xx'"),
        ('# a comment\n\nE = "xx"', 8, 6, "unknown name 'xx'"),
        ('a = """\nE = total(x)"""\nE = "total(x)"', 7, 3, "not a formula"),
        ('E = "\\u0078x"', 6, None, "unknown name 'xx'"),
        ('E = "W*x"', 6, None, "the loss 'E' is not a scalar"),
        ('E = "total(W*x + x)"', 6, 18, "different shapes"),
        ("E = 3", 6, None, "is no text"),
        ('z = "x"\nE = "total(x)"\nz = "x"', 8, None, "not TOML"),
        ('x = "x"\nE = "total(x)"', 6, None, "declared twice"),
        ('sigmoid = "x"\nE = "total(x)"', 6, None, "taken by a function"),
        ('"a b" = "x"', 6, None, "is not a name"),
        ('"lambda" = "x"', 6, None, "meaning of its own"),
        ('"2x" = "x"', 6, None, "is not a name"),
        ('"" = "x"', 6, None, "left-hand side"),
        ('"z[" = "x"', 6, None, "left-hand side"),
        ('"z[]" = "x"', 6, None, "is not a name"),
        ('"z[i, i]" = "W[i, i]"', 6, None, "twice"),
        ('"z[x]" = "x[0]"', 6, None, "another meaning"),
        ('"z[i:0]" = "x[0]"', 6, None, "whole number"),
        ('"z[i:n]" = "x[0]"', 6, None, "whole number"),
        ('"z[i]" = "W*x"', 6, 11, "takes a scalar formula"),
        ('"z[i]" = "1"', 6, None, "does not follow"),
        ('"z[i]" = "x[i] + W[i, 0]"', 6, 18, "extent 4 in x and 3 in W"),
        ('"z[i:5]" = "x[i]"', 6, 13, "4 entries along axis 0"),
        ('"z[i]" = "x[i] + x[i + 1]"', 6, 18, "i + 1 runs from 1 to 4"),
        ('z = "a"\na = "x"\nE = "total(z)"', 6, 6, "unknown name 'a'"),
    ],
)
def test_errors_in_equations(formula, line, column, problem):
    error = refusal(HEAD + formula + "\n")
    assert (error.line, problem in error.problem) == (line, True), str(error)
    assert column is None or error.column == column


def test_a_name_defined_further_down():
    assert "move its equation up" in refusal(HEAD + 'z = "a"\na = "x"\nE = "total(z)"\n').hint


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("[inputs]\nx = 4\n", None, "no equations", "[equations]"),
        ("[equations]\n", 1, "no equations", None),
        ("nam = 'a'\n[equations]\nE = '1'\n", 1, "unknown key 'nam'", "'name'"),
        ("[equation]\nE = '1'\n", 1, "unknown key 'equation'", "'equations'"),
        ("name = 3\n[equations]\nE = '1'\n", 1, "name is", None),
        ("loss = 'F'\n[equations]\nE = '1'\n", 1, "names no equation", None),
        ("loss = 3\n[equations]\nE = '1'\n", 1, "names no equation", None),
        ("inputs = 3\n[equations]\nE = '1'\n", 1, "is a table", "[inputs]"),
        ("[inputs]\nx = 'big'\n[equations]\nE = '1'\n", 2, "no shape", None),
        ("[inputs]\nx = 0\n[equations]\nE = '1'\n", 2, "no shape", None),
        ("[inputs]\nx = true\n[equations]\nE = '1'\n", 2, "no shape", None),
        ("[inputs]\nx = 1.5\n[equations]\nE = '1'\n", 2, "no shape", None),
        ("[inputs]\nx = [100000, 100000]\n[equations]\nE = '1'\n", 2, "more than", None),
        ("[inputs]\nx = [1, 1, 1, 1, 1, 1, 1, 1, 1]\n[equations]\nE = '1'\n", 2, "axes", None),
        ("[inputs]\nx = 10000000000000000000000\n[equations]\nE = '1'\n", 2, "no shape", None),
        ("[inputs]\n'a b' = 1\n[equations]\nE = '1'\n", 2, "is not a name", None),
        ("[inputs]\npi = 1\n[equations]\nE = '1'\n", 2, "taken by a constant", None),
        ("[inputs]\nx = 1\n[parameters]\nx = 1\n[equations]\nE = '1'\n", 4, "declared twice", None),
        ("[parameters]\nx = 'label'\n[equations]\nE = '1'\n", 2, "class label", "[inputs]"),
        ("[equations]\nE = '1'\n[options]\ndtyp = 'float32'\n", 4, "unknown key 'dtyp'", "'dtype'"),
        ("[equations]\nE = '1'\n[options]\ndtype = 'float16'\n", 4, "'float64', 'float32'", None),
        ("[equations]\nE = '1'\n[options]\nreduction = 3\n", 4, "'mean', 'sum'", None),
        ("options.dtype = 3\n[equations]\nE = '1'\n", 1, "options.dtype", None),
        ("[equations]\nE = '1'\n[check]\nsamples = 0\n", 4, "whole number", None),
        ("[equations]\nE = '1'\n[check]\nsamples = true\n", 4, "whole number", None),
        ("[equations]\nE = '1'\n[check]\ntolerance = nan\n", 4, "number above 0", None),
        ("[equations]\nE = '1'\n[check]\ntolerance = -1\n", 4, "number above 0", None),
        ("[equations]\nE = 'a' 'b'\n", 2, "not TOML", None),
        ("[equations]\nE = sigmoid(x)\n", 2, "not TOML", "in quotes"),
        ("", None, "no equations", None),
        ("x = " + "[" * 5_000, None, "nesting", None),
        ("x = " + "9" * 5_000, None, "number", None),
        (".".join("a" * 30) + " = 1", 1, "dots", None),
        ("#" * 500_001, None, "longer than", None),
    ],
)
def test_errors_in_files(text, line, problem, hint):
    error = refusal(text)
    assert problem in error.problem
    assert error.line == line
    assert hint is None or hint in error.hint


def test_unreadable_files(tmp_path):
    for name in ("absent.toml", tmp_path, "a\0b", "x" * 5_000):
        with pytest.raises(SpecError):
            load(name)
    latin = tmp_path / "latin.toml"
    latin.write_bytes("name = 'é'".encode("latin-1"))
    with pytest.raises(SpecError, match="UTF-8"):
        load(latin)


# -- [train] ------------------------------------------------------------------------------------------------


def train(table: str, **options) -> TrainOptions:
    text = f'[inputs]\nx = 4\ny = 4\n[equations]\nz = "x"\nE = "dot(z, y)"\n[train]\n{table}\n'
    result = loads(text, **options).train
    assert result is not None
    return result


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
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


# -- any text -----------------------------------------------------------------------------------------------


def _toml(value) -> str:
    return str(value).replace("'", "").replace("True", "true").replace("False", "false")


TEXTS = ['"x"', '"W*x"', '"x[i]"', '"label"']
TABLES = ["[inputs]", "[parameters]", "[equations]", "[options]", "[train]", "[check]"]
KEYS = st.sampled_from(["x", "W", "z[i]", "a b", "E", "sigmoid", "dtype", "data", "", "é", "z[i:3]", "name"])
VALUES = st.recursive(
    st.one_of(st.integers(), st.floats(), st.booleans(), st.sampled_from(TEXTS)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
LINES = st.one_of(st.sampled_from(TABLES), st.builds('"{}" = {}'.format, KEYS, VALUES.map(_toml)))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(LINES, max_size=8).map("\n".join)))
def test_any_text_gives_a_model_or_a_spec_error(text):
    with contextlib.suppress(SpecError):
        loads(text)
