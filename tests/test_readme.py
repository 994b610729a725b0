"""What the README says is so: it is read as a user would, code block by code block."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from numba import njit
from typer.testing import CliRunner

import symbp as sb
from symbp.cli import app

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
PRINTING = re.findall(r"```python\n([^`]*?)```\n[^`]*```text\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = re.findall(r"^\| `symbp (\w+) .*$", TEXT, re.MULTILINE)
LINES = {c: re.search(rf"^\| `symbp {c} .*$", TEXT, re.MULTILINE)[0] for c in COMMANDS}


def run(program: str) -> str:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize(("program", "said"), PRINTING)
def test_programs_print_what_is_said(program, said):
    assert run(program) == said


def test_every_program_is_tested():
    assert len(PROGRAMS) == 6
    assert sum(program not in [p for p, _ in PRINTING] for program in PROGRAMS) == 1  # the one inside @njit


def test_the_first_model_is_trained_as_said():
    def as_said(model, X, Y):
        theta = model.init(seed=0)
        loss, gradient = model.value_and_grad(theta, x=X, y=Y)
        return theta, loss, gradient

    for call in ("theta = model.init(seed=0)", "loss, gradient = model.value_and_grad(theta, x=X, y=Y)"):
        assert f"`{call}`" in TEXT
    model = sb.compile(sb.mlp([64, 32, 10], activation="sigmoid", loss="softmax_cross_entropy"))
    theta, loss, gradient = as_said(model, np.ones((5, 64)), np.eye(10)[:5])
    assert theta.shape == gradient.shape == (64 * 32 + 32 + 32 * 10 + 10,)
    assert loss > 0


def test_a_gradient_inside_njit():
    (program,) = [p for p in PROGRAMS if "@njit" in p]
    x, w, y, E = sb.vector("x", 2), sb.vector("w", 2), sp.Symbol("y"), sp.Symbol("E")
    net = sb.Network([sp.Eq(E, sb.squared_error(sb.dot(w, x), y))], inputs=[x, y], parameters=[w], loss=E)
    names = {"model": sb.compile(net), "njit": njit}
    exec(textwrap.dedent(program), names)
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    theta = np.zeros(2)
    names["descend"](theta, X, X @ [2.0, -1.0], 0.5, 200)
    np.testing.assert_allclose(theta, [2.0, -1.0], atol=1e-6)


def test_a_bare_expression():
    assert "`f.value_and_grad(-2.0, 5.0, -4.0)` is `(-12.0, (-4.0, -4.0, 3.0))`" in TEXT
    x, y, z = sp.symbols("x y z")
    f = sb.compile((x + y) * z, wrt=[x, y, z])
    assert f.value_and_grad(-2.0, 5.0, -4.0) == (-12.0, (-4.0, -4.0, 3.0))


def test_the_quick_start_is_two_commands():
    block = TEXT.split("## Quick start", 1)[1].split("```bash\n", 1)[1].split("```", 1)[0]
    first, second = block.strip().splitlines()
    assert first.endswith("symbp run examples/digits.toml")
    assert second.endswith("python -m pytest")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_commands(command):
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    for option in {*re.findall(r"--[a-z]+", LINES[command]), "--dtype"}:
        assert option in shown
    for option in set(re.findall(r"--[a-z]+", shown)) - {"--help", "--output", "--dtype"}:
        assert option in LINES[command], f"{option} is not in the README"


def test_all_commands_are_listed():
    assert COMMANDS == ["run", "inspect", "compile", "check", "bench"]


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / target).exists()


def test_conventions():
    x, y = sp.symbols("x y")
    kinks = [(sb.relu(x), 0.0), (sb.leaky_relu(x, 0.25), 0.25), (sp.Abs(x), 0.0)]
    for expression, slope in kinks:
        assert sb.compile(expression).value_and_grad(0.0)[1] == (slope,)
    assert sb.compile(sp.Max(x, y)).value_and_grad(1.0, 1.0)[1] == (1.0, 0.0)
    assert sp.Max(sp.Rational(1, 10) * x, x).args == (x, x / 10) or sp.Max(0.1 * x, x).args == (x, 0.1 * x)
    value, (slope,) = sb.compile(sp.Piecewise((x, x > 0))).value_and_grad(-1.0)
    assert np.isnan(value)
    assert np.isnan(slope)
