"""The command line: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from symbp.cli import app
from symbp.spec import load

SPEC = """
name = "small"
loss = "E"

[inputs]
x = 3
y = 2

[parameters]
W1 = [4, 3]
b1 = 4
W2 = [2, 4]

[equations]
a1 = "sigmoid(W1*x + b1)"
z2 = "W2*a1"
E = "squared_error(z2, y)"
"""

TRAINED = """
name = "blobs"
[inputs]
x = 2
y = "label"
[parameters]
W = [3, 2]
b = 3
[equations]
z = "W*x + b"
E = "softmax_cross_entropy(z, y)"
[train]
data = { npz = "blobs.npz" }
optimizer = "adam"
epochs = 30
rate = 0.1
accuracy = 0.9
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "small.toml").write_text(SPEC)
    (folder / "blobs.toml").write_text(TRAINED)
    random = np.random.default_rng(0)
    y = np.arange(120) % 3
    x = random.normal(scale=0.3, size=(120, 2)) + np.array([[0, 0], [2, 0], [0, 2]])[y]
    np.savez(folder / "blobs.npz", x=x, y=y)
    return folder


def call(*args, code=0):
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_run(folder):
    output = call("run", folder / "small.toml").output
    assert "delta1 = (W2.T*" in output
    assert "dE/dW1 = delta1*x.T" in output
    for word in ("derived", "checked", "value_and_grad", "GFLOP/s"):
        assert word in output


def test_run_trains_on_a_file(folder):
    output = call("run", folder / "blobs.toml").output
    assert "trained" in output
    assert "test samples" in output


def test_run_fails_where_the_accuracy_is_not_reached(folder):
    text = TRAINED.replace("epochs = 30", "epochs = 1").replace("rate = 0.1", "rate = 1e-9")
    (folder / "bad.toml").write_text(text.replace("accuracy = 0.9", "accuracy = 1.0"))
    assert "accuracy" in call("run", folder / "bad.toml", code=1).stderr


def test_inspect(folder):
    text = call("inspect", folder / "small.toml").stdout
    assert "Forward" in text
    assert "Backward" in text
    latex = call("inspect", folder / "small.toml", "--latex").stdout
    assert r"\frac{\partial E}{\partial W^{(1)}} &= \delta^{(1)} \, x^{T}" in latex
    assert "njit" in call("inspect", folder / "small.toml", "--source").stdout
    for part in ("Rewrites", "a1 ⊙ (1 - a1)", "Cost", "backward/forward", "differentiate"):
        assert part in text


def test_inspect_steps(folder):
    text = call("inspect", folder / "small.toml", "--steps").stdout
    assert "reuse of the output\n  in        a1 = 1/(1 + exp(-z1))\n  before    exp(-z1)/(1" in text
    assert "Forward" not in text


def test_inspect_writes_a_page(folder):
    target = folder / "net.html"
    assert "bytes" in call("inspect", folder / "small.toml", "--html", target).stdout
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<title>small</title>" in text
    error = call("inspect", folder / "small.toml", "--html", folder / "no" / "net.html", code=1).stderr
    assert "cannot be written" in error


def test_parts_of_inspect_are_shown_together(folder):
    spec, target, drawing = folder / "small.toml", folder / "both.html", folder / "both.svg"
    parts = {o: call("inspect", spec, o).stdout for o in ("--latex", "--steps", "--source")}
    output = call("inspect", spec, *parts, "--cost", "--html", target, "--circuit", drawing).stdout
    for text in parts.values():
        assert text.strip() in output
    assert output.index("align*") < output.index("saves") < output.index("Cost\n") < output.index("njit")
    assert target.is_file()
    assert drawing.is_file()
    costs = call("inspect", spec, "--cost").stdout
    assert costs.startswith("Cost\nper sample")
    assert "Forward" not in costs


@pytest.mark.parametrize("model", ["small", "blobs"])
def test_inspect_draws_the_circuit(folder, model):
    target = folder / f"{model}.svg"
    output = call("inspect", folder / f"{model}.toml", "--circuit", target).output
    assert "gates" in output
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<svg ")
    assert "W1*x + b1" in text or "W*x + b" in text
    assert "gradient of E below" in text
    assert (
        "written"
        in call("inspect", folder / "small.toml", "--circuit", folder / "no" / "c.svg", code=1).stderr
    )
    assert "saved as" in call("inspect", folder / "small.toml", "--circuit", folder / "c.gif", code=1).stderr


@pytest.mark.parametrize("name", ["digits", "index_notation", "scalar"])
def test_inspect_each_kind_of_notation(name):
    file = Path(__file__).parent / "spec" / "data" / f"{name}.toml"
    loss = load(file).loss
    assert f"d{loss}/d" in call("inspect", file).stdout
    assert rf"\frac{{\partial {loss}}}" in call("inspect", file, "--latex").stdout
    assert "def value_and_grad" in call("inspect", file, "--source").stdout


