"""Every example runs, finds its own numbers, and saves its plot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(p for p in FOLDER.glob("*.py") if p.name != "account.py")


def run(*args: object) -> str:
    # An installed symbp or the one beside the tests: the examples run from any place.
    path = os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, *map(str, args)]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_all_are_here():
    assert len(SCRIPTS) == 11
    assert (FOLDER / "digits.toml").exists()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_example(script):
    plot = FOLDER / "output" / f"{script.stem}.png"
    plot.unlink(missing_ok=True)
    assert len(run(script).splitlines()) > 5
    assert plot.stat().st_size > 5000


@pytest.mark.parametrize("name", ["03_chain_rule", "04_sigmoid_neuron"])
def test_circuits_are_drawn(name):
    pictures = [FOLDER / "output" / f"{name}_circuit.{ending}" for ending in ("svg", "png")]
    for picture in pictures:
        picture.unlink(missing_ok=True)
    assert "├" in run(FOLDER / f"{name}.py")
    for picture in pictures:
        assert picture.stat().st_size > 3000


def test_digits():
    output = run("-m", "symbp", "run", FOLDER / "digits.toml")
    for word in ("delta1*x.T", "derived", "checked", "trained", "test samples"):
        assert word in output
