"""The command line: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from symbp.cli import app, duration, time_per_call

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
    assert r"\frac{\partial E}{\partial W_{1}} &= \delta^{(1)} \, {x}^{T}" in latex
    assert "njit" in call("inspect", folder / "small.toml", "--source").stdout


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


def test_compile_to_a_place_that_is_none(folder):
    error = call("compile", folder / "small.toml", "-o", folder / "no" / "net.py", code=1).stderr
    assert "cannot be written" in error


def test_check(folder):
    output = call("check", folder / "small.toml", "--samples", "3", "--seed", "5").output
    assert "complex step" in output
    assert "passed" in output


def test_bench(folder):
    output = call("bench", folder / "small.toml", "--batch", "4").output
    assert "value_and_grad" in output
    assert "GFLOP/s" in output


def test_float32(folder):
    assert "float32" in call("run", folder / "small.toml", "--dtype", "float32").output
    assert "dtype" in call("run", folder / "small.toml", "--dtype", "int8", code=1).stderr


def test_errors_are_messages(folder):
    missing = call("run", folder / "none.toml", code=1)
    assert "there is no file" in missing.stderr
    assert "Traceback" not in missing.output
    (folder / "broken.toml").write_text(SPEC.replace("W1*x + b1", "W1*x + [red]b1"))
    assert "SpecError" in call("inspect", folder / "broken.toml", code=1).stderr
    (folder / "shape.toml").write_text(SPEC.replace("W1 = [4, 3]", "W1 = [4, 5]"))
    assert "4x5" in call("check", folder / "shape.toml", code=1).stderr


@pytest.mark.parametrize(
    "args", [["run"], ["fly"], ["run", "a", "b"], ["compile", "a.toml"], ["bench", "--batch", "0"]]
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


def test_times():
    assert [duration(t) for t in (2.5, 0.0123, 4.56e-6, 7e-9)] == ["2.5 s", "12.3 ms", "4.56 µs", "7 ns"]
    assert 0 < time_per_call(lambda: None, budget=0.01) < 1e-3