def test_inspect_compiles_nothing(folder, monkeypatch):
    monkeypatch.setattr("symbp.compile", lambda *_, **__: pytest.fail("compiled"))
    for option in ([], ["--latex"], ["--source"]):
        call("inspect", folder / "small.toml", *option)


def test_compile_writes_a_module_that_needs_numba_and_numpy_only(folder):
    target = folder / "net.py"
    call("compile", folder / "small.toml", "-o", target)
    program = (
        "import sys, numpy as np\n"
        "sys.modules.update(symbp=None, sympy=None)\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        "import net\n"
        "theta = np.linspace(-1, 1, 24)\n"
        "x, y = np.ones((5, 3)), np.zeros((5, 2))\n"
        "loss, gradient = net.value_and_grad(theta, x, y)\n"
        "assert gradient.shape == (24,)\n"
        "step = 1e-6 * gradient\n"
        "up, down = net.value_and_grad(theta + step, x, y)[0], net.value_and_grad(theta - step, x, y)[0]\n"
        "assert abs((up - down) / 2e-6 / (gradient @ gradient) - 1) < 1e-6\n"
        "assert len(net.forward(theta, x, y)) == 3\n"
        "print('fine')\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert run.stdout.strip() == "fine", run.stderr


def test_compile_says_how_to_call(folder):
    output = call("compile", folder / "small.toml", "-o", folder / "small.py", "--dtype", "float32").stdout
    assert "value_and_grad(theta, x, y) -> mean E, gradient" in output
    assert "x      (N, 3) float32" in output


def test_compile_does_what_options_say(folder):
    (folder / "sum.toml").write_text(SPEC + "[options]\ndtype = 'float32'\nreduction = 'sum'\n")
    output = call("compile", folder / "sum.toml", "-o", folder / "sum.py").stdout
    assert "-> sum E, gradient" in output
    assert "x      (N, 3) float32" in output
    double = call("compile", folder / "sum.toml", "-o", folder / "sum.py", "--dtype", "float64").stdout
    assert "x      (N, 3) float64" in double


def test_compile_a_forward_that_needs_no_target(folder):
    output = call("compile", folder / "small.toml", "-o", folder / "z2.py", "--forward", "z2").stdout
    assert "forward(theta, x) -> z2" in output
    unknown = call("compile", folder / "small.toml", "-o", folder / "z3.py", "--forward", "z3", code=1)
    assert "a1, z2, E" in unknown.stderr
    assert not (folder / "z3.py").exists()


@pytest.mark.parametrize("name", ["small.toml", "net", "my-net.py", "2.py", "."])
def test_compile_writes_importable_modules_only(folder, name):
    before = (folder / "small.toml").read_text()
    call("compile", folder / "small.toml", "-o", folder / name, code=2)
    assert (folder / "small.toml").read_text() == before


def test_compile_to_a_place_that_is_none(folder):
    error = call("compile", folder / "small.toml", "-o", folder / "no" / "net.py", code=1).stderr
    assert "cannot be written" in error


def checked(folder, table: str, *options) -> str:
    (folder / "checked.toml").write_text(f"{SPEC}\n[check]\n{table}\n")
    return call("check", folder / "checked.toml", *options).stdout


def column(output: str, name: str) -> list[str]:
    """A column of the report, by the name at its head."""
    head, *rows = [line for line in output.splitlines() if line.startswith("  ")]
    end = head.index(name) + len(name)
    return [row[:end].split()[-1] for row in rows[:2]]


def test_check(folder):
    output = checked(folder, "")
    assert "passed" in output
    assert column(output, "checked") == ["24", "24"]


def test_check_along_directions(folder):
    assert column(checked(folder, "directions = 5"), "checked") == ["5", "5"]
    assert column(checked(folder, "directions = 5", "--directions", "3"), "checked") == ["3", "3"]
    assert "24 entries, 5 directions: complex step" in call("run", folder / "checked.toml").stdout


@pytest.mark.parametrize("option", ["samples", "seed"])
def test_check_at_another_point(folder, option):
    plain = checked(folder, f"{option} = 8")
    assert checked(folder, f"{option} = 8") == plain
    other = checked(folder, f"{option} = 3")
    assert other != plain
    assert checked(folder, f"{option} = 8", f"--{option}", "3") == other


def test_check_draws_from_the_training_data(folder):
    blobs = folder / "blobs.toml"
    outputs = {call("check", blobs, *more).stdout for more in ([], ["--seed", "1"], ["--samples", "2"])}
    assert len(outputs) == 3


def test_check_to_another_tolerance(folder):
    assert column(checked(folder, "tolerance = 1e-2"), "allowed") == ["1e-02", "1e-02"]
    assert column(checked(folder, "tolerance = 1e-8"), "allowed") == ["1e-08", "1e-06"]
    (folder / "strict.toml").write_text(SPEC + "[check]\ntolerance = 1e-30\n")
    failed = call("check", folder / "strict.toml", code=1)
    assert "FAILED" in failed.stdout
    assert "GradientError" in failed.stderr
    assert "GradientError" in call("run", folder / "strict.toml", code=1).stderr


def test_check_fails_where_nothing_can_be_compared(folder):
    (folder / "nan.toml").write_text(
        "[inputs]\nx = []\n[parameters]\na = []\n[equations]\nE = 'a*log(x - 2)'\n"
    )
    assert "nothing could be compared" in call("check", folder / "nan.toml", code=1).stderr


def test_bench(folder):
    output = call("bench", folder / "small.toml", "--batch", "4").output
    assert "value_and_grad" in output
    assert "GFLOP/s" in output
    assert "derived" in output


def test_bench_without_inputs_has_no_batches(folder):
    (folder / "plain.toml").write_text("[parameters]\na = []\n[equations]\nE = 'a**2'\n")
    assert call("bench", folder / "plain.toml", "--batch", "4").output.count("value_and_grad") == 1


def test_float32(folder):
    assert "float32" in call("run", folder / "small.toml", "--dtype", "float32").output


def test_errors_are_messages(folder):
    missing = call("run", folder / "none.toml", code=1)
    assert "there is no file" in missing.stderr
    assert "Traceback" not in missing.output
    (folder / "broken.toml").write_text(SPEC.replace("W1*x + b1", "W1*x + [red]b1"))
    assert "SpecError" in call("inspect", folder / "broken.toml", code=1).stderr
    (folder / "shape.toml").write_text(SPEC.replace("W1 = [4, 3]", "W1 = [4, 5]"))
    assert "4x5" in call("check", folder / "shape.toml", code=1).stderr


@pytest.mark.parametrize("command", ["run", "inspect", "check", "bench", "compile"])
def test_errors_of_later_stages_have_a_place(folder, command):
    (folder / "late.toml").write_text("[parameters]\nw = []\n[equations]\nq = '2*w'\nE = 'q*digamma(-1)'\n")
    output = ["-o", folder / "late.py"] if command == "compile" else []
    stderr = call(command, folder / "late.toml", *output, code=1).stderr
    assert "line 5, column 6: " in stderr
    assert "q*digamma(-1)" in stderr


def test_too_large_a_model_is_a_message(folder, monkeypatch):
    def no_room(*_args, **_named):
        raise MemoryError("64 GiB")

    monkeypatch.setattr("symbp.compile", no_room)
    assert "more memory than there is: 64 GiB" in call("run", folder / "small.toml", code=1).stderr


@pytest.mark.parametrize(
    "args",
    [
        ["run"],
        ["fly"],
        ["run", "a", "b"],
        ["run", "a.toml", "--dtype", "int8"],
        ["compile", "a.toml"],
        ["compile", "a.toml", "-o", "class.py"],
        ["check", "a.toml", "--directions", "0"],
        ["bench", "a.toml", "--batch", "0"],
    ],
)
def test_wrong_usage_ends_with_2(args):
    call(*args, code=2)


@pytest.mark.parametrize("command", ["run", "inspect", "compile", "check", "bench"])
def test_help(command):
    assert "SPEC" in call(command, "--help").output
    assert command in call("--help").output


def test_narrow_terminals(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    output = call("run", folder / "small.toml").output
    assert "\x1b" not in output
    assert "dE/dW1 = delta1*x.T" in output


def test_the_module_can_be_run():
    run = subprocess.run(
        [sys.executable, "-m", "symbp", "--help"], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0
    assert "inspect" in run.stdout
    assert importlib.util.find_spec("symbp.__main__")


def test_help_does_not_load_the_compiler():
    program = "import sys, symbp.cli; print(sorted({'numba', 'scipy', 'symbp.pipeline'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_bench_against_libraries(folder):
    output = call("bench", folder / "small.toml", "--batch", "2", "--vs", "numpy").stdout
    rows = [line.split()[0] for line in output.split("÷ symbp")[1].splitlines() if line.split()]
    assert {"symbp", "numpy"} <= set(rows)
    unknown = call("bench", folder / "small.toml", "--vs", "numpy,tensorflow", code=2)
    assert "none of numpy" in unknown.stderr
    assert not unknown.stdout  # refused before anything is timed
