"""Model files: what they give, and where their errors point."""

import contextlib
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symbp import nn
from symbp.errors import GradientError, NetworkError, SpecError, UnsupportedError
from symbp.spec import CheckOptions, DataSource, Options, TrainOptions, load, loads
from symbp.spec.toml_limits import MAX_FILE
from tests.spec.reading import file_refusal

DATA = Path(__file__).parent / "data"


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


def test_names_may_be_any_identifier():
    spec = loads('[parameters]\n"λ" = []\nI = []\nS = []\n__x__ = []\n[equations]\nE = "λ*I + S*__x__"\n')
    assert spec.equations[0].eq.rhs.free_symbols == {nn.scalar(name) for name in ("λ", "I", "S", "__x__")}


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("nam = 'a'\n", "unknown key 'nam' at the top of the file", "did you mean 'name'?"),
        ("optoins.dtype = 'float32'\n", "unknown key 'optoins'", "did you mean 'options'?"),
        ("[compile]\nthreads = 2\n", "unknown key 'compile'", "equations, options, check, train"),
        ("name = 3\n", "name is no text of 1 to 200", None),
        ("name = ''\n", "name is no text of 1 to 200", None),
        ('name = "a\\tb"\n', "name is no text of 1 to 200", None),
        (f"name = '{'a' * 201}'\n", "name is no text of 1 to 200", None),
    ],
)
def test_errors_at_the_top(text, problem, hint):
    error = file_refusal(f"{text}[equations]\nE = '1'\n")
    assert problem in error.problem
    assert error.line == 1
    assert hint is None or hint in error.hint


def test_names_of_models(tmp_path):
    assert loads(f"name = '{'a' * 200}'\n[equations]\nE = '1'\n").name == "a" * 200
    assert loads("name = 'a'\n[equations]\nE = '1'\n").name == "a"
    assert loads("[equations]\nE = '1'\n").name == "model"
    (tmp_path / "file.toml").write_text("[equations]\nE = '1'\n")
    assert load(tmp_path / "file.toml").name == "file"


def test_unreadable_files(tmp_path):
    for name in ("absent.toml", tmp_path, "a\0b", "x" * 5_000):
        with pytest.raises(SpecError):
            load(name)
    latin = tmp_path / "latin.toml"
    latin.write_bytes("name = 'é'".encode("latin-1"))
    with pytest.raises(SpecError, match="UTF-8"):
        load(latin)


def test_long_files_are_not_cut_but_refused(tmp_path):
    file = tmp_path / "long.toml"
    ending = "\n[equations]\nE = '1'\n"
    file.write_text("#" * (MAX_FILE - len(ending)) + ending)
    assert load(file).loss == "E"
    file.write_text("#" * (MAX_FILE - len(ending) + 1) + ending)
    with pytest.raises(SpecError, match="longer than 500,000"):
        load(file)


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


def test_errors_of_later_stages_are_located():
    spec = loads("[parameters]\nw = []\n[equations]\nq = '2*w'\nE = 'q*w'\n")
    found = spec.located(UnsupportedError("no", equation="E = q*w", hint="yes"))
    assert type(found) is UnsupportedError
    assert (found.problem, found.equation, found.hint) == ("line 5, column 6: no", "q*w", "yes")
    for other in (NetworkError("no"), NetworkError("no", equation="F = w"), GradientError("E = q*w")):
        assert spec.located(other) is other
